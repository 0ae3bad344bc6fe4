"""One stream by several threads, which meet after every layer."""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from charlstm.model.kernels.drawing import Draw, chances_for, pick
from charlstm.model.kernels.jit import Floats, compiled
from charlstm.model.kernels.steps import Held, Holds, StreamWeights, add_product, held_at, room_for, step


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
    room, gates = room_for(1, own), np.empty((1, 4 * own), np.float32)
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
                    sums[:] = weights.table[symbol, row : row + own]
                    add_product(weights.recurrent[row : row + own], mine[0, 0, cells:], sums)
                else:
                    sums[:] = weights.bias[layer - 1, row : row + own]
                    add_product(weights.upper[layer - 1, row : row + own], mine[layer, 0], sums)
            held = _held_of(held_at(holds, layer, first + number), start, stop)
            step(room, gates, states[layer], meeting.h[layer], start, held)
            late |= _meet(meeting, share.number)
            mine[layer, 0, cells:] = meeting.h[layer, 0]
            if layer + 1 < layers:
                mine[layer + 1, 0, :cells] = meeting.h[layer, 0]
        begin, end = share.symbols
        meeting.logits[begin:end] = weights.head_bias[begin:end]
        add_product(weights.head[begin:end], mine[-1, 0, cells:], meeting.logits[begin:end])
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
