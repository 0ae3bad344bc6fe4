"""The LSTM's arithmetic as compiled loops: the element-wise part of a step, and whole steps of some streams.

A library's LSTM is made for windows: stepped one character at a time it packs its weights anew for
every character. Here one step costs one pass over the weights. Threads that have streams of their own meet
only after many steps; those that share one stream meet after every layer. `cell` is the readable
reference; these equal it to float32 rounding.

Numba compiles at the first call, for some seconds, and keeps the result on disk for later processes. What is
kept does not notice a change in another file, so all of it is in this one.
The candidate's pre-activations come doubled, because tanh(x) = 2 sigmoid(2 x) - 1: a step then is one run
of sigmoids.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# The bits of bfloat16 numbers, which are the upper half of a float32's.
Halves = NDArray[np.uint16]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_LOG2_E = np.float32(np.log2(np.e))
# A lower temperature has no reciprocal, which fast division takes: the likeliest is drawn, as at 0.
COLDEST = 1e-300
# Numbers that the nearest cache holds beside others.
_NEAR = 8192
# What has less than e^this of the likeliest's probability is not drawn.
_NEVER = np.float32(-80)
_ONE, _TWO = np.float32(1), np.float32(2)


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
def _powers(x: Floats, factor: np.float32, y: Floats, bits: NDArray[np.int32]) -> None:
    """y times the floats of these bits is 2^(factor x), within 2e-7 of it; it ends at 2^126 and 2^-126.

    2^v is 2^floor(v), written as a float's exponent, times a polynomial in the rest (its coefficients are the
    powers of ln 2 over factorials, fitted to [0, 1)). Plain arithmetic, so that it runs in vectors.
    """
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
        bits[k] = (np.int32(whole) + np.int32(127)) << np.int32(23)


@compiled
def _sigmoids(x: Floats, y: Floats, bits: NDArray[np.int32], floats: Floats) -> None:
    """y = 1 / (1 + e^-x); bits and floats are room for as many numbers, one memory. Off by less than 2e-7."""
    _powers(x, -_LOG2_E, y, bits)
    for k in range(x.size):
        y[k] = _ONE / (_ONE + y[k] * floats[k])


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
                    w0, w1 = _wide(weights[r, k]), _wide(weights[r + 1, k])
                    w2, w3 = _wide(weights[r + 2, k]), _wide(weights[r + 3, k])
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
        _products(weights[outputs:], x[s, first : first + inputs], y[s, outputs:])
    for s in range(rows, x.shape[0]):
        _products(weights, x[s, first : first + inputs], y[s])


class Held(NamedTuple):
    """Cells of a layer that are set after their update, each (held,)."""

    cells: NDArray[np.int64]
    values: Floats


NOTHING_HELD = Held(np.empty(0, np.int64), np.empty(0, np.float32))


class Room(NamedTuple):
    """Where steps compute: the pre-activations (streams, 4 cells), candidate doubled, and places for less."""

    sums: Floats
    halves: Floats
    bits: NDArray[np.int32]
    floats: Floats


@compiled
def _room_for(streams: int, cells: int) -> Room:
    """Room for so many streams of a layer of so many cells."""
    bits = np.empty(4 * cells, np.int32)
    sums, halves = np.empty((streams, 4 * cells), np.float32), np.empty(cells, np.float32)
    return Room(sums, halves, bits, bits.view(np.float32))


@compiled
def _step(room: Room, gates: Floats, c: Floats, h: Floats, first: int, held: Held) -> None:
    """The element-wise part of a step, from room's pre-activations: c (streams, cells) becomes that after it.

    Gates i, f, g, o (streams, 4 cells) are written, and h into the columns of h (streams, any) from first on.
    """
    cells = c.shape[1]
    width, column = np.uint64(cells), np.uint64(first)  # signed indices could be meant from the end
    sums, halves, bits, floats = room
    for s in range(len(c)):
        own, gate, state = sums[s], gates[s], c[s]
        _sigmoids(own, gate, bits, floats)
        for n in range(cells):
            k = np.uint64(n)
            g = _TWO * gate[k + width + width] - _ONE
            gate[k + width + width] = g
            state[k] = gate[k + width] * state[k] + gate[k] * g
        for n in range(held.cells.size):
            state[held.cells[n]] = held.values[n]
        doubled = own[:cells]
        for n in range(cells):
            doubled[n] = _TWO * state[n]
        _sigmoids(doubled, halves, bits, floats)
        for n in range(cells):
            k = np.uint64(n)
            h[s, column + k] = gate[k + width + width + width] * (_TWO * halves[k] - _ONE)


@compiled
def _held(holds: Holds, layer: int, number: int) -> Held:
    """Those of a layer that have begun at drawn character number."""
    if holds.starts.size == 0:
        return Held(holds.cells, holds.values)
    begun = (holds.layers == layer) & (holds.starts <= number)
    return Held(holds.cells[begun], holds.values[begun])


@compiled
def _read(
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
        _step(room, gates[layer], c[layer], h[layer], cells, _held(holds, layer, number))
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

    The pre-activations, candidate doubled, are products (streams, 4 cells) and, added to them, those of rows
    (streams,) of a table (any, 4 cells); before (streams, cells) is c before. All are contiguous. Held cells
    are set after their update.
    """
    room = _room_for(*before.shape)
    for stream in range(len(products)):
        own, given, row = room.sums[stream], products[stream], table[rows[stream]]
        for k in range(own.size):
            own[k] = _wide(given[k]) + row[k]
    c[:] = before
    _step(room, gates, c, h, 0, held)


