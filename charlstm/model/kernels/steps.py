"""Steps: one character of every stream through all layers of tanh cells, to read a text or to trace it.

The state of several streams, throughout this folder:

c    (layers, streams, cells) float32, the cell states
h    (layers, streams, 2 cells) float32; row [l, s] is what the weights of layer l multiply: h of the layer
     below (unused in layer 0) and, beside it, h of layer l

One step of one layer has two parts: the pre-activations W x + U h + b (`add_products`), and everything
element-wise (`apply_gates`). The equations are in `charlstm.model.equations`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import (
    sigmoids,
    tanhs,
    update_cell_states,
    write_hidden_states,
)
from charlstm.model.kernels.jit import Bits16, Floats, Weights, compiled
from charlstm.model.kernels.llvm_vectors import PANEL
from charlstm.model.kernels.matrix_tiles import spaced_rows
from charlstm.model.kernels.products import NO_SCALES, add_products, add_row_products


class StreamWeights(NamedTuple):
    """The weights of a model of tanh cells, in the layout that the steps read.

    table (symbols, 4 cells) is W x + b of the first layer for every symbol, float32; recurrent (4 cells,
    cells) is the first layer's U; upper (layers - 1, 4 cells, 2 cells) holds [W U] of each further layer;
    bias (layers - 1, 4 cells) float32 is b of each further layer; head (symbols, cells) and head_bias
    (symbols,) float32 turn the last layer's h into logits. Gates stand in the order i, f, g, o.

    recurrent and upper are float32 or the bits of bfloat16. The shapes above are for one stream. For several
    streams recurrent, upper and head are in panels (see `matrix_tiles`).

    For one stream they may also be whole numbers of 8 bits, int8, with rows filled up with zeros to a
    multiple of 32 inputs (see `integer_products`). scales (layers, 4 cells) float32 then holds what a product
    of whole numbers is worth in each row; otherwise it is (layers, 0).
    """

    table: Floats
    recurrent: Weights
    upper: Weights
    bias: Floats
    head: Weights
    head_bias: Floats
    scales: Floats


class StreamState(NamedTuple):
    """The state of some streams: h (layers, streams, 2 cells) and c (layers, streams, cells), float32."""

    h: Floats
    c: Floats


class Holds(NamedTuple):
    """Cells whose cell state is set after its update, from a drawn character on; each array is (holds,).

    layers and cells number the cells from 0; values (float32) are their cell states; starts are the first
    drawn characters at which they are set. The holds are sorted by start: of two holds of one cell the later
    one is written last.
    """

    layers: NDArray[np.int64]
    cells: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]


class HeldCells(NamedTuple):
    """Cells of one layer whose cell state is set in one step, and the values; both arrays are (held,)."""

    cells: NDArray[np.int64]
    values: Floats


NOTHING_HELD = HeldCells(np.empty(0, np.int64), np.empty(0, np.float32))


class StepBuffers(NamedTuple):
    """Memory that a step of one layer computes in.

    preactivations (streams, 4 cells rounded up to whole panels) float32, squashed (cells,) float32 for
    tanh(c), and short (streams, 2 cells + 32) uint16 for inputs in bfloat16.
    """

    preactivations: Floats
    squashed: Floats
    short: Bits16


@compiled
def step_buffers(streams: int, cells: int) -> StepBuffers:
    """Return buffers for steps of that number of streams, in layers of that number of cells."""
    preactivations = np.empty((streams, whole_panels(4 * cells)), np.float32)
    return StepBuffers(preactivations, np.empty(cells, np.float32), spaced_rows(streams, 2 * cells))


@compiled
def whole_panels(outputs: int) -> int:
    """Return the number of outputs rounded up to a multiple of a panel's, 32."""
    return (outputs + PANEL - 1) // PANEL * PANEL


@compiled
def apply_gates(
    buffers: StepBuffers, gates: Floats, c: Floats, h: Floats, first: int, held: HeldCells
) -> None:
    """Compute the element-wise part of one layer's step from the pre-activations in buffers.

    c (streams, cells) holds the cell states before the step and then those after it; held cells take their
    values before h is formed. Gates i, f, g, o are written to gates (streams, 4 cells), h to the columns of
    h (streams, first + cells or more) from number first on.
    """
    cells = c.shape[1]
    for s in range(len(c)):
        sums, gate, state = buffers.preactivations[s], gates[s], c[s]
        i, f = gate[:cells], gate[cells : 2 * cells]
        g, o = gate[2 * cells : 3 * cells], gate[3 * cells : 4 * cells]
        sigmoids(sums[: 2 * cells], gate[: 2 * cells])
        tanhs(sums[2 * cells : 3 * cells], g)
        sigmoids(sums[3 * cells : 4 * cells], o)
        update_cell_states(i, f, g, state, state)
        for n in range(held.cells.size):
            state[held.cells[n]] = held.values[n]
        tanhs(state, buffers.squashed)
        write_hidden_states(o, buffers.squashed, h[s, first : first + cells])


