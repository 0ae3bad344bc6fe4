"""Steps and draws of one stream that several threads compute together, each for its share of the cells.

The threads wait for each other after every layer and after the logits (a spinning barrier). They share the
new hidden states and the logits; each thread then draws the same symbol by itself.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from charlstm.model.kernels.drawing import DrawRules, pick, pick_buffers
from charlstm.model.kernels.jit import Floats, compiled
from charlstm.model.kernels.matrix_tiles import spaced_rows
from charlstm.model.kernels.products import NO_SCALES, add_row_products, row_inputs
from charlstm.model.kernels.steps import (
    HeldCells,
    Holds,
    StreamWeights,
    apply_gates,
    held_cells_at,
    step_buffers,
)


class Share(NamedTuple):
    """What thread `number`, from 0, computes of a shared stream: (first, stop) of its cells and symbols."""

    number: int
    cells: tuple[int, int]
    symbols: tuple[int, int]


class SharedState(NamedTuple):
    """What the threads of one stream share: their barrier, and what each computes for the others.

    arrivals (threads, NUMBERS_APART) int64 counts in its first column how often each thread came to the
    barrier. h (layers, 1, cells) float32 and logits (symbols,) float32 are written by all, each its share.
    characters (1,) int64 counts the characters drawn until the threads part ways. abandoned (1,) int64 is
    1 once a thread will not come any more: the others then no longer wait, and what they compute is useless.
    """

    arrivals: NDArray[np.int64]
    h: Floats
    logits: Floats
    characters: NDArray[np.int64]
    abandoned: NDArray[np.int64]


# Numbers of 8 bytes between two counters that different threads write, 128 bytes: caches exchange lines of 64
# or 128 bytes, and a line that two threads write would move to and fro.
NUMBERS_APART = 16
# Polls, some hundred microseconds, after which a thread that is waited for counts as late.
_LOOKS_UNTIL_LATE = 200_000


@intrinsic
def _store_release(_: Any, numbers: Any, place: Any, value: Any) -> Any:
    """Write numbers[place] = value; threads that read it also see all that this one wrote before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.int64), code


@intrinsic
def _load_acquire(_: Any, numbers: Any, place: Any) -> Any:
    """Return numbers[place]; what its writer wrote before it is visible from then on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, arguments), "acquire", 8)

    return types.int64(numbers, types.intp), code


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Write the address of element arguments[1] of the array arguments[0], which has one dimension."""
    kind = signature.args[0]
    array = context.make_array(kind)(context, builder, arguments[0])
    places = [arguments[1]]
    return cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
        context, builder, kind, array, places, wraparound=False
    )


@compiled
def _wait_for_all(shared: SharedState, number: int) -> bool:
    """Wait until every thread has come here as often as thread `number`; return whether one came late."""
    arrivals = shared.arrivals
    times = arrivals[number, 0] + 1
    _store_release(arrivals[number], 0, times)  # type: ignore[call-arg]  # numba gives the first argument
    looks = 0
    for other in range(len(arrivals)):
        while _load_acquire(arrivals[other], 0) < times and _load_acquire(shared.abandoned, 0) == 0:
            looks += 1
    return looks > _LOOKS_UNTIL_LATE


@compiled
def _held_in_share(held: HeldCells, first: int, stop: int) -> HeldCells:
    """Return the held cells among cells first to stop - 1, numbered from first on."""
    if held.cells.size == 0:
        return held
    inside = (held.cells >= first) & (held.cells < stop)
    return HeldCells(held.cells[inside] - first, held.values[inside])


@compiled
def draw_together(
    weights: StreamWeights,
    symbol: int,
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    rules: DrawRules,
    uniforms: NDArray[np.float64],
    share: Share,
    shared: SharedState,
) -> NDArray[np.int64]:
    """Draw symbols of one stream as `drawing.draw_block` does, by several threads; return (characters,).

    Every thread calls this with the same arguments but its own share, and returns the same symbols. uniforms
    (characters,) in [0, 1) decide each draw. When a thread comes late, since another program has its
    processor, all threads end after the symbol at hand: the result is then shorter than uniforms.
    """
    layers, _, cells = c.shape
    start, stop = share.cells
    count = stop - start
    buffers, gates = step_buffers(1, count), np.empty((1, 4 * count), np.float32)
    short = spaced_rows(1, 2 * cells)[0]
    # Each thread works on copies of h and of its cells of c, written back at the end: no thread then reads
    # memory that another one writes, but for what `shared` holds.
    own_h, own_c = h.copy(), c[:, :, start:stop].copy()
    for_pick, drawn = pick_buffers(shared.logits.size), np.empty(uniforms.size, np.int64)
    late = False
    shared.characters[0] = uniforms.size
    _wait_for_all(shared, share.number)
    for number in range(uniforms.size):
        for layer in range(layers):
            added = weights.table[symbol] if layer == 0 else weights.bias[layer - 1]
            rows = weights.recurrent if layer == 0 else weights.upper[layer - 1]
            inputs = row_inputs(rows, own_h[layer, 0, cells if layer == 0 else 0 :], short)
            for gate in range(4):
                sums = buffers.preactivations[0, gate * count : (gate + 1) * count]
                own = slice(gate * cells + start, gate * cells + stop)
                sums[:] = added[own]
                add_row_products(rows[own], weights.scales[layer, own], inputs, sums)
            held = _held_in_share(held_cells_at(holds, layer, first + number), start, stop)
            apply_gates(buffers, gates, own_c[layer], shared.h[layer], start, held)
            late |= _wait_for_all(shared, share.number)
            own_h[layer, 0, cells:] = shared.h[layer, 0]
            if layer + 1 < layers:
                own_h[layer + 1, 0, :cells] = shared.h[layer, 0]
        begin, end = share.symbols
        shared.logits[begin:end] = weights.head_bias[begin:end]
        add_row_products(weights.head[begin:end], NO_SCALES, own_h[-1, 0, cells:], shared.logits[begin:end])
        if late and share.number == 0:
            shared.characters[0] = number + 1
        late |= _wait_for_all(shared, share.number)
        symbol = pick(shared.logits, rules, uniforms[number], for_pick)
        drawn[number] = symbol
        if shared.characters[0] <= number + 1:
            break
    c[:, :, start:stop] = own_c
    if share.number == 0:
        h[:] = own_h
    return drawn[: shared.characters[0]]