class Chances(NamedTuple):
    """Where a symbol's chances are computed, (symbols,) each."""

    scaled: Floats
    weights: Floats
    bits: NDArray[np.int32]
    floats: Floats


@compiled
def chances_for(symbols: int) -> Chances:
    """Room to pick one of so many symbols."""
    bits = np.empty(symbols, np.int32)
    return Chances(np.empty(symbols, np.float32), np.empty(symbols, np.float32), bits, bits.view(np.float32))


@compiled
def pick(logits: Floats, draw: Draw, uniform: float, chances: Chances) -> int:
    """The symbol at a uniform number in [0, 1) of what `sampling.next_probabilities` gives."""
    if draw.temperature < COLDEST:
        return int(np.argmax(logits))
    scaled, weights, bits, floats = chances
    largest = logits[0]
    for symbol in range(logits.size):
        largest = max(largest, logits[symbol])
    for symbol in range(logits.size):
        scaled[symbol] = (np.float64(logits[symbol]) - np.float64(largest)) / draw.temperature
    _powers(scaled, _LOG2_E, weights, bits)
    for symbol in range(logits.size):
        weights[symbol] = weights[symbol] * floats[symbol] if scaled[symbol] > _NEVER else np.float32(0)
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
    drawn, chances = np.empty(uniforms.size, np.int64), chances_for(logits.shape[1])
    for stream in range(uniforms.size):
        drawn[stream] = pick(logits[stream], draw, uniforms[stream], chances)
    return drawn


@compiled
def read_block(
    weights: StreamWeights, symbols: NDArray[np.int64], h: Floats, c: Floats, holds: Holds, first: int
) -> Floats:
    """Logits (symbols, vocabulary) after each of symbols, in one stream; see _read for h and c, which become
    what is after the last.

    The first symbol is the one before drawn character `first`, as the holds count.
    """
    cells = c.shape[2]
    gates, room = np.empty((c.shape[0], 1, 4 * cells), np.float32), _room_for(1, cells)
    logits = np.empty((symbols.size, weights.head_bias.size), np.float32)
    for k in range(symbols.size):
        _read(weights, symbols[k : k + 1], h, c, holds, first + k, gates, room)
        multiply_rows(weights.head, h[-1], cells, logits[k : k + 1])
        logits[k] += weights.head_bias
    return logits


@compiled
def draw_block(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    draw: Draw,
    uniforms: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The next symbols of every stream, (characters, streams) as the uniform numbers, each read before the
    next is drawn; symbols (streams,) are read first.
    """
    cells, streams = c.shape[2], symbols.size
    gates = np.empty((c.shape[0], streams, 4 * cells), np.float32)
    room = _room_for(streams, cells)
    logits = np.empty((streams, weights.head_bias.size), np.float32)
    chances = chances_for(weights.head_bias.size)
    drawn = np.empty(uniforms.shape, np.int64)
    for number in range(len(uniforms)):
        last = symbols if number == 0 else drawn[number - 1]
        _read(weights, last, h, c, holds, first + number, gates, room)
        multiply_rows(weights.head, h[-1], cells, logits)
        for stream in range(streams):
            logits[stream] += weights.head_bias
            drawn[number, stream] = pick(logits[stream], draw, uniforms[number, stream], chances)
    return drawn


class Share(NamedTuple):
    """What the thread of this number does of a stream that several read together: cells and symbols."""

    number: int
    cells: tuple[int, int]
    symbols: tuple[int, int]


class Meeting(NamedTuple):
    """Where the threads of one stream meet, and what they hand each other.

    arrived (threads, APART) int64 says in its first column how often each has come to a meeting; h (layers,
    1, cells) and logits (symbols,); characters (1,) int64, how many are drawn before they part; left (1,)
    int64 is 1 when one will not come any more: the others then go on, to no purpose, and end.
    """

    arrived: NDArray[np.int64]
    h: Floats
    logits: Floats
    characters: NDArray[np.int64]
    left: NDArray[np.int64]


# Numbers of 8 bytes between two that different threads write: caches exchange 64 or 128 bytes.
APART = 16
# Looks at another thread before it is late: some hundred us, where its share of a layer takes less.
_PATIENCE = 200_000


@intrinsic
def _tell(_: Any, numbers: Any, place: Any, value: Any) -> Any:
    """numbers[place] = value, seen by other threads after all that was written before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.int64), code


