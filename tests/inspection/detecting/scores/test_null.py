"""The p-values that follow from the scores that shifted features reach by chance, against numpy."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.null import largest_of_groups, p_values


def test_the_p_value_counts_the_shifts_that_reach_the_score() -> None:
    """All scores are of one feature here, and each shift reaches the same with all of them."""
    reached, scores = torch.linspace(0.1, 0.4, 99), torch.tensor([0.5, 0.35, 0.25, 0.0])
    p = p_values(scores, reached[:, None].expand(-1, 4), torch.zeros(4, dtype=torch.int64))
    counted = [(1 + int((reached >= score).sum())) / 100 for score in scores]
    np.testing.assert_allclose(p, counted, atol=0.011)
    assert p[0] == 0.01
    assert len(p_values(torch.zeros(0), torch.zeros(99, 0), torch.zeros(0, dtype=torch.int64))) == 0


def test_a_slow_feature_sets_no_bar_for_the_others() -> None:
    """By chance the first feature reaches .2 to .8, the second .08 to .12; .5 is much only for the latter."""
    random = torch.Generator().manual_seed(0)
    slow = 0.2 + 0.6 * torch.rand(99, 1, generator=random)
    fast = 0.08 + 0.04 * torch.rand(99, 1, generator=random)
    by_chance, groups = torch.cat((slow, fast), dim=1), torch.tensor([0, 1])
    p = p_values(torch.tensor([0.5, 0.5]), by_chance, groups)
    assert p[1] == 0.01
    assert p[0] > 0.3
    assert (by_chance.amax(1) >= 0.5).sum() > 30, "a maximum over both would have refused both"


def test_after_the_largest_score_fewer_are_left_to_be_compared_with() -> None:
    """The null of the first feature is high in some shifts; it is out of the way once its pair is decided."""
    by_chance = 0.1 + 0.05 * torch.rand(99, 2, generator=torch.Generator().manual_seed(0))
    by_chance[40:44, 0] = 0.5
    groups = torch.tensor([0, 1])
    assert p_values(torch.tensor([0.9, 0.3]), by_chance, groups).tolist() == [0.01, 0.01]
    assert p_values(torch.tensor([0.12, 0.22]), by_chance, groups)[1] == 0.05, "the first is not out of it"


@pytest.mark.parametrize("shifts", [4, 9])
def test_each_shift_is_studentised_by_the_others(shifts: int) -> None:
    """The same by counting, without the deviation's lower bound having a part."""
    random = np.random.default_rng(shifts)
    null, scores = random.random((shifts, 3)), random.random(3) + 0.5
    others = [np.delete(null, shift, axis=0) for shift in range(shifts)]
    by_chance = np.stack(
        [(null[shift] - rest.mean(0)) / rest.std(0, ddof=1) for shift, rest in enumerate(others)]
    )
    observed = (scores - null.mean(0)) / null.std(0, ddof=1)
    order = np.argsort(-observed)
    expected, least = np.empty(3), 0.0
    for place, pair in enumerate(order):
        reached = (by_chance[:, order[place:]].max(1) >= observed[pair]).sum()
        least = expected[pair] = max(least, (1 + reached) / (1 + shifts))
    found = p_values(torch.from_numpy(scores), torch.from_numpy(null), torch.arange(3))
    np.testing.assert_allclose(found, expected)


def test_the_family_wise_error_of_independent_noise_is_the_nominal_one() -> None:
    random = torch.Generator().manual_seed(1)
    scales = torch.tensor([0.02, 0.1, 0.3]).repeat(4)
    groups, errors = torch.tensor([0, 1, 2]).repeat(4), 0
    for _ in range(400):
        drawn = (torch.randn(40, 12, generator=random) * scales).abs()
        errors += bool(p_values(drawn[0], drawn[1:], groups).min() <= 0.1)
    assert 20 <= errors <= 64, "about 40 of 400"


def test_the_largest_null_score_of_each_feature() -> None:
    found = largest_of_groups(torch.tensor([[0.1, 0.5, 0.3]]), torch.tensor([1, 0, 1]))
    np.testing.assert_allclose(found, [[0.5, 0.3]])
