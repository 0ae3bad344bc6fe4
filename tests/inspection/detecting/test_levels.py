"""Whether a cell has two levels: what passes, and what each limit refuses."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.levels import LARGEST_MIDDLE_SHARE, Levels, measure_levels
from charlstm.inspection.reading.accumulators import CellHistogram

ROWS = 20_000


def levels_of(*cells: np.ndarray) -> Levels:
    histogram = CellHistogram(len(cells))
    histogram.update(torch.from_numpy(np.stack(cells, axis=1)).float())
    return measure_levels(histogram)


def switch(distance: float, share: float = 0.5, seed: int = 0) -> np.ndarray:
    """c of unit deviation around two levels a distance apart, the upper one with the given share."""
    random = np.random.default_rng(seed)
    c = 0.1 * random.normal(size=ROWS)
    c[: int(share * ROWS)] += 0.1 * distance
    return c


def two(levels: Levels, dwell: int = 20, score: float = 0.0) -> list[bool]:
    cells = torch.arange(len(levels.share))
    return levels.two(cells, torch.full((len(cells),), dwell), torch.full((len(cells),), score)).tolist()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.98])
def test_a_switch_has_two_levels_however_often_it_is_on(share: float) -> None:
    levels = levels_of(switch(10, share))
    assert two(levels) == [True]
    assert levels.rarer.tolist() == pytest.approx([min(share, 1 - share)], abs=1e-3)
    assert levels.share.tolist() == [pytest.approx(25 / 26, abs=0.02)]
    assert 0.2 < float(levels.thresholds) < 0.8


def test_one_level_is_not_two_wherever_it_is_cut() -> None:
    random = np.random.default_rng(0)
    normal, flat = random.normal(size=ROWS), random.uniform(-1, 1, ROWS)
    levels = levels_of(0.1 * normal, 0.3 * flat, random.exponential(0.2, ROWS))
    assert levels.share[0] == pytest.approx(2 / np.pi, abs=0.03)
    assert levels.share[1] == pytest.approx(0.75, abs=0.03)
    assert two(levels) == [False] * 3


def test_levels_that_are_near_or_bridged_are_no_two_levels() -> None:
    assert two(levels_of(switch(4))) == [False], "the share between them is 4/5"
    bridged = switch(10)
    bridged[::6] = np.linspace(0.3, 0.7, len(bridged[::6]))
    levels = levels_of(bridged)
    assert levels.share[0] > 0.85
    assert levels.middle[0] > LARGEST_MIDDLE_SHARE
    assert two(levels) == [False]


def test_the_rarer_level_must_be_common_enough_and_last() -> None:
    assert two(levels_of(switch(20, 0.004))) == [False]
    assert two(levels_of(switch(20, 0.006))) == [True]
    assert two(levels_of(switch(10)), dwell=2) == [False]
    assert two(levels_of(switch(10)), dwell=3) == [True]


def test_two_states_of_a_switch_that_lie_far_apart_are_two_levels() -> None:
    one_level = levels_of(np.random.default_rng(0).uniform(-0.3, 0.3, ROWS))
    assert two(one_level, score=0.974) == [False]
    assert two(one_level, score=-0.976) == [True], "the sign of a cell is arbitrary"
    assert two(one_level, score=0.976, dwell=2) == [False]
    assert two(levels_of(switch(10)), score=0.5) == [True]


def test_a_cell_that_drifts_where_tanh_is_flat_has_two_levels_of_tanh() -> None:
    random = np.random.default_rng(0)
    drifting = random.uniform(1.5, 12, ROWS) * np.where(np.arange(ROWS) < ROWS / 2, 1, -1)
    levels = levels_of(drifting, switch(10))
    assert levels.of_tanh.tolist() == [True, False]
    assert levels.share[0] > 0.95
    assert abs(float(levels.thresholds[0])) < 1
    assert two(levels) == [True, True]


def test_a_constant_cell_has_no_levels() -> None:
    assert two(levels_of(np.full(ROWS, 0.3))) == [False]