@intrinsic
def _told(_: Any, numbers: Any, place: Any) -> Any:
    """numbers[place], and with it all that another thread wrote before it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, arguments), "acquire", 8)

    return types.int64(numbers, types.intp), code


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The address of an intrinsic's first argument, an array of one dimension, at its second."""
    kind = signature.args[0]
    array = context.make_array(kind)(context, builder, arguments[0])
    places = [arguments[1]]
    return cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
        context, builder, kind, array, places, wraparound=False
    )


@compiled
def _meet(meeting: Meeting, number: int) -> bool:
    """Wait until every thread has come here as often as this one, and say whether one of them was late."""
    arrived = meeting.arrived
    times = arrived[number, 0] + 1
    _tell(arrived[number], 0, times)  # type: ignore[call-arg]  # numba gives the first one
    looks = 0
    for other in range(len(arrived)):
        while _told(arrived[other], 0) < times and _told(meeting.left, 0) == 0:
            looks += 1
    return looks > _PATIENCE


@compiled
def _held_of(held: Held, first: int, stop: int) -> Held:
    """Those among cells first to stop, counted from first on."""
    if held.cells.size == 0:
        return held
    own = (held.cells >= first) & (held.cells < stop)
    return Held(held.cells[own] - first, held.values[own])


@compiled
def draw_together(
    weights: StreamWeights,
    symbol: int,
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    draw: Draw,
    uniforms: NDArray[np.float64],
    share: Share,
    meeting: Meeting,
) -> NDArray[np.int64]:
    """`draw_block` for one stream, by several threads that call it with shares of their own: (characters,).

    They meet after every layer and after the logits, and each draws the same symbol. When one is late, since
    something else has its processor, fewer symbols are drawn: all part after the next.
    """
    layers, _, cells = c.shape
    start, stop = share.cells
    own = stop - start
    room, gates = _room_for(1, own), np.empty((1, 4 * own), np.float32)
    # No thread reads what another is writing: of h each has a copy, of c its cells, and both are put back.
    mine, states = h.copy(), c[:, :, start:stop].copy()
    chances, drawn = chances_for(meeting.logits.size), np.empty(uniforms.size, np.int64)
    late = False
    meeting.characters[0] = uniforms.size
    _meet(meeting, share.number)
    for number in range(uniforms.size):
        for layer in range(layers):
            for gate in range(4):
                sums, row = room.sums[0, gate * own : (gate + 1) * own], gate * cells + start
                if layer == 0:
                    _products(weights.recurrent[row : row + own], mine[0, 0, cells:], sums)
                    sums += weights.table[symbol, row : row + own]
                else:
                    _products(weights.upper[layer - 1, row : row + own], mine[layer, 0], sums)
                    sums += weights.bias[layer - 1, row : row + own]
            held = _held_of(_held(holds, layer, first + number), start, stop)
            _step(room, gates, states[layer], meeting.h[layer], start, held)
            late |= _meet(meeting, share.number)
            mine[layer, 0, cells:] = meeting.h[layer, 0]
            if layer + 1 < layers:
                mine[layer + 1, 0, :cells] = meeting.h[layer, 0]
        begin, end = share.symbols
        _products(weights.head[begin:end], mine[-1, 0, cells:], meeting.logits[begin:end])
        meeting.logits[begin:end] += weights.head_bias[begin:end]
        if late and share.number == 0:
            meeting.characters[0] = number + 1
        late |= _meet(meeting, share.number)
        symbol = pick(meeting.logits, draw, uniforms[number], chances)
        drawn[number] = symbol
        if meeting.characters[0] <= number + 1:
            break
    c[:, :, start:stop] = states
    if share.number == 0:
        h[:] = mine
    return drawn[: meeting.characters[0]]


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
    """Read symbols (positions, streams) and keep the gates, c and h of each; see _read for h and c.

    kept are (layers, all streams, positions, 4 cells), and of cells; these streams are those from first on.
    """
    cells, streams = c.shape[2], symbols.shape[1]
    gates = np.empty((c.shape[0], streams, 4 * cells), np.float32)
    room = _room_for(streams, cells)
    for position in range(len(symbols)):
        _read(weights, symbols[position], h, c, holds, 0, gates, room)
        for layer in range(c.shape[0]):
            for stream in range(streams):
                kept[0][layer, first + stream, position] = gates[layer, stream]
                kept[1][layer, first + stream, position] = c[layer, stream]
                kept[2][layer, first + stream, position] = h[layer, stream, cells:]
