"""Accumulators give what numpy gives for all positions at once, however these are cut into blocks."""

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.reading.accumulators import (
    CellFeatureMoments,
    CellHistogram,
    CrossProducts,
    GroupSums,
    Saturation,
)

CELLS, FEATURES = 4, 3

cuts = st.lists(st.integers(0, 300), max_size=6)


def blocks_of(positions: int, at: list[int]) -> list[slice]:
    """Return the blocks into which cuts at some places divide the positions."""
    edges = sorted({0, positions, *(place for place in at if place < positions)})
    return [slice(start, stop) for start, stop in pairwise(edges)]


def values(seed: int, columns: int, positions: int = 300) -> torch.Tensor:
    """Return (positions, columns): columns that depend on each other, with means far above their spread."""
    random = torch.Generator().manual_seed(seed)
    mixed = torch.randn(positions, columns, generator=random) @ torch.randn(
        columns, columns, generator=random
    )
    return mixed + 30 * torch.randn(columns, generator=random)


@settings(max_examples=40, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_moments_equal_numpys_however_they_are_cut_and_merged(at: list[int], seed: int) -> None:
    cells, features = values(seed, CELLS), values(seed + 1, FEATURES) + values(seed, CELLS)[:, :FEATURES]
    halves = [CellFeatureMoments(CELLS, FEATURES), CellFeatureMoments(CELLS, FEATURES)]
    for number, block in enumerate(blocks_of(300, at)):
        halves[number % 2].update(cells[block], features[block])
    halves[0].merge(halves[1])
    expected = np.corrcoef(cells.double().numpy().T, features.double().numpy().T)[:CELLS, CELLS:]
    np.testing.assert_allclose(halves[0].correlation().numpy(), expected, atol=1e-5)
    covariance = np.cov(cells.double().numpy().T, features.double().numpy().T, bias=True)[:CELLS, CELLS:]
    slopes = covariance / features.double().numpy().var(0)
    np.testing.assert_allclose(halves[0].slopes().numpy(), slopes, atol=1e-4, rtol=1e-4)


def test_the_correlation_of_a_constant_column_is_zero() -> None:
    cells, features = values(0, CELLS), values(1, FEATURES)
    cells[:, 1], features[:, 2] = 0.1, 1234.567
    moments = CellFeatureMoments(CELLS, FEATURES)
    for block in blocks_of(300, [7, 100]):
        moments.update(cells[block], features[block])
    correlation = moments.correlation()
    assert (correlation[1] == 0).all()
    assert (correlation[:, 2] == 0).all()
    assert correlation[0, 0] != 0


def test_a_small_movement_on_a_large_offset_keeps_its_correlation() -> None:
    feature = values(3, 1)
    moments = CellFeatureMoments(1, 1)
    for block in blocks_of(300, [50, 200]):
        moments.update(1000 + 0.05 * feature[block], feature[block])
    assert moments.correlation().item() > 0.99


@settings(max_examples=30, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_sums_and_counts_equal_numpys_however_they_are_cut_and_merged(at: list[int], seed: int) -> None:
    c = values(seed, CELLS) / 10
    groups = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(seed))
    halves = [
        (
            CrossProducts(CELLS, CELLS),
            GroupSums(6, CELLS),
            Saturation(CELLS),
            CellHistogram(CELLS),
        )
        for _ in range(2)
    ]
    for number, block in enumerate(blocks_of(300, at)):
        products, sums, saturation, histogram = halves[number % 2]
        products.update(c[block], c[block])
        sums.update(groups[block], c[block])
        saturation.update(c[block].sigmoid())
        histogram.update(c[block])
    for first, second in zip(*halves, strict=True):
        first.merge(second)
    products, sums, saturation, histogram = halves[0]
    reference = c.double().numpy()
    np.testing.assert_allclose(products.sums.numpy(), reference.T @ reference, rtol=1e-5, atol=1e-3)
    for group in range(6):
        chosen = reference[(groups == group).numpy()]
        mean = chosen.mean(0) if len(chosen) else np.zeros(CELLS)
        np.testing.assert_allclose(sums.means()[group].numpy(), mean, rtol=1e-12, atol=1e-12)
    gates = c.sigmoid().numpy()
    np.testing.assert_allclose(saturation.shares()[0].numpy(), (gates < 0.1).mean(0))
    np.testing.assert_allclose(saturation.shares()[1].numpy(), (gates > 0.9).mean(0))
    edges = np.concatenate(([-np.inf], CellHistogram.edges().numpy(), [np.inf]))
    for column in range(CELLS):
        counts, _ = np.histogram(reference[:, column], bins=edges)
        assert np.abs(histogram.counts[column].numpy() - counts).sum() <= 2  # a value on an edge may round


@settings(max_examples=30, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_moments_within_groups_equal_numpys_with_each_groups_mean_subtracted(
    at: list[int], seed: int
) -> None:
    cells, features = values(seed, CELLS), values(seed + 1, FEATURES) + values(seed, CELLS)[:, :FEATURES]
    groups = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(seed))
    moments, sums = CellFeatureMoments(CELLS, FEATURES), GroupSums(6, CELLS + FEATURES)
    for block in blocks_of(300, at):
        moments.update(cells[block], features[block])
        sums.update(groups[block], torch.cat((cells[block], features[block]), dim=1))
    whole = moments.correlation()
    centred = torch.cat((cells, features), dim=1).double().numpy()
    for group in range(5):
        centred[groups == group] -= centred[groups == group].mean(0)
    expected = np.corrcoef(centred.T)[:CELLS, CELLS:]
    within = moments.within(sums)
    np.testing.assert_allclose(within.correlation().numpy(), expected, atol=1e-3)
    slopes = centred[:, :CELLS].T @ centred[:, CELLS:] / (centred[:, CELLS:] ** 2).sum(0)
    np.testing.assert_allclose(within.slopes().numpy(), slopes, atol=1e-3, rtol=1e-3)
    assert torch.equal(moments.correlation(), whole), "the moments themselves do not change"


def test_the_threshold_is_in_the_middle_of_two_levels_and_a_constant_cell_has_none() -> None:
    random = torch.Generator().manual_seed(0)
    on = (torch.rand(5000, generator=random) < 0.2).float()
    c = torch.stack(
        (2 * on - 1 + 0.05 * torch.randn(5000, generator=random), torch.full((5000,), 0.3)), dim=1
    )
    histogram = CellHistogram(2)
    histogram.update(c)
    thresholds, shares = histogram.otsu()
    assert abs(thresholds[0]) < 0.2
    assert shares[0] > 0.97
    assert shares[1] == 0


def test_the_edges_of_the_histogram_are_the_values_at_which_the_bin_changes() -> None:
    edges = CellHistogram.edges()
    assert len(edges) == CellHistogram.BINS - 1
    assert (edges.diff() > 0).all()
    histogram = CellHistogram(2)
    histogram.update(torch.stack((edges[100:102].mean(), -edges[100:102].mean())).float()[None])
    assert histogram.counts.nonzero().tolist() == [[0, 101], [1, CellHistogram.BINS - 102]]


def test_accumulators_without_positions_give_zeros() -> None:
    assert (CellFeatureMoments(2, 3).correlation() == 0).all()
    assert (GroupSums(2, 3).means() == 0).all()
    assert all((share == 0).all() for share in Saturation(2).shares())
