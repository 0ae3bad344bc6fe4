"""How far features are shifted along the text, and that no shift comes twice."""

import numpy as np
import torch
from split_with_columns import split_with_columns
from written_text import written

from charlstm.inspection.detecting.scores import shifts
from charlstm.inspection.detecting.scores.shifts import (
    Autocorrelations,
    Shifts,
    autocorrelation,
    measure_autocorrelations,
    spread_shifts,
)


def all_for(feature: torch.Tensor, count: int = 200) -> Shifts:
    autocorrelations = Autocorrelations(len(feature))
    autocorrelations.update(feature[:, None])
    return spread_shifts(autocorrelations, count)


def spread_for(feature: torch.Tensor, count: int = 200) -> torch.Tensor:
    """Shifts for one feature (rows,)."""
    return all_for(feature, count).values


def test_no_shift_comes_twice_and_none_is_drawn() -> None:
    feature = torch.arange(40_000) // 100 % 2
    found = spread_for(feature, 999)
    assert len(found.unique()) == len(found) == 999
    assert found.tolist() == sorted(found.tolist()) == spread_for(feature, 999).tolist()
    steps = found.diff()
    assert steps.max() < 8 * steps.float().mean(), "they cover the text"


def test_a_slow_feature_has_fewer_independent_shifts_than_there_are() -> None:
    assert all_for(torch.arange(40_000) // 20 % 2, 99).independent == 99
    slow = all_for(torch.arange(40_000) // 1_500 % 2, 99)
    assert len(slow) == 99
    assert 10 <= slow.independent <= 60, "20,000 rows or so are left, at 375 to 500 for a time"


def test_the_autocorrelation_equals_the_correlation_with_the_rolled_values() -> None:
    values = np.random.default_rng(0).integers(0, 5, (2, 300)).cumsum(1).astype(np.float32) % 50
    found = autocorrelation(torch.from_numpy(values))
    for shift in (0, 1, 7, 150, 299):
        expected = [np.corrcoef(row, np.roll(row, shift))[0, 1] for row in values]
        np.testing.assert_allclose(found[:, shift], expected, atol=1e-4)
    assert autocorrelation(torch.full((40,), 3.0)).tolist() == [0] * 40, "a constant has none"


def test_shifts_keep_ten_autocorrelation_times_away_from_the_feature() -> None:
    short, long = (torch.arange(40_000) // length % 2 for length in (100, 1_500))
    found = spread_for(short)
    assert found.min() >= shifts.LEAST_SHIFT_CHARACTERS
    assert found.max() <= 40_000 - shifts.LEAST_SHIFT_CHARACTERS
    found = spread_for(long)
    autocorrelations = Autocorrelations(40_000)
    autocorrelations.update(torch.stack((short, long), dim=1))
    assert 400 <= autocorrelations.longest_time <= 600
    assert found.min() >= 10 * autocorrelations.longest_time
    assert found.max() <= 40_000 - 10 * autocorrelations.longest_time
    assert spread_for(torch.arange(40_000) // 10_000 % 2).min() >= 10_000, "a quarter of the rows at most"


def test_at_least_one_shift_is_told_to_be_independent() -> None:
    slow = Autocorrelations(400)
    slow.longest_time = 390
    assert shifts.spread_shifts(slow, 99).independent == 1


def test_shifts_avoid_places_where_a_periodic_feature_resembles_itself() -> None:
    period = torch.arange(40_000) % 100
    alike = autocorrelation(period.float()).abs() > 0.5
    assert alike.float().mean() > 0.1
    found = spread_for(period)
    assert not alike[found].any()
    assert alike[spread_for(period, count=35_000)].any(), (
        "where there are too few other shifts all are allowed"
    )


def test_autocorrelations_of_features_and_of_chunks_are_merged_by_their_largest() -> None:
    random = np.random.default_rng(0)
    columns = torch.from_numpy(random.integers(0, 9, (1_000, 20)).astype(np.uint8))
    columns[:, 3] = torch.arange(1_000) // 50 % 2
    whole, first, second = (Autocorrelations(1_000) for _ in range(3))
    whole.update(columns)
    first.update(columns[:, :3])
    second.update(columns[:, 3:])
    first.merge(second)
    assert first.longest_time == whole.longest_time > 10
    np.testing.assert_allclose(first.largest, whole.largest, atol=1e-6)
    largest = autocorrelation(columns.t().float()).abs().amax(0)
    np.testing.assert_allclose(whole.largest, largest, atol=1e-6)


def test_autocorrelations_of_a_split_are_those_of_its_counted_positions() -> None:
    text = written(6_000, seed=2)
    column = (np.arange(len(text)) // 7 % 5).astype(np.uint8)
    split = split_with_columns(text, column)
    expected = autocorrelation(torch.from_numpy(column[split.cut.counted]).float()).abs()
    np.testing.assert_allclose(measure_autocorrelations(split).largest, expected, atol=1e-6)
