"""Figures for papers: every part of the findings has one, as both kinds of file, whatever the text holds."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from full_fixture import full_findings, odd_findings
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from proven_fixture import proven_findings
from report_fixture import sample_findings

from charlstm.errors import UsageError
from charlstm.report.figures import draw_along, drawings, safe, write_figures


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The figures of two cells with portraits, of the gates and of the gradient."""
    findings = full_findings()
    findings["findings"] = [findings["findings"][0], findings["findings"][2]]
    return write_figures(findings, tmp_path_factory.mktemp("run") / "new" / "figures")


def test_every_cell_every_gate_and_the_gradient_have_a_figure():
    names = [drawing.name for drawing in drawings(full_findings())]

    assert names[0] == "cell-0-194-inside_double_quotes"
    assert names[-2:] == ["gates-layer-0", "gradient"]
    assert {name for name in names if name.startswith("cell-")} == {
        "cell-0-194-inside_double_quotes",
        "cell-0-31-bracket_depth",
        "cell-0-7-characters_since_newline",
        "cell-0-88-inside_double_quotes",
        "cell-0-3-characters_since_newline",
        "cell-0-240-inside_double_quotes",
    }


def test_findings_of_a_training_have_a_figure_of_it():
    assert "over-time" in [drawing.name for drawing in drawings(proven_findings())]
    assert "over-time" not in [drawing.name for drawing in drawings(proven_findings(circuits=False))]


def test_the_figure_of_a_cell_has_a_row_for_its_text_and_one_for_three_panels():
    heights = {drawing.name: drawing.inches[1] for drawing in drawings(full_findings())}

    text_only = heights["cell-0-31-bracket_depth"]
    assert heights["cell-0-194-inside_double_quotes"] == pytest.approx(3 * text_only)


def test_each_figure_is_written_as_png_and_as_svg(written: list[Path]):
    assert len(written) == 2 * len({path.stem for path in written}) == 8
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_numbers_of_the_findings_are_in_the_figure(written: list[Path]):
    (path,) = [path for path in written if path.name == "cell-0-194-inside_double_quotes.svg"]
    drawn = path.read_text(encoding="utf-8")

    assert "effect -1.79 nats" in drawn or "effect \u22121.79 nats" in drawn
    assert "set (1,234)" in drawn
    assert "cell 0:194: toggle" in drawn


def test_the_figure_of_a_proven_cell_has_its_effect_with_the_interval(tmp_path: Path):
    findings = proven_findings()
    findings["findings"] = [one for one in findings["findings"] if one["cell"] == 1]
    paths = write_figures(findings, tmp_path)
    (path,) = [path for path in paths if path.suffix == ".svg" and path.stem.startswith("cell-0-1-")]
    assert "effect −1.79 nats (−1.90 to −1.36)" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("polarity", [1, -1])
def test_on_is_orange_whatever_the_sign_of_c(polarity: int):
    findings = sample_findings()
    excerpt = findings["excerpts"][0]
    on = excerpt["features"]["inside_double_quotes"]
    excerpt["cells"]["0:194"]["tanh_c"] = [polarity * (2 * value - 1) for value in on]
    axes = Figure().subplots()

    draw_along(axes, findings["findings"][0] | {"polarity": polarity}, excerpt)

    heights = {
        to_hex(area.get_facecolor()[0]): polarity * np.concatenate([one.vertices for one in area.get_paths()])
        for area in axes.collections
    }
    assert heights["#cf7a1c"][:, 1].min() >= 0 >= heights["#3f82e0"][:, 1].max()


def test_findings_without_portraits_gates_and_text_have_no_figures(tmp_path: Path):
    findings = sample_findings()
    findings["gates"], findings["excerpts"] = {}, []

    assert write_figures(findings, tmp_path) == []


def test_text_that_looks_like_a_formula_is_drawn(tmp_path: Path):
    findings = odd_findings(200) | {"gates": {}, "credit": {}}
    findings["findings"] = findings["findings"][:1]
    findings["excerpts"][0]["text"] = ("$x_{$\U0001f680" * 50)[:200]

    assert len(write_figures(findings, tmp_path)) == 2


def test_the_name_of_a_file_has_no_character_that_a_system_refuses():
    assert safe('cell-0:1-a/b\\c"\u202e') == "cell-0-1-a-b-c--"
    assert len(safe("x" * 300)) == 100


def test_a_folder_that_cannot_be_written_is_a_usage_problem(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(UsageError, match="cannot be written"):
        write_figures(full_findings(), tmp_path / "file")
