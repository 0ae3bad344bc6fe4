"""Figures for papers: all are written, as both kinds, whatever the text holds."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from full_fixture import full_findings, odd_findings
from report_fixture import sample_findings

from charlstm.errors import UsageError
from charlstm.report.figures import write_figures


def test_every_cell_gate_and_gradient_is_drawn_twice(tmp_path: Path):
    written = write_figures(full_findings(), tmp_path / "new" / "figures")
    names = {path.stem for path in written}
    assert {
        "cell-0-194-inside_double_quotes",
        "cell-0-7-characters_since_newline",
        "gates-layer-0",
        "gradient",
    } <= names
    assert {path.suffix for path in written} == {".png", ".svg"}
    assert len(written) == 2 * len(names)
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_numbers_are_in_the_figure(tmp_path: Path):
    write_figures(full_findings(), tmp_path)
    drawn = (tmp_path / "cell-0-194-inside_double_quotes.svg").read_text(encoding="utf-8")
    assert "effect -1.79 nats" in drawn or "effect \u22121.79 nats" in drawn
    assert "set (1,234)" in drawn


def test_findings_without_portraits_make_fewer_figures(tmp_path: Path):
    findings = sample_findings()
    findings["gates"], findings["excerpts"] = {}, []
    assert write_figures(findings, tmp_path) == []


def test_odd_text_is_drawn(tmp_path: Path):
    findings = odd_findings(200)
    findings["excerpts"][0]["text"] = ("$x_{$\U0001f680" * 50)[:200]
    assert write_figures(findings, tmp_path)


def test_a_folder_that_cannot_be_written_is_a_usage_problem(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        write_figures(full_findings(), tmp_path / "file")