@compiled
def held_cells_at(holds: Holds, layer: int, character: int) -> HeldCells:
    """Return the cells of a layer that are held when drawn character number `character` is drawn."""
    if holds.starts.size == 0:
        return HeldCells(holds.cells, holds.values)
    begun = (holds.layers == layer) & (holds.starts <= character)
    return HeldCells(holds.cells[begun], holds.values[begun])


@compiled
def read_symbols(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    character: int,
    gates: Floats,
    buffers: StepBuffers,
) -> None:
    """Read one symbol in every stream, symbols (streams,), through all layers; h and c change in place.

    h and c have the shapes of this module's first lines. character counts drawn characters, for the holds.
    gates (streams, 4 cells) is only memory to compute in.
    """
    for layer in range(len(c)):
        held = held_cells_at(holds, layer, character)
        _read_in_layer(weights, layer, symbols, h, c, held, gates, buffers)


@compiled
def _read_in_layer(
    weights: StreamWeights,
    layer: int,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    held: HeldCells,
    gates: Floats,
    buffers: StepBuffers,
) -> None:
    """Read one symbol in every stream through one layer, and hand its h to the layer above.

    The gates i, f, g, o are written to gates (streams, 4 cells).
    """
    layers, streams, cells = c.shape
    sums_of_all, scales = buffers.preactivations, weights.scales[layer]
    for stream in range(streams):
        sums = sums_of_all[stream]
        added = weights.table[symbols[stream]] if layer == 0 else weights.bias[layer - 1]
        for k in range(4 * cells):
            sums[k] = added[k]
    if layer == 0:
        add_products(weights.recurrent, scales, h[0], cells, cells, buffers.short, sums_of_all)
    else:
        add_products(weights.upper[layer - 1], scales, h[layer], 0, 2 * cells, buffers.short, sums_of_all)
    apply_gates(buffers, gates, c[layer], h[layer], cells, held)
    if layer + 1 < layers:
        for stream in range(streams):
            below, above = h[layer, stream, cells:], h[layer + 1, stream]
            for k in range(cells):
                above[k] = below[k]


@compiled
def step_layer(
    panels: Weights,
    x: Floats,
    table: Floats,
    rows: NDArray[np.int64],
    c_before: Floats,
    held: HeldCells,
    gates: Floats,
    c: Floats,
    h: Floats,
) -> None:
    """Step one layer by itself: write its gates i, f, g, o (streams, 4 cells), c and h (streams, cells).

    The pre-activations of stream s are row rows[s] of table (any, 4 cells) plus the product of x (streams,
    inputs) with the weights in panels. c_before (streams, cells) are the cell states before the step. All
    arrays are contiguous.
    """
    buffers = step_buffers(*c_before.shape)
    for stream in range(len(x)):
        sums, row = buffers.preactivations[stream], table[rows[stream]]
        for k in range(row.size):
            sums[k] = row[k]
    add_products(panels, NO_SCALES, x, 0, x.shape[1], buffers.short, buffers.preactivations)
    c[:] = c_before
    apply_gates(buffers, gates, c, h, 0, held)


@compiled
def read_block(
    weights: StreamWeights, symbols: NDArray[np.int64], h: Floats, c: Floats, holds: Holds, first: int
) -> Floats:
    """Read symbols (characters,) in one stream; return the logits after each, (characters, vocabulary).

    h and c become the state after the last symbol. For the holds, drawn character number first is the one
    that follows the first symbol, and numbers below 0 are those of a prompt.
    """
    cells = c.shape[2]
    gates, buffers = np.empty((1, 4 * cells), np.float32), step_buffers(1, cells)
    logits = np.empty((symbols.size, weights.head_bias.size), np.float32)
    for k in range(symbols.size):
        read_symbols(weights, symbols[k : k + 1], h, c, holds, first + k, gates, buffers)
        logits[k] = weights.head_bias
        add_row_products(weights.head, NO_SCALES, h[-1, 0, cells:], logits[k])
    return logits


@compiled
def trace_block(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    traces: tuple[Floats, Floats, Floats],
    first: int,
) -> None:
    """Read symbols (positions, streams) and write the gates, c and h after each into traces.

    h and c become the state after the last position. traces are the gates i, f, g, o (layers, positions, all
    streams, 4 cells), then c and h, each (layers, positions, all streams, cells); the streams read here are
    columns first to first + streams - 1 of them. Of the holds, those that start at character 0 or before act.
    """
    layers, streams, cells = c.shape
    buffers, stop = step_buffers(streams, cells), first + streams
    for position in range(len(symbols)):
        for layer in range(layers):
            gates, held = traces[0][layer, position, first:stop], held_cells_at(holds, layer, 0)
            _read_in_layer(weights, layer, symbols[position], h, c, held, gates, buffers)
            traces[1][layer, position, first:stop] = c[layer]
            traces[2][layer, position, first:stop] = h[layer, :, cells:]
