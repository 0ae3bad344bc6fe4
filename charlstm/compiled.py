"""The LSTM's arithmetic as compiled loops: the element-wise part of a step, and whole steps of one stream.

A library's LSTM is made for windows: stepped one character at a time it packs its weights anew for
every character. Here one step costs one pass over the weights. `cell` is the readable reference; these
equal it to float32 rounding.

Numba compiles at the first call, for some seconds, and keeps the result on disk for later processes.
The candidate's pre-activations come doubled, because tanh(x) = 2 sigmoid(2 x) - 1: a step then is one run
of sigmoids.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# The bits of bfloat16 numbers, which are the upper half of a float32's.
Halves = NDArray[np.uint16]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_LOG2_E = np.float32(np.log2(np.e))
# A lower temperature has no reciprocal, which fast division takes: the likeliest is drawn, as at 0.
COLDEST = 1e-300
# What has less than e^this of the likeliest's probability is not drawn.
_NEVER = np.float32(-80)
_ONE, _TWO = np.float32(1), np.float32(2)
# For step_rows where no cell is held.
NOTHING_HELD = np.empty(0, np.int64), np.empty(0, np.float32)


def compiled(function: _Function) -> _Function:
    """The function compiled, and kept on disk where there is a folder to write to."""
    try:
        kept = njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
        return cast(_Function, kept(function))
    except RuntimeError:  # no such folder: every process compiles for itself
        return cast(_Function, njit(fastmath=True, nogil=True, error_model="numpy")(function))


class StreamWeights(NamedTuple):
    """The weights of a model of tanh cells, candidate rows doubled.

    table (symbols, 4 cells) is the first layer's input projection of every symbol, recurrent (4 cells,
    cells) its recurrent weights; upper (layers - 1, 4 cells, 2 cells) holds input and recurrent weights side
    by side, bias (layers - 1, 4 cells) theirs; head (symbols, cells) and head_bias (symbols,).
    """

    table: Floats
    recurrent: Floats | Halves
    upper: Floats | Halves
    bias: Floats
    head: Floats
    head_bias: Floats


class Draw(NamedTuple):
    """How a symbol is taken from logits: as in SamplingConfig."""

    temperature: float
    top_k: int
    top_p: float


class Holds(NamedTuple):
    """Cells that are set after their update from a drawn character on, each (holds,), in order of start."""

    layers: NDArray[np.int64]
    cells: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]


@compiled
def _powers(x: Floats, factor: np.float32, y: Floats, scale: Floats) -> None:
    """y times scale is 2^(factor x), within 2e-7 of it; beyond 2^126 and 2^-126 it ends.

    2^v is 2^floor(v), written as a float's exponent, times a polynomial in the rest (its coefficients are the
    powers of ln 2 over factorials, fitted to [0, 1)). Plain arithmetic, so that it runs in vectors.
    """
    exponents = scale.view(np.int32)
    for k in range(x.size):
        v = min(max(factor * x[k], np.float32(-126)), np.float32(126))
        whole = np.floor(v)
        rest = v - whole
        p = np.float32(1.535336188319500e-4)
        p = p * rest + np.float32(1.339887440266574e-3)
        p = p * rest + np.float32(9.618437357674640e-3)
        p = p * rest + np.float32(5.550332471162809e-2)
        p = p * rest + np.float32(2.402264791363012e-1)
        p = p * rest + np.float32(6.931472028550421e-1)
        y[k] = p * rest + _ONE
        exponents[k] = (np.int32(whole) + np.int32(127)) << np.int32(23)


@compiled
def _sigmoids(x: Floats, y: Floats, scale: Floats) -> None:
    """y = 1 / (1 + e^-x); scale is room for as many numbers. Off by less than 2e-7."""
    _powers(x, -_LOG2_E, y, scale)
    for k in range(x.size):
        y[k] = _ONE / (_ONE + y[k] * scale[k])


def _wide(number: Any) -> Any:
    """A float32 as it is, or what the bits of a bfloat16 stand for."""


@overload(_wide, inline="always", strict=False)
def _wide_by_type(number: Any) -> Callable[[Any], Any]:
    if number == types.uint16:
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: number


@compiled
def _products(weights: Floats | Halves, x: Floats, y: Floats) -> None:
    """y = weights x. Four rows at a time, which share what is read of x."""
    rows = weights.shape[0] // 4 * 4
    for r in range(0, rows, 4):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(x.size):
            a += _wide(weights[r, k]) * x[k]
            b += _wide(weights[r + 1, k]) * x[k]
            c += _wide(weights[r + 2, k]) * x[k]
            d += _wide(weights[r + 3, k]) * x[k]
        y[r], y[r + 1], y[r + 2], y[r + 3] = a, b, c, d
    for r in range(rows, weights.shape[0]):
        a = np.float32(0)
        for k in range(x.size):
            a += _wide(weights[r, k]) * x[k]
        y[r] = a


@compiled
def _read(
    weights: StreamWeights, symbol: int, h: Floats, c: Floats, holds: Holds, number: int, room: Floats
) -> None:
    """One character through all layers: h (layers, 2 cells) and c (layers, cells) become what is after it.

    A row of h is [h of the layer below, h of this layer], as the products want it. room is (3, 4 cells).
    """
    cells = c.shape[1]
    sums, gates, scale = room[0], room[1], room[2]
    for layer in range(c.shape[0]):
        if layer == 0:
            _products(weights.recurrent, h[0, cells:], sums)
            sums += weights.table[symbol]
        else:
            _products(weights.upper[layer - 1], h[layer], sums)
            sums += weights.bias[layer - 1]
        _sigmoids(sums, gates, scale)
        for k in range(cells):
            candidate = _TWO * gates[2 * cells + k] - _ONE
            c[layer, k] = gates[cells + k] * c[layer, k] + gates[k] * candidate
        for k in range(holds.starts.size):
            if holds.layers[k] == layer and holds.starts[k] <= number:
                c[layer, holds.cells[k]] = holds.values[k]
        for k in range(cells):
            sums[k] = _TWO * c[layer, k]
        _sigmoids(sums[:cells], sums[cells : 2 * cells], scale[:cells])
        for k in range(cells):
            h[layer, cells + k] = gates[3 * cells + k] * (_TWO * sums[cells + k] - _ONE)
        if layer + 1 < c.shape[0]:
            h[layer + 1, :cells] = h[layer, cells:]


@compiled
def step_rows(
    products: Floats | Halves,
    table: Floats,
    rows: NDArray[np.int64],
    before: Floats,
    held_cells: NDArray[np.int64],
    held_values: Floats,
    gates: Floats,
    c: Floats,
    h: Floats,
    position: int,
) -> None:
    """The element-wise part of one step of one layer, written at a position of gates, c and h.

    The pre-activations, candidate doubled, are products (streams, 4 cells) and, added to them, those of rows
    (streams,) of a table (any, 4 cells); before (streams, cells) is c before position 0; gates (streams,
    positions, 4 cells) come in the order i, f, g, o; c and h are (streams, positions, cells). All are
    contiguous. Held cells are set after their update.
    """
    cells = before.shape[1]
    sums, scale = np.empty(4 * cells, np.float32), np.empty(4 * cells, np.float32)
    doubled, halves = np.empty(cells, np.float32), np.empty(cells, np.float32)
    for stream in range(products.shape[0]):
        row = table[rows[stream]]
        for k in range(4 * cells):
            sums[k] = _wide(products[stream, k]) + row[k]
        gate, now, out = gates[stream, position], c[stream, position], h[stream, position]
        last = c[stream, position - 1] if position > 0 else before[stream]
        _sigmoids(sums, gate, scale)
        for k in range(cells):
            candidate = _TWO * gate[2 * cells + k] - _ONE
            gate[2 * cells + k] = candidate
            now[k] = gate[cells + k] * last[k] + gate[k] * candidate
        for k in range(held_cells.size):
            now[held_cells[k]] = held_values[k]
        for k in range(cells):
            doubled[k] = _TWO * now[k]
        _sigmoids(doubled, halves, scale[:cells])
        for k in range(cells):
            out[k] = gate[3 * cells + k] * (_TWO * halves[k] - _ONE)


@compiled
def pick(logits: Floats, draw: Draw, uniform: float, room: Floats) -> int:
    """The symbol at a uniform number in [0, 1) of what `sampling.next_probabilities` gives.

    room is (3, symbols), for what is computed on the way.
    """
    if draw.temperature < COLDEST:
        return int(np.argmax(logits))
    scaled, weights, scale = room[0], room[1], room[2]
    largest = logits[0]
    for symbol in range(logits.size):
        largest = max(largest, logits[symbol])
    for symbol in range(logits.size):
        scaled[symbol] = (np.float64(logits[symbol]) - np.float64(largest)) / draw.temperature
    _powers(scaled, _LOG2_E, weights, scale)
    for symbol in range(logits.size):
        weights[symbol] = weights[symbol] * scale[symbol] if scaled[symbol] > _NEVER else np.float32(0)
    if 0 < draw.top_k < logits.size:
        least = np.sort(scaled)[logits.size - draw.top_k]
        weights[scaled < least] = 0.0
    if draw.top_p < 1:
        order = np.argsort(-scaled, kind="mergesort")
        enough, before = draw.top_p * weights.sum(), 0.0
        for symbol in order:
            weight = weights[symbol]
            if before >= enough:
                weights[symbol] = 0.0
            before += weight
    goal = uniform * weights.sum()
    reached = 0.0
    for symbol in range(logits.size):
        reached += weights[symbol]
        if reached > goal:
            return symbol
    return int(np.argmax(logits))  # what rounding left over


@compiled
def pick_rows(logits: Floats, draw: Draw, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """The symbol of every row of logits (streams, vocabulary), contiguous, by its own uniform number."""
    drawn, room = np.empty(uniforms.size, np.int64), np.empty((3, logits.shape[1]), np.float32)
    for stream in range(uniforms.size):
        drawn[stream] = pick(logits[stream], draw, uniforms[stream], room)
    return drawn


@compiled
def read_block(
    weights: StreamWeights, symbols: NDArray[np.int64], h: Floats, c: Floats, holds: Holds, first: int
) -> Floats:
    """Logits (symbols, vocabulary) after each of symbols; h and c become what is after the last.

    The first symbol is the one before drawn character `first`, as the holds count.
    """
    room = np.empty((3, 4 * c.shape[1]), np.float32)
    logits = np.empty((symbols.size, weights.head_bias.size), np.float32)
    for k in range(symbols.size):
        _read(weights, symbols[k], h, c, holds, first + k, room)
        _products(weights.head, h[-1, c.shape[1] :], logits[k])
        logits[k] += weights.head_bias
    return logits


@compiled
def draw_block(
    weights: StreamWeights,
    symbol: int,
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    draw: Draw,
    uniforms: NDArray[np.float64],
) -> NDArray[np.int64]:
    """A symbol for each uniform number, each read before the next is drawn; symbol is read first."""
    room = np.empty((3, 4 * c.shape[1]), np.float32)
    symbols = weights.head_bias.size
    logits, chances = np.empty(symbols, np.float32), np.empty((3, symbols), np.float32)
    drawn = np.empty(uniforms.size, np.int64)
    for k in range(uniforms.size):
        _read(weights, symbol, h, c, holds, first + k, room)
        _products(weights.head, h[-1, c.shape[1] :], logits)
        logits += weights.head_bias
        symbol = pick(logits, draw, uniforms[k], chances)
        drawn[k] = symbol
    return drawn
