"""Scores with shifted features, against numpy, and the sample of positions at which they are computed."""

import pickle

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.equal_share import EqualShareSums
from charlstm.inspection.detecting.scores.shifted_scores import ShiftedScores, in_sample

STRETCHES, ROWS = 4, 1_500
SHIFTS = torch.tensor([1_500, 2_000])


def columns() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Stretches (rows,), three cells (rows, 3) and two features (rows, 2) uint8: a switch and a counter.

    The first cell follows the switch as it was 1,500 rows before, the last one is constant.
    """
    random = np.random.default_rng(0)
    stretch = torch.arange(STRETCHES * ROWS) // ROWS
    features = np.stack((random.random(len(stretch)) < 0.1, random.integers(0, 9, len(stretch))), axis=1)
    cells = random.normal(size=(len(stretch), 3)) + 3 * stretch.numpy()[:, None]
    cells[:, 0] += 5 * np.roll(features[:, 0], 1_500)
    cells[:, 2] = 0.5
    return stretch, torch.from_numpy(cells).float(), torch.from_numpy(features.astype(np.uint8))


def summed(blocks: int = 1) -> ShiftedScores:
    stretch, c, features = columns()
    sums = ShiftedScores(SHIFTS, torch.tensor([True, False]), rows=len(stretch))
    for rows in torch.arange(len(stretch)).chunk(blocks):
        sums.update(rows, c[rows])
    sums.finish(features, stretch)
    return sums


@pytest.mark.parametrize("blocks", [1, 7])
def test_scores_with_shifted_features_are_computed_as_scores_are(blocks: int) -> None:
    stretch, c, features = columns()
    scores = summed(blocks).scores()
    assert scores.shape == (2, 3, 2)
    for number, shift in enumerate(SHIFTS.tolist()):
        rolled = torch.roll(features, shift, 0).float()
        alike = EqualShareSums(stretches=STRETCHES, cells=3, features=1)
        alike.update(stretch, c, rolled[:, :1])
        np.testing.assert_allclose(scores[number, :, 0], alike.correlation()[:, 0].abs(), atol=1e-4)
        within = torch.cat((c[:, :2], rolled[:, 1:]), dim=1).double().view(STRETCHES, ROWS, 3)
        within = (within - within.mean(1, keepdim=True)).flatten(0, 1)
        expected = np.abs(np.corrcoef(within.numpy().T)[:2, 2])
        np.testing.assert_allclose(scores[number, :2, 1], expected, atol=1e-4)
    assert scores[0, 0, 0] > 0.9
    assert (scores[:, 2] == 0).all(), "a constant cell has no correlation"


def test_chunks_that_are_merged_count_together() -> None:
    once, twice = summed(), summed()
    twice.merge(summed())
    np.testing.assert_allclose(twice.scores(), once.scores(), atol=1e-5)
    c, features = twice.sample()
    assert len(c) == 2 * len(once.sample()[0]) == len(features)
    np.testing.assert_allclose(once.sample()[0].view(STRETCHES, ROWS, 3).mean(1), 0, atol=1e-5)


@pytest.mark.parametrize(("chunks", "kept"), [(1, True), (2, False)])
def test_only_a_chunk_that_is_the_whole_split_is_kept(chunks: int, kept: bool) -> None:
    """Otherwise memory would grow with the text."""
    rows = 300_000
    sums = ShiftedScores(torch.tensor([5]), torch.tensor([True, False]), rows=chunks * rows)
    sums.update(torch.arange(rows), torch.randn(rows, 1, generator=torch.Generator().manual_seed(0)))
    sums.finish(torch.ones(rows, 2, dtype=torch.uint8), torch.zeros(rows, dtype=torch.int64))
    assert (len(pickle.dumps(sums)) > 2 * rows) == kept


def test_the_sample_of_positions_has_its_share_in_every_part_of_the_text() -> None:
    sampled = in_sample(torch.arange(400_000), 200_000)
    assert sampled.double().mean() == pytest.approx(0.05, rel=0.01)
    by_column = sampled.view(-1, 80).double().mean(0)
    assert by_column.min() > 0.04, "no column of lines of equal length is left out"
    assert by_column.max() < 0.06
    assert sampled.view(-1, 1_000).sum(1).min() > 40
