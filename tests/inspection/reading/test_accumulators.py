"""Any way of cutting the positions into blocks gives what one pass of numpy gives."""

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


def pieces(positions: int, at: list[int]) -> list[slice]:
    edges = sorted({0, positions, *(place for place in at if place < positions)})
    return [slice(a, b) for a, b in pairwise(edges)]


def values(seed: int, columns: int, positions: int = 300) -> torch.Tensor:
    """Columns that depend on each other, with offsets far larger than their spread."""
    random = torch.Generator().manual_seed(seed)
    mixed = torch.randn(positions, columns, generator=random) @ torch.randn(
        columns, columns, generator=random
    )
    return mixed + 30 * torch.randn(columns, generator=random)


@settings(max_examples=40, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_moments_equal_numpy_however_cut_and_merged(at: list[int], seed: int) -> None:
    cells, features = values(seed, CELLS), values(seed + 1, FEATURES) + values(seed, CELLS)[:, :FEATURES]
    halves = [CellFeatureMoments(CELLS, FEATURES), CellFeatureMoments(CELLS, FEATURES)]
    for number, piece in enumerate(pieces(300, at)):
        halves[number % 2].update(cells[piece], features[piece])
    halves[0].merge(halves[1])
    wanted = np.corrcoef(cells.double().numpy().T, features.double().numpy().T)[:CELLS, CELLS:]
    np.testing.assert_allclose(halves[0].correlation().numpy(), wanted, atol=1e-5)
    covariance = np.cov(cells.double().numpy().T, features.double().numpy().T, bias=True)[:CELLS, CELLS:]
    slopes = covariance / features.double().numpy().var(0)
    np.testing.assert_allclose(halves[0].slopes().numpy(), slopes, atol=1e-4, rtol=1e-4)


def test_constant_columns_score_zero() -> None:
    cells, features = values(0, CELLS), values(1, FEATURES)
    cells[:, 1], features[:, 2] = 0.1, 1234.567
    moments = CellFeatureMoments(CELLS, FEATURES)
    for piece in pieces(300, [7, 100]):
        moments.update(cells[piece], features[piece])
    correlation = moments.correlation()
    assert (correlation[1] == 0).all()
    assert (correlation[:, 2] == 0).all()
    assert correlation[0, 0] != 0


def test_a_small_movement_on_a_large_offset_keeps_its_correlation() -> None:
    feature = values(3, 1)
    moments = CellFeatureMoments(1, 1)
    for piece in pieces(300, [50, 200]):
        moments.update(1000 + 0.05 * feature[piece], feature[piece])
    assert moments.correlation().item() > 0.99


@settings(max_examples=30, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_sums_equal_numpy_however_cut_and_merged(at: list[int], seed: int) -> None:
    c = values(seed, CELLS) / 10
    groups = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(seed))
    parts = [
        (
            CrossProducts(CELLS, CELLS),
            GroupSums(6, CELLS),
            GroupSums(2000, CELLS),  # too many for a product: added one by one, in float64
            Saturation(CELLS),
            CellHistogram(CELLS),
        )
        for _ in range(2)
    ]
    for number, piece in enumerate(pieces(300, at)):
        products, sums, sparse, saturation, histogram = parts[number % 2]
        products.update(c[piece], c[piece])
        sums.update(groups[piece], c[piece])
        sparse.update(groups[piece], c[piece])
        saturation.update(c[piece].sigmoid())
        histogram.update(c[piece])
    for one, other in zip(*parts, strict=True):
        one.merge(other)
    products, sums, sparse, saturation, histogram = parts[0]
    reference = c.double().numpy()
    np.testing.assert_allclose(products.sums.numpy(), reference.T @ reference, rtol=1e-5, atol=1e-3)
    for group in range(6):
        chosen = reference[(groups == group).numpy()]
        mean = chosen.mean(0) if len(chosen) else np.zeros(CELLS)
        np.testing.assert_allclose(sums.means()[group].numpy(), mean, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(sparse.means()[group].numpy(), mean, rtol=1e-12, atol=1e-12)
    gates = c.sigmoid().numpy()
    np.testing.assert_allclose(saturation.shares()[0].numpy(), (gates < 0.1).mean(0))
    np.testing.assert_allclose(saturation.shares()[1].numpy(), (gates > 0.9).mean(0))
    edges = np.concatenate(([-np.inf], CellHistogram.edges().numpy(), [np.inf]))
    for column in range(CELLS):
        counts, _ = np.histogram(reference[:, column], bins=edges)
        assert np.abs(histogram.counts[column].numpy() - counts).sum() <= 2  # a value on an edge may round


@settings(max_examples=30, deadline=None)
@given(at=cuts, seed=st.integers(0, 1000))
def test_moments_within_groups_equal_numpy_with_each_groups_mean_taken_out(at: list[int], seed: int) -> None:
    cells, features = values(seed, CELLS), values(seed + 1, FEATURES) + values(seed, CELLS)[:, :FEATURES]
    groups = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(seed))
    moments, sums = CellFeatureMoments(CELLS, FEATURES), GroupSums(6, CELLS + FEATURES)
    for piece in pieces(300, at):
        moments.update(cells[piece], features[piece])
        sums.update(groups[piece], torch.cat((cells[piece], features[piece]), dim=1))
    whole = moments.correlation()
    left = torch.cat((cells, features), dim=1).double().numpy()
    for group in range(5):
        left[groups == group] -= left[groups == group].mean(0)
    wanted = np.corrcoef(left.T)[:CELLS, CELLS:]
    found = moments.within(sums)
    np.testing.assert_allclose(found.correlation().numpy(), wanted, atol=1e-3)
    slopes = left[:, :CELLS].T @ left[:, CELLS:] / (left[:, CELLS:] ** 2).sum(0)
    np.testing.assert_allclose(found.slopes().numpy(), slopes, atol=1e-3, rtol=1e-3)
    assert torch.equal(moments.correlation(), whole), "the whole is left as it was"


def test_otsu_splits_two_levels_in_their_middle_and_a_constant_not_at_all() -> None:
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
