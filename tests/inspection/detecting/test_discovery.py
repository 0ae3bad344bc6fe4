"""The choice of candidates: true features are found, shifted ones are not, and every rule rejects."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from split_with_columns import split_with_columns
from written_text import SYMBOLS, written

from charlstm.inspection.detecting.calibration import calibrate
from charlstm.inspection.detecting.discovery import (
    Discovery,
    Eligible,
    Pairs,
    choose,
    discover,
    memory_shares,
)
from charlstm.inspection.detecting.runner_up import Sample
from charlstm.inspection.detecting.scores import shifted_scores
from charlstm.inspection.detecting.scores.scoring import Scores
from charlstm.inspection.detecting.scores.shifts import measure_autocorrelations, spread_shifts
from charlstm.inspection.exam.planted_cells import line_counter, plant, toggle
from charlstm.inspection.features.feature import Feature, FeatureKind
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums


@pytest.mark.parametrize(("shift", "passing"), [(0, 1), (9_001, 0)])
def test_a_true_feature_is_found_and_a_shifted_one_is_not(shift: int, passing: int) -> None:
    text = written(40_000, seed=2)
    inside = np.zeros(len(text), dtype=np.uint8)
    for place in np.split(np.arange(len(text)), 4):  # the toggle starts at zero in each stretch
        inside[place] = np.cumsum([text[p] == '"' for p in place]) & 1
    model = plant([toggle('"')], SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    split = split_with_columns(text, np.roll(inside, shift), kinds=["switch"])
    calibration = calibrate(model, split)
    shifts = spread_shifts(measure_autocorrelations(split), 99)
    discovery = discover(model, split, calibration.means, shifts.values)
    among = Eligible(split.table.features, torch.ones(1, dtype=torch.bool), 1, torch.zeros(1))
    assert len(choose(discovery, among, significance=0.01)) == passing
    assert (discovery.by_chance.p_values[0, 0] <= 0.01) == bool(passing)
    assert discovery.sample.features.shape == (len(discovery.sample.c), 1)


def test_the_null_is_the_largest_correlation_with_rolled_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifted_scores, "_SHIFTED_POSITIONS", 10**6)
    text = written(12_000, seed=4)
    random = np.random.default_rng(0)
    columns = [
        np.cumsum(random.integers(-1, 2, size=len(text)) * 2).clip(0, 255).astype(np.uint8) for _ in range(3)
    ]
    split = split_with_columns(text, *columns, pseudo=[1])
    model = plant([line_counter("\n")], SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))
    discovery = discover(model, split, calibrate(model, split).means, torch.tensor([1500, 4000]))
    c = torch.empty(split.rows, 3)
    for block in split.first.blocks(model):
        c[block.rows] = block.c
    largest_with = []
    for shift in (1500, 4000):
        rolled = torch.roll(split.first.columns(torch.arange(3)), shift, 0)
        both = torch.cat((c, rolled), dim=1).double().view(4, -1, 6)
        both = (both - both.mean(1, keepdim=True)).flatten(0, 1).numpy()
        largest_with.append(np.abs(np.corrcoef(both.T)[:3, 3:]).max(0))
    np.testing.assert_allclose(discovery.by_chance.null, np.max(largest_with, axis=1), atol=1e-4)
    np.testing.assert_allclose(discovery.by_chance.feature_null, np.max(largest_with, axis=0), atol=1e-4)
    assert (discovery.scores.correlation[:, 1] != 0).any(), "pseudo features are scored"


def test_memory_is_the_adjusted_share_of_variance_within_contexts() -> None:
    random = torch.Generator().manual_seed(0)
    contexts = torch.randint(0, 7, (500,), generator=random)
    offsets = torch.randn(7, 4, generator=random)
    values = torch.randn(500, 4, generator=random) + offsets[contexts]
    values[:, 1] = offsets[contexts, 1]
    moments, sums = CellFeatureMoments(3, 1), GroupSums(8, 4)
    moments.update(values[:, :3], values[:, 3:])
    sums.update(contexts, values)
    left = values.double().numpy().copy()
    for context in range(7):
        left[contexts == context] -= left[contexts == context].mean(0)
    share = (left**2).sum(0) / ((values - values.mean(0)) ** 2).double().numpy().sum(0)
    memory = memory_shares(sums, moments)
    np.testing.assert_allclose(memory, share * 500 / 493, atol=1e-5)
    assert memory[1] == pytest.approx(0, abs=1e-6), "what depends on the context alone has no memory"


def passing_discovery() -> Discovery:
    """One cell that follows the second of three features best and passes every rule with it."""
    correlation = torch.tensor([[0.6, -0.9, 0.7]], dtype=torch.float64)
    return Discovery(
        Scores(correlation, correlation.clone(), correlation.clone(), correlation.clone()),
        memory=torch.tensor([0.8], dtype=torch.float64),
        feature_memory=torch.full((3,), 0.9, dtype=torch.float64),
        sample=Sample(torch.zeros(0, 1), torch.zeros(0, 3, dtype=torch.uint8)),
        shifted=scores_by_chance(largest=0.4),
    )


def scores_by_chance(*, largest: float) -> Any:
    """What one cell reaches with three features in 99 shifts, and how often it was asked for in `asked`."""
    reached = torch.linspace(0.1, largest, 99)[:, None, None].expand(-1, 1, 3)
    shifted = SimpleNamespace(asked=0)

    def scores() -> torch.Tensor:
        shifted.asked += 1
        return reached

    shifted.scores = scores
    return shifted


def chosen(
    discovery: Discovery,
    *,
    eligible: tuple[bool, ...] = (True, True, True),
    listed: int = 2,
    untrained: tuple[float, ...] = (0.0, 0.0, 0.0),
    kind: FeatureKind = "switch",
    most: int = 1,
) -> list[tuple[int, int, int]]:
    features = tuple(Feature(str(number), kind, {}) for number in range(3))
    limits = torch.tensor(untrained, dtype=torch.float64)
    among = Eligible(features, torch.tensor(eligible), listed, limits)
    pairs: Pairs = choose(discovery, among, significance=0.01)
    assert len(pairs) == len(pairs.cells) == len(pairs.runners_up)
    assert pairs.cell_count == min(1, len(pairs))
    found = zip(pairs.cells.tolist(), pairs.features.tolist(), pairs.signs.tolist(), strict=True)
    return list(found)[:most]


def test_a_cell_is_paired_with_its_best_feature_and_the_sign_of_r() -> None:
    assert chosen(passing_discovery()) == [(0, 1, -1)]


def test_a_cell_keeps_its_best_features_in_order() -> None:
    assert chosen(passing_discovery(), most=9) == [(0, 1, -1), (0, 2, 1), (0, 0, 1)]
    assert chosen(passing_discovery(), eligible=(True, False, True), most=9) == [(0, 2, 1), (0, 0, 1)]


def test_of_features_with_almost_equal_scores_the_first_names_the_cell() -> None:
    discovery = passing_discovery()
    discovery.scores.equal_share[0, 2] = discovery.scores.correlation[0, 2] = 0.915
    assert chosen(discovery) == [(0, 1, -1)]
    discovery.scores.equal_share[0, 2] = discovery.scores.correlation[0, 2] = 0.925
    assert chosen(discovery) == [(0, 2, 1)]


def test_a_feature_that_explains_little_of_a_cell_does_not_name_it() -> None:
    """It is on so rarely that c, which is high there, has an equal-share score of .96 and r of .3 with it."""
    discovery = passing_discovery()
    discovery.scores.equal_share[0, 2] = 0.96
    discovery.scores.correlation[0, 2] = discovery.scores.partial[0, 2] = 0.3
    assert chosen(discovery) == [(0, 1, -1)]


def test_a_feature_that_may_not_name_a_cell_leaves_it_to_the_next() -> None:
    discovery = passing_discovery()
    assert chosen(discovery, eligible=(True, False, True)) == [(0, 2, 1)]
    assert chosen(discovery, untrained=(0.0, 0.95, 0.0)) == [(0, 2, 1)], "an untrained network reaches it"
    assert chosen(discovery, untrained=(0.0, 0.95, 0.0), kind="counter") == [(0, 1, -1)], (
        "how a counter counts tells it from what an untrained network does"
    )
    discovery.scores.partial[0, 1] = -0.4
    assert chosen(discovery) == [(0, 2, 1)], "it follows the current character"
    discovery.feature_memory[2] = 0.2
    assert chosen(discovery) == [(0, 0, 1)], "a proposed feature needs more memory"
    assert chosen(discovery, listed=3) == [(0, 2, 1)]


@pytest.mark.parametrize(
    "failing",
    [
        {"memory": torch.tensor([0.4], dtype=torch.float64)},
        {"shifted": scores_by_chance(largest=1.0)},
        {"feature_memory": torch.full((3,), 0.1, dtype=torch.float64)},
        {"scores": Scores(*[torch.full((1, 3), 0.49, dtype=torch.float64)] * 4)},
        {"scores": Scores(*[torch.full((1, 3), 0.9 * sign) for sign in (1, 1, -1, 1)])},
    ],
    ids=["no memory", "reached by chance", "feature without memory", "low score", "partial of other sign"],
)
def test_a_cell_that_fails_a_rule_with_every_feature_is_no_candidate(failing: dict[str, object]) -> None:
    assert chosen(replace(passing_discovery(), **failing)) == []


def test_scores_by_chance_are_computed_once_and_only_where_they_decide() -> None:
    passing = passing_discovery()
    assert chosen(passing) == chosen(passing) != []
    assert passing.shifted.asked == 1
    forgetful = replace(passing_discovery(), memory=torch.tensor([0.4], dtype=torch.float64))
    assert chosen(forgetful) == []
    assert forgetful.shifted.asked == 0
