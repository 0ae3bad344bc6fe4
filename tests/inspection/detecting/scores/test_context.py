"""Correlations given the context, against taking group means and a least-squares fit out by numpy."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.context import ContextSums, _partial

ROWS = 3000


def columns(seed: int) -> tuple[torch.Tensor, ...]:
    """Contexts, two nuisance features, two cells and two features that all depend on one another."""
    random = torch.Generator().manual_seed(seed)
    contexts = torch.randint(0, 12, (ROWS,), generator=random)
    offsets = torch.randn(12, 6, generator=random)
    mixed = torch.randn(ROWS, 6, generator=random) @ torch.randn(6, 6, generator=random) + offsets[contexts]
    return contexts, mixed[:, :2], mixed[:, 2:4], mixed[:, 4:]


def empty_sums(nuisances: int) -> ContextSums:
    return ContextSums(contexts=12, cells=2, features=2, nuisances=nuisances)


def left(values: torch.Tensor, contexts: torch.Tensor, given: torch.Tensor) -> np.ndarray:
    """What is left of values (rows, n) without the means of the contexts and the linear part of given."""

    def demeaned(matrix: torch.Tensor) -> np.ndarray:
        found = matrix.double().numpy().copy()
        for context in range(12):
            found[contexts == context] -= found[contexts == context].mean(0)
        return found

    values_, given_ = demeaned(values), demeaned(given)
    return values_ - given_ @ np.linalg.lstsq(given_, values_, rcond=None)[0]


def correlation(values: np.ndarray, others: np.ndarray) -> float:
    return float(np.corrcoef(values, others)[0, 1])


@pytest.mark.parametrize("seed", range(3))
def test_r_given_the_context_equals_demeaning_and_least_squares(seed: int) -> None:
    contexts, nuisances, cells, features = columns(seed)
    sums, merged = empty_sums(2), empty_sums(2)
    for part, rows in zip((sums, merged, merged), torch.arange(ROWS).split([1000, 1, 1999]), strict=True):
        part.update(contexts[rows], cells[rows], features[rows], nuisances[rows])
    sums.merge(merged)
    partial = sums.partial(torch.tensor([1, 0]))
    cells_left, features_left = left(cells, contexts, nuisances), left(features, contexts, nuisances)
    expected = [
        correlation(cells_left[:, 0], features_left[:, 1]),
        correlation(cells_left[:, 1], features_left[:, 0]),
    ]
    np.testing.assert_allclose(partial, expected, atol=1e-4)


def test_a_nuisance_that_is_the_tested_feature_itself_is_not_taken_out() -> None:
    contexts, _, cells, features = columns(0)
    sums = empty_sums(1)
    sums.update(contexts, cells, features, features[:, :1])
    no_nuisance = torch.zeros(ROWS, 0)
    cells_left, features_left = left(cells, contexts, no_nuisance), left(features, contexts, no_nuisance)
    expected = correlation(cells_left[:, 0], features_left[:, 0])
    assert float(sums.partial(torch.tensor([0, 0]))[0]) == pytest.approx(expected, abs=1e-4)


def test_a_nuisance_that_is_there_twice_is_taken_out_once() -> None:
    contexts, nuisances, cells, features = columns(0)
    sums = empty_sums(3)
    sums.update(contexts, cells, features, torch.cat((nuisances, 3 * nuisances[:, :1]), dim=1))
    cells_left, features_left = left(cells, contexts, nuisances), left(features, contexts, nuisances)
    expected = [correlation(cells_left[:, number], features_left[:, number]) for number in (0, 1)]
    np.testing.assert_allclose(sums.partial(torch.tensor([0, 1])), expected, atol=1e-4)


def test_nothing_is_left_of_a_feature_that_the_context_determines() -> None:
    contexts, nuisances, cells, _ = columns(0)
    sums = empty_sums(2)
    sums.update(contexts, cells, contexts[:, None].float().expand(-1, 2), nuisances)
    assert sums.partial(torch.tensor([0, 1])).tolist() == [0, 0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_is_left_by_rounding_is_nothing_in_every_unit(scale: float) -> None:
    random = np.random.default_rng(0)
    given, other = random.normal(size=(2, 500))
    almost, apart = given + 1e-6 * other, given + other
    columns_of = torch.tensor(np.stack([almost, other, given, apart])) * scale
    products = columns_of @ columns_of.t()
    assert _partial(products, 0, 1, [2]) == 0
    assert _partial(products, 3, 1, [2]) == pytest.approx(1, abs=1e-4)
