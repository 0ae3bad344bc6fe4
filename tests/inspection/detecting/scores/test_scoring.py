"""Correlations of cells with features, within stretches and given the current character, against numpy."""

import numpy as np
import pytest
import torch
from split_with_columns import split_with_columns
from written_text import SYMBOLS, written

from charlstm.inspection.detecting.scores.scoring import (
    Scores,
    ScoreSums,
    balanced_features,
    partial_correlation,
)
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
from charlstm.inspection.reading.splits import Split


def random_split() -> Split:
    """A text whose two features differ in level from stretch to stretch."""
    text = written(8_000, seed=1)
    random = np.random.default_rng(0)
    level = np.arange(len(text)) * 4 // len(text) * 40
    columns = [(random.integers(0, 9, len(text)) + level * sign + 120 * (sign < 0)) for sign in (1, -1)]
    return split_with_columns(text, *(column.astype(np.uint8) for column in columns))


def random_cells(split: Split) -> torch.Tensor:
    """Three cells that follow the features partly, (rows, 3) float32; the last one is constant."""
    features = split.first.features(torch.arange(split.rows))
    noise = torch.randn(split.rows, 3, generator=torch.Generator().manual_seed(1))
    cells = torch.cat((features, torch.zeros(split.rows, 1)), dim=1) + 2 * noise
    cells[:, 2] = 0.5
    return cells


def summed(split: Split, cells: torch.Tensor, sizes: list[int]) -> ScoreSums:
    """The sums over rows in blocks of sizes, the second half of the blocks merged from sums of their own."""
    balanced = torch.tensor([False, True])
    whole, rest = (ScoreSums(split, cells=3, balanced=balanced, vocabulary=len(SYMBOLS)) for _ in range(2))
    blocks = torch.arange(split.rows).split(sizes)
    for number, rows in enumerate(blocks):
        sums = whole if number < len(blocks) // 2 else rest
        sums.update(split.first, rows, cells[rows], split.first.features(rows))
    whole.merge(rest)
    return whole


def without_group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    left = values.astype(float).copy()
    for group in np.unique(groups):
        left[groups == group] -= left[groups == group].mean(0)
    return left


def reference(split: Split, cells: torch.Tensor) -> Scores:
    """The scores of the first two cells by numpy."""
    rows = torch.arange(split.rows)
    both = np.concatenate((cells[:, :2].numpy(), split.first.features(rows).numpy()), axis=1)
    within = without_group_means(both, split.first.stretches(rows).numpy())
    partial = without_group_means(both, split.first.characters.numpy())
    slopes = within[:, :2].T @ within[:, 2:] / np.square(within[:, 2:]).sum(0)
    r = np.corrcoef(within.T)[:2, 2:]
    return Scores(r, r, np.corrcoef(partial.T)[:2, 2:], slopes)


@pytest.mark.parametrize("sizes", [[7_200], [1, 2_000, 99, 5_100]])
def test_scores_equal_numpy_however_the_positions_are_cut_into_blocks(sizes: list[int]) -> None:
    split = random_split()
    cells = random_cells(split)
    scores, expected = summed(split, cells, sizes).result(), reference(split, cells)
    for name in ("correlation", "partial", "slopes"):
        values = getattr(scores, name)
        np.testing.assert_allclose(values[:2], getattr(expected, name), atol=2e-4)
        np.testing.assert_allclose(values[2], 0, atol=1e-6)
    np.testing.assert_allclose(scores.equal_share[:2, 0], expected.equal_share[:, 0], atol=2e-4)
    assert (scores.equal_share[:2, 1] != scores.correlation[:2, 1]).all()
    whole = np.corrcoef(cells[:, 0], split.first.features(torch.arange(split.rows))[:, 1])[0, 1]
    assert abs(whole) > 0.9 > 0.1 > abs(float(scores.correlation[0, 1])), (
        "the stretches' levels are taken out"
    )


def test_the_partial_correlation_equals_taking_the_mean_of_each_character_out() -> None:
    random = torch.Generator().manual_seed(0)
    groups = torch.randint(0, 7, (500,), generator=random)
    offsets = torch.randn(7, 5, generator=random)
    values = torch.randn(500, 5, generator=random) + offsets[groups]
    values[:, 1] = offsets[groups, 1]  # a detector of the character: nothing is left of it
    moments, sums = CellFeatureMoments(3, 2), GroupSums(8, 5)
    moments.update(values[:, :3], values[:, 3:])
    sums.update(groups, values)
    left = without_group_means(values.numpy(), groups.numpy())
    partial = partial_correlation(moments, sums)
    wanted = np.corrcoef(left[:, [0, 2]].T, left[:, 3:].T)[:2, 2:]
    np.testing.assert_allclose(partial[[0, 2]].numpy(), wanted, atol=1e-5)
    assert (partial[1] == 0).all()


def test_switches_and_depths_are_scored_at_equal_shares_and_counters_are_not() -> None:
    features = [Feature(kind, kind, {}) for kind in ("switch", "counter", "depth")]
    assert balanced_features(features).tolist() == [True, False, True]
    assert balanced_features([]).tolist() == []
