"""Overlapping features are told apart where they differ."""

import numpy as np
import pytest
import torch

from charlstm.inspection.detecting.runner_up import (
    RunnerUp,
    Sample,
    contrast,
    counter_contrast,
    name_by_contrast,
)
from charlstm.inspection.features.feature import Feature

ROWS = 4_000


def nested() -> tuple[torch.Tensor, torch.Tensor]:
    """An outer switch that is on half of the time, and one inside of it, on a fifth."""
    place = torch.arange(ROWS) % 10
    return place < 5, place < 2


def noisy(values: torch.Tensor, scale: float = 0.3) -> torch.Tensor:
    return values.float() + scale * torch.randn(ROWS, generator=torch.Generator().manual_seed(0))


def test_where_nested_switches_differ_the_cell_says_which_one_it_follows() -> None:
    outer, inner = nested()
    assert contrast(noisy(inner), inner, outer) == pytest.approx(1, abs=0.05)
    assert contrast(noisy(inner), outer, inner) == pytest.approx(0, abs=0.05)
    assert contrast(-3 * noisy(outer) + 7, outer, inner) == pytest.approx(1, abs=0.05)
    halfway = 0.5 * outer.float() + 0.5 * inner.float()
    assert contrast(noisy(halfway), outer, inner) == pytest.approx(0.5, abs=0.05)


def test_a_contrast_of_switches_that_overlap_is_the_mean_of_both_sides() -> None:
    place = torch.arange(ROWS) % 10
    first, second = place < 5, (place >= 3) & (place < 8)
    assert contrast(noisy(first), first, second) == pytest.approx(1, abs=0.05)
    assert contrast(noisy(second), first, second) == pytest.approx(0, abs=0.05)
    half = 0.5 * first.float() + 0.5 * second.float()
    assert contrast(noisy(half), first, second) == pytest.approx(0.5, abs=0.05)
    half_of_second = torch.where(second & ~first, 0.5, first.float())
    assert contrast(noisy(half_of_second), first, second) == pytest.approx(0.75, abs=0.05)


def test_switches_that_hardly_differ_have_no_contrast() -> None:
    outer, _ = nested()
    almost = outer.clone()
    almost[:10] = False
    assert contrast(noisy(outer), outer, almost) is None
    assert contrast(noisy(outer), outer, ~outer) is None, "they are never both on"


def test_a_cell_that_goes_beyond_what_a_feature_says_follows_it_wholly() -> None:
    outer, inner = nested()
    alone = outer & ~inner
    for beyond, expected in ((-5.0, 0.0), (5.0, 1.0)):
        c = torch.where(alone, torch.tensor(beyond), outer.float())
        assert contrast(c, outer, inner) == expected
        assert contrast(c, inner, outer) == 1 - expected


def test_a_contrast_of_counters_is_the_share_of_the_squared_correlations() -> None:
    first, second = torch.arange(ROWS) % 40, torch.arange(ROWS) % 27
    apart = (first != second).numpy()
    c = noisy(first + 0.6 * second, 8.0)
    squares = [np.corrcoef(c[apart], counter[apart])[0, 1] ** 2 for counter in (first, second)]
    expected = squares[0] / sum(squares)
    assert 0.6 < expected < 0.9
    assert counter_contrast(c, first, second) == pytest.approx(expected, abs=1e-4)


def test_a_counter_that_falls_as_c_rises_has_no_part_in_a_contrast() -> None:
    first = torch.arange(ROWS) % 40
    second = torch.where(first < 20, first, 60 - first)
    assert counter_contrast(noisy(first), first, second) == 1


def test_of_two_counters_the_one_that_c_follows_where_they_differ_wins() -> None:
    first = torch.arange(ROWS) % 40
    second = torch.where(first < 20, first, 60 - first)
    assert counter_contrast(noisy(first), first, second) > 0.9
    assert counter_contrast(noisy(second), first, second) < 0.1
    assert counter_contrast(noisy(-first), first, second) > 0.9, "a cell may fall where its feature rises"
    assert counter_contrast(noisy(first), first, first) is None


def sample(c: torch.Tensor, *features: torch.Tensor) -> Sample:
    return Sample(c[:, None], torch.stack([feature.to(torch.uint8) for feature in features], dim=1))


def named(cell: torch.Tensor, scores: list[float], *, listed: int = 2) -> tuple[int, RunnerUp | None]:
    features = tuple(Feature(str(number), "switch", {}) for number in range(len(scores)))
    first = int(np.argmax(scores))
    return name_by_contrast(
        sample(cell, *nested()), 0, torch.tensor(scores), features, first=first, listed=listed
    )


def test_the_winner_of_the_contrast_names_the_cell_and_the_loser_is_told() -> None:
    outer, inner = nested()
    number, runner_up = named(noisy(inner), [0.8, 0.7])
    assert number == 1
    assert (runner_up.feature, runner_up.score) == (0, pytest.approx(0.8))
    assert runner_up.contrast == pytest.approx(1, abs=0.05)
    number, runner_up = named(noisy(outer), [0.8, 0.7])
    assert (number, runner_up.feature) == (0, 1)


def test_a_feature_that_is_out_of_reach_or_that_cells_proposed_takes_no_name_lightly() -> None:
    _, inner = nested()
    assert named(noisy(inner), [0.8, 0.6]) == (0, None)
    outer = nested()[0]
    mostly = 0.4 * outer.float() + 0.6 * inner.float()
    assert named(noisy(mostly), [0.8, 0.7])[0] == 1
    assert named(noisy(mostly), [0.8, 0.7], listed=1)[0] == 0
    assert named(noisy(inner), [0.8, 0.7], listed=1)[0] == 1


def test_features_of_different_kinds_are_not_contrasted() -> None:
    outer, inner = nested()
    features = (Feature("s", "switch", {}), Feature("c", "counter", {}))
    found = name_by_contrast(
        sample(noisy(inner), outer, inner), 0, torch.tensor([0.8, 0.7]), features, first=0, listed=2
    )
    assert found == (0, RunnerUp(1, pytest.approx(0.7), None))
