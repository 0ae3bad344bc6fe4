"""One character of every stream through all layers: to read a text, and to keep what its gates do."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import remembered, rounded, shown, sigmoids, tanhs, wide
from charlstm.model.kernels.jit import Floats, Halves, Weights, compiled
from charlstm.model.kernels.llvm_vectors import PANEL
from charlstm.model.kernels.matrix_tiles import add_products, rows_apart


class StreamWeights(NamedTuple):
    """The weights of a model of tanh cells.

    table (symbols, 4 cells) is the first layer's input projection of every symbol, recurrent (4 cells,
    cells) its recurrent weights; upper (layers - 1, 4 cells, 2 cells) holds input and recurrent weights side
    by side, bias (layers - 1, 4 cells) theirs; head (symbols, cells) and head_bias (symbols,).

    For one stream recurrent, upper and head lie in rows; for several in panels, see `tiles`.
    """

    table: Floats
    recurrent: Weights
    upper: Weights
    bias: Floats
    head: Weights
    head_bias: Floats


class Holds(NamedTuple):
    """Cells that are set after their update from a drawn character on, each (holds,), in order of start."""

    layers: NDArray[np.int64]
    cells: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]


@compiled
def add_product(weights: Weights, x: Floats, y: Floats) -> None:
    """y += weights x. Four rows at a time, which share what is read of x."""
    rows = weights.shape[0] // 4 * 4
    for r in range(0, rows, 4):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(x.size):
            a += wide(weights[r, k]) * x[k]
            b += wide(weights[r + 1, k]) * x[k]
            c += wide(weights[r + 2, k]) * x[k]
            d += wide(weights[r + 3, k]) * x[k]
        y[r], y[r + 1], y[r + 2], y[r + 3] = y[r] + a, y[r + 1] + b, y[r + 2] + c, y[r + 3] + d
    for r in range(rows, weights.shape[0]):
        a = np.float32(0)
        for k in range(x.size):
            a += wide(weights[r, k]) * x[k]
        y[r] += a


def add_all(weights: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
    """y (streams, outputs) += x weights^T, of x (streams, any) the columns from first on, as many as inputs.

    Weights in rows are for one stream, those in panels for any number; short (streams, inputs or more) is
    room.
    """


@overload(add_all, strict=False)
def _add_all_by_form(
    weights: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any
) -> Callable[[Any, Any, Any, Any, Any, Any], None]:
    def by_rows(weights: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
        add_product(weights, x[0, first : first + inputs], y[0])

    def by_panels(weights: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
        add_products(weights, x, first, y)

    def by_pairs(weights: Any, x: Any, first: Any, inputs: Any, short: Any, y: Any) -> None:
        for stream in range(len(x)):
            given, to = x[stream, first : first + inputs], short[stream]
            for k in range(inputs):
                to[k] = np.uint16(rounded(given[k]))
            if inputs % 2:
                to[inputs] = np.uint16(0)
        add_products(weights, short.view(np.uint32), 0, y)

    if weights.ndim == 2:
        return by_rows
    return by_pairs if weights.dtype == types.uint32 else by_panels


class Held(NamedTuple):
    """Cells of a layer that are set after their update, each (held,)."""

    cells: NDArray[np.int64]
    values: Floats


NOTHING_HELD = Held(np.empty(0, np.int64), np.empty(0, np.float32))


class Room(NamedTuple):
    """Where steps compute: the pre-activations (streams, 4 cells in whole panels), a row of (cells,), and x
    in 16 bits (streams, 2 cells or more).
    """

    sums: Floats
    squashed: Floats
    short: Halves


@compiled
def room_for(streams: int, cells: int) -> Room:
    """Room for so many streams of a layer of so many cells."""
    sums = np.empty((streams, in_panels(4 * cells)), np.float32)
    return Room(sums, np.empty(cells, np.float32), rows_apart(streams, 2 * cells))


@compiled
def in_panels(outputs: int) -> int:
    """So many outputs, made whole panels."""
    return (outputs + PANEL - 1) // PANEL * PANEL


@compiled
def step(room: Room, gates: Floats, c: Floats, h: Floats, first: int, held: Held) -> None:
    """The element-wise part of a step, from room's pre-activations: c (streams, cells) becomes that after it.

    Gates i, f, g, o (streams, 4 cells) are written, and h into the columns of h (streams, any) from first on.
    """
    cells = c.shape[1]
    for s in range(len(c)):
        sums, gate, state = room.sums[s], gates[s], c[s]
        i, f = gate[:cells], gate[cells : 2 * cells]
        g, o = gate[2 * cells : 3 * cells], gate[3 * cells : 4 * cells]
        sigmoids(sums[: 2 * cells], gate[: 2 * cells])
        tanhs(sums[2 * cells : 3 * cells], g)
        sigmoids(sums[3 * cells : 4 * cells], o)
        remembered(i, f, g, state, state)
        for n in range(held.cells.size):
            state[held.cells[n]] = held.values[n]
        tanhs(state, room.squashed)
        shown(o, room.squashed, h[s, first : first + cells])


@compiled
def held_at(holds: Holds, layer: int, number: int) -> Held:
    """Those of a layer that have begun at drawn character number."""
    if holds.starts.size == 0:
        return Held(holds.cells, holds.values)
    begun = (holds.layers == layer) & (holds.starts <= number)
    return Held(holds.cells[begun], holds.values[begun])


@compiled
def read(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    number: int,
    gates: Floats,
    room: Room,
) -> None:
    """One symbol of every stream through all layers: h (layers, streams, 2 cells) and c (layers, streams,
    cells) become what is after it; gates (streams, 4 cells) is room.

    A row of h is [h of the layer below, h of this layer], as the products want it.
    """
    for layer in range(len(c)):
        _read_layer(weights, layer, symbols, h, c, held_at(holds, layer, number), gates, room)


@compiled
def _read_layer(
    weights: StreamWeights,
    layer: int,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    held: Held,
    gates: Floats,
    room: Room,
) -> None:
    """One layer's part of `read`; gates (streams, 4 cells) are written."""
    layers, streams, cells = c.shape
    for stream in range(streams):
        own = room.sums[stream]
        added = weights.table[symbols[stream]] if layer == 0 else weights.bias[layer - 1]
        for k in range(4 * cells):
            own[k] = added[k]
    if layer == 0:
        add_all(weights.recurrent, h[0], cells, cells, room.short, room.sums)
    else:
        add_all(weights.upper[layer - 1], h[layer], 0, 2 * cells, room.short, room.sums)
    step(room, gates, c[layer], h[layer], cells, held)
    if layer + 1 < layers:
        for stream in range(streams):
            below, above = h[layer, stream, cells:], h[layer + 1, stream]
            for k in range(cells):
                above[k] = below[k]


