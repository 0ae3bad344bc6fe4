"""The arrays of single gates, as Keras 1 has them, are joined to the layers that they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_models import CELLS, CHARACTERS, IDS, SIZE, logits

from charlstm.foreign import load_foreign
from charlstm.foreign.gate_arrays import join_gate_arrays


def gate_arrays(layers: int, *, inputs: int = SIZE) -> dict[str, np.ndarray]:
    """Return the weights of layers and a head as Keras 1 saves them, by its names and in its order."""
    random = np.random.default_rng(layers)
    arrays = {}
    for number in range(layers):
        width = CELLS if number else inputs
        for gate in "icfo":
            for kind, shape in (("W", (width, CELLS)), ("U", (CELLS, CELLS)), ("b", (CELLS,))):
                arrays[f"lstm_{number + 1}_{kind}_{gate}"] = random.normal(size=shape).astype(np.float32)
    arrays["dense_1_W"] = random.normal(size=(CELLS, SIZE)).astype(np.float32)
    return arrays | {"dense_1_b": random.normal(size=SIZE).astype(np.float32)}


def joined_by_hand(arrays: dict[str, np.ndarray], layers: int) -> list[np.ndarray]:
    """Return the arrays in the order and the form of Keras 2, with the gates i, f, c, o."""
    joined = [
        np.concatenate([arrays[f"lstm_{number + 1}_{kind}_{gate}"] for gate in "ifco"], axis=-1)
        for number in range(layers)
        for kind in "WUb"
    ]
    return [*joined, arrays["dense_1_W"], arrays["dense_1_b"]]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("named", ["by name", "in another order", "without names"])
def test_twelve_arrays_a_layer_are_the_layer_of_keras(tmp_path, layers, named):
    arrays = gate_arrays(layers)
    if named == "by name":
        np.savez(tmp_path / "w.npz", **arrays)
    elif named == "in another order":
        order = sorted(arrays, reverse=True)
        np.savez(tmp_path / "w.npz", **{name: arrays[name] for name in sorted(order, key=lambda n: n[:6])})
    else:
        np.savez(tmp_path / "w.npz", *arrays.values())
    np.savez(tmp_path / "expected.npz", *joined_by_hand(arrays, layers))
    (tmp_path / "chars.json").write_text(json.dumps(CHARACTERS))
    found = load(tmp_path / "w.npz")
    torch.testing.assert_close(logits(found.model, IDS), logits(load(tmp_path / "expected.npz").model, IDS))
    assert (found.layout, found.gate_order) == ("Keras 1", "icfo")


def load(path: Path, *, vocabulary: bool = True):
    symbols = path.parent / "chars.json" if vocabulary else None
    return load_foreign(path, vocabulary=symbols, gate_activation="sigmoid")


def test_the_gates_of_keras_1_are_hard_sigmoids_unless_told_otherwise(tmp_path):
    np.savez(tmp_path / "w.npz", **gate_arrays(1), chars=np.array(CHARACTERS))
    loaded = load_foreign(tmp_path / "w.npz")
    assert (loaded.gate_activation, loaded.gates_known_from) == ("hard_sigmoid", "layout")
    assert loaded.model.config.gate_activation == "hard_sigmoid"
    loaded = load(tmp_path / "w.npz", vocabulary=False)
    assert (loaded.gate_activation, loaded.gates_known_from) == ("sigmoid", "option")


def test_other_tensors_are_left_as_they_are():
    assert join_gate_arrays({"a": torch.ones(3, 3), "b": torch.ones(3)}) is None
    tensors = {name: torch.from_numpy(array) for name, array in gate_arrays(1).items()}
    joined = join_gate_arrays({"embedding": torch.ones(4, 2)} | tensors)
    assert joined is not None
    assert list(joined) == [
        "embedding", "lstm_1_.lstm_kernel", "lstm_1_.lstm_recurrent_kernel", "lstm_1_.lstm_bias",
        "dense_1_W", "dense_1_b",
    ]  # fmt: skip


def test_four_layers_of_a_plain_recurrent_network_are_not_joined():
    layer = {"kernel": (CELLS, CELLS), "recurrent_kernel": (CELLS, CELLS), "bias": (CELLS,)}
    tensors = {f"rnn_{n}.{name}": torch.ones(shape) for n in range(4) for name, shape in layer.items()}
    assert join_gate_arrays(tensors) is None
