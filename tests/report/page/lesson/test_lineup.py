"""The lineup has one cell that the network uses, one that only follows the same feature, and others."""

from typing import Any

import pytest
from full_fixture import full_findings
from report_fixture import sample_findings

from charlstm.report.page.view import view


def judged(**verdicts: tuple[str, float]) -> dict[str, Any]:
    """Return findings with verdicts and effects in nats by the cell's number, as c194=("verified", -2.0).

    The others are undecided. Cell 0:5 is stored and follows nothing.
    """
    findings = full_findings()
    findings["behaviours"] = findings["unexpected"] = []
    for finding in findings["findings"]:
        verdict, nats = verdicts.get(f"c{finding['cell']}", ("undecided", 0.0))
        finding |= {"verdict": verdict, "causal": {"effect_nats": nats, "target": '"'}}
    return findings


def lineup_of(findings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the lineup with the names of the used and of the inert cell."""
    page = view(findings)
    lineup = page.data["lesson"]["lineup"]
    if lineup is None:
        return None
    names = {name: lineup[name] if lineup[name] is None else page.rows[lineup[name]].cell for name in ROLES}
    return lineup | names | {"names": [one["cell"] for one in lineup["cells"]]}


ROLES = ("used", "inert")


def test_the_used_cell_is_a_verified_switch_of_quotes_and_the_inert_one_follows_the_same():
    findings = judged(c194=("verified", -2.0), c120=("verified", -9.0), c88=("correlate", -0.02))
    lineup = lineup_of(findings)

    assert lineup
    assert (lineup["used"], lineup["inert"]) == ("0:194", "0:88")
    assert lineup["noun"] == "text inside double quotes"
    assert lineup["likelier"] == "7.4 times less likely"
    assert lineup["inert_likelier"] == "1.02 times less likely"
    assert {"0:194", "0:88", "0:31", "0:7", "0:120", "0:5"} == set(lineup["names"])
    assert (lineup["excerpt"], lineup["stop"], lineup["closers"]) == (0, 1_000, '"')


@pytest.mark.parametrize("verdict", ["correlate", "undecided", "redundant"])
def test_a_cell_that_matters_or_is_used_with_others_is_not_shown_as_inert(verdict: str):
    large = {"c88": (verdict, -1.0), "c240": (verdict, -0.9)}
    lineup = lineup_of(judged(c194=("verified", -2.0), **large))

    assert lineup
    assert lineup["inert"] is None
    assert lineup["inert_likelier"] == ""
    # Nothing else that follows the quotes is among the others: the used one would not be the only one.
    assert not {"0:88", "0:240"} & set(lineup["names"])


def test_a_cell_that_matters_where_it_is_changed_earlier_is_not_shown_as_inert():
    findings = judged(c194=("verified", -2.0), c88=("correlate", -0.02), c240=("verified", -9.0))
    assert (lineup_of(findings) or {})["inert"] == "0:88"
    early = {"lag": 24, "nats": {"value": -0.5, "low": -0.6, "high": -0.4}}
    (correlate,) = (one for one in findings["findings"] if one["cell"] == 88)
    correlate["evidence"] = {"limit_nats": 0.1, "necessity": {"lag": 4, "by_lag": [early]}}
    assert (lineup_of(findings) or {})["inert"] is None


def test_a_correlate_comes_before_an_undecided_cell():
    lineup = lineup_of(judged(c194=("verified", -2.0), c240=("correlate", -0.02)))

    assert lineup
    assert lineup["inert"] == "0:240"


def test_cells_that_are_known_to_matter_for_the_same_ends_are_left_out():
    findings = judged(c194=("verified", -2.0))
    findings["behaviours"] = [
        {"feature": "inside_double_quotes", "smallest_set": {"cells": ["0:194", "0:5"]}}
    ]
    effect = {
        "feature": "inside_double_quotes",
        "target": '"',
        "nats": {"value": -1.5, "low": -2, "high": -1},
    }
    depth = next(one for one in findings["findings"] if one["cell"] == 31)
    depth["evidence"] = {"specificity": {"behaviours": [effect]}}
    lineup = lineup_of(findings)

    assert lineup
    assert not {"0:5", "0:31"} & set(lineup["names"])


def test_it_says_what_each_cell_is_used_for():
    findings = judged(
        c194=("verified", -2.0), c88=("correlate", -0.02), c31=("verified", -0.1), c7=("redundant", -0.1)
    )
    for finding in findings["findings"]:
        finding["causal"]["target"] = {31: ")]", 7: "\n"}.get(finding["cell"], '"')
    who = {one["cell"]: one["who"] for one in (lineup_of(findings) or {})["cells"]}

    assert who["0:194"] == 'inside double quotes: used for the closing "'
    assert who["0:88"].endswith("follows it, but is hardly used")
    assert who["0:31"].endswith(": used elsewhere, for the closing ) or ]")
    assert who["0:7"].endswith(": used elsewhere, for the line break, together with other cells")
    assert who["0:5"] == "follows nothing that was looked for"


def test_the_order_is_drawn_by_lot_from_the_texts_fingerprint():
    findings = judged(c194=("verified", -2.0), c88=("correlate", -0.02))
    orders = set()
    for sha in "abcdefgh":
        findings["corpus"]["sha256"] = sha
        lineup, again = lineup_of(findings), lineup_of(findings)
        assert lineup == again
        orders.add(tuple(lineup["names"]) if lineup else ())

    assert len(orders) > 4


def test_without_a_verified_switch_or_enough_cells_or_a_text_there_is_no_lineup():
    verified = {"c194": ("verified", -2.0)}
    few = judged(**verified)
    few["findings"] = few["findings"][:2]
    few["excerpts"][0]["grid"] = None

    assert lineup_of(sample_findings()) is None
    assert lineup_of(judged(c31=("verified", -2.0), c7=("verified", -2.0))) is None
    assert lineup_of(few) is None
    assert lineup_of(judged(**verified) | {"excerpts": []}) is None
