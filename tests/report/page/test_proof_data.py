"""Evidence and circuits as the page gets them: the findings' own numbers, and nothing without them."""

from proven_fixture import proven_findings

from charlstm.report.page.proof_data import circuit_data, circuits, curves, estimate, evidence
from charlstm.report.words.phrases import sentence_text


def test_evidence_has_every_test_with_its_interval():
    found = proven_findings()["findings"][1]["evidence"]
    drawn = evidence(found)

    assert drawn is not None
    assert [one["nats"] for one in drawn["necessity"]] == [
        found["necessity"][name]["nats"] for name in ("resample", "conditional_mean")
    ]
    assert [one["lag"] for one in drawn["by_lag"]] == [1, 4, 12, 24]
    assert drawn["restoration"] == found["sufficiency"]["restoration"]
    assert drawn["interchange"]["share"] == found["interchange"]["share"]
    assert drawn["own"] == found["specificity"]["own"]
    assert drawn["others"][0]["target"] == found["specificity"]["behaviours"][0]["target"]
    assert (drawn["rank"]["rank"], drawn["rank"]["cells"]) == (1, 160)
    assert drawn["limit"] == found["limit_nats"]


def test_evidence_may_be_missing_whole_and_in_parts():
    assert evidence({}) is None
    bare = evidence({"limit_nats": 0.1})
    assert bare is not None
    assert bare["necessity"] == bare["by_lag"] == bare["others"] == []
    assert bare["restoration"] is bare["own"] is bare["interchange"]["share"] is None


def test_an_estimate_keeps_what_is_known_of_it():
    assert estimate({"value": 1.5, "low": None, "high": 2}) == {"value": 1.5, "low": None, "high": 2.0}
    assert estimate(-0.5) == {"value": -0.5, "low": None, "high": None}
    assert estimate({"low": 1.0}) is estimate(None) is None


def test_circuits_are_told_and_drawn():
    told, drawn = circuits(proven_findings()), circuit_data(proven_findings())

    assert len(told.sentences) == len(drawn["behaviours"]) == 3
    assert told.drawn == (True, False, False)
    (unexpected,) = told.unexpected
    assert (unexpected.cell, unexpected.rank, unexpected.effect) == (
        "0:41",
        "2 of 160",
        "−0.31 nats (−0.42 to −0.22)",
    )
    assert sentence_text(unexpected.target) == '"'
    assert [curve["order"] for curve in drawn["behaviours"][0]["curves"]][:2] == ["effect", "attribution"]
    assert drawn["edges"][0]["to"] == "0:0:input"
    assert drawn["edges"][0]["of"] == -4.3


def test_without_circuits_nothing_is_told():
    told = circuits({})
    assert (told.sentences, told.unexpected, told.more) == ((), (), 0)
    assert circuit_data({}) == {"behaviours": [], "edges": []}
    assert curves({"curves": [{"order": "effect", "keep": [], "remove": []}]}) == []


def test_a_long_list_of_unexpected_cells_is_cut():
    findings = proven_findings()
    findings["unexpected"] *= 130
    told = circuits(findings)
    assert (len(told.unexpected), told.more) == (100, 30)
