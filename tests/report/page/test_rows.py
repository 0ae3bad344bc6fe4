"""Findings as lines of the table: their order, drivers, histogram and sentences."""

from typing import Any

import pytest
from full_fixture import full_findings
from proven_fixture import proven_findings
from report_fixture import finding

from charlstm.report.page.rows import best_per_feature, drivers, histogram, row
from charlstm.report.words.detection_numbers import rank_score


def line(number: int, feature: str, score: float, verdict: str | None = None) -> Any:
    return row(finding(number, "toggle", feature, {}, score) | {"verdict": verdict}, None)


def test_a_line_has_the_numbers_of_its_finding():
    found = full_findings()["findings"][0]
    shown = row(found, 0.01)

    assert (shown.cell, shown.kind, shown.feature) == ("0:194", "toggle", "inside double quotes")
    assert (shown.held_out_score, shown.null_max, shown.p_value) == (0.88, 0.21, 0.01)
    assert (shown.effect_nats, shown.verdict, shown.polarity) == (-1.79, "verified", 1)


def test_a_line_has_the_effect_and_the_share_with_their_intervals():
    lines = {line.cell: line for line in (row(one, None) for one in proven_findings()["findings"])}

    assert lines["0:1"].effect_told == "−1.79 nats (−1.90 to −1.36), at 95%"
    assert (lines["0:1"].carries, lines["0:1"].carries_told) == ("50%", "50% (49 to 50%)")
    assert lines["0:1"].carries_share == pytest.approx(0.4989)
    unknown = row(proven_findings()["findings"][0] | {"grade": None}, None)
    assert (unknown.carries, unknown.carries_share) == ("?", None)
    assert "not known" in unknown.carries_told
    assert row(full_findings()["findings"][0], None).carries == ""


def test_the_p_value_is_that_of_the_verdict():
    found = finding(1, "toggle", "column", {}, 0.5)
    assert row(found, None).p_value is None
    assert row(found | {"causal": {"p_value": 0.25}}, None).p_value == 0.25


def test_a_held_out_score_stands_beside_chance_on_the_same_text():
    found = finding(1, "toggle", "column", {}, 0.5)
    found["detection"] |= {"null_max": 0.4, "held_out_null_max": 0.2}
    assert row(found, None).null_max == 0.2
    del found["detection"]["held_out_null_max"]
    assert row(found, None).null_max == 0.4


def test_a_line_needs_no_more_than_the_name_of_its_finding():
    shown = row({"layer": 1, "cell": 2, "kind": "toggle", "feature": "inside_comment"}, None)

    assert (shown.cell, shown.held_out_score, shown.effect_nats, shown.verdict) == ("1:2", None, None, "")
    assert shown.drivers == shown.histogram == ()


def test_lines_sort_by_layer_then_by_cell():
    def order(layer: int, cell: int) -> int:
        return row(finding(cell, "toggle", "column", {}, 0.5) | {"layer": layer}, None).order

    assert order(0, 9) < order(0, 999_999) < order(1, 0) < order(1, 10)


def test_the_drivers_of_each_kind_have_their_roles():
    counter = finding(1, "counter", "column", {"step": ["*"], "reset": ["*", "\n"]}, 0.5)
    depth = finding(1, "depth_counter", "nesting_depth", {"step": ["("], "unstep": [")"]}, 0.5)
    other = finding(1, "counter", "column", {"step": [], "later_role": ["a"]}, 0.5)

    assert [(driver.role, driver.symbols) for driver in drivers(counter)] == [
        ("steps at", ("any character",)),
        ("reset by", ("*", "↵")),
    ]
    assert [driver.role for driver in drivers(depth)] == ["up at", "down at"]
    assert [driver.role for driver in drivers(other)] == ["later role"]


def test_the_fullest_bin_of_a_histogram_is_the_highest_bar():
    portrait = {"histogram": {"off": [4, 0, 0, 0], "on": [0, 0, 1, 12]}}
    bars = list(histogram(portrait, 1))

    assert [bar.x for bar in bars] == [0, 1, 2, 3]
    assert [bar.level for bar in bars] == [-75, -25, 25, 75]
    assert [bar.level for bar in histogram(portrait, -1)] == [75, 25, -25, -75]
    assert [bar.height for bar in bars] == pytest.approx([(4 / 12) ** 0.5, 0, (1 / 12) ** 0.5, 1], abs=1e-3)
    assert list(histogram({}, 1)) == []


def test_a_finding_without_a_score_ranks_last():
    found = [finding(cell, "toggle", "column", {}, score) for cell, score in enumerate((0.2, 0.9))]
    found.append(finding(2, "toggle", "column", {}, float("nan")))

    assert [one["cell"] for one in sorted(found, key=rank_score, reverse=True)] == [1, 0, 2]


def test_the_summary_has_the_first_cell_of_each_feature_and_verified_ones_before_others():
    rows = [line(0, "a", 0.9), line(1, "b", 0.8), line(2, "a", 0.7), line(3, "c", 0.6, "verified")]

    assert [one.cell for one in best_per_feature(rows)] == ["0:3", "0:0", "0:1"]
    assert len(best_per_feature(line(cell, f"feature {cell}", 0.5) for cell in range(9))) == 5


def test_the_script_gets_every_sentence_with_its_characters_marked():
    sentences = row(full_findings()["findings"][0], 0.01).sentences

    assert ["".join(text for text, _ in sentence)[:25] for sentence in sentences] == [
        "It marks text inside doub",
        "When the cell is forced o",
        "Its score on held-out tex",
        "It steps at the same char",
        "The feature that fits nex",
        "Verified. ",
    ]
    assert ['"', True] in sentences[0]
    assert row({"layer": 0, "cell": 1, "kind": "toggle", "feature": "a"}, None).sentences == [
        [["It ", False], ["follows ", False], ["the feature a", False], [".", False]],
        [
            ["Not tested. ", False],
            ["No experiment changed this cell, so whether the model uses it is open.", False],
        ],
    ]
