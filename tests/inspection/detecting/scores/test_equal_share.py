"""The correlation at equal shares, against numpy and against what it is for."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.scores.equal_share import EqualShareSums

STRETCHES, ROWS = 4, 500


def columns(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Stretches (rows,), three cells and three features (rows, 3): two switches and a depth.

    The first cell follows the first switch and lies higher from stretch to stretch; the last one is constant.
    """
    random = np.random.default_rng(seed)
    stretch = np.arange(STRETCHES * ROWS) // ROWS
    features = np.stack(
        (
            random.random(len(stretch)) < 0.05,
            random.random(len(stretch)) < 0.2 + 0.2 * stretch,
            random.integers(0, 4, len(stretch)),
        ),
        axis=1,
    ).astype(np.float32)
    cells = random.normal(size=(len(stretch), 3)).astype(np.float32)
    cells[:, 0] += 3 * features[:, 0] + 5 * stretch
    cells[:, 1] += features[:, 2] * features[:, 1]
    cells[:, 2] = 0.5
    return torch.from_numpy(stretch), torch.from_numpy(cells), torch.from_numpy(features)


def by_numpy(stretch: np.ndarray, c: np.ndarray, f: np.ndarray) -> float:
    """r of c and f (rows,) with the means of stretches taken out, where f > 0 counts half of all."""
    on = f > 0
    for values in (c, f):
        for number in np.unique(stretch):
            values[stretch == number] -= values[stretch == number].mean()
    weights = np.where(on, 0.5 / on.sum(), 0.5 / (~on).sum())
    c, f = c - weights @ c, f - weights @ f
    return float(weights @ (c * f) / np.sqrt((weights @ c**2) * (weights @ f**2)))


def summed(parts: list[tuple[torch.Tensor, ...]]) -> EqualShareSums:
    sums = EqualShareSums(stretches=STRETCHES, cells=3, features=3)
    for stretch, c, f in parts:
        sums.update(stretch, c, f)
    return sums


@pytest.mark.parametrize("sizes", [[2_000], [1, 700, 99, 1_200]])
def test_it_equals_numpy_however_the_positions_are_cut_into_blocks(sizes: list[int]) -> None:
    parts = list(zip(*(values.split(sizes) for values in columns()), strict=True))
    found = summed(parts).correlation()
    stretch, cells, features = (values.numpy() for values in columns())
    for cell in range(2):
        for feature in range(3):
            c, f = cells[:, cell].astype(float), features[:, feature].astype(float)
            assert found[cell, feature] == pytest.approx(by_numpy(stretch, c, f), abs=1e-5)
    assert (found[2] == 0).all(), "a constant cell has no correlation"


def test_merged_chunks_have_stretches_of_their_own() -> None:
    first, second = columns(0), columns(1)
    whole = summed([first])
    whole.merge(summed([second]))
    stretch = np.concatenate((first[0], second[0] + STRETCHES))
    c, f = (np.concatenate((first[k], second[k]))[:, 0].astype(float) for k in (1, 2))
    assert whole.correlation()[0, 0] == pytest.approx(by_numpy(stretch, c, f), abs=1e-5)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_it_does_not_depend_on_how_often_the_feature_is_on_as_plain_r_does(share: float) -> None:
    """c differs by two deviations, so the correlation at equal shares is sqrt(1/2) whatever the share."""
    random = np.random.default_rng(3)
    on = random.random(200_000) < share
    c = random.normal(size=len(on)) + 2 * on
    sums = EqualShareSums(stretches=1, cells=1, features=1)
    columns_of = (torch.from_numpy(values.astype(np.float32))[:, None] for values in (c, on))
    sums.update(torch.zeros(len(on), dtype=torch.int64), *columns_of)
    assert float(sums.correlation()) == pytest.approx(np.sqrt(0.5), abs=0.02)
    plain = np.corrcoef(c, on)[0, 1]
    assert plain == pytest.approx(np.sqrt(share * (1 - share) / (share * (1 - share) + 0.25)), abs=0.02)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_feature_that_is_never_on_or_never_off_has_none(value: float) -> None:
    stretch, c, f = columns()
    f[:, 0] = value
    assert (summed([(stretch, c, f)]).correlation()[:, 0] == 0).all()


def test_a_feature_that_is_on_at_one_character_counts_there_as_much_as_at_all_others() -> None:
    c = np.array([3.0, 1.0, -1.0, 2.0, -2.0, 0.0], dtype=np.float32)
    on = np.array([1.0, 0, 0, 0, 0, 0], dtype=np.float32)
    sums = EqualShareSums(stretches=1, cells=1, features=1)
    sums.update(
        torch.zeros(6, dtype=torch.int64), torch.from_numpy(c)[:, None], torch.from_numpy(on)[:, None]
    )
    expected = by_numpy(np.zeros(6), c.astype(float), on.astype(float))
    assert float(sums.correlation()) == pytest.approx(expected, abs=1e-6)
