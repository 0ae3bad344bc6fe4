"""`charlstm import` writes a run's folder from a file of weights, and the other commands take the folder."""

import json
import re
from hashlib import sha256
from pathlib import Path

import keras_model
import numpy as np
import pytest
import torch
from command_line import run
from keras_model import KerasModel
from torch import nn

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.config import SamplingConfig
from charlstm.errors import CheckpointError
from charlstm.inspection.reading.trace import trace
from charlstm.model.stepper import Stepper
from charlstm.tasks.import_weights import ImportRequest, import_model, scores_by_gates
from charlstm.tasks.sample import sample_run

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
    return import_model(ImportRequest(weights=weights, out=tmp_path / "run")).path


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
    with pytest.raises(CheckpointError, match="`overwrite=True`"):
        import_model(ImportRequest(weights=weights, out=imported))
    import_model(ImportRequest(weights=weights, out=imported, gate_order="icfo", overwrite=True))
    assert load_config(imported).source.gate_order == "icfo"
    with pytest.raises(CheckpointError):
        import_model(ImportRequest(weights=tmp_path / "nothing.pt", out=tmp_path / "other"))
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
        assert "as CORPUS" in capsys.readouterr().err
    assert run(monkeypatch, "train", "--resume", "--out", imported) == 4
    assert "was imported" in capsys.readouterr().err


@pytest.fixture(scope="module")
def keras() -> KerasModel:
    return KerasModel()


@pytest.fixture(scope="module")
def drawn(keras: KerasModel) -> np.ndarray:
    """Ids of a text that the model wrote, so that no equations predict it better than its own."""
    return keras.drawn(900)


@pytest.fixture
def drawn_text(drawn: np.ndarray, tmp_path: Path) -> Path:
    (tmp_path / "drawn.txt").write_text("".join(keras_model.CHARACTERS[number] for number in drawn))
    return tmp_path / "drawn.txt"


@pytest.fixture
def keras_1(keras: KerasModel, tmp_path: Path) -> Path:
    """The weights of the model as Keras 1 saves them, which had no other gates unless asked for."""
    return keras.save(tmp_path / "keras_1.npz", arrays_of_gates=True)


def test_a_model_of_hard_sigmoids_is_scored_stepped_and_traced_by_its_own_equations(
    keras, keras_1, drawn, drawn_text, tmp_path
):
    imported = import_model(ImportRequest(weights=keras_1, out=tmp_path / "run"))
    assert load_config(imported.path).model.gate_activation == "hard_sigmoid"
    scores = scores_by_gates(imported, str(drawn_text), "error")
    assert list(scores) == ["hard_sigmoid", "sigmoid"]
    assert scores["hard_sigmoid"].bits_per_character == pytest.approx(keras.bits(drawn), abs=1e-4)
    assert scores["sigmoid"].bits_per_character == pytest.approx(
        keras.bits(drawn, keras_model.sigmoid), abs=1e-4
    )

    model, expected = load(imported.path).model, keras.read(drawn)
    stepper, state, stepped = Stepper(model), model.initial_state(1), []
    for number in drawn.tolist():
        logits, state = stepper(torch.tensor([number]), state)
        stepped.append(logits[0].softmax(0).numpy())
    np.testing.assert_allclose(np.array(stepped), expected.probabilities, atol=1e-4)

    blocks = list(trace(model, drawn.astype(np.uint8), streams=1, window=100))
    for layer in range(2):
        traced = [block.layers[layer] for block in blocks]
        c = torch.cat([each.c[0] for each in traced])
        np.testing.assert_allclose(c, expected.c[:, layer], atol=1e-4, rtol=1e-4)
        for gate in range(4):
            values = torch.cat([each.gates[gate][0] for each in traced])
            np.testing.assert_allclose(values, expected.gates[:, layer, gate], atol=1e-4)
    assert (expected.gates[:, :, 1] == 0).any()
    assert (expected.gates[:, :, 1] == 1).any()


def test_a_text_drawn_from_hard_sigmoids_is_the_likeliest_one_of_their_equations(keras, keras_1, tmp_path):
    imported = import_model(ImportRequest(weights=keras_1, out=tmp_path / "run"))
    config = SamplingConfig(length=30, temperature=0)
    pieces = list(sample_run(imported.path, keras_model.CHARACTERS[0], config=config, seed=0))
    ids = [0]
    for _ in range(30):
        ids.append(int(keras.read(np.array(ids)).probabilities[-1].argmax()))
    expected = "".join(keras_model.CHARACTERS[number] for number in ids[1:])
    assert "".join(piece for [piece] in pieces) == expected


def test_the_gates_of_a_file_that_says_nothing_are_asked_for_and_both_scores_are_shown(
    keras, drawn, drawn_text, tmp_path, monkeypatch, capsys
):
    weights, out = keras.save(tmp_path / "keras_2.npz"), tmp_path / "run"
    arguments = ["import", weights, "--out", out, "--score", drawn_text, "--overwrite"]
    own, other = keras.bits(drawn), keras.bits(drawn, keras_model.sigmoid)
    assert own < other - 0.2
    assert run(monkeypatch, *arguments) == 0
    shown = capsys.readouterr()
    assert "sigmoid, as in Keras since 2.3 (older: --gates hard_sigmoid)" in shown.out
    lines = re.findall(r"([0-9.]+) bits per character .*, gates (\w+)", shown.out)
    scores = {gates: float(bits) for bits, gates in lines}
    assert scores == pytest.approx({"sigmoid": other, "hard_sigmoid": own}, abs=1e-4)
    assert f"{own:.2f} instead of {other:.2f} bits" in shown.err
    assert "again with --gates hard_sigmoid" in shown.err
    assert run(monkeypatch, *arguments, "--gates", "hard_sigmoid") == 0
    shown = capsys.readouterr()
    assert "hard_sigmoid, as --gates says" in shown.out
    assert "--gates" not in shown.err
    assert "charlstm inspect" in shown.err
    assert run(monkeypatch, *arguments, "--gates", "hard_sigmoid", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["gate_activation"], document["gates_known_from"]) == ("hard_sigmoid", "option")
    assert document["score"]["bits_per_character"] == document["scores_by_gates"]["hard_sigmoid"]
    assert document["scores_by_gates"] == pytest.approx({"hard_sigmoid": own, "sigmoid": other}, abs=1e-4)


def test_only_one_score_is_shown_where_the_gates_are_not_in_doubt(
    weights, text, tmp_path, monkeypatch, capsys
):
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run", "--score", text, "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["scores_by_gates"]) == ["sigmoid"]
