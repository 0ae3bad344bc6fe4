"""Two findings side by side: which facts of both are shown, and which findings cannot be compared."""

import pytest
from full_fixture import full_findings, untrained
from proven_fixture import proven_findings
from report_fixture import HOSTILE, sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.comparison import compare
from charlstm.report.render import render_comparison


def test_facts_of_both_models_stand_side_by_side():
    page = compare(full_findings(), untrained())
    lines = {line.name: (line.left, line.right) for line in page.lines}
    assert (page.left, page.right) == ("demo", "untrained")
    assert lines["bits per character"] == ("1.69", "–")
    assert lines["cells with a finding"] == ("7", "0")
    assert lines["verified"] == ("1", "0")


def test_each_feature_has_the_best_cell_of_both_models():
    other = full_findings()
    other["findings"] = other["findings"][1:]
    features = {line.name: (line.left, line.right) for line in compare(full_findings(), other).features}
    assert features["inside double quotes"] == ("0:194, 0.88, verified", "0:88, 0.71, not tested")
    assert next(iter(features)) == "inside double quotes"


def test_a_proven_cell_stands_with_its_effect_and_what_it_carries():
    page = compare(proven_findings(), proven_findings() | {"findings": []})
    features = {line.name: (line.left, line.right) for line in page.features}
    told = "0:2, 0.99, verified, −1.79 nats (−1.90 to −1.36), carries 50% (49 to 50%)"
    assert features["after left parenthesis until right parenthesis"] == (told, "–")
    assert {line.name: line.left for line in page.lines}["undecided"] == "1"


def test_findings_of_another_text_are_refused():
    other = sample_findings()
    other["excerpts"][0]["start"] += 1
    with pytest.raises(UsageError, match="do not show the same text"):
        compare(full_findings(), other)


def test_a_name_with_markup_opens_no_tag():
    other = untrained()
    other["model"]["checkpoint"] = HOSTILE
    page = render_comparison(full_findings(), other)
    assert "<img" not in page
    assert page.count("<script") == 2


def test_two_runs_of_one_name_are_told_apart_by_their_paths():
    other = full_findings()
    other["model"]["checkpoint"] = "elsewhere/demo"

    page = compare(full_findings(), other)

    assert (page.left, page.right) == ("checkpoints/demo", "elsewhere/demo")


def test_the_script_gets_both_texts_and_both_lists_of_cells():
    sides = compare(full_findings(), untrained()).data["sides"]

    assert [side["name"] for side in sides] == ["demo", "untrained"]
    assert [len(side["rows"]) for side in sides] == [7, 0]
    assert sides[0]["excerpt"]["text"] == sides[1]["excerpt"]["text"]
