"""The AUC of c, its interval, and the runs of a cell, against counting."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.separation import (
    BOOTSTRAP_BLOCKS,
    RESAMPLES,
    Dwells,
    SeparationSums,
    block_draws,
    intervals,
)

ROWS = 4_000


def separated(distance: float, *, share: float = 0.1, sign: int = 1, blocks: int = 2) -> SeparationSums:
    """Sums of one pair whose c is `distance` deviations higher where the feature is on."""
    random = np.random.default_rng(0)
    on = random.random((ROWS, 1)) < share
    c = torch.from_numpy(sign * (random.normal(size=(ROWS, 1)) + distance * on)).float()
    sums = SeparationSums(torch.zeros(1), torch.ones(1), torch.tensor([sign]))
    number = torch.arange(ROWS) * BOOTSTRAP_BLOCKS // ROWS
    parts = [values.chunk(blocks) for values in (number, c, torch.from_numpy(on).long())]
    for part in zip(*parts, strict=True):
        sums.update(*part)
    return sums


@pytest.mark.parametrize("sign", [1, -1])
def test_the_auc_is_the_chance_that_c_is_larger_where_the_feature_is_on(sign: int) -> None:
    random = np.random.default_rng(0)
    on = random.random(ROWS) < 0.1
    c = random.normal(size=ROWS) + 2 * on
    expected = (c[on][:, None] > c[~on][None]).mean()
    assert separated(2, sign=sign).auc().tolist() == [pytest.approx(expected, abs=2e-3)]


def test_the_auc_does_not_depend_on_how_often_the_feature_is_on() -> None:
    rare, common = (float(separated(2, share=share).auc()) for share in (0.05, 0.5))
    assert rare == pytest.approx(common, abs=0.03)
    assert float(separated(2, share=0.0).auc()) == 0.5


def test_the_interval_surrounds_the_auc_and_is_wider_for_a_rare_feature() -> None:
    widths = []
    for share in (0.01, 0.5):
        sums = separated(1, share=share)
        low, high = sums.interval()[0].tolist()
        assert low < float(sums.auc()) < high
        widths.append(high - low)
    assert widths[0] > 3 * widths[1]


def test_positions_are_counted_by_block_pair_and_state() -> None:
    random = torch.Generator().manual_seed(0)
    block = torch.arange(BOOTSTRAP_BLOCKS).repeat_interleave(7)
    on = torch.rand(len(block), 3, generator=random) < torch.tensor([0.2, 0.5, 0.8])
    sums = SeparationSums(torch.zeros(3), torch.ones(3), torch.ones(3))
    sums.update(block, torch.randn(len(block), 3, generator=random), on.long())
    counted = torch.stack([(~on).view(-1, 7, 3).sum(1), on.view(-1, 7, 3).sum(1)], dim=2)
    assert (sums.counts.sum(3) == counted).all()


def test_counts_of_chunks_add_up() -> None:
    whole, half = separated(2), separated(2)
    whole.merge(half)
    assert (whole.counts == 2 * half.counts).all()
    assert whole.auc().tolist() == pytest.approx(half.auc().tolist())


def test_every_text_of_the_bootstrap_has_as_many_blocks_as_the_split() -> None:
    draws = block_draws()
    assert draws.shape == (RESAMPLES, BOOTSTRAP_BLOCKS)
    assert (draws.sum(1) == BOOTSTRAP_BLOCKS).all()
    assert (draws.std(0) > 0.5).all()
    assert (draws == block_draws()).all(), "the draws belong to the rules"
    np.testing.assert_allclose(intervals(torch.arange(101.0)[:, None]), [[2.5, 97.5]])


def test_runs_are_cut_at_stretches_and_counted_by_length() -> None:
    on = torch.tensor([[1, 0], [1, 0], [0, 0], [1, 0], [1, 0], [1, 0]]).bool()
    dwells = Dwells(2, 6)
    for rows in (torch.tensor([0, 3]), torch.tensor([1, 2, 4, 5])):
        dwells.update(rows, on[rows])
    dwells.finish(torch.tensor([0, 0, 0, 0, 1, 1]))
    below, above = dwells.counts[:, :, :5].tolist()
    assert below == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 1]]
    assert above == [[0, 1, 2, 0, 0], [0, 0, 0, 0, 0]]
    other = Dwells(2, 300)
    other.finish(torch.zeros(300, dtype=torch.int64))
    dwells.merge(other)
    assert dwells.counts.sum(2).tolist() == [[2, 3], [3, 0]]
    assert dwells.counts[0, :, 255].tolist() == [1, 1], "longer runs are counted together"


def test_half_of_the_runs_are_at_least_as_long_as_the_median() -> None:
    dwells = Dwells(1, 0)
    dwells.counts[0, 0, [1, 7, 9]] = torch.tensor([2, 3, 2])
    assert dwells.medians().tolist() == [0], "it is never above"
    dwells.counts[1, 0, 8] = 7
    assert dwells.medians().tolist() == [7]
    dwells.counts[0, 0, 1] = 9
    assert dwells.medians().tolist() == [1]


def test_short_runs_at_one_level_are_not_hidden_by_long_ones_at_the_other() -> None:
    dwells = Dwells(1, 0)
    dwells.counts[0, 0, 50], dwells.counts[1, 0, 2] = 101, 100
    assert dwells.medians().tolist() == [2]
