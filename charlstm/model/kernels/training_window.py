"""A layer over a window, forward and backward, by products in bfloat16: what training needs of it.

Inputs and cells come in multiples of 32. A step multiplies x = [inputs, h before] by the input and recurrent
weights side by side; the first layer has no inputs, but rows of a table. Everything but the products is
float32. What is kept of a gate is 16 bits, in steps of 1/65535, the candidate as the sigmoid it is made of.

Streams go by pairs, since a weight's gradient is a product over pairs of positions: two streams' numbers
stand in one uint32, the first one's in the lower half.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import ONE, TWO, remembered, rounded, shown, sigmoids, tanhs, wide
from charlstm.model.kernels.jit import Floats, Halves, compiled
from charlstm.model.kernels.llvm_vectors import GROUP, PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import (
    add_crossed,
    add_products,
    deal_groups,
    deal_panels,
    rows_apart,
    take_panels,
)

_STEPS = np.float32(65535)
_HALF, _FOUR = np.float32(0.5), np.float32(4)


class Kept(NamedTuple):
    """What the way back needs of a window.

    taken (positions, (inputs + cells) / 8 + 1, pairs, 8) is x of every step, gates (positions, 4 cells / 32
    + 1, pairs, 32) are its gates, by pairs of streams; states (positions, streams, cells) is c after it. One
    group and one panel more than needed keep positions apart in the caches.
    """

    taken: Pairs
    gates: Pairs
    states: Floats


@compiled
def kept_for(streams: int, positions: int, inputs: int, cells: int) -> Kept:
    """Room for that."""
    pairs = (streams + 1) // 2
    return Kept(
        np.empty((positions, (inputs + cells) // GROUP + 1, pairs, GROUP), np.uint32),
        np.empty((positions, 4 * cells // PANEL + 1, pairs, PANEL), np.uint32),
        np.empty((positions, streams, cells), np.float32),
    )


@compiled
def forward_window(
    panels: Pairs,
    added: Floats,
    rows: NDArray[np.int64],
    inputs: Halves,
    x: Halves,
    c: Floats,
    kept: Kept,
    outputs: Halves,
) -> None:
    """Some streams through a window.

    panels are of the weights (4 cells, inputs + cells); rows (positions, streams) say which row of added
    (any, 4 cells), all else that is summed, is a step's; inputs (streams, positions, inputs). x, `rows_apart`
    of streams, made even, and inputs + cells, holds h before the window, and c (streams, cells) is the state
    there. Written are what is kept and outputs (streams, positions, cells).
    """
    positions, streams = rows.shape
    cells, pairs, below = c.shape[1], len(x) // 2, inputs.shape[2]
    sums, own = np.zeros((streams, 4 * cells), np.float32), np.empty(4 * cells, np.float32)
    candidate, h = np.empty(cells, np.float32), np.empty(cells, np.float32)
    short = rows_apart(2 * pairs, 4 * cells)
    taken, gates, states = kept
    multiplied = x.view(np.uint32)
    for position in range(positions):
        for stream in range(streams if below else 0):
            to, given = x[stream], inputs[stream, position]
            for k in range(below):
                to[k] = given[k]
        deal_groups(x, taken[position])
        for stream in range(streams):
            total, row = sums[stream], added[rows[position, stream]]
            for k in range(4 * cells):
                total[k] = row[k]
        add_products(panels, multiplied, 0, sums)
        for stream in range(streams):
            total, state = sums[stream], states[position, stream]
            old = c[stream] if position == 0 else states[position - 1, stream]
            sigmoids(total[: 2 * cells], own[: 2 * cells])
            sigmoids(total[3 * cells :], own[3 * cells :])
            tanhs(total[2 * cells : 3 * cells], candidate)
            remembered(own[:cells], own[cells : 2 * cells], candidate, old, state)
            halved = own[2 * cells : 3 * cells]
            for k in range(cells):
                halved[k] = candidate[k] * _HALF + _HALF
            mine = short[stream]
            for k in range(4 * cells):
                mine[k] = np.uint16(np.int32(own[k] * _STEPS + _HALF))
            tanhs(state, candidate)
            shown(own[3 * cells :], candidate, h)
            now, later = x[stream, below : below + cells], outputs[stream, position]
            for k in range(cells):
                now[k] = np.uint16(rounded(h[k]))
            for k in range(cells):
                later[k] = now[k]
        deal_panels(short, gates[position])


@compiled
def backward_window(
    panels: Pairs,
    rows: NDArray[np.int64],
    c: Floats,
    kept: Kept,
    d_outputs: Halves,
    d_inputs: Halves,
    d_added: Floats,
    d_weights: Floats,
) -> None:
    """The gradients of what `forward_window` did, from d_outputs (streams, positions, cells).

    panels are of the weights' transpose, (inputs + cells, 4 cells). Written are d_inputs (streams, positions,
    inputs), d_added (any, 4 cells) and d_weights (inputs + cells, 4 cells). The gates are written over.
    """
    positions, streams = rows.shape
    cells = c.shape[1]
    below, pairs = len(d_weights) - cells, (streams + 1) // 2
    taken, gates, states = kept
    d_x, d_c = np.zeros((streams, below + cells), np.float32), np.zeros((streams, cells), np.float32)
    d_h, own, row = (
        np.empty(cells, np.float32),
        np.empty(4 * cells, np.float32),
        np.empty(4 * cells, np.float32),
    )
    squashed, d_state = np.empty(cells, np.float32), np.empty(cells, np.float32)
    short = rows_apart(2 * pairs, 4 * cells)
    multiplied, scale = short.view(np.uint32), ONE / _STEPS
    d_added[:] = 0
    d_weights[:] = 0
    for back in range(positions):
        position = positions - 1 - back
        take_panels(gates[position], short)
        for stream in range(streams):
            mine = short[stream]
            for k in range(4 * cells):
                own[k] = np.float32(mine[k]) * scale
            carried, state, from_above = d_c[stream], states[position, stream], d_outputs[stream, position]
            old, from_after = (
                c[stream] if position == 0 else states[position - 1, stream],
                d_x[stream, below:],
            )
            i, f, g, o = own[:cells], own[cells : 2 * cells], own[2 * cells : 3 * cells], own[3 * cells :]
            d_i, d_f, d_g, d_o = (
                row[:cells],
                row[cells : 2 * cells],
                row[2 * cells : 3 * cells],
                row[3 * cells :],
            )
            for k in range(cells):
                d_h[k] = from_after[k] + wide(from_above[k])
            tanhs(state, squashed)
            for k in range(cells):
                d_o[k] = d_h[k] * squashed[k] * o[k] * (ONE - o[k])
            for k in range(cells):
                d_state[k] = carried[k] + d_h[k] * o[k] * (ONE - squashed[k] * squashed[k])
            for k in range(cells):
                d_i[k] = d_state[k] * (TWO * g[k] - ONE) * i[k] * (ONE - i[k])
            for k in range(cells):
                d_f[k] = d_state[k] * old[k] * f[k] * (ONE - f[k])
            for k in range(cells):
                d_g[k] = d_state[k] * i[k] * _FOUR * g[k] * (ONE - g[k])
            for k in range(cells):
                carried[k] = d_state[k] * f[k]
            sums = d_added[rows[position, stream]]
            for k in range(4 * cells):
                mine[k] = np.uint16(rounded(row[k]))
            for k in range(4 * cells):
                sums[k] += row[k]
        deal_panels(short, gates[position])
        if position or below:
            d_x[:] = 0
            add_products(panels, multiplied, 0, d_x)
        for stream in range(streams if below else 0):
            to, given = d_inputs[stream, position], d_x[stream]
            for k in range(below):
                to[k] = np.uint16(rounded(given[k]))
    add_crossed(taken, gates, d_weights)
