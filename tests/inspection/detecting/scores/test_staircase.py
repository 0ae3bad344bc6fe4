"""The mean of c by value of a feature and what it says of a counter, against direct computation."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.staircase import SURVIVAL_CHARACTERS, Staircases

ROWS = 4000


def sawtooth(length: int) -> torch.Tensor:
    return torch.arange(ROWS) % length


def staircases_of(features: torch.Tensor, c: torch.Tensor, stretch: torch.Tensor | None = None) -> Staircases:
    stretch = torch.zeros(ROWS, dtype=torch.int64) if stretch is None else stretch
    staircases = Staircases(features.shape[1], int(stretch.max()) + 1)
    staircases.update(features.float(), c.float(), stretch)
    return staircases


def test_means_and_spreads_equal_numpy_and_merged_sums_equal_those_of_one_batch() -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.stack((sawtooth(7), sawtooth(13)), dim=1)
    c = features * torch.tensor([0.5, -1.0]) + torch.randn(ROWS, 2, generator=random)
    whole = staircases_of(features, c)
    parts = [Staircases(2, 1), Staircases(2, 1)]
    for part, rows in zip(parts, (slice(0, 999), slice(999, ROWS)), strict=True):
        part.update(features[rows].float(), c[rows], torch.zeros(len(c[rows]), dtype=torch.int64))
        part.update_survival(features[rows], features[rows] < 3, c[rows] > 0)
    whole.update_survival(features, features < 3, c > 0)
    parts[0].merge(parts[1])
    for pair, length in ((0, 7), (1, 13)):
        for value in range(length):
            chosen = c[features[:, pair] == value, pair].double().numpy()
            np.testing.assert_allclose(whole.means()[pair, value], chosen.mean(), rtol=1e-5, atol=1e-6)
        at_zero = c[features[:, pair] == 0, pair].double().var(correction=0)
        spread = at_zero / c[:, pair].double().var(correction=0)
        np.testing.assert_allclose(whole.reset_spread()[pair], spread, rtol=1e-5)
        assert whole.counts()[pair, length:].sum() == 0
    for name in ("counts", "means", "survival", "straightness", "reset_spread", "leak", "values_told_apart"):
        np.testing.assert_allclose(getattr(parts[0], name)(), getattr(whole, name)(), rtol=1e-4, atol=1e-5)


def test_the_offset_of_each_stretch_is_taken_out() -> None:
    features, stretch = sawtooth(10)[:, None], torch.arange(ROWS) * 4 // ROWS
    c = 0.1 * features + torch.tensor([3.0, -2.0, 0.5, 0.0])[stretch][:, None]
    apart = staircases_of(features, c, stretch)
    steps = apart.means()[0, 1:10] - apart.means()[0, :9]
    np.testing.assert_allclose(steps, 0.1, atol=1e-5)
    assert apart.reset_spread() < 1e-3
    assert staircases_of(features, c).reset_spread() > 0.5


def test_a_line_is_straight_and_the_leak_of_a_fading_trace_is_what_it_loses() -> None:
    features = torch.stack((sawtooth(41), sawtooth(41), sawtooth(41)), dim=1)
    c = torch.stack((0.1 * features[:, 0], 0.8 ** features[:, 1], 1 - 0.98 ** features[:, 2]), dim=1)
    staircases = staircases_of(features, c)
    straight, leak = staircases.straightness(), staircases.leak()
    assert straight[0] > 1 - 1e-6
    assert straight[1] < 0.8 < straight[2]
    longest = len(staircases.staircase(0)) - 1
    np.testing.assert_allclose(leak, [0, 0.2 * longest, 0.02 * longest], atol=1e-2)
    np.testing.assert_allclose(
        staircases.staircase(0), [round(0.1 * n, 4) for n in range(longest + 1)], atol=1e-4
    )


def test_values_of_a_depth_are_counted_up_to_the_first_that_is_not_told_apart() -> None:
    features = (torch.arange(ROWS) // 10 % 5)[:, None]
    up_to_two = torch.tensor([0.0, 1.0, 2.0, 2.1, 3.0])[features]
    assert staircases_of(features, up_to_two).values_told_apart().tolist() == [3]
    assert staircases_of(features, -features.float()).values_told_apart().tolist() == [5]
    assert staircases_of(features, torch.zeros(ROWS, 1)).values_told_apart().tolist() == [1]


def test_survival_is_the_share_of_positions_at_which_the_cell_is_still_on() -> None:
    since, on = sawtooth(100)[:, None], (sawtooth(100) < 20)[:, None]
    staircases = Staircases(1, 1)
    staircases.update_survival(since, torch.ones(ROWS, 1, dtype=torch.bool), on)
    assert staircases.survival()[0].tolist() == [1.0] * 20 + [0.0] * (SURVIVAL_CHARACTERS - 20)


def test_rising_is_the_share_of_the_judged_steps_in_the_commonest_direction() -> None:
    """Value n occurs 100 times for n up to 8; the step up to 9 is beyond the common ones."""
    values = torch.cat([torch.full((100,), n) for n in range(9)] + [torch.full((20,), 9)])
    heights = torch.tensor([0.0, 1, 2, 3, 4, 3, 4, 5, 6, 7])
    stairs = Staircases(1, 1)
    stairs.update(
        values[:, None].float(), heights[values][:, None], torch.zeros(len(values), dtype=torch.int64)
    )
    # Of the nine common values those from 1 to 8 end a step; one of these eight goes down.
    assert float(stairs.rising()) == pytest.approx(7 / 8)
    falling = Staircases(1, 1)
    falling.update(
        values[:, None].float(), -heights[values][:, None], torch.zeros(len(values), dtype=torch.int64)
    )
    assert float(falling.rising()) == pytest.approx(7 / 8)


def test_a_value_that_occurs_as_often_as_is_asked_is_judged_and_a_rarer_one_is_not() -> None:
    for occurrences, told_apart in ((20, 3), (19, 2)):
        values = torch.cat((torch.zeros(500), torch.ones(500), torch.full((occurrences,), 2.0)))
        stairs = Staircases(1, 1)
        stairs.update(values[:, None], values[:, None], torch.zeros(len(values), dtype=torch.int64))
        assert stairs.values_told_apart().tolist() == [told_apart]


def test_stretches_of_different_make_up_get_the_offset_that_a_fit_by_least_squares_has() -> None:
    """One stretch holds mostly zeros and another mostly ones, so that offset and value are confounded."""
    values = torch.cat((torch.zeros(90), torch.ones(10), torch.zeros(30), torch.ones(70)))
    stretch = torch.arange(200) // 100
    c = 2.0 * values + 5.0 * stretch
    stairs = Staircases(1, 2)
    stairs.update(values[:, None], c[:, None], stretch)
    means = stairs.means()[0]
    assert float(means[1] - means[0]) == pytest.approx(2.0, abs=0.05)
