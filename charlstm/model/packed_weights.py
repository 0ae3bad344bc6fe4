"""A model's weights in the layout that the compiled steps read."""

import numpy as np

from charlstm.config import StepPrecision
from charlstm.model.kernels.jit import Floats, Halves, Weights
from charlstm.model.kernels.llvm_vectors import PANEL
from charlstm.model.kernels.matrix_tiles import add_products
from charlstm.model.kernels.steps import (
    StreamWeights,
    in_panels,
)


@np.errstate(all="ignore")  # a training that diverges shows what it writes, whatever that is
def stream_weights(tensors: dict[str, Floats], precision: StepPrecision = "float32") -> StreamWeights:
    """The weights of a CharLSTM's state dict, each float32, in the form that the steps read.

    precision is that of recurrent weights and of those of upper layers, which are all but a few.
    """
    kept = _halved if precision == "bfloat16" else np.asarray
    layers = len([name for name in tensors if name.endswith("weight_hh_l0")])
    inputs, recurrent, biases = [], [], []
    for layer in range(layers):
        at = f"layers.{layer}."
        inputs.append(tensors[at + "weight_ih_l0"])
        recurrent.append(tensors[at + "weight_hh_l0"])
        biases.append(tensors[at + "bias_ih_l0"] + tensors[at + "bias_hh_l0"])
    rows, cells = recurrent[0].shape
    upper = np.empty((layers - 1, rows, 2 * cells), np.float32)
    for layer in range(1, layers):
        upper[layer - 1] = np.concatenate([inputs[layer], recurrent[layer]], axis=1)
    embedding = np.ascontiguousarray(tensors["embedding.weight"])
    # Not by numpy, whose threads would go on looking for work while ours draw.
    table = np.zeros((len(embedding), in_panels(rows)), np.float32)
    table[:, :rows] = biases[0]
    add_products(panels_of(inputs[0]), embedding, 0, table)
    return StreamWeights(
        table=np.ascontiguousarray(table[:, :rows]),
        recurrent=kept(recurrent[0]),
        upper=kept(upper),
        bias=np.array(biases[1:], np.float32).reshape(layers - 1, rows),
        head=np.ascontiguousarray(tensors["head.weight"]),
        head_bias=np.ascontiguousarray(tensors["head.bias"]),
    )


def for_streams(weights: StreamWeights) -> StreamWeights:
    """The same weights as several streams read them."""
    return weights._replace(
        recurrent=panels_of(weights.recurrent),
        upper=panels_of(weights.upper),
        head=panels_of(weights.head),
    )


def panels_of(rows: Weights) -> Weights:
    """(any, panels, inputs, 32) of (any, outputs, inputs), both with the first or without; 16 bits become
    pairs.
    """
    paired = rows.dtype == np.uint16
    *several, outputs, inputs = rows.shape
    whole = np.zeros((*several, in_panels(outputs), inputs + (paired and inputs % 2)), rows.dtype)
    whole[..., :outputs, :inputs] = rows
    numbers = whole.view(np.uint32) if paired else whole
    panels = numbers.reshape(*several, in_panels(outputs) // PANEL, PANEL, numbers.shape[-1])
    return np.ascontiguousarray(np.swapaxes(panels, -1, -2))


def _halved(weights: Floats) -> Halves:
    """The bits of the nearest bfloat16 numbers, the even one in a tie; one that is none stays so."""
    bits = weights.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(weights), np.uint16(0x7FC0), rounded)
