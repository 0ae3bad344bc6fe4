"""The weights of LSTM operators in ONNX models are read, in ONNX's own order of the gates."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foreign_models import CELLS, CHARACTERS, IDS, SIZE, CharacterModel, assert_same_logits, logits

from charlstm.errors import CheckpointError
from charlstm.foreign import load_foreign
from charlstm.foreign.files.weights_file import read_weights

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper


def gates_of_onnx(rows: torch.Tensor) -> np.ndarray:
    """Return rows in PyTorch's order i, f, g, o in the order of ONNX, i, o, f, c."""
    i, f, g, o = rows.detach().chunk(4)
    return torch.cat([i, o, f, g])[None].numpy()


def write_onnx(
    path: Path, theirs: CharacterModel, *more: Any, operator: str = "LSTM", **attributes: Any
) -> Path:
    """Write theirs as exporters to ONNX do, with more nodes at the end, and return path."""
    lstm, head = theirs.memory, theirs.answer
    constants = {"head": head.weight.detach().T.numpy(), "head_bias": head.bias.detach().numpy()}
    nodes, last = [], "one_hot"
    if theirs.lookup is not None:
        constants["table"] = theirs.lookup.weight.detach().numpy()
        nodes.append(helper.make_node("Gather", ["table", "ids"], ["embedded"]))
        last = "embedded"
    for number in range(lstm.num_layers):
        for kind, name in (("W", "weight_ih"), ("R", "weight_hh")):
            constants[f"{kind}{number}"] = gates_of_onnx(lstm.get_parameter(f"{name}_l{number}"))
        biases = [gates_of_onnx(lstm.get_parameter(f"bias_{kind}_l{number}")) for kind in ("ih", "hh")]
        constants[f"B{number}"] = np.concatenate(biases, axis=1)
        inputs = [last, f"W{number}", f"R{number}", f"B{number}"]
        nodes.append(helper.make_node(operator, inputs, [f"h{number}"], hidden_size=CELLS, **attributes))
        nodes.append(helper.make_node("Squeeze", [f"h{number}"], [f"s{number}"]))
        last = f"s{number}"
    nodes.append(helper.make_node("MatMul", [last, "head"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "head_bias"], ["scores"]))
    tensors = [numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in constants.items()]
    ids = helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", 1])
    scores = helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", SIZE])
    graph = helper.make_graph([*nodes, *more], "g", [ids], [scores], initializer=tensors)
    onnx.save_model(helper.make_model(graph, producer_name="test"), path)
    return path


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    (tmp_path / "chars.txt").write_text("".join(CHARACTERS))
    return tmp_path / "chars.txt"


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("embedding", [0, 5])
@pytest.mark.parametrize("name", ["model.onnx", "model"])
def test_an_onnx_model_keeps_its_scores(tmp_path, vocabulary, layers, embedding, name):
    theirs = CharacterModel(layers=layers, embedding=embedding)
    loaded = load_foreign(write_onnx(tmp_path / name, theirs), vocabulary=vocabulary)
    assert_same_logits(loaded.model, theirs)
    assert (loaded.layout, loaded.gate_order, loaded.gate_activation) == ("ONNX", "ifgo", "sigmoid")
    assert loaded.parameters == sum(parameter.numel() for parameter in theirs.parameters())


def test_a_hard_sigmoid_in_the_operator_is_found(tmp_path, vocabulary):
    activations = ["HardSigmoid", "Tanh", "Tanh"]
    path = write_onnx(tmp_path / "w.onnx", CharacterModel(), activations=activations)
    assert read_weights(path).contents.gate_activation == "hard_sigmoid"
    loaded = load_foreign(path, vocabulary=vocabulary)
    assert loaded.model.config.gate_activation == loaded.gate_activation == "hard_sigmoid"
    assert loaded.gates_known_from == "file"


