"""A model's weights in the layout that the compiled loops read, made without torch."""

import numpy as np
from numpy.typing import NDArray

from charlstm.config import StepPrecision
from charlstm.model.kernels.integer_products import INPUT_STEPS, INPUTS_AT_ONCE, WEIGHT_STEPS
from charlstm.model.kernels.jit import Bits16, Floats, Weights
from charlstm.model.kernels.llvm_vectors import PANEL
from charlstm.model.kernels.matrix_tiles import add_panel_products
from charlstm.model.kernels.steps import StreamWeights, whole_panels


@np.errstate(all="ignore")  # the weights of a training that diverged are packed without warnings
def stream_weights(tensors: dict[str, Floats], precision: StepPrecision = "float32") -> StreamWeights:
    """Return the weights of a CharLSTM in the layout for one stream, from its state dict of float32 arrays.

    precision is that of the recurrent weights and of all weights of upper layers, which are nearly all of
    the model's: "bfloat16" stores their bits as uint16, "int8" whole numbers and a scale for each row. Arrays
    that need no change share memory with tensors.
    """
    layers = len([name for name in tensors if name.endswith("weight_hh_l0")])
    inputs, recurrent, biases = [], [], []
    for layer in range(layers):
        prefix = f"layers.{layer}."
        inputs.append(tensors[prefix + "weight_ih_l0"])
        recurrent.append(tensors[prefix + "weight_hh_l0"])
        biases.append(tensors[prefix + "bias_ih_l0"] + tensors[prefix + "bias_hh_l0"])
    rows, cells = recurrent[0].shape
    upper = np.empty((layers - 1, rows, 2 * cells), np.float32)
    for layer in range(1, layers):
        upper[layer - 1] = np.concatenate([inputs[layer], recurrent[layer]], axis=1)
    first, further, scales = _in_precision(precision, recurrent[0], upper)
    return StreamWeights(
        table=_symbol_table(tensors["embedding.weight"], inputs[0], biases[0]),
        recurrent=first,
        upper=further,
        bias=np.array(biases[1:], np.float32).reshape(layers - 1, rows),
        head=np.ascontiguousarray(tensors["head.weight"]),
        head_bias=np.ascontiguousarray(tensors["head.bias"]),
        scales=scales,
    )


def _in_precision(precision: StepPrecision, first: Floats, upper: Floats) -> tuple[Weights, Weights, Floats]:
    """Return the rows of the first layer, those of upper layers, and the scales of all layers."""
    if precision == "int8":
        (first_rows, first_scales), (upper_rows, upper_scales) = map(integer_rows, (first, upper))
        return first_rows, upper_rows, np.concatenate([first_scales[None], upper_scales])
    rows_in_precision = _bfloat16_rows if precision == "bfloat16" else np.asarray
    return rows_in_precision(first), rows_in_precision(upper), np.empty((1 + len(upper), 0), np.float32)


def integer_rows(rows: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return rows (..., outputs, inputs) float32 as whole numbers of 8 bits, and the scale of each row.

    The largest number of a row becomes 127 or -127, and zeros fill the row up to a multiple of 32 inputs. The
    scales (..., outputs) float32 are what the product of a whole number with an input of 16 bits is worth.
    A row that holds NaN or infinity has the scale NaN.
    """
    steps = np.abs(rows).max(axis=-1, initial=0, keepdims=True) / np.float32(WEIGHT_STEPS)
    steps[steps == 0] = 1
    steps[~np.isfinite(steps)] = np.nan
    inputs = rows.shape[-1]
    whole = np.zeros((*rows.shape[:-1], -(-inputs // INPUTS_AT_ONCE) * INPUTS_AT_ONCE), np.int8)
    whole[..., :inputs] = np.rint(np.nan_to_num(rows / steps))
    return whole, np.ascontiguousarray(steps[..., 0] / np.float32(INPUT_STEPS))


def float_rows(rows: NDArray[np.int8], scales: Floats, inputs: int) -> Floats:
    """Return the float32 weights (..., outputs, inputs) that whole numbers from integer_rows stand for."""
    steps = scales[..., None] * np.float32(INPUT_STEPS)
    return np.ascontiguousarray(rows[..., :inputs] * steps)


def _symbol_table(embedding: Floats, weights: Floats, bias: Floats) -> Floats:
    """Return W x + b for every symbol, (symbols, 4 cells) float32.

    embedding is x of every symbol, (symbols, width); weights are W, (4 cells, width); bias is b, (4 cells,).
    """
    rows = len(weights)
    table = np.zeros((len(embedding), whole_panels(rows)), np.float32)
    table[:, :rows] = bias
    # numpy's product would start threads, which keep the processors busy for a while after it.
    add_panel_products(panels_of(weights), np.ascontiguousarray(embedding), 0, table)
    return np.ascontiguousarray(table[:, :rows])


def for_streams(weights: StreamWeights) -> StreamWeights:
    """Return weights in the layout for several streams: recurrent, upper and head in panels.

    Weights of 8 bits become the float32 numbers that they stand for: many streams wait for products, not for
    memory.
    """
    recurrent, upper, scales = weights.recurrent, weights.upper, weights.scales
    if recurrent.dtype == np.int8:
        cells = weights.table.shape[1] // 4
        recurrent = float_rows(recurrent, scales[0], cells)
        upper, scales = float_rows(upper, scales[1:], 2 * cells), scales[:, :0].copy()
    return weights._replace(
        recurrent=panels_of(recurrent), upper=panels_of(upper), head=panels_of(weights.head), scales=scales
    )


def panels_of(rows: Weights) -> Weights:
    """Return weights (..., outputs, inputs) in panels, (..., panels, inputs, 32).

    float32 weights stay float32. The bits of bfloat16 (uint16) become pairs of inputs in one uint32, (...,
    panels, inputs / 2, 32). Zeros fill up the last panel and the last pair. `kernels.matrix_tiles` describes
    panels.
    """
    paired = rows.dtype == np.uint16
    *several, outputs, inputs = rows.shape
    whole = np.zeros((*several, whole_panels(outputs), inputs + (paired and inputs % 2)), rows.dtype)
    whole[..., :outputs, :inputs] = rows
    numbers = whole.view(np.uint32) if paired else whole
    panels = numbers.reshape(*several, whole_panels(outputs) // PANEL, PANEL, numbers.shape[-1])
    return np.ascontiguousarray(np.swapaxes(panels, -1, -2))


def _bfloat16_rows(weights: Floats) -> Bits16:
    """Return the bits of the nearest bfloat16 numbers, the even ones in ties; NaN stays NaN."""
    bits = weights.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(weights), np.uint16(0x7FC0), rounded)
