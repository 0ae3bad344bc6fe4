"""`charlstm inspect` as a person types it."""

import json

import pytest
import torch
from command_line import SMALL, run

from charlstm.checkpoint.loading import load
from charlstm.tasks.inspect import other_run


def test_inspect_writes_findings_and_a_page(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 200)
    path = tmp_path / "run"
    assert run(monkeypatch, "train", text, "--out", path, "--steps", 20, "--quiet", *SMALL) == 0
    capsys.readouterr()
    assert run(monkeypatch, "inspect", path, text, "--out", tmp_path / "found", "--characters", 24_000) == 0
    shown = capsys.readouterr()
    assert "report.html" in shown.err
    assert shown.out.strip()
    document = json.loads((tmp_path / "found" / "findings.json").read_text())
    assert document["schema_version"] == 2
    assert document["model"]["cells"] == 12
    assert "inside_parentheses" in document["method"]["features"]
    page = tmp_path / "found" / "report.html"
    drawn = page.read_text()
    page.unlink()
    assert run(monkeypatch, "report", tmp_path / "found", "--run", path) == 0
    assert page.read_text() == drawn
    assert 'id="weights"' in drawn  # from the run's folder
    assert run(monkeypatch, "report", tmp_path / "found", "--no-model") == 0
    assert 'id="weights"' not in page.read_text()
    assert "left out of this page on purpose" in page.read_text()
    (path / "model.safetensors").rename(path / "elsewhere.safetensors")
    assert run(monkeypatch, "report", tmp_path / "found") == 0
    assert "There is no run in" in page.read_text()  # the findings name one, which nobody else did
    assert run(monkeypatch, "report", tmp_path / "found", "--run", path) == 0
    assert "cannot be read" in page.read_text()
    assert run(monkeypatch, "inspect", path, "--quiet") == 4
    (path / "elsewhere.safetensors").rename(path / "model.safetensors")
    capsys.readouterr()
    assert run(monkeypatch, "inspect", path, "--characters", 19_000, "--quiet") == 3
    assert "20,000" in capsys.readouterr().err
    assert run(monkeypatch, "inspect", path) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == ["starting", "reading the text", "inspecting: features"]
    assert any("what is found may be what the model knows by heart" in line for line in said)
    assert said[-1] == f"open      {(path / 'report.html').as_uri()}"
    assert any(line.startswith("advice    train longer") for line in said), "nothing was found"


def test_inspect_compares_two_runs_on_one_text(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 200)
    path, found = tmp_path / "run", tmp_path / "found"
    assert run(monkeypatch, "train", text, "--out", path, "--steps", 20, "--quiet", *SMALL) == 0
    command = ["inspect", path, text, "--out", found, "--characters", 20_000, "--compare"]
    assert run(monkeypatch, *command, path, "--figures", tmp_path / "figures") == 0
    assert "compare.html" in capsys.readouterr().err
    left, right = (json.loads((found / name).read_text()) for name in ("findings.json", "compared.json"))
    assert left["excerpts"] == right["excerpts"]
    assert left["provenance"]["weights_sha256"] == right["provenance"]["weights_sha256"]
    assert "side by side" in (found / "compare.html").read_text()
    assert {one.suffix for one in (tmp_path / "figures").iterdir()} == {".png", ".svg"}
    assert run(monkeypatch, *command, tmp_path / "nowhere") == 4


@pytest.mark.parametrize("twin", ["untrained", "shuffled"])
def test_a_twin_is_made_where_no_run_has_its_name(trained, twin):
    checkpoint = load(trained)
    other = other_run(checkpoint, twin, seed=0)
    own, drawn = (each.model.weights(0).recurrent for each in (checkpoint, other))
    assert not torch.equal(own, drawn)
    assert torch.equal(own.flatten().sort().values, drawn.flatten().sort().values) == (twin == "shuffled")
    assert other.validation_bits_per_character is None
