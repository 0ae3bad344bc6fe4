"""Matrix products computed tile by tile, and the memory layouts of the matrices that they read.

A tile is a product of a few rows of x (1, 4, and 6 or 8) with 32 outputs; its sums stay in the processor's
registers (`llvm_vectors`). The sums are float32, and those of a row go over its inputs in their order: a
row's result does not depend on how many other rows are multiplied with it.

Layouts, for weights (outputs, inputs):

panels           (panels, inputs, 32) float32: panel p has the weights of outputs 32 p to 32 p + 31, and those
                 of one input stand together
panels of pairs  (panels, inputs / 2, 32) uint32: one number has the bfloat16 weights of two inputs, that of
                 the even input in the lower half

A gradient of weights is a sum over streams and positions. There, the two halves of a number belong to two
streams (a pair of streams), and one factor lies in panels, (panels, pairs, 32), the other in groups of 8
numbers, (groups, pairs, 8).
"""

import itertools

import numpy as np

from charlstm.model.kernels.arithmetic import bfloat16_bits
from charlstm.model.kernels.jit import Bits16, Floats, compiled
from charlstm.model.kernels.library_products import (
    add_library_product,
    end_library_products,
    library_multiplies,
)
from charlstm.model.kernels.llvm_vectors import (
    GROUP,
    MOST_ROWS,
    PANEL,
    Pairs,
    join_group,
    join_panel,
    split_panel,
    tile_1,
    tile_4,
    tile_group,
    tile_most,
)

# The number of pairs that a library sums up in one product for a gradient, or nearly so.
_PAIRS_TOGETHER = 256


