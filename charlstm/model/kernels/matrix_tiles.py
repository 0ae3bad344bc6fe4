"""Matrix products by tiles, some rows by 32 outputs, and the forms of matrices that they read.

A matrix lies in panels of 32 outputs, (panels, inputs, 32), so that what a step needs of it stands together:
float32, or pairs of bfloat16, (panels, inputs / 2, 32). Sums are float32, and a row's go over the inputs in
their order, however many rows there are.

For a gradient of weights rows are summed over: two of them are a pair, x lies in groups of 8 numbers,
(groups, pairs, 8), and what it meets in panels.
"""

import itertools

import numpy as np

from charlstm.model.kernels.arithmetic import rounded
from charlstm.model.kernels.jit import Floats, Halves, compiled
from charlstm.model.kernels.llvm_vectors import (
    GROUP,
    PANEL,
    Pairs,
    join_group,
    join_panel,
    part_panel,
    tile_1,
    tile_4,
    tile_8,
)


def spans(rows: int, threads: int, tile: int = GROUP) -> list[slice]:
    """So many rows dealt out to threads, as evenly as whole tiles can be."""
    tiles = -(-rows // tile)
    bounds = [min(rows, tile * (tiles * k // threads)) for k in range(threads + 1)]
    return [slice(first, stop) for first, stop in itertools.pairwise(bounds) if stop > first]


@compiled
def add_products(panels: Floats | Pairs, x: Floats | Pairs, first: int, y: Floats) -> None:
    """y (rows, 32 panels) += x panels^T, of x (rows, any), numbers as in the panels, those from first on."""
    rows, width, row = len(y), y.shape[1], x.shape[1]
    inputs = panels.shape[1]
    for panel in range(len(panels)):
        w, to = panel * inputs * PANEL, panel * PANEL
        r = 0
        while r + 8 <= rows:
            tile_8(x, r * row + first, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 8
        while r + 4 <= rows:
            tile_4(x, r * row + first, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 4
        while r < rows:
            tile_1(x, r * row + first, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 1


@compiled
def add_crossed(x: Pairs, panels: Pairs, y: Floats) -> None:
    """y (8 groups, 32 panels) += x^T panels summed over blocks and inputs: x is (blocks, groups or more,
    inputs, 8), panels (blocks, panels or more, inputs, 32).
    """
    blocks, inputs, width = len(x), x.shape[2], y.shape[1]
    apart, leap = x.shape[1] * inputs * GROUP, panels.shape[1] * inputs * PANEL
    for panel in range(width // PANEL):
        w, to = panel * inputs * PANEL, panel * PANEL
        for group in range(len(y) // GROUP):
            at, total = group * inputs * GROUP, group * GROUP * width + to
            tile_8(x, at, 1, GROUP, apart, panels, w, PANEL, leap, inputs, blocks, y, total, width)


@compiled
def pack_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Fill panels first to stop with weights (outputs, inputs), their inputs from pair `at` on."""
    for panel in range(first, stop):
        for n in range(PANEL):
            row = weights[panel * PANEL + n]
            for k in range(row.size // 2):
                panels[panel, at + k, n] = rounded(row[2 * k]) | rounded(row[2 * k + 1]) << np.uint32(16)


@compiled
def pack_crossed_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Pairs first to stop of the inputs of panels from `at` on, with the transpose of weights, (inputs,
    outputs).
    """
    for pair in range(first, stop):
        one, other = weights[2 * pair], weights[2 * pair + 1]
        for panel in range(one.size // PANEL):
            even, odd = one[panel * PANEL : (panel + 1) * PANEL], other[panel * PANEL : (panel + 1) * PANEL]
            to = panels[at + panel, pair]
            for n in range(PANEL):
                to[n] = rounded(even[n]) | rounded(odd[n]) << np.uint32(16)


@compiled
def rows_apart(rows: int, numbers: int) -> Halves:
    """Zeros (rows, numbers and 32 more): rows a power of 2 apart would compete in the caches."""
    return np.zeros((rows, numbers + 32), np.uint16)


@compiled
def deal_groups(rows: Halves, groups: Pairs) -> None:
    """The rows by pairs, in groups of 8 numbers: (groups, pairs, 8), and one group more."""
    width, pairs = rows.shape[1], groups.shape[1]
    for group in range(len(groups) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + group * GROUP, (group * pairs + pair) * GROUP
            join_group(rows, one, rows, one + width, groups, place)


@compiled
def deal_panels(rows: Halves, panels: Pairs) -> None:
    """The same in panels of 32."""
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            join_panel(rows, one, rows, one + width, panels, place)


@compiled
def take_panels(panels: Pairs, rows: Halves) -> None:
    """What `deal_panels` made of rows."""
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            part_panel(rows, one, rows, one + width, panels, place)


@compiled
def sum_crossed(parts: Floats, first: int, stop: int, at: int, total: Floats) -> None:
    """Rows first to stop of total (outputs, inputs) = the sum of parts (any, all inputs, outputs) from input
    `at` on, transposed.
    """
    near = 16  # a cache line of every row
    for start in range(first, stop, near):
        rows = min(near, stop - start)
        for k in range(total.shape[1]):
            for n in range(rows):
                total[start + n, k] = parts[0, at + k, start + n]
            for part in range(1, len(parts)):
                for n in range(rows):
                    total[start + n, k] += parts[part, at + k, start + n]