@compiled
def step_rows(
    panels: Weights,
    x: Floats,
    table: Floats,
    rows: NDArray[np.int64],
    before: Floats,
    held: Held,
    gates: Floats,
    c: Floats,
    h: Floats,
) -> None:
    """One step of one layer: gates i, f, g, o (streams, 4 cells), c and h (streams, cells).

    The pre-activations are products of x (streams, inputs) with the panels of all weights and, added to
    them, those of rows (streams,) of a table (any, 4 cells); before (streams, cells) is c before. All are
    contiguous. Held cells are set after their update.
    """
    room = room_for(*before.shape)
    for stream in range(len(x)):
        own, row = room.sums[stream], table[rows[stream]]
        for k in range(row.size):
            own[k] = row[k]
    add_all(panels, x, 0, x.shape[1], room.short, room.sums)
    c[:] = before
    step(room, gates, c, h, 0, held)


@compiled
def read_block(
    weights: StreamWeights, symbols: NDArray[np.int64], h: Floats, c: Floats, holds: Holds, first: int
) -> Floats:
    """Logits (symbols, vocabulary) after each of symbols, in one stream; see read for h and c, which become
    what is after the last.

    The first symbol is the one before drawn character `first`, as the holds count.
    """
    cells = c.shape[2]
    gates, room = np.empty((1, 4 * cells), np.float32), room_for(1, cells)
    logits = np.empty((symbols.size, weights.head_bias.size), np.float32)
    for k in range(symbols.size):
        read(weights, symbols[k : k + 1], h, c, holds, first + k, gates, room)
        logits[k] = weights.head_bias
        add_product(weights.head, h[-1, 0, cells:], logits[k])
    return logits


@compiled
def trace_block(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    kept: tuple[Floats, Floats, Floats],
    first: int,
) -> None:
    """Read symbols (positions, streams) and keep the gates, c and h of each; see read for h and c.

    kept are (layers, positions, all streams, 4 cells), and of cells; these streams are those from first on.
    """
    layers, streams, cells = c.shape
    room, stop = room_for(streams, cells), first + streams
    for position in range(len(symbols)):
        for layer in range(layers):
            gates = kept[0][layer, position, first:stop]
            _read_layer(weights, layer, symbols[position], h, c, held_at(holds, layer, 0), gates, room)
            kept[1][layer, position, first:stop] = c[layer]
            kept[2][layer, position, first:stop] = h[layer, :, cells:]