@pytest.mark.parametrize("scale", [{}, {"activation_alpha": [0.2], "activation_beta": [0.5]}])
def test_the_hard_sigmoid_of_an_operator_is_computed(tmp_path, vocabulary, scale):
    theirs = CharacterModel(embedding=0).requires_grad_(False)
    theirs.memory.weight_ih_l0 *= 9
    activations = ["HardSigmoid", "Tanh", "Tanh"]
    path = write_onnx(tmp_path / "w.onnx", theirs, activations=activations, **scale)
    lstm, head, first = theirs.memory, theirs.answer, int(IDS[0, 0])
    sums = (lstm.weight_ih_l0[:, first] + lstm.bias_ih_l0 + lstm.bias_hh_l0).numpy()
    i, _, g, o = np.split(sums, 4)
    i, o = np.clip(0.2 * i + 0.5, 0, 1), np.clip(0.2 * o + 0.5, 0, 1)
    assert ((i == 0) | (i == 1)).any(), "some are cut"
    expected = head.weight.numpy() @ (o * np.tanh(i * np.tanh(g))) + head.bias.numpy()
    loaded = load_foreign(path, vocabulary=vocabulary).model
    np.testing.assert_allclose(logits(loaded)[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"direction": "reverse"}, "direction reverse"),
        ({"activations": ["Relu", "Tanh", "Tanh"]}, "activations Relu, Tanh, Tanh"),
        ({"clip": 3.0}, "clipping"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.5]}, "of its own slope"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [1 / 6]}, "of its own slope"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_beta": [0.4]}, "of its own slope"),
        ({"operator": "GRU"}, "holds a GRU, not an LSTM"),
    ],
)
def test_an_operator_that_computes_something_else_is_refused(tmp_path, attributes, words):
    path = write_onnx(tmp_path / "w.onnx", CharacterModel(), **attributes)
    with pytest.raises(CheckpointError, match=words):
        read_weights(path)


def test_an_unknown_operator_is_refused_by_its_name(tmp_path):
    relu = helper.make_node("Relu", ["product"], ["other"])
    with pytest.raises(CheckpointError, match="has the operator Relu"):
        read_weights(write_onnx(tmp_path / "w.onnx", CharacterModel(), relu))


def test_weights_in_another_file_are_not_read(tmp_path):
    path = write_onnx(tmp_path / "w.onnx", CharacterModel())
    model = onnx.load_model(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="chars.txt")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="in another file"):
        read_weights(path)


def test_a_tensor_that_announces_more_than_it_has_is_refused(tmp_path):
    path = write_onnx(tmp_path / "w.onnx", CharacterModel())
    model = onnx.load_model(path)
    model.graph.initializer[0].dims[:] = [1 << 20, 1 << 20]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="many times as large"):
        read_weights(path)


def test_a_damaged_model_is_one_error(tmp_path):
    path = write_onnx(tmp_path / "w.onnx", CharacterModel())
    content = path.read_bytes()
    for length in (0, 5, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_weights(path)


def test_without_the_package_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    path = write_onnx(tmp_path / "w.onnx", CharacterModel())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CheckpointError, match=r"ONNX.*charlstm\[onnx\]"):
        read_weights(path)


def test_a_vocabulary_in_the_metadata_is_found(tmp_path):
    theirs = CharacterModel()
    model = onnx.load_model(write_onnx(tmp_path / "w.onnx", theirs))
    helper.set_model_props(model, {"producer": "theirs", "chars": json.dumps(CHARACTERS)})
    onnx.save_model(model, tmp_path / "w.onnx")
    loaded = load_foreign(tmp_path / "w.onnx")
    assert_same_logits(loaded.model, theirs)
    assert loaded.vocabulary.symbols == tuple(CHARACTERS)


def test_metadata_that_would_fill_the_memory_is_refused(tmp_path):
    model = onnx.load_model(write_onnx(tmp_path / "w.onnx", CharacterModel()))
    helper.set_model_props(model, {"symbols": f"[{'{},' * 3_000_000}{{}}]"})
    onnx.save_model(model, tmp_path / "w.onnx")
    with pytest.raises(CheckpointError, match="many times as large"):
        read_weights(tmp_path / "w.onnx")
