"""Products by tiles are numpy's."""

import numpy as np
import pytest
import torch
from numba import njit

from charlstm.model.kernels import llvm_vectors
from charlstm.model.kernels.arithmetic import rounded
from charlstm.model.kernels.llvm_vectors import GROUP, PANEL
from charlstm.model.kernels.matrix_tiles import (
    add_crossed,
    add_products,
    deal_groups,
    deal_panels,
    pack_crossed_pairs,
    pack_pairs,
    rows_apart,
    sum_crossed,
    take_panels,
)


def lowered(numbers):
    """The nearest bfloat16 of float32 numbers, as float32."""
    return torch.from_numpy(numbers).bfloat16().float().numpy()


def halves(numbers):
    return torch.from_numpy(numbers).bfloat16().view(torch.int16).numpy().view(np.uint16)


@pytest.fixture
def random():
    numbers = np.random.default_rng(0)
    return lambda *shape: numbers.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 13])
def test_products_are_added(rows, random):
    weights, x, begun = random(64, 17), random(rows, 17), random(rows, 64)
    panels = np.ascontiguousarray(weights.reshape(2, PANEL, 17).transpose(0, 2, 1))
    found = begun.copy()
    add_products(panels, x, 0, found)
    np.testing.assert_allclose(found, begun + x @ weights.T, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 13])
def test_products_of_pairs_are_added(rows, random):
    weights, more, x, begun = random(64, 18), random(64, 6), random(rows, 24), random(rows, 64)
    panels = np.empty((2, 12, PANEL), np.uint32)
    for first in (0, 1):
        pack_pairs(weights, first, first + 1, 0, panels)
        pack_pairs(more, first, first + 1, 9, panels)
    wide = rows_apart(rows, 24)
    wide[:, :24] = halves(x)
    found = begun.copy()
    add_products(panels, wide.view(np.uint32), 0, found)
    expected = begun + lowered(x) @ lowered(np.concatenate([weights, more], axis=1)).T
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_processor_without_the_instruction_gives_the_same(random, monkeypatch):
    x, panel = halves(random(4, 10)).view(np.uint32), halves(random(5, 2 * PANEL)).view(np.uint32)
    sums = []
    for known in {llvm_vectors.MULTIPLIES_PAIRS, False}:
        monkeypatch.setattr(llvm_vectors, "MULTIPLIES_PAIRS", known)
        tile = llvm_vectors._tile_of(4)

        @njit
        def product(x, w, y, tile=tile):
            tile(x, 0, 5, 1, 0, w, 0, 32, 0, 5, 1, y, 0, 32)

        sums.append(np.zeros((4, PANEL), np.float32))
        product(x, panel, sums[-1])
    assert np.abs(sums[0]).max() > 1
    np.testing.assert_allclose(sums[0], sums[-1], atol=1e-5)


def test_a_transpose_is_packed(random):
    weights, x = random(24, 64), random(8, 24)
    panels = np.empty((3, 12, PANEL), np.uint32)
    panels[0] = 0
    for first in (0, 6):
        pack_crossed_pairs(weights, first, first + 6, 1, panels)
    found = np.zeros((8, 96), np.float32)
    add_products(panels, halves(x).view(np.uint32), 0, found)
    np.testing.assert_allclose(found[:, :32], 0)
    np.testing.assert_allclose(found[:, 32:], lowered(x) @ lowered(weights), atol=1e-4)


def test_rows_are_summed_over(random):
    positions, streams = 3, 6
    x, y = random(positions, streams, 16), random(positions, streams, 64)
    groups = np.zeros((positions, 16 // GROUP + 1, streams // 2, GROUP), np.uint32)
    panels = np.zeros((positions, 64 // PANEL + 1, streams // 2, PANEL), np.uint32)
    for position in range(positions):
        for numbers, deal, to in ((x, deal_groups, groups), (y, deal_panels, panels)):
            rows = rows_apart(streams, numbers.shape[2])
            rows[:, : numbers.shape[2]] = halves(numbers[position])
            deal(rows, to[position])
        again = rows_apart(streams, 64)
        take_panels(panels[position], again)
        np.testing.assert_array_equal(again[:, :64], halves(y[position]))
    found = np.zeros((16, 64), np.float32)
    add_crossed(groups, panels, found)
    expected = np.einsum("psi,pso->io", lowered(x), lowered(y))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_parts_are_summed_and_transposed(random):
    parts = random(3, 10, 40)
    found = np.empty((40, 4), np.float32)
    sum_crossed(parts, 0, 20, 6, found)
    sum_crossed(parts, 20, 40, 6, found)
    np.testing.assert_allclose(found, parts[:, 6:].sum(0).T, atol=1e-5)


def test_rounding_is_to_the_nearest_and_to_even():
    numbers = [1.0, 1 + 2**-8, 1 + 3 * 2**-8, -3.14159, 1e-40, 3e38, float("inf"), float("nan"), 0.0]
    for number in map(np.float32, numbers):
        expected = halves(np.array([number]))[0]
        assert np.isnan(number) or rounded(number) == expected
    assert np.isnan(np.array([rounded(np.float32("nan")) << 16], np.uint32).view(np.float32)[0])