def thread_spans(rows: int, threads: int, tile: int = GROUP) -> list[slice]:
    """Return the rows of each thread as slices of 0 to rows, as even as whole tiles of `tile` rows allow.

    There are at most `threads` slices, none of them empty.
    """
    tiles = -(-rows // tile)
    bounds = [min(rows, tile * (tiles * k // threads)) for k in range(threads + 1)]
    return [slice(first, stop) for first, stop in itertools.pairwise(bounds) if stop > first]


@compiled
def add_panel_products(panels: Floats | Pairs, x: Floats | Pairs, first: int, y: Floats) -> None:
    """Add x W^T to y (rows, 32 panels) float32, for weights W in panels (panels, inputs, 32).

    x (rows, first + inputs or more) has its inputs in columns first to first + inputs - 1. Both panels and x
    are float32, or pairs of bfloat16 as uint32, which a library may multiply (see `library_products`).
    """
    rows, width, row = len(y), y.shape[1], x.shape[1]
    inputs = panels.shape[1]
    if library_multiplies(panels):
        for panel in range(len(panels)):
            w, column = panel * inputs * PANEL, panel * PANEL
            add_library_product(rows, inputs, x, first, row, panels, w, y, column, width)
        end_library_products()
        return
    for panel in range(len(panels)):
        w, column = panel * inputs * PANEL, panel * PANEL
        r = 0
        while r + MOST_ROWS <= rows:
            at, total = r * row + first, r * width + column
            tile_most(x, at, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, total, width)
            r += MOST_ROWS
        while r + 4 <= rows:
            at, total = r * row + first, r * width + column
            tile_4(x, at, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, total, width)
            r += 4
        while r < rows:
            at, total = r * row + first, r * width + column
            tile_1(x, at, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, total, width)
            r += 1


@compiled
def add_transposed_products(groups: Pairs, panels: Pairs, y: Floats) -> None:
    """Add sum over positions and streams of x^T d to y, (8 groups, 32 panels) float32: a weight's gradient.

    x is in groups (positions, groups or more, pairs of streams, 8), d in panels (positions, panels or more,
    pairs of streams, 32), both pairs of bfloat16 as uint32, which a library may multiply.
    """
    if library_multiplies(panels):
        _add_transposed_by_library(groups, panels, y)
        return
    positions, pairs, width = len(groups), groups.shape[2], y.shape[1]
    x_apart, d_apart = groups.shape[1] * pairs * GROUP, panels.shape[1] * pairs * PANEL
    for panel in range(width // PANEL):
        d, column = panel * pairs * PANEL, panel * PANEL
        for group in range(len(y) // GROUP):
            x, total = group * pairs * GROUP, group * GROUP * width + column
            tile_group(
                groups, x, 1, GROUP, x_apart, panels, d, PANEL, d_apart, pairs, positions, y, total, width
            )


@compiled
def _add_transposed_by_library(groups: Pairs, panels: Pairs, y: Floats) -> None:
    """Add what `add_transposed_products` adds, by a library.

    The library wants the pairs of one row of x side by side, and does best with a few hundred. So the pairs
    of some positions are copied together.
    """
    pairs, rows, width = groups.shape[2], len(y), y.shape[1]
    together = max(1, _PAIRS_TOGETHER // pairs)
    for start in range(0, len(groups), together):
        positions = min(together, len(groups) - start)
        x = np.empty((rows, positions, pairs), np.uint32)
        d = np.empty((positions, pairs, PANEL), np.uint32)
        for position in range(positions):
            for row in range(rows):
                group, place = groups[start + position, row // GROUP], row % GROUP
                for pair in range(pairs):
                    x[row, position, pair] = group[pair, place]
        for panel in range(width // PANEL):
            for position in range(positions):
                d[position] = panels[start + position, panel]
            inputs, column = positions * pairs, panel * PANEL
            add_library_product(rows, inputs, x, 0, inputs, d, 0, y, column, width)
    end_library_products()


@compiled
def pack_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Write weights (outputs, inputs) float32 into panels of pairs, panels first to stop - 1 of them.

    Their inputs become the pairs from number `at` on, so that several matrices can stand side by side.
    """
    for panel in range(first, stop):
        for n in range(PANEL):
            row = weights[panel * PANEL + n]
            for k in range(row.size // 2):
                even, odd = bfloat16_bits(row[2 * k]), bfloat16_bits(row[2 * k + 1])
                panels[panel, at + k, n] = even | odd << np.uint32(16)


@compiled
def pack_transposed_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Write the transpose of weights into panels of pairs, from panel number `at` on.

    weights (outputs, inputs) float32 are read by pairs of rows, pairs first to stop - 1: an output of the
    weights is an input of the transpose.
    """
    for pair in range(first, stop):
        even_row, odd_row = weights[2 * pair], weights[2 * pair + 1]
        for panel in range(even_row.size // PANEL):
            even = even_row[panel * PANEL : (panel + 1) * PANEL]
            odd = odd_row[panel * PANEL : (panel + 1) * PANEL]
            packed = panels[at + panel, pair]
            for n in range(PANEL):
                packed[n] = bfloat16_bits(even[n]) | bfloat16_bits(odd[n]) << np.uint32(16)


@compiled
def spaced_rows(rows: int, numbers: int) -> Bits16:
    """Return zeros (rows, numbers + 32) uint16, room for rows of `numbers` numbers.

    Without the 32 more, rows that are a power of 2 apart would compete for the same places in the caches.
    """
    return np.zeros((rows, numbers + 32), np.uint16)


@compiled
def join_rows_in_groups(rows: Bits16, groups: Pairs) -> None:
    """Write rows (2 pairs, 8 groups or more) uint16 into groups, (groups + 1, pairs, 8) uint32.

    Rows 2 p and 2 p + 1 become the lower and upper half of pair p. The last group is left as it is.
    """
    width, pairs = rows.shape[1], groups.shape[1]
    for group in range(len(groups) - 1):
        for pair in range(pairs):
            even, place = 2 * pair * width + group * GROUP, (group * pairs + pair) * GROUP
            join_group(rows, even, rows, even + width, groups, place)


@compiled
def join_rows_in_panels(rows: Bits16, panels: Pairs) -> None:
    """Write rows (2 pairs, 32 panels or more) uint16 into panels, (panels + 1, pairs, 32) uint32.

    Rows 2 p and 2 p + 1 become the lower and upper half of pair p. The last panel is left as it is.
    """
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            even, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            join_panel(rows, even, rows, even + width, panels, place)


@compiled
def split_rows_from_panels(panels: Pairs, rows: Bits16) -> None:
    """Write panels back into rows: the reverse of `join_rows_in_panels`, with the same shapes."""
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            even, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            split_panel(rows, even, rows, even + width, panels, place)


@compiled
def sum_transposed(parts: Floats, first: int, stop: int, at: int, total: Floats) -> None:
    """Write the sum of all parts, transposed, into rows first to stop - 1 of total (outputs, inputs).

    parts (parts, at + inputs or more, outputs) float32 are the gradients that the threads computed; the
    inputs of total are those from number `at` on.
    """
    outputs_at_once = 16  # 16 float32 fill one cache line, the unit that is read from memory
    for start in range(first, stop, outputs_at_once):
        rows = min(outputs_at_once, stop - start)
        for k in range(total.shape[1]):
            for n in range(rows):
                total[start + n, k] = parts[0, at + k, start + n]
            for part in range(1, len(parts)):
                for n in range(rows):
                    total[start + n, k] += parts[part, at + k, start + n]
