"""Sets of cells are kept and removed as said, and shares are of the advantage over a trigram."""

import numpy as np
import pytest
import torch
from circuits_fixture import Planted, network, planted
from quoted_text import SYMBOLS

from charlstm.inspection.circuits.attribution import change_of
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites, marked
from charlstm.inspection.exam.planted_cells import toggle


@pytest.fixture(scope="module")
def two_cells() -> Planted:
    return planted(network([toggle('"').read('"', 3), toggle('"').read('"', 1), toggle('"')]))


def masks(planted: Planted, *sets: list[int]) -> torch.Tensor:
    marks = torch.zeros(len(sets), *planted.single.shape, dtype=torch.bool)
    for mark, cells in zip(marks, sets, strict=True):
        mark[0, cells] = True
    return marks


def test_the_undisturbed_network_has_all_of_the_advantage_and_the_trigram_none(two_cells: Planted):
    sites = two_cells.sites

    assert sites.share(np.zeros(len(sites.clusters))).value == 1
    assert sites.share(-sites.advantage).value == pytest.approx(0)
    assert sites.has_advantage
    data = sites.advantage_data
    assert data["natural"] > 1 > data["trigram"] > data["donor"]


def test_a_network_that_knows_less_than_a_trigram_has_no_advantage():
    model = network([toggle('"')])
    model.head.bias[SYMBOLS.index('"')] = -5

    assert not planted(model).sites.has_advantage


def test_removing_one_cell_is_resampling_it(two_cells: Planted):
    sites = two_cells.sites

    removed = sites.removed(masks(two_cells, [0]))[0]

    alone = sites.closers.change(sites.closers.donor_values([(0, 0)])).log_odds
    np.testing.assert_allclose(removed, alone, atol=1e-5)


def test_cells_kept_alone_keep_what_the_head_reads_of_them(two_cells: Planted):
    sites = two_cells.sites
    nothing, larger, both, unread = sites.shares(sites.kept(masks(two_cells, [], [0], [0, 1], [2])))

    assert both == pytest.approx(1, abs=1e-3)
    assert unread == pytest.approx(nothing, abs=1e-3)
    assert (larger - nothing) / (both - nothing) == pytest.approx(3 / 4, abs=0.01)


def test_the_conditional_mean_fills_all_other_cells(two_cells: Planted):
    sites, empty = two_cells.sites, masks(two_cells, [])

    at_mean = sites.kept(empty, "conditional_mean")[0]

    every = [(0, cell) for cell in range(two_cells.single.shape[1])]
    at_means = sites.closers.outcome(sites.closers.mean_values(every), from_donors=True)
    expected = change_of(sites.closers, at_means.logits)
    np.testing.assert_allclose(at_mean, expected, atol=1e-5)
    assert not np.allclose(at_mean, sites.kept(empty)[0])


def test_a_subset_has_the_same_numbers_at_its_sites(two_cells: Planted):
    chosen = np.array([3, 8, 20])
    part: BehaviourSites = two_cells.sites.subset(chosen)

    np.testing.assert_allclose(part.advantage, two_cells.sites.advantage[chosen], atol=1e-6)


def test_the_first_cells_of_an_order_are_marked():
    marks = marked(torch.tensor([4, 0, 1, 2, 3, 5]), [0, 2], (2, 3))

    assert marks.nonzero().tolist() == [[1, 0, 0], [1, 1, 1]]
