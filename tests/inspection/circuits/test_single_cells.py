"""The cells that may matter are tested for real, and orders begin with the cells whose loss costs most."""

import numpy as np
import torch
from circuits_fixture import network, planted

from charlstm.inspection.circuits.attribution import change_of
from charlstm.inspection.circuits.single_cells import SingleCells, single_cells
from charlstm.inspection.exam.planted_cells import toggle


def test_real_effects_are_those_of_resampling_each_cell_alone():
    made = planted(network([toggle('"').read('"', 2), toggle('"').read('"', 3), toggle('"')]))
    single, closers = made.single, made.sites.closers

    assert single.tested[:2] == [(0, 1), (0, 0)]
    for row, cell in enumerate(single.tested[:3]):
        logits = closers.outcome(closers.donor_values([cell])).logits
        np.testing.assert_allclose(single.nats[row], closers.changes(logits).nats, atol=1e-6)
        np.testing.assert_allclose(single.log_odds[row], change_of(closers, logits), atol=1e-6)
    assert single.agreement.correlation > 0.99


def test_cells_that_others_ask_for_are_tested_too_and_each_once():
    made = planted(network([toggle('"').read('"', 2)], idle=60))
    last = made.single.tested[-1]
    untested = next((0, cell) for cell in range(61) if (0, cell) not in made.single.tested)

    tested = single_cells(made.sites, [untested, last, untested]).tested

    assert tested == [*made.single.tested, untested]


def test_orders_take_the_largest_change_first_be_it_a_loss_or_a_gain():
    attributed = torch.tensor([[[-1.0, -3.0, 2.0, -2.0]]], dtype=torch.float64)
    single = SingleCells(attributed, [(0, 1), (0, 2)], np.zeros((2, 1)), np.array([[-1.5], [1.0]]), 1)

    assert single.by_attribution().tolist() == [1, 2, 3, 0]
    assert single.by_effect().tolist() == [3, 1, 0, 2]


def test_a_subset_has_the_numbers_of_its_sites():
    attributed = torch.arange(6, dtype=torch.float64).view(1, 3, 2)
    single = SingleCells(attributed, [(0, 1)], np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]]), 1)

    part = single.subset(np.array([0, 2]))

    assert part.mean_attributions.tolist() == [[2.0, 3.0]]
    assert part.nats.tolist() == [[1.0, 3.0]]
    assert part.log_odds.tolist() == [[4.0, 6.0]]
