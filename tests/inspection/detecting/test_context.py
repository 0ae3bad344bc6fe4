"""Partial correlations against demeaning by group and least squares."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.context import Confounds

ROWS = 3000


def columns(seed: int) -> tuple[torch.Tensor, ...]:
    """Contexts, two nuisances, two cells and two features that all depend on one another."""
    random = torch.Generator().manual_seed(seed)
    contexts = torch.randint(0, 12, (ROWS,), generator=random)
    offsets = torch.randn(12, 6, generator=random)
    mixed = torch.randn(ROWS, 6, generator=random) @ torch.randn(6, 6, generator=random) + offsets[contexts]
    return contexts, mixed[:, :2], mixed[:, 2:4], mixed[:, 4:]


def empty(nuisances: int) -> Confounds:
    return Confounds(contexts=12, cells=2, features=2, nuisances=nuisances)


def left(values: torch.Tensor, contexts: torch.Tensor, given: torch.Tensor) -> np.ndarray:
    """What is left of values once the contexts' means and the linear part of given are out."""

    def demeaned(matrix: torch.Tensor) -> np.ndarray:
        found = matrix.double().numpy().copy()
        for context in range(12):
            found[contexts == context] -= found[contexts == context].mean(0)
        return found

    values_, given_ = demeaned(values), demeaned(given)
    return values_ - given_ @ np.linalg.lstsq(given_, values_, rcond=None)[0]


@pytest.mark.parametrize("seed", range(3))
def test_partial_equals_demeaning_and_least_squares(seed: int) -> None:
    contexts, nuisances, cells, features = columns(seed)
    confounds = empty(2)
    for rows in torch.arange(ROWS).split([1, 1000, 1999]):
        confounds.update(contexts[rows], cells[rows], features[rows], nuisances[rows])
    found = confounds.partial(torch.tensor([1, 0]))
    one, other = left(cells, contexts, nuisances), left(features, contexts, nuisances)
    wanted = [np.corrcoef(one[:, 0], other[:, 1])[0, 1], np.corrcoef(one[:, 1], other[:, 0])[0, 1]]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_feature_is_no_confound_of_itself_and_a_context_explains_all() -> None:
    contexts, nuisances, cells, features = columns(0)
    same = empty(1)
    same.update(contexts, cells, features, features[:, :1])
    nothing = np.zeros((ROWS, 0))
    one, other = (left(part, contexts, torch.from_numpy(nothing)) for part in (cells, features))
    wanted = np.corrcoef(one[:, 0], other[:, 0])[0, 1]
    assert float(same.partial(torch.tensor([0, 0]))[0]) == pytest.approx(wanted, abs=1e-4)
    known = empty(2)
    known.update(contexts, cells, contexts[:, None].float().expand(-1, 2), nuisances)
    assert known.partial(torch.tensor([0, 1])).tolist() == [0, 0]
