"""One step of a layer by the compiled loops follows the equations; the rest is tested with model.streams."""

import numpy as np
import pytest
import torch

from charlstm.model import equations
from charlstm.model.kernels.steps import (
    NOTHING_HELD,
    HeldCells,
    Holds,
    held_cells_at,
    step_layer,
    whole_panels,
)
from charlstm.model.packed_weights import panels_of


def test_outputs_are_rounded_up_to_whole_panels_of_32():
    assert [whole_panels(outputs) for outputs in (1, 31, 32, 33, 64)] == [32, 32, 32, 64, 64]


def test_the_cells_held_are_those_of_the_layer_whose_hold_has_begun():
    holds = Holds(
        np.array([0, 1, 0, 0]),
        np.array([5, 6, 7, 5]),
        np.array([1, 2, 3, 4], np.float32),
        np.array([0, 2, 3, 9]),
    )
    for layer, character, cells, values in (
        (0, -1, [], []),
        (0, 0, [5], [1]),
        (0, 3, [5, 7], [1, 3]),
        (0, 9, [5, 7, 5], [1, 3, 4]),
        (1, 1, [], []),
        (1, 2, [6], [2]),
    ):
        held = held_cells_at(holds, layer, character)
        assert (held.cells.tolist(), held.values.tolist()) == (cells, values)


@pytest.mark.parametrize("held", [NOTHING_HELD, HeldCells(np.array([4, 1]), np.array([3, -0.5], np.float32))])
@pytest.mark.parametrize(("streams", "cells"), [(1, 5), (3, 33), (13, 8)])
def test_a_step_of_a_layer_follows_the_equations(streams, cells, held):
    random = np.random.default_rng(0)
    x, recurrent, table, c_before = (
        random.normal(size=size).astype(np.float32)
        for size in ((streams, cells), (4 * cells, cells), (6, 4 * cells), (streams, cells))
    )
    rows = random.integers(0, 6, streams)
    gates, c, h = (np.empty((streams, width * cells), np.float32) for width in (4, 1, 1))
    step_layer(panels_of(recurrent), x, table, rows, c_before, held, gates, c, h)
    projected, *state = (torch.from_numpy(array) for array in (table[rows], x, c_before))
    as_tensors = equations.Held(*map(torch.from_numpy, held)) if len(held.cells) else None
    expected = equations.step(projected, *state, torch.from_numpy(recurrent), held=as_tensors)
    np.testing.assert_allclose(h, expected[0], atol=2e-5)
    np.testing.assert_allclose(c, expected[1], atol=2e-5)
    np.testing.assert_allclose(gates, torch.cat(expected[2], dim=1), atol=2e-5)
