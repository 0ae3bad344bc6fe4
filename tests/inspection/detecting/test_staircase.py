"""The staircase of c by value of a feature, against direct computation."""

import numpy as np
import torch

from charlstm.inspection.detecting.staircase import SURVIVAL, Profile

ROWS = 4000


def sawtooth(length: int) -> torch.Tensor:
    return torch.arange(ROWS) % length


def profile_of(own: torch.Tensor, c: torch.Tensor, stretch: torch.Tensor | None = None) -> Profile:
    stretch = torch.zeros(ROWS, dtype=torch.int64) if stretch is None else stretch
    profile = Profile(own.shape[1], int(stretch.max()) + 1)
    profile.update(own.float(), c.float(), stretch)
    return profile


def test_means_and_spreads_equal_numpy_and_merged_parts_one_batch() -> None:
    random = torch.Generator().manual_seed(0)
    own = torch.stack((sawtooth(7), sawtooth(13)), dim=1)
    c = own * torch.tensor([0.5, -1.0]) + torch.randn(ROWS, 2, generator=random)
    whole = profile_of(own, c)
    parts = [Profile(2, 1), Profile(2, 1)]
    for part, rows in zip(parts, (slice(0, 999), slice(999, ROWS)), strict=True):
        part.update(own[rows].float(), c[rows], torch.zeros(len(c[rows]), dtype=torch.int64))
        part.update_survival(own[rows], own[rows] < 3, c[rows] > 0)
    whole.update_survival(own, own < 3, c > 0)
    parts[0].merge(parts[1])
    for pair, length in ((0, 7), (1, 13)):
        for value in range(length):
            chosen = c[own[:, pair] == value, pair].double().numpy()
            np.testing.assert_allclose(whole.means()[pair, value], chosen.mean(), rtol=1e-5, atol=1e-6)
        at_zero = c[own[:, pair] == 0, pair].double().var(correction=0)
        spread = at_zero / c[:, pair].double().var(correction=0)
        np.testing.assert_allclose(whole.reset_spread()[pair], spread, rtol=1e-5)
        assert whole.counts()[pair, length:].sum() == 0
    for name in ("counts", "means", "survival", "straightness", "reset_spread", "leak", "levels"):
        np.testing.assert_allclose(getattr(parts[0], name)(), getattr(whole, name)(), rtol=1e-4, atol=1e-5)


def test_levels_of_stretches_are_taken_out() -> None:
    own, stretch = sawtooth(10)[:, None], torch.arange(ROWS) * 4 // ROWS
    c = 0.1 * own + torch.tensor([3.0, -2.0, 0.5, 0.0])[stretch][:, None]
    apart = profile_of(own, c, stretch)
    steps = apart.means()[0, 1:10] - apart.means()[0, :9]
    np.testing.assert_allclose(steps, 0.1, atol=1e-5)
    assert apart.reset_spread() < 1e-3
    assert profile_of(own, c).reset_spread() > 0.5


def test_a_line_is_straight_and_a_trace_leaks_what_it_loses() -> None:
    own = torch.stack((sawtooth(41), sawtooth(41), sawtooth(41)), dim=1)
    c = torch.stack((0.1 * own[:, 0], 0.8 ** own[:, 1], 1 - 0.98 ** own[:, 2]), dim=1)
    profile = profile_of(own, c)
    straight, leak = profile.straightness(), profile.leak()
    assert straight[0] > 1 - 1e-6
    assert straight[1] < 0.8 < straight[2]
    longest = len(profile.staircase(0)) - 1
    np.testing.assert_allclose(leak, [0, 0.2 * longest, 0.02 * longest], atol=1e-2)
    np.testing.assert_allclose(
        profile.staircase(0), [round(0.1 * n, 4) for n in range(longest + 1)], atol=1e-4
    )


def test_levels_of_a_depth_are_counted_up_to_the_first_that_is_not_told_apart() -> None:
    own = (torch.arange(ROWS) // 10 % 5)[:, None]
    up_to_two = torch.tensor([0.0, 1.0, 2.0, 2.1, 3.0])[own]
    assert profile_of(own, up_to_two).levels().tolist() == [3]
    assert profile_of(own, -own.float()).levels().tolist() == [5]
    assert profile_of(own, torch.zeros(ROWS, 1)).levels().tolist() == [1]


def test_survival_is_the_share_still_on() -> None:
    since, on = sawtooth(100)[:, None], (sawtooth(100) < 20)[:, None]
    profile = Profile(1, 1)
    profile.update_survival(since, torch.ones(ROWS, 1, dtype=torch.bool), on)
    assert profile.survival()[0].tolist() == [1.0] * 20 + [0.0] * (SURVIVAL - 20)
