"""model.safetensors: the best weights of a run, read and checked without torch.

They are float32; in a run that was written for others they may be float16, half of the size.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from charlstm.checkpoint.record import damaged
from charlstm.checkpoint.tensor_file import (
    FLOAT,
    HALF_PRECISION,
    UNREADABLE,
    Arrays,
    finite_number,
    load_tensors,
    whole_number,
)
from charlstm.config import ModelConfig, parameter_shapes
from charlstm.errors import CheckpointError, UsageError
from charlstm.run_files import MODEL

_LAYER_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
# Sums up to half of what float32 holds leave room for rounding.
_LARGEST_SUM = float(np.finfo(np.float32).max) / 2


class Weights(NamedTuple):
    """The best weights of a run, by the names of a CharLSTM's parameters, and what was measured of them.

    tensors are float32, whatever the file holds. step is the training step that they come from, 0 for an
    imported model.
    """

    tensors: Arrays
    step: int
    validation_bits_per_character: float | None


def load_weights(path: Path, model: ModelConfig) -> Weights:
    """Return the best weights of the run in the folder path, whose config.json describes model, as float32.

    Raises CheckpointError when there are none, or when they are damaged, do not fit model, are not finite or
    are so large that the model could overflow.
    """
    if not (path / MODEL).exists():
        raise CheckpointError(
            f"{path} has no {MODEL}: its training has not saved yet",
            "let it save, or train with `save_every`",
        )
    try:
        stored, numbers = load_tensors(
            path / MODEL, lambda shapes: shapes == parameter_shapes(model), types=(*FLOAT, *HALF_PRECISION)
        )
        tensors = {name: values.astype(np.float32, copy=False) for name, values in stored.items()}
        step, bits = whole_number(numbers, "step"), numbers["validation_bits_per_character"]
        if bits is not None:
            bits = finite_number(numbers, "validation_bits_per_character")
        if _largest_sum(tensors, model.layers) > _LARGEST_SUM:
            raise ValueError("its weights are so large that their products overflow")
    except UNREADABLE as error:
        raise damaged(path / MODEL, error) from error
    return Weights(tensors, step, bits)


def halved(tensors: Arrays) -> Arrays:
    """Return the weights in tensors, float32 by name, rounded to float16.

    Raises UsageError where float16 cannot hold one: where it is larger than 65,504 in size.
    """
    with np.errstate(over="ignore"):
        rounded = {name: values.astype(np.float16) for name, values in tensors.items()}
    for name, values in rounded.items():
        if not np.isfinite(values).all():
            raise UsageError(
                f"{name} has a weight of {np.abs(tensors[name]).max():,.0f} in size, more than the "
                f"{np.finfo(np.float16).max:,.0f} that half precision can hold",
                "export the run as a .safetensors or .onnx file, whose weights are float32",
            )
    return rounded


def _largest_sum(tensors: Arrays, layers: int) -> float:
    """Return a bound of every pre-activation and logit that weights in tensors can give, in size.

    The first layer reads embeddings, the others what is at most 1 in size, as h is where cells are tanh.
    """
    largest_input = float(np.abs(tensors["embedding.weight"]).max())
    sums = []
    for layer in range(layers):
        weight_ih, weight_hh, bias_ih, bias_hh = (
            np.abs(tensors[f"layers.{layer}.{name}_l0"], dtype=np.float64) for name in _LAYER_PARAMETERS
        )
        sums.append(weight_ih.sum(1) * largest_input + weight_hh.sum(1) + bias_ih + bias_hh)
        largest_input = 1.0
    head, bias = (np.abs(tensors[f"head.{name}"], dtype=np.float64) for name in ("weight", "bias"))
    sums.append(head.sum(1) + bias)
    return max(float(layer_sums.max()) for layer_sums in sums)
