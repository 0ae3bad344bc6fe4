"""Products of a layer's weights with its inputs, for every layout and number format of the weights.

Compiled code picks the loop from the type of the weights, when it is compiled: rows of float32, of bfloat16
bits or of whole numbers serve one stream, panels (see `matrix_tiles`) any number of streams.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from charlstm.model.kernels.arithmetic import as_float32, bfloat16_bits
from charlstm.model.kernels.integer_products import add_integer_row_products, round_inputs
from charlstm.model.kernels.jit import Floats, Weights, compiled
from charlstm.model.kernels.matrix_tiles import add_panel_products

# The scales of weights that are no whole numbers.
NO_SCALES = np.empty(0, np.float32)


def row_inputs(weights: Any, x: Any, short: Any) -> Any:
    """Return x (inputs,) float32 as rows of weights multiply it: for int8, whole numbers of 16 bits in short.

    short (inputs + 31 or more,) is uint16. It exists in compiled code only.
    """


@overload(row_inputs, strict=False)
def _row_inputs_by_type(weights: Any, x: Any, short: Any) -> Callable[[Any, Any, Any], Any]:
    def as_whole_numbers(weights: Any, x: Any, short: Any) -> Any:
        rounded = short.view(np.int16)
        round_inputs(x, rounded)
        return rounded

    def as_they_are(weights: Any, x: Any, short: Any) -> Any:
        return x

    return as_whole_numbers if weights.dtype == types.int8 else as_they_are


def add_row_products(weights: Any, scales: Any, x: Any, y: Any) -> None:
    """Add W x to y (outputs,) float32, for rows of weights W and x from `row_inputs`.

    scales (outputs,) are those of int8 weights; others have none. It exists in compiled code only.
    """


@overload(add_row_products, strict=False)
def _add_row_products_by_type(
    weights: Any, scales: Any, x: Any, y: Any
) -> Callable[[Any, Any, Any, Any], None]:
    def of_whole_numbers(weights: Any, scales: Any, x: Any, y: Any) -> None:
        add_integer_row_products(weights, scales, x, y)

    def of_floats(weights: Any, scales: Any, x: Any, y: Any) -> None:
        add_float_row_products(weights, x, y)

    return of_whole_numbers if weights.dtype == types.int8 else of_floats


@compiled
def add_float_row_products(weights: Weights, x: Floats, y: Floats) -> None:
    """Add W x to y (outputs,) float32, for weights W (outputs, inputs), float32 or bfloat16 bits.

    x is (inputs,) float32. Four outputs are summed at a time, so that each number of x is read once for four.
    """
    rows = weights.shape[0] // 4 * 4
    for r in range(0, rows, 4):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(x.size):
            a += as_float32(weights[r, k]) * x[k]
            b += as_float32(weights[r + 1, k]) * x[k]
            c += as_float32(weights[r + 2, k]) * x[k]
            d += as_float32(weights[r + 3, k]) * x[k]
        y[r], y[r + 1], y[r + 2], y[r + 3] = y[r] + a, y[r + 1] + b, y[r + 2] + c, y[r + 3] + d
    for r in range(rows, weights.shape[0]):
        a = np.float32(0)
        for k in range(x.size):
            a += as_float32(weights[r, k]) * x[k]
        y[r] += a


def add_products(weights: Any, scales: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
    """Add x W^T to y (streams, outputs) float32, for weights W in any layout.

    scales (outputs,) are those of int8 weights; others have none. x (streams, first + inputs or more) float32
    has its inputs in columns first to first + inputs - 1. Weights in rows, (outputs, inputs), serve one
    stream, and weights in panels any number of them. x is rounded in short (streams, inputs + 31 or more)
    uint16: to bfloat16 for panels of pairs, to whole numbers for int8.

    It exists in compiled code only: `_add_products_by_layout` picks the loop from the weights' type.
    """


@overload(add_products, strict=False)
def _add_products_by_layout(
    weights: Any, scales: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any
) -> Callable[[Any, Any, Any, Any, Any, Any, Any], None]:
    def by_rows(weights: Any, scales: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
        read = row_inputs(weights, x[0, first : first + inputs], short[0])
        add_row_products(weights, scales, read, y[0])

    def by_panels(weights: Any, scales: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
        add_panel_products(weights, x, first, y)

    def by_panels_of_pairs(
        weights: Any, scales: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any
    ) -> None:
        for stream in range(len(x)):
            exact, bits = x[stream, first : first + inputs], short[stream]
            for k in range(inputs):
                bits[k] = np.uint16(bfloat16_bits(exact[k]))
            if inputs % 2:
                bits[inputs] = np.uint16(0)
        add_panel_products(weights, short.view(np.uint32), 0, y)

    if weights.ndim == 2:
        return by_rows
    return by_panels_of_pairs if weights.dtype == types.uint32 else by_panels
