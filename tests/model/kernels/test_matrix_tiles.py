"""Products by tiles equal those of numpy, for every layout that they read."""

import numpy as np
import pytest
import torch

from charlstm.model.kernels.llvm_vectors import GROUP, PANEL
from charlstm.model.kernels.matrix_tiles import (
    add_panel_products,
    add_transposed_products,
    join_rows_in_groups,
    join_rows_in_panels,
    pack_pairs,
    pack_transposed_pairs,
    spaced_rows,
    split_rows_from_panels,
    sum_transposed,
    thread_spans,
)


def lowered(numbers):
    """Return the nearest bfloat16 of float32 numbers, as float32."""
    return torch.from_numpy(numbers).bfloat16().float().numpy()


def bits(numbers):
    """Return the bits of the nearest bfloat16 of float32 numbers, uint16."""
    return torch.from_numpy(numbers).bfloat16().view(torch.int16).numpy().view(np.uint16)


@pytest.fixture
def random():
    """A function that returns normal float32 numbers of a shape."""
    numbers = np.random.default_rng(0)
    return lambda *shape: numbers.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 13])
def test_products_of_float32_are_added_to_what_is_there(rows, random):
    weights, x, before = random(64, 17), random(rows, 17), random(rows, 64)
    panels = np.ascontiguousarray(weights.reshape(2, PANEL, 17).transpose(0, 2, 1))
    result = before.copy()
    add_panel_products(panels, x, 0, result)
    np.testing.assert_allclose(result, before + x @ weights.T, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 13])
def test_products_of_bfloat16_pairs_are_added_to_what_is_there(rows, random):
    weights, more, x, before = random(64, 18), random(64, 6), random(rows, 24), random(rows, 64)
    panels = np.empty((2, 12, PANEL), np.uint32)
    for first in (0, 1):
        pack_pairs(weights, first, first + 1, 0, panels)
        pack_pairs(more, first, first + 1, 9, panels)
    wide = spaced_rows(rows, 24)
    wide[:, :24] = bits(x)
    result = before.copy()
    add_panel_products(panels, wide.view(np.uint32), 0, result)
    expected = before + lowered(x) @ lowered(np.concatenate([weights, more], axis=1)).T
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_the_transpose_of_weights_is_packed_from_any_panel_on(random):
    weights, x = random(24, 64), random(8, 24)
    panels = np.empty((3, 12, PANEL), np.uint32)
    panels[0] = 0
    for first in (0, 6):
        pack_transposed_pairs(weights, first, first + 6, 1, panels)
    result = np.zeros((8, 96), np.float32)
    add_panel_products(panels, bits(x).view(np.uint32), 0, result)
    np.testing.assert_allclose(result[:, :32], 0)
    np.testing.assert_allclose(result[:, 32:], lowered(x) @ lowered(weights), atol=1e-4)


def test_a_product_over_pairs_of_rows_sums_over_rows_and_positions(random):
    positions, streams = 3, 6
    x, y = random(positions, streams, 16), random(positions, streams, 64)
    groups = np.zeros((positions, 16 // GROUP + 1, streams // 2, GROUP), np.uint32)
    panels = np.zeros((positions, 64 // PANEL + 1, streams // 2, PANEL), np.uint32)
    for position in range(positions):
        for numbers, join, into in ((x, join_rows_in_groups, groups), (y, join_rows_in_panels, panels)):
            rows = spaced_rows(streams, numbers.shape[2])
            rows[:, : numbers.shape[2]] = bits(numbers[position])
            join(rows, into[position])
        restored = spaced_rows(streams, 64)
        split_rows_from_panels(panels[position], restored)
        np.testing.assert_array_equal(restored[:, :64], bits(y[position]))
    result = np.zeros((16, 64), np.float32)
    add_transposed_products(groups, panels, result)
    expected = np.einsum("psi,pso->io", lowered(x), lowered(y))
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_the_gradients_of_threads_are_summed_and_transposed(random):
    parts = random(3, 10, 40)
    result = np.empty((40, 4), np.float32)
    sum_transposed(parts, 0, 20, 6, result)
    sum_transposed(parts, 20, 40, 6, result)
    np.testing.assert_allclose(result, parts[:, 6:].sum(0).T, atol=1e-5)


@pytest.mark.parametrize(("rows", "threads", "tile"), [(0, 3, 8), (1, 4, 8), (8, 2, 4), (30, 4, 4)])
def test_threads_get_all_rows_in_whole_tiles_as_evenly_as_these_allow(rows, threads, tile):
    spans = thread_spans(rows, threads, tile)
    assert [row for span in spans for row in range(rows)[span]] == list(range(rows))
    assert len(spans) <= threads
    assert all(span.start % tile == 0 for span in spans)
    tiles = [-(-(span.stop - span.start) // tile) for span in spans]
    assert not tiles or max(tiles) - min(tiles) <= 1
    assert all(tiles)
