"""`charlstm report` as a person types it."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import run

RELEASED = Path(__file__).parents[2] / "checkpoints" / "stdlib" / "findings.json"


@pytest.fixture
def findings(tmp_path):
    place = tmp_path / "findings.json"
    shutil.copy(RELEASED, place)
    return place


def test_the_page_is_drawn_beside_the_findings_and_its_path_printed(findings, monkeypatch, capsys):
    assert run(monkeypatch, "report", findings.parent) == 0
    page = findings.with_name("report.html")
    shown = capsys.readouterr()
    assert shown.out == f"{page}\n"
    assert shown.err.splitlines()[-1] == f"open      {page.as_uri()}"
    assert "inside single quotes" in page.read_text()


def test_the_page_can_be_written_elsewhere_without_the_network(findings, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "report", findings, "--out", tmp_path / "other.html", "--no-model") == 0
    assert "on purpose" in (tmp_path / "other.html").read_text()
    assert not findings.with_name("report.html").exists()


def test_findings_that_are_not_there_are_a_usage_problem(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "report", tmp_path / "nowhere.json") == 2
    assert "nowhere.json" in capsys.readouterr().err


def test_figures_are_drawn_into_a_folder_that_is_named(findings, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    document = json.loads(findings.read_text())
    document["findings"] = document["findings"][:1]  # a cell's figure takes a second
    findings.write_text(json.dumps(document))
    assert run(monkeypatch, "report", findings, "--figures", tmp_path / "figures") == 0
    written = {path.suffix for path in (tmp_path / "figures").iterdir()}
    assert written == {".png", ".svg"}
    assert "figures" in capsys.readouterr().err
