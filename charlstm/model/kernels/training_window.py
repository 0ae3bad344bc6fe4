"""One window of training in bfloat16: a layer of tanh cells, forward and backward.

Numbers of inputs and of cells are multiples of 32. A step multiplies x = [inputs, h before] by the weights
[W U], inputs and weights in bfloat16. In the first layer there are no inputs: W x + b is a row of a table.
Everything but the products is float32. Gates are kept for the way back as 16-bit integers in steps of
1/65535; the candidate g, from -1 to 1, is kept as (g + 1) / 2.

The gradient of the weights is a sum over streams and positions, computed on pairs of streams: the 16-bit
numbers of streams 2 p and 2 p + 1 stand in the lower and upper half of one uint32 (see `matrix_tiles`).

The equations are in `charlstm.model.equations`; their gradients are those of back-propagation through time
(Werbos 1990), with d_x for the gradient of the loss with respect to x:

    d_o = d_h tanh(c') o (1 - o)            all with respect to the pre-activations
    d_c' = d_h o (1 - tanh(c')^2) + d_c from the step after
    d_i = d_c' g i (1 - i)
    d_f = d_c' c f (1 - f)
    d_g = d_c' i (1 - g^2)
    d_c = d_c' f                            handed to the step before
    d_[x h] = [W U]^T [d_i d_f d_g d_o]
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import (
    ONE,
    TWO,
    as_float32,
    bfloat16_bits,
    sigmoids,
    tanhs,
    update_cell_states,
    write_hidden_states,
)
from charlstm.model.kernels.jit import Bits16, Floats, compiled
from charlstm.model.kernels.llvm_vectors import GROUP, PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import (
    add_panel_products,
    add_transposed_products,
    join_rows_in_groups,
    join_rows_in_panels,
    spaced_rows,
    split_rows_from_panels,
)

# Steps from 0 to 1 in which a gate is kept: the largest number of 16 bits.
_GATE_STEPS = np.float32(65535)
_HALF, _FOUR = np.float32(0.5), np.float32(4)


class WindowRecord(NamedTuple):
    """What the backward pass needs of a window that the forward pass computed.

    multiplied (positions, (inputs + cells) / 8 + 1, pairs, 8) uint32 is x of every step in bfloat16, gates
    (positions, 4 cells / 32 + 1, pairs, 32) uint32 are its gates, both by pairs of streams. states
    (positions, streams, cells) float32 is c after each step. The one group and one panel more than needed
    keep two positions from competing for the same places in the caches.
    """

    multiplied: Pairs
    gates: Pairs
    states: Floats


@compiled
def window_record(streams: int, positions: int, inputs: int, cells: int) -> WindowRecord:
    """Return memory for the record of a window of that shape, not yet written."""
    pairs = (streams + 1) // 2
    return WindowRecord(
        np.empty((positions, (inputs + cells) // GROUP + 1, pairs, GROUP), np.uint32),
        np.empty((positions, 4 * cells // PANEL + 1, pairs, PANEL), np.uint32),
        np.empty((positions, streams, cells), np.float32),
    )


@compiled
def forward_window(
    panels: Pairs,
    added: Floats,
    rows: NDArray[np.int64],
    inputs: Bits16,
    x: Bits16,
    c: Floats,
    record: WindowRecord,
    outputs: Bits16,
) -> None:
    """Run some streams through a window; write record and outputs (streams, positions, cells) bfloat16.

    panels are of pairs, of the weights [W U] (4 cells, inputs + cells). The pre-activations of a step are the
    product of x with them plus a row of added (any, 4 cells) float32: row rows[position, stream]. inputs are
    (streams, positions, inputs) bfloat16.

    x is `spaced_rows` of (streams rounded up to even, inputs + cells); its columns from number inputs on hold
    h before the window, in bfloat16. c (streams, cells) float32 is the cell state before the window.
    """
    positions, streams = rows.shape
    cells, pairs, width = c.shape[1], len(x) // 2, inputs.shape[2]
    sums, gate = np.zeros((streams, 4 * cells), np.float32), np.empty(4 * cells, np.float32)
    candidate, h = np.empty(cells, np.float32), np.empty(cells, np.float32)
    short = spaced_rows(2 * pairs, 4 * cells)
    multiplied, gates, states = record
    x_pairs = x.view(np.uint32)
    for position in range(positions):
        for stream in range(streams if width else 0):
            to, given = x[stream], inputs[stream, position]
            for k in range(width):
                to[k] = given[k]
        join_rows_in_groups(x, multiplied[position])
        for stream in range(streams):
            total, row = sums[stream], added[rows[position, stream]]
            for k in range(4 * cells):
                total[k] = row[k]
        add_panel_products(panels, x_pairs, 0, sums)
        for stream in range(streams):
            total, state = sums[stream], states[position, stream]
            c_before = c[stream] if position == 0 else states[position - 1, stream]
            sigmoids(total[: 2 * cells], gate[: 2 * cells])
            sigmoids(total[3 * cells :], gate[3 * cells :])
            tanhs(total[2 * cells : 3 * cells], candidate)
            update_cell_states(gate[:cells], gate[cells : 2 * cells], candidate, c_before, state)
            half_candidate = gate[2 * cells : 3 * cells]
            for k in range(cells):
                half_candidate[k] = candidate[k] * _HALF + _HALF
            steps = short[stream]
            for k in range(4 * cells):
                steps[k] = np.uint16(np.int32(gate[k] * _GATE_STEPS + _HALF))
            tanhs(state, candidate)  # from here on its memory holds tanh(c')
            write_hidden_states(gate[3 * cells :], candidate, h)
            next_h, output = x[stream, width : width + cells], outputs[stream, position]
            for k in range(cells):
                next_h[k] = np.uint16(bfloat16_bits(h[k]))
            for k in range(cells):
                output[k] = next_h[k]
        join_rows_in_panels(short, gates[position])


@compiled
def backward_window(
    panels: Pairs,
    rows: NDArray[np.int64],
    c: Floats,
    record: WindowRecord,
    d_outputs: Bits16,
    d_inputs: Bits16,
    d_added: Floats,
    d_weights: Floats,
) -> None:
    """Compute the gradients of what `forward_window` computed, from d_outputs (streams, positions, cells).

    panels are of pairs, of the transposed weights (inputs + cells, 4 cells); rows, c and record are those of
    the forward pass. Written are d_inputs (streams, positions, inputs) bfloat16, d_added (rows of added, 4
    cells) float32 and d_weights (inputs + cells, 4 cells) float32, the transpose of the weights' gradient.
    The gates in record are overwritten, so a record serves one backward pass.
    """
    positions, streams = rows.shape
    cells = c.shape[1]
    width, pairs = len(d_weights) - cells, (streams + 1) // 2
    multiplied, gates, states = record
    d_x, d_c = np.zeros((streams, width + cells), np.float32), np.zeros((streams, cells), np.float32)
    d_h, gate, d_sums = (
        np.empty(cells, np.float32),
        np.empty(4 * cells, np.float32),
        np.empty(4 * cells, np.float32),
    )
    squashed, d_state = np.empty(cells, np.float32), np.empty(cells, np.float32)
    short = spaced_rows(2 * pairs, 4 * cells)
    d_sums_pairs, step_size = short.view(np.uint32), ONE / _GATE_STEPS
    d_added[:] = 0
    d_weights[:] = 0
    for back in range(positions):
        position = positions - 1 - back
        split_rows_from_panels(gates[position], short)
        for stream in range(streams):
            bits = short[stream]
            for k in range(4 * cells):
                gate[k] = np.float32(bits[k]) * step_size
            carried, state, from_above = d_c[stream], states[position, stream], d_outputs[stream, position]
            c_before, from_after = (
                c[stream] if position == 0 else states[position - 1, stream],
                d_x[stream, width:],
            )
            i, f, g, o = (
                gate[:cells],
                gate[cells : 2 * cells],
                gate[2 * cells : 3 * cells],  # (candidate + 1) / 2
                gate[3 * cells :],
            )
            d_i, d_f, d_g, d_o = (
                d_sums[:cells],
                d_sums[cells : 2 * cells],
                d_sums[2 * cells : 3 * cells],
                d_sums[3 * cells :],
            )
            for k in range(cells):
                d_h[k] = from_after[k] + as_float32(from_above[k])
            tanhs(state, squashed)
            for k in range(cells):
                d_o[k] = d_h[k] * squashed[k] * o[k] * (ONE - o[k])
            for k in range(cells):
                d_state[k] = carried[k] + d_h[k] * o[k] * (ONE - squashed[k] * squashed[k])
            for k in range(cells):
                d_i[k] = d_state[k] * (TWO * g[k] - ONE) * i[k] * (ONE - i[k])
            for k in range(cells):
                d_f[k] = d_state[k] * c_before[k] * f[k] * (ONE - f[k])
            for k in range(cells):
                d_g[k] = d_state[k] * i[k] * _FOUR * g[k] * (ONE - g[k])
            for k in range(cells):
                carried[k] = d_state[k] * f[k]
            total = d_added[rows[position, stream]]
            for k in range(4 * cells):
                bits[k] = np.uint16(bfloat16_bits(d_sums[k]))
            for k in range(4 * cells):
                total[k] += d_sums[k]
        join_rows_in_panels(short, gates[position])
        if position or width:
            d_x[:] = 0
            add_panel_products(panels, d_sums_pairs, 0, d_x)
        for stream in range(streams if width else 0):
            to, given = d_inputs[stream, position], d_x[stream]
            for k in range(width):
                to[k] = np.uint16(bfloat16_bits(given[k]))
    add_transposed_products(multiplied, gates, d_weights)
