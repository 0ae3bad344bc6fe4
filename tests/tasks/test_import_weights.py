"""`charlstm import` writes a run's folder from a file of weights, and the other commands take the folder."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from command_line import run
from torch import nn

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.errors import CheckpointError
from charlstm.tasks.import_weights import import_model

TEXT = "one two three. " * 200
CHARS = sorted(set(TEXT))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(4)
    modules = {"rnn": nn.LSTM(len(CHARS), 8, 2), "fc": nn.Linear(8, len(CHARS))}
    tensors = {f"{name}.{k}": v for name, module in modules.items() for k, v in module.state_dict().items()}
    torch.save({"model": tensors, "chars": CHARS}, tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


@pytest.fixture
def imported(weights: Path, tmp_path: Path) -> Path:
    return import_model(weights, tmp_path / "run").path


def test_the_folder_is_that_of_a_run_without_training(weights, imported):
    config = load_config(imported)
    assert config.training is None
    assert config.corpus is None
    assert config.source.name == "weights.pt"
    assert config.source.sha256 == sha256(weights.read_bytes()).hexdigest()
    checkpoint = load(imported)
    assert checkpoint.config.vocabulary.symbols == tuple(CHARS)
    theirs = torch.load(weights)["model"]
    assert torch.equal(checkpoint.model.layers[1].weight_hh_l0, theirs["rnn.weight_hh_l1"])
    assert torch.equal(checkpoint.model.head.weight, theirs["fc.weight"])


def test_a_run_is_kept_without_overwrite_and_bad_weights_write_nothing(weights, imported, tmp_path):
    with pytest.raises(CheckpointError, match="--overwrite"):
        import_model(weights, imported)
    import_model(weights, imported, gate_order="icfo", overwrite=True)
    assert load_config(imported).source.gate_order == "icfo"
    with pytest.raises(CheckpointError):
        import_model(tmp_path / "nothing.pt", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_import_shows_how_the_file_was_read_as_a_table_or_as_json(
    weights, text, tmp_path, monkeypatch, capsys
):
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run", "--score", text) == 0
    shown = capsys.readouterr()
    for words in (
        "2 of 8 cells",
        "one-hot",
        f"{len(CHARS)} symbols",
        "ifgo",
        "PyTorch",
        "bits per character",
    ):
        assert words in shown.out
    assert "charlstm inspect" in shown.err
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run", "--json", "--overwrite") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"]["gate_order"] == "ifgo"
    assert (document["layers"], document["cells"], document["input"]) == (2, 8, "one-hot")


def test_an_implausible_score_advises_another_gate_order(weights, text, tmp_path, monkeypatch, capsys):
    saved = torch.load(weights)
    saved["model"]["fc.bias"][:] = torch.arange(len(CHARS)) * 5.0  # always the last character
    torch.save(saved, weights)
    arguments = ["import", weights, "--out", tmp_path / "run", "--score", text]
    assert run(monkeypatch, *arguments, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["score"]["bits_per_character"] > 4.5
    assert "--gate-order (icfo, ifgo)," in shown.err  # each order once, not in each of its spellings
    assert "implausible" in shown.err


def test_a_scored_text_with_an_unknown_character_needs_unknown_skip(
    weights, text, tmp_path, monkeypatch, capsys
):
    text.write_text(TEXT + "$")
    arguments = ["import", weights, "--out", tmp_path / "run", "--score", text]
    assert run(monkeypatch, *arguments) == 3
    assert "--unknown" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "--overwrite", "--unknown", "skip") == 0


def test_weights_that_cannot_be_used_exit_with_4(tmp_path, monkeypatch, capsys):
    (tmp_path / "weights.pt").write_bytes(b"no weights")
    assert run(monkeypatch, "import", tmp_path / "weights.pt", "--out", tmp_path / "run") == 4
    assert capsys.readouterr().out == ""


def test_the_other_commands_take_an_imported_model_with_a_text(imported, text, monkeypatch, capsys):
    assert run(monkeypatch, "sample", imported, "--length", 9, "--prompt", "one ") == 0
    assert run(monkeypatch, "score", imported, text) == 0
    capsys.readouterr()
    for command in (["score", imported], ["inspect", imported]):
        assert run(monkeypatch, *command) == 2
        assert "name a CORPUS" in capsys.readouterr().err
    assert run(monkeypatch, "train", "--resume", "--out", imported) == 4
    assert "was imported" in capsys.readouterr().err
