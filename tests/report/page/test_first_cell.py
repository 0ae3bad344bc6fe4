"""The first screen shows the cell that is plainest, in the lines where its feature goes on and off most."""

import math
from typing import Any

import pytest
from full_fixture import full_findings, with_examples
from report_fixture import sample_findings

from charlstm.report.page.first_cell import FirstCell, first_cell, threshold, window
from charlstm.report.page.view import view
from charlstm.report.words.detection_numbers import rank_score


def first_of(findings: dict[str, Any]) -> FirstCell | None:
    page = view(findings)
    found = sorted(findings["findings"], key=rank_score, reverse=True)
    return first_cell(page.rows, page.data, found)


def with_verdicts(**verdicts: tuple[str, float]) -> dict[str, Any]:
    """Return the sample findings with verdicts and effects in nats by the cell's number, as c194=(...)."""
    findings = sample_findings()
    for finding in findings["findings"]:
        verdict, nats = verdicts.get(f"c{finding['cell']}", ("undecided", 0.0))
        finding |= {"verdict": verdict, "causal": {"effect_nats": nats, "target": '"'}}
    return findings


def test_a_verified_cell_comes_before_one_with_a_better_score():
    first = first_of(with_verdicts(c88=("verified", -0.5)))

    assert first is not None
    assert first.row.cell == "0:88"


def test_of_the_verified_cells_that_follow_plainly_the_one_with_the_largest_effect_comes_first():
    first = first_of(with_verdicts(c194=("verified", -0.5), c31=("verified", -2.0), c88=("verified", -9.0)))

    assert first is not None
    assert first.row.cell == "0:31"


def test_without_a_verified_cell_the_best_there_is_comes_first_and_a_cell_without_values_never():
    findings = with_verdicts(c120=("verified", -3.0), c7=("redundant", -0.1))
    first = first_of(findings)

    assert first is not None
    # Cell 0:120 has no values along any text.
    assert (first.row.cell, first.row.verdict) == ("0:7", "redundant")


def test_no_cell_is_first_where_none_was_found():
    assert first_of(sample_findings() | {"findings": []}) is None
    assert first_of(sample_findings() | {"excerpts": []}) is None


def test_the_text_of_the_first_screen_is_from_the_cells_own_excerpt():
    findings = with_examples(full_findings())
    first = first_of(findings)

    assert first is not None
    assert first.excerpt == 1
    assert findings["findings"][0]["examples"]["excerpt"]["text"][first.start : first.stop] == first.text


def test_the_window_has_the_lines_in_which_the_feature_changes_most():
    text = "".join(f"line {number}\n" for number in range(20))
    feature = [int(70 <= place < 100 and place % 2) for place in range(len(text))]
    begin, end = window(text, feature)

    assert begin <= 70
    assert text[begin - 1 : begin] in ("", "\n")
    assert text[begin:end].count("\n") == 4
    assert not text[begin:end].endswith("\n")
    assert end >= 100


def test_lines_in_which_the_cell_is_not_where_its_feature_is_come_later():
    text = "".join(f"line {number}\n" for number in range(40))
    feature = [int((20 <= place < 40 or 200 <= place < 220) and place % 2) for place in range(len(text))]
    assert window(text, feature)[0] <= 20
    differs = [place == 30 for place in range(len(text))]
    assert window(text, feature, differing=differs)[0] > 30


def test_the_window_of_a_text_without_lines_is_its_beginning():
    assert window("x" * 1_000, []) == (0, 330)
    assert window("", []) == (0, 0)


def test_a_cell_whose_feature_never_comes_in_its_text_is_not_first_where_another_ones_does():
    findings = with_verdicts(c194=("verified", -2.0), c31=("verified", -0.5))
    by_cell = {finding["cell"]: finding["feature"] for finding in findings["findings"]}
    assert by_cell[194] != by_cell[31]
    features = findings["excerpts"][0]["features"]
    assert first_of(findings).row.cell == "0:194"
    for still in (0, 1):
        features[by_cell[194]] = [still] * len(features[by_cell[194]])
        assert first_of(findings).row.cell == "0:31"
    for name, values in features.items():
        features[name] = [0] * len(values)
    assert first_of(findings).row.cell == "0:194", "where nothing is to be seen of any cell"


@pytest.mark.parametrize(
    ("own", "levels", "expected"),
    [
        (0.3, None, 0.3),
        (0.3, {"off": 0.0, "on": 0.8}, 0.3),
        (0.3, {"off": 0.8, "on": 0.0}, 0.3),
        (0.3, {"off": 0.05, "on": -0.75}, -0.35),
        (0.9, {"off": 0.0, "on": 0.8}, 0.4),
        (None, {"off": 0.2, "on": 1.0}, 0.6),
        (None, None, 0.0),
    ],
)
def test_a_threshold_lies_between_the_means_of_c_with_the_switch_off_and_on(own, levels, expected):
    """The histogram of a cell that is seldom on may not show its other level."""
    finding = {"detection": {"threshold": own, "levels": levels}}
    assert threshold(finding) == pytest.approx(math.tanh(expected), abs=1e-3)
