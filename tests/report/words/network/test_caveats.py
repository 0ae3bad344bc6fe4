"""The limits that the page names: each with the findings' own numbers, and only where these are known."""

import pytest
from report_fixture import hostile_findings, sample_findings

from charlstm.report.words.network.caveats import caveats


def test_the_limits_of_complete_findings():
    findings = sample_findings()
    findings["findings"][0]["verdict"], findings["findings"][1]["verdict"] = "verified", "redundant"
    findings["method"]["controls"] = {"untrained": {"findings": 0}, "gate_shuffled": {"findings": 1}}

    assert caveats(findings) == (
        "256 cells were compared with 3 features; what counts as a finding allows for all these comparisons.",
        "Scores are correlations on held-out text, on which nothing was chosen, with a switch or a depth as "
        "if it were on half of the time: the lowest here is 0.38, and chance reached 0.21. A cell with a "
        "score below 1 follows its feature in part only.",
        "The same search finds 0 cells in an untrained network and 1 cell in the inspected network with its "
        "gates shuffled.",
        "1 of 7 findings is verified by changing the cell, and 1 by changing it together with other cells; "
        "for the rest it is not shown that the model uses them.",
        "All of this was measured on 12,345,678 characters of stdlib; on other text the cells may do other "
        "things.",
    )


def test_what_the_controls_have_is_held_against_this_network_on_the_same_text():
    findings = sample_findings()
    controls = {"untrained": {"findings": 0}, "gate_shuffled": {"findings": 2}, "same_text": {"findings": 9}}
    findings["method"]["controls"] = controls
    assert any(
        told.endswith("with its gates shuffled, and 9 cells in this network on the text that they read.")
        for told in caveats(findings)
    )


def test_text_that_the_model_was_trained_on_is_not_called_held_out_without_a_word():
    findings = sample_findings()
    assert not any("trained on" in told for told in caveats(findings))
    findings["corpus"]["trained_on_characters"] = 90_000

    assert "The model was trained on 90,000 of these characters" in caveats(findings)[-1]


def test_undecided_findings_are_counted():
    findings = sample_findings()
    findings["findings"][0]["verdict"], findings["findings"][1]["verdict"] = "verified", "undecided"
    assert any("changing the cell; 1 finding is undecided; for the rest" in one for one in caveats(findings))


def test_without_findings_nothing_is_limited():
    assert caveats(sample_findings() | {"findings": []}) == ()


@pytest.mark.parametrize(
    ("part", "missing"),
    [("model", "were compared"), ("method", "The same search"), ("corpus", "All of this was measured")],
)
def test_a_limit_without_its_numbers_is_not_named(part: str, missing: str):
    findings = sample_findings()
    assert any(missing in caveat for caveat in caveats(findings))
    assert not any(missing in caveat for caveat in caveats(findings | {part: None}))


def test_verdicts_are_counted_only_where_cells_were_changed():
    assert not any("verified" in caveat for caveat in caveats(sample_findings()))


def test_the_name_of_a_text_cannot_turn_the_sentence_around():
    assert "\u202e" not in "".join(caveats(hostile_findings()))
