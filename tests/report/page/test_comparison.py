"""Two findings side by side: what is told of both, and when they cannot be compared."""

import pytest
from full_fixture import full_findings, untrained
from report_fixture import HOSTILE, sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.comparison import compare
from charlstm.report.render import render_comparison


def test_models_stand_side_by_side():
    page = compare(full_findings(), untrained())
    lines = {line.name: (line.left, line.right) for line in page.lines}
    assert (page.left, page.right) == ("demo", "untrained")
    assert lines["bits per character"] == ("1.69", "–")
    assert lines["cells with a finding"] == ("7", "0")
    assert lines["verified"] == ("1", "0")


def test_each_feature_has_the_best_cell_of_both():
    other = full_findings()
    other["findings"] = other["findings"][1:]
    features = {line.name: (line.left, line.right) for line in compare(full_findings(), other).features}
    assert features["inside double quotes"] == ("0:194, 0.86, verified", "0:88, 0.71, not tested")
    assert next(iter(features)) == "inside double quotes"


def test_another_text_is_refused():
    other = sample_findings()
    other["excerpts"][0]["start"] += 1
    with pytest.raises(UsageError, match="do not show the same text"):
        compare(full_findings(), other)


def test_hostile_names_open_no_tag():
    other = untrained()
    other["model"]["checkpoint"] = HOSTILE
    page = render_comparison(full_findings(), other)
    assert "<img" not in page
    assert page.count("<script") == 2
