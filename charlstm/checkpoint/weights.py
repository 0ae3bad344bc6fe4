"""The best weights of a run, read and checked without torch."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlstm.checkpoint.tensor_file import UNREADABLE, Arrays, finite_number, load_tensors, whole_number
from charlstm.config import ModelConfig, parameter_shapes
from charlstm.errors import CheckpointError
from charlstm.run_files import MODEL

if TYPE_CHECKING:
    pass
from charlstm.checkpoint.record import damaged

_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Weights(NamedTuple):
    """The best weights of a run by the names of a CharLSTM's parameters, and what was measured of them."""

    tensors: Arrays
    step: int
    validation_bits_per_character: float | None


def load_weights(path: Path, model: ModelConfig) -> Weights:
    """The best weights of a run with this model. Raises CheckpointError when they cannot be read."""
    if not (path / MODEL).is_file():
        raise CheckpointError(
            f"{path} has no {MODEL}: its training has not saved yet",
            "let it save, or train with --save-every",
        )
    try:
        tensors, numbers = load_tensors(path / MODEL, lambda shapes: shapes == parameter_shapes(model))
        step, bits = whole_number(numbers, "step"), numbers["validation_bits_per_character"]
        if bits is not None:
            bits = finite_number(numbers, "validation_bits_per_character")
        if _may_overflow(tensors, model.layers):
            raise ValueError("its weights are so large that their products overflow")
    except UNREADABLE as error:
        raise damaged(path / MODEL, error) from error
    return Weights(tensors, step, bits)


def _may_overflow(tensors: Arrays, layers: int) -> bool:
    """Whether weights with the largest inputs can pass what float32 holds: a symbol's embedding, h of 1."""
    reach = float(np.abs(tensors["embedding.weight"]).max())
    sums = []
    for layer in range(layers):
        part = {name: np.abs(tensors[f"layers.{layer}.{name}_l0"], dtype=np.float64) for name in _PARTS}
        inputs, recurrent = part["weight_ih"].sum(1) * reach, part["weight_hh"].sum(1)
        sums.append(inputs + recurrent + part["bias_ih"] + part["bias_hh"])
        reach = 1.0
    head, bias = (np.abs(tensors[f"head.{name}"], dtype=np.float64) for name in ("weight", "bias"))
    sums.append(head.sum(1) + bias)
    return max(float(each.max()) for each in sums) > float(np.finfo(np.float32).max) / 2
