"""One character of every stream through all layers: to read a text, and to keep what its gates do."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.compiled.arithmetic import remembered, shown, sigmoids, tanhs, wide
from charlstm.compiled.compiling import Floats, Halves, compiled

# Numbers that the nearest cache holds beside others.
_NEAR = 8192


class StreamWeights(NamedTuple):
    """The weights of a model of tanh cells.

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


class Holds(NamedTuple):
    """Cells that are set after their update from a drawn character on, each (holds,), in order of start."""

    layers: NDArray[np.int64]
    cells: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]


@compiled
def products(weights: Floats | Halves, x: Floats, y: Floats) -> None:
    """y = weights x. Four rows at a time, which share what is read of x."""
    rows = weights.shape[0] // 4 * 4
    for r in range(0, rows, 4):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(x.size):
            a += wide(weights[r, k]) * x[k]
            b += wide(weights[r + 1, k]) * x[k]
            c += wide(weights[r + 2, k]) * x[k]
            d += wide(weights[r + 3, k]) * x[k]
        y[r], y[r + 1], y[r + 2], y[r + 3] = a, b, c, d
    for r in range(rows, weights.shape[0]):
        a = np.float32(0)
        for k in range(x.size):
            a += wide(weights[r, k]) * x[k]
        y[r] = a


@compiled
def multiply_rows(weights: Floats | Halves, x: Floats, first: int, y: Floats) -> None:
    """y (rows, outputs) = x weights^T, of x (rows, any) the columns from first on that weights has.

    Four rows of x by four of weights at a time, so that a number that is read is used four times, and as many
    rows of x in turn as stay near. A row's numbers do not depend on how many fours stand before it.
    """
    inputs, skipped = weights.shape[1], np.uint64(first)  # a signed index could be one from the end
    rows, outputs = x.shape[0] // 4 * 4, weights.shape[0] // 4 * 4
    several = max(4, _NEAR // inputs // 4 * 4)
    for start in range(0, rows, several):
        stop = min(start + several, rows)
        for r in range(0, outputs, 4):
            for s in range(start, stop, 4):
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = np.float32(0)
                c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = np.float32(0)
                for k in range(inputs):
                    at = skipped + np.uint64(k)
                    w0, w1 = wide(weights[r, k]), wide(weights[r + 1, k])
                    w2, w3 = wide(weights[r + 2, k]), wide(weights[r + 3, k])
                    a, b, c, d = x[s, at], x[s + 1, at], x[s + 2, at], x[s + 3, at]
                    a0, a1, a2, a3 = a0 + w0 * a, a1 + w1 * a, a2 + w2 * a, a3 + w3 * a
                    b0, b1, b2, b3 = b0 + w0 * b, b1 + w1 * b, b2 + w2 * b, b3 + w3 * b
                    c0, c1, c2, c3 = c0 + w0 * c, c1 + w1 * c, c2 + w2 * c, c3 + w3 * c
                    d0, d1, d2, d3 = d0 + w0 * d, d1 + w1 * d, d2 + w2 * d, d3 + w3 * d
                y[s, r], y[s, r + 1], y[s, r + 2], y[s, r + 3] = a0, a1, a2, a3
                y[s + 1, r], y[s + 1, r + 1], y[s + 1, r + 2], y[s + 1, r + 3] = b0, b1, b2, b3
                y[s + 2, r], y[s + 2, r + 1], y[s + 2, r + 2], y[s + 2, r + 3] = c0, c1, c2, c3
                y[s + 3, r], y[s + 3, r + 1], y[s + 3, r + 2], y[s + 3, r + 3] = d0, d1, d2, d3
    for s in range(rows):
        products(weights[outputs:], x[s, first : first + inputs], y[s, outputs:])
    for s in range(rows, x.shape[0]):
        products(weights, x[s, first : first + inputs], y[s])


class Held(NamedTuple):
    """Cells of a layer that are set after their update, each (held,)."""

    cells: NDArray[np.int64]
    values: Floats


NOTHING_HELD = Held(np.empty(0, np.int64), np.empty(0, np.float32))


class Room(NamedTuple):
    """Where steps compute: the pre-activations (streams, 4 cells), and a row of (cells,)."""

    sums: Floats
    squashed: Floats


@compiled
def room_for(streams: int, cells: int) -> Room:
    """Room for so many streams of a layer of so many cells."""
    return Room(np.empty((streams, 4 * cells), np.float32), np.empty(cells, np.float32))


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
    cells) become what is after it, and gates (layers, streams, 4 cells) those that made it.

    A row of h is [h of the layer below, h of this layer], as the products want it.
    """
    layers, streams, cells = c.shape
    sums = room.sums
    for layer in range(layers):
        if layer == 0:
            multiply_rows(weights.recurrent, h[0], cells, sums)
        else:
            multiply_rows(weights.upper[layer - 1], h[layer], 0, sums)
        for stream in range(streams):
            own = sums[stream]
            added = weights.table[symbols[stream]] if layer == 0 else weights.bias[layer - 1]
            for k in range(4 * cells):
                own[k] += added[k]
        step(room, gates[layer], c[layer], h[layer], cells, held_at(holds, layer, number))
        if layer + 1 < layers:
            for stream in range(streams):
                below, above = h[layer, stream, cells:], h[layer + 1, stream]
                for k in range(cells):
                    above[k] = below[k]


@compiled
def step_rows(
    products: Floats | Halves,
    table: Floats,
    rows: NDArray[np.int64],
    before: Floats,
    held: Held,
    gates: Floats,
    c: Floats,
    h: Floats,
) -> None:
    """The element-wise part of one step of one layer: gates i, f, g, o (streams, 4 cells), c and h (streams,
    cells).

    The pre-activations are products (streams, 4 cells) and, added to them, those of rows
    (streams,) of a table (any, 4 cells); before (streams, cells) is c before. All are contiguous. Held cells
    are set after their update.
    """
    room = room_for(*before.shape)
    for stream in range(len(products)):
        own, given, row = room.sums[stream], products[stream], table[rows[stream]]
        for k in range(own.size):
            own[k] = wide(given[k]) + row[k]
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
    gates, room = np.empty((c.shape[0], 1, 4 * cells), np.float32), room_for(1, cells)
    logits = np.empty((symbols.size, weights.head_bias.size), np.float32)
    for k in range(symbols.size):
        read(weights, symbols[k : k + 1], h, c, holds, first + k, gates, room)
        multiply_rows(weights.head, h[-1], cells, logits[k : k + 1])
        logits[k] += weights.head_bias
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

    kept are (layers, all streams, positions, 4 cells), and of cells; these streams are those from first on.
    """
    cells, streams = c.shape[2], symbols.shape[1]
    gates = np.empty((c.shape[0], streams, 4 * cells), np.float32)
    room = room_for(streams, cells)
    for position in range(len(symbols)):
        read(weights, symbols[position], h, c, holds, 0, gates, room)
        for layer in range(c.shape[0]):
            for stream in range(streams):
                kept[0][layer, first + stream, position] = gates[layer, stream]
                kept[1][layer, first + stream, position] = c[layer, stream]
                kept[2][layer, first + stream, position] = h[layer, stream, cells:]
