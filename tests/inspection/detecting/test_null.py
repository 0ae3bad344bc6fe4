"""The scores that shifted features reach by chance, against numpy."""

import numpy as np
import pytest
import torch
from split_with_columns import split_with_columns
from written_text import written

from charlstm.inspection.detecting import null
from charlstm.inspection.detecting.null import (
    Autocorrelations,
    ShiftedProducts,
    autocorrelation,
    draw_shifts,
    measure_autocorrelations,
    measure_standardization,
    p_values,
)
from charlstm.inspection.reading.accumulators import CellFeatureMoments


def drawn_for(feature: torch.Tensor, shifts: int = 200) -> torch.Tensor:
    """Shifts drawn for one feature (rows,)."""
    autocorrelations = Autocorrelations(len(feature))
    autocorrelations.update(feature[:, None])
    return draw_shifts(autocorrelations, shifts, torch.Generator().manual_seed(0))


def test_the_p_value_counts_the_shifts_that_reach_the_score() -> None:
    reached = torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert p_values(torch.tensor([0.5, 0.4, 0.15, 0.0]), reached).tolist() == [1 / 5, 2 / 5, 4 / 5, 1]


def test_the_autocorrelation_equals_the_correlation_with_the_rolled_values() -> None:
    values = np.random.default_rng(0).integers(0, 5, (2, 300)).cumsum(1).astype(np.float32) % 50
    found = autocorrelation(torch.from_numpy(values))
    for shift in (0, 1, 7, 150, 299):
        expected = [np.corrcoef(row, np.roll(row, shift))[0, 1] for row in values]
        np.testing.assert_allclose(found[:, shift], expected, atol=1e-4)
    assert autocorrelation(torch.full((40,), 3.0)).tolist() == [0] * 40, "a constant has none"


def test_shifts_keep_ten_autocorrelation_times_away_from_the_feature() -> None:
    short, long = (torch.arange(40_000) // length % 2 for length in (100, 1_500))
    shifts = drawn_for(short)
    assert shifts.min() >= null.LEAST_SHIFT_CHARACTERS
    assert shifts.max() <= 40_000 - null.LEAST_SHIFT_CHARACTERS
    shifts = drawn_for(long)
    autocorrelations = Autocorrelations(40_000)
    autocorrelations.update(torch.stack((short, long), dim=1))
    assert 400 <= autocorrelations.longest_time <= 600
    assert shifts.min() >= 10 * autocorrelations.longest_time
    assert shifts.max() <= 40_000 - 10 * autocorrelations.longest_time
    assert drawn_for(torch.arange(40_000) // 10_000 % 2).min() >= 10_000, "a quarter of the rows at most"


def test_shifts_avoid_places_where_a_periodic_feature_resembles_itself() -> None:
    period = torch.arange(40_000) % 100
    alike = autocorrelation(period.float()).abs() > 0.5
    assert alike.float().mean() > 0.1
    shifts = drawn_for(period)
    assert not alike[shifts].any()
    assert alike[drawn_for(period, shifts=35_000)].any(), (
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


def test_standardization_gives_mean_0_and_variance_1_and_a_constant_scale_0() -> None:
    text = written(6_000, seed=2)
    random = np.random.default_rng(0)
    varying = random.integers(3, 256, len(text)).astype(np.uint8)
    split = split_with_columns(text, varying, np.full(len(text), 7, np.uint8))
    mean, scale = measure_standardization(split, torch.tensor([1, 0]))
    counted = varying[split.cut.counted].astype(float)
    np.testing.assert_allclose(mean, [7, counted.mean()], rtol=1e-12)
    np.testing.assert_allclose(scale, [0, 1 / counted.std()], rtol=1e-12)


@pytest.mark.parametrize("halves", [1, 2])
def test_scores_are_correlations_with_rolled_features(halves: int) -> None:
    text = written(6_000, seed=2)
    random = np.random.default_rng(0)
    columns = [random.integers(0, 9, len(text)).astype(np.uint8) for _ in range(2)]
    split = split_with_columns(text, *columns)
    features = split.first.columns(torch.arange(2))
    shifts = torch.tensor([1_500, 2_000])
    c = torch.randn(split.rows, 3, generator=torch.Generator().manual_seed(0))
    c[:, 0] += torch.roll(features[:, 1], 1_500).float()
    c[:, 2] = 0.5
    moments = CellFeatureMoments(3, 0)
    moments.update(c, c[:, :0])
    standardization = measure_standardization(split, torch.arange(2))
    parts = [ShiftedProducts(standardization, shifts, cells=3, rows=split.rows) for _ in range(halves)]
    for part, rows in zip(parts, torch.arange(split.rows).chunk(halves), strict=True):
        part.update(features, rows, c[rows])
    for part in parts[1:]:
        parts[0].merge(part)
    scores = parts[0].scores(moments)
    assert scores[0, 0, 1] > 0.9
    assert (scores[2] == 0).all(), "a constant cell has no correlation"
    for number, shift in enumerate(shifts.tolist()):
        rolled = np.roll(features.numpy().astype(float), shift, axis=0)
        expected = np.abs(np.corrcoef(c[:, :2].double().numpy().T, rolled.T)[:2, 2:])
        np.testing.assert_allclose(scores[:2, number], expected, atol=1e-5)


def test_the_sample_of_positions_has_its_share_in_every_part_of_the_text() -> None:
    sampled = null._sampled(torch.arange(400_000), 0.05)
    assert sampled.double().mean() == pytest.approx(0.05, rel=0.01)
    by_column = sampled.view(-1, 80).double().mean(0)
    assert by_column.min() > 0.04, "no column of lines of equal length is left out"
    assert by_column.max() < 0.06
    assert sampled.view(-1, 1_000).sum(1).min() > 40
