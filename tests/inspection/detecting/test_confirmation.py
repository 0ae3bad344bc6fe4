"""The confirmation of frozen pairs: its numbers against numpy, and each rule that a finding must pass."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planted_pairs import PlantedPairs, planted_pairs

from charlstm.inspection.detecting.confirmation import (
    LARGEST_LEAK,
    LARGEST_RESET_SPREAD,
    LEAST_CONTEXT_RATIO,
    LEAST_HELD_OUT_CORRELATION,
    LEAST_HELD_OUT_SCORE,
    LEAST_RISING_SHARE,
    LEAST_STRAIGHTNESS,
    Confirmation,
    _block_moments,
    confirm,
)
from charlstm.inspection.detecting.discovery import Pairs
from charlstm.inspection.detecting.scores import shifted_scores
from charlstm.inspection.detecting.scores.staircase import SURVIVAL_CHARACTERS
from charlstm.inspection.reading import splits


@pytest.fixture(scope="module", params=[150_000, 9_000], ids=["one chunk", "two chunks"])
def planted(request: pytest.FixtureRequest) -> Iterator[PlantedPairs]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", request.param)
        patch.setattr(shifted_scores, "_SHIFTED_POSITIONS", 10**6)
        yield planted_pairs()


@pytest.fixture(scope="module")
def confirmed(planted: PlantedPairs) -> Confirmation:
    return confirm(planted.model, planted.split, [planted.pairs], planted.calibration, planted.shifts)[0]


def within_stretches(planted: PlantedPairs, values: np.ndarray) -> np.ndarray:
    """values (rows, n) with the mean of each stretch taken out."""
    stretches = values.reshape(planted.split.stretches, -1, values.shape[1])
    return (stretches - stretches.mean(1, keepdims=True)).reshape(values.shape)


def rolled(planted: PlantedPairs, values: np.ndarray, shift: int) -> np.ndarray:
    """values (rows, n) shifted circularly within each chunk."""
    chunks = np.split(values, planted.split.chunk_count)
    return np.concatenate([np.roll(chunk, shift, axis=0) for chunk in chunks])


def by_pair(planted: PlantedPairs) -> tuple[np.ndarray, np.ndarray]:
    """c and the feature of each pair, (rows, pairs)."""
    return planted.c[:, planted.pairs.cells.numpy()], planted.features[:, planted.pairs.features.numpy()]


def test_correlations_and_slopes_equal_numpy(planted: PlantedPairs, confirmed: Confirmation) -> None:
    c, f = (within_stretches(planted, values) for values in by_pair(planted))
    expected = (c * f).sum(0) / np.sqrt((c**2).sum(0) * (f**2).sum(0))
    np.testing.assert_allclose(confirmed.correlation, expected, atol=1e-5)
    np.testing.assert_allclose(confirmed.slopes, (c * f).sum(0) / (f**2).sum(0), rtol=1e-3)
    assert abs(expected[0]) > 0.99 > 0.9 > abs(expected[2])


def test_the_null_is_the_largest_score_of_any_pair_with_rolled_features(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    c, f = by_pair(planted)
    for shift, largest in zip(planted.shifts.tolist(), confirmed.null.tolist(), strict=True):
        shifted = rolled(planted, f, shift)
        left, of_feature = within_stretches(planted, c), within_stretches(planted, shifted)
        plain = (left * of_feature).sum(0) / np.sqrt((left**2).sum(0) * (of_feature**2).sum(0))
        scores = [at_equal_shares(left[:, k], of_feature[:, k], shifted[:, k] > 0) for k in (0, 2)]
        assert largest == pytest.approx(np.abs([*scores, plain[1]]).max(), abs=1e-4)
    np.testing.assert_allclose(confirmed.feature_null[[0, 2]], confirmed.pair_null[:, [0, 2]].max())


def at_equal_shares(c: np.ndarray, f: np.ndarray, on: np.ndarray) -> float:
    """r of c and f, where the positions at which `on` is True count half of all."""
    weights = np.where(on, 0.5 / on.sum(), 0.5 / (~on).sum())
    c, f = c - weights @ c, f - weights @ f
    return float(weights @ (c * f) / np.sqrt((weights @ c**2) * (weights @ f**2)))


def test_a_switch_is_scored_at_equal_shares_and_by_its_auc(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    c, f = by_pair(planted)
    left, of_feature = within_stretches(planted, c), within_stretches(planted, f)
    for pair in (0, 2):
        expected = at_equal_shares(left[:, pair], of_feature[:, pair], f[:, pair] > 0)
        assert confirmed.equal_share[pair] == pytest.approx(expected, abs=1e-4)
    assert confirmed.equal_share[1] == confirmed.correlation[1], "a counter's score is plain r"
    assert confirmed.auc[0] > 0.999
    low, high = confirmed.auc_interval[2].tolist()
    assert low < confirmed.auc[2] < high
    medians = [np.median(lengths) for lengths in run_lengths(planted, 0)]
    # Runs are cut where a chunk ends.
    assert float(confirmed.dwell[0]) == pytest.approx(min(medians), rel=0.1)


def run_lengths(planted: PlantedPairs, cell: int) -> tuple[list[int], list[int]]:
    """The lengths of the runs of a cell below its threshold, and above it, in each stretch."""
    on = (planted.c[:, cell] > float(planted.calibration.thresholds[cell])).astype(int)
    lengths: tuple[list[int], list[int]] = ([], [])
    for stretch in on.reshape(planted.split.stretches, -1):
        edges = [0, *(np.flatnonzero(np.diff(stretch)) + 1).tolist(), len(stretch)]
        for start, stop in pairwise(edges):
            lengths[int(stretch[start])].append(stop - start)
    return lengths


def test_the_moments_of_a_block_are_those_of_its_values_without_their_means() -> None:
    random = np.random.default_rng(0)
    f = random.integers(0, 3, (2, 50)).astype(float)  # two blocks of a depth
    c = f + random.normal(1, 1, (2, 50))
    on = f > 0
    values = (np.ones_like(c), c, f, c * c, f * f, c * f, on, c * on, c * c * on)
    sums = torch.tensor(np.stack([value.sum(1) for value in values], axis=-1))[:, None]

    found = _block_moments(sums)

    c, f = c - c.mean(1, keepdims=True), f - f.mean(1, keepdims=True)
    expected = (on, c * on, c * c * on, c * f * on, f * on, f * f * on, c * c, f * f, c * f)
    moments = [getattr(found, each.name).flatten() for each in fields(found)]
    assert moments[0].tolist() == [50, 50]
    for moment, value in zip(moments[1:], expected, strict=True):
        np.testing.assert_allclose(moment, value.sum(1), atol=1e-9)


def test_the_interval_of_a_score_surrounds_it(planted: PlantedPairs, confirmed: Confirmation) -> None:
    low, high = confirmed.score_intervals().unbind(1)
    assert (low <= confirmed.equal_share.abs() + 0.02).all()
    assert (high >= confirmed.equal_share.abs() - 0.02).all()
    assert low[0] > 0.99
    assert high[2] - low[2] > 0.02
    assert confirmed.score_intervals().tolist() == confirmed.score_intervals().tolist()


def test_accuracies_and_held_shares_equal_counting(planted: PlantedPairs, confirmed: Confirmation) -> None:
    c, f = by_pair(planted)
    cells, signs = planted.pairs.cells.numpy(), planted.pairs.signs.numpy()
    thresholds = planted.calibration.thresholds.numpy()[cells]
    on, true = (c - thresholds) * signs > 0, f > 0
    before = (planted.c_before[:, cells] - thresholds) * signs > 0
    np.testing.assert_allclose(confirmed.accuracy, (on == true).mean(0), atol=1e-3)
    balanced = [
        (on[true[:, pair], pair].mean() + (~on[~true[:, pair], pair]).mean()) / 2 for pair in range(3)
    ]
    np.testing.assert_allclose(confirmed.balanced_accuracy, balanced, atol=1e-3)
    since = np.concatenate([chunk.since_change(planted.pairs.features).numpy() for chunk in planted.split])
    held = [(on == before)[since[:, pair] > 0, pair].mean() for pair in range(3)]
    np.testing.assert_allclose(confirmed.held, held, atol=1e-3)
    assert confirmed.held[0] == 1
    assert confirmed.survival.shape == (3, SURVIVAL_CHARACTERS)
    counted = true[:, 2] & (since[:, 2] == 5)
    assert confirmed.survival[2, 5] == pytest.approx(on[counted, 2].mean(), abs=1e-3)


def test_without_pairs_there_is_nothing_to_confirm(planted: PlantedPairs) -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    pairs = Pairs(nothing, nothing, nothing)
    (confirmation,) = confirm(planted.model, planted.split, [pairs], planted.calibration, planted.shifts)
    assert confirmation.correlation.shape == confirmation.p_values.shape == (0,)
    assert confirmation.null.tolist() == [0, 0]
    assert confirmation.is_finding(pairs, 0.01).shape == (0,)


def passing(confirmed: Confirmation) -> Confirmation:
    """A confirmation whose first two pairs, the toggle and the counter, pass every rule at 1/3."""
    strong = torch.tensor([0.99, 0.9, -0.1], dtype=torch.float64)
    null = torch.linspace(0.01, 0.09, 9, dtype=torch.float64)[:, None].expand(-1, 3)
    return replace(
        confirmed,
        correlation=strong,
        equal_share=strong,
        partial=strong,
        context_partial=strong,
        pair_null=null,
    )


def test_a_pair_that_passes_every_rule_stands(planted: PlantedPairs, confirmed: Confirmation) -> None:
    assert passing(confirmed).is_finding(planted.pairs, 0.11).tolist() == [True, True, False]
    assert passing(confirmed).p_values[:2].tolist() == [0.1, 0.1]


def test_only_switches_have_a_switch_score(confirmed: Confirmation) -> None:
    scores = replace(passing(confirmed), kinds=["switch", "counter", "depth"]).switch_scores
    assert scores.tolist() == [pytest.approx(0.99), 0, 0]


def test_of_several_pairs_of_a_cell_the_first_that_passes_stands(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    one_cell = replace(planted.pairs, cells=torch.zeros(3, dtype=torch.int64))
    assert passing(confirmed).is_finding(one_cell, 0.11).tolist() == [True, False, False]
    other = replace(planted.pairs, cells=torch.tensor([0, 1, 1]))
    assert passing(confirmed).is_finding(other, 0.11).tolist() == [True, True, False]
    weak = passing(confirmed).correlation.clone()
    weak[0] = 0
    first_fails = replace(passing(confirmed), correlation=weak)
    assert first_fails.is_finding(one_cell, 0.11).tolist() == [False, True, False]


def test_the_kind_of_the_feature_decides_what_the_staircase_must_show(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    """The toggle has no straight staircase, and the counter's spread at 0 is small."""
    straightness = confirmed.staircases.straightness()
    assert straightness[1] > 0.99
    spread = confirmed.staircases.reset_spread()
    assert max(spread[0], spread[1]) < 0.25 < spread[2]
    idle = replace(passing(confirmed), correlation=torch.tensor([0.99, 0.9, -0.9], dtype=torch.float64))
    same = idle.correlation
    idle = replace(idle, equal_share=same, partial=same, context_partial=same)
    for kind, stands in (("switch", True), ("depth", False), ("counter", False)):
        assert (
            bool(replace(idle, kinds=["switch", "counter", kind]).is_finding(planted.pairs, 0.11)[2])
            == stands
        )


LIMITS = {
    "reset_spread": LARGEST_RESET_SPREAD,
    "rising": LEAST_RISING_SHARE,
    "straightness": LEAST_STRAIGHTNESS,
    "leak": LARGEST_LEAK,
}


@pytest.mark.parametrize(
    ("measure", "by"),
    [(None, 0), ("reset_spread", 0.01), ("rising", -0.01), ("straightness", -0.01), ("leak", 0.01)],
)
def test_a_counter_stands_at_the_limits_and_with_none_of_its_measures_beyond_one(
    planted: PlantedPairs, confirmed: Confirmation, measure: str | None, by: float
) -> None:
    """Each rule decides by itself: the others hold here."""
    measures = {
        name: (lambda limit=limit + (by if name == measure else 0): torch.full((3,), limit))
        for name, limit in LIMITS.items()
    }
    counting = replace(passing(confirmed), staircases=SimpleNamespace(**measures), kinds=["counter"] * 3)
    assert counting.is_finding(planted.pairs, 0.11)[:2].tolist() == [measure is None] * 2
    # A depth may fade.
    falling = replace(counting, kinds=["depth"] * 3, steps=torch.zeros(2, 3))
    assert falling.is_finding(planted.pairs, 0.11)[:2].tolist() == [measure in (None, "leak")] * 2


def test_a_pair_stands_at_the_limits_of_what_follows_its_feature(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    score, plain = (
        torch.full((3,), least, dtype=torch.float64)
        for least in (LEAST_HELD_OUT_SCORE, LEAST_HELD_OUT_CORRELATION)
    )
    at_limits = replace(
        passing(confirmed),
        equal_share=score,
        correlation=plain,
        partial=plain,
        context_partial=LEAST_CONTEXT_RATIO * plain,
        kinds=["switch"] * 3,
    )
    pairs = replace(planted.pairs, signs=torch.ones(3, dtype=torch.int64))
    assert at_limits.is_finding(pairs, 0.11).tolist() == [True] * 3
    for field in ("equal_share", "correlation", "context_partial"):
        below = replace(at_limits, **{field: getattr(at_limits, field) - 1e-6})
        assert below.is_finding(pairs, 0.11).tolist() == [False] * 3


@pytest.mark.parametrize(
    ("up", "down", "slope", "alike"),
    [
        (0.4, -0.4, 0.4, True),
        (-0.4, 0.3, -0.4, True),
        (0.4, -0.19, 0.3, False),
        (0.4, 0.4, 0.4, False),
        (0.1, -0.1, 0.3, False),
        (0.4, -0.4, -0.4, False),
    ],
)
def test_a_depth_that_drifts_must_step_at_once_and_about_as_far_down_as_up(
    planted: PlantedPairs, confirmed: Confirmation, up: float, down: float, slope: float, alike: bool
) -> None:
    steps = torch.tensor([up, down], dtype=torch.float64)[:, None].expand(2, 3)
    changed = replace(confirmed, steps=steps, slopes=torch.full((3,), slope, dtype=torch.float64))
    assert changed.steps_alike().tolist() == [alike] * 3


def test_the_mean_steps_of_a_cell_equal_counting(planted: PlantedPairs, confirmed: Confirmation) -> None:
    starts = np.arange(0, planted.split.rows, planted.split.rows // planted.split.stretches)
    moves, rises = planted.c - planted.c_before, np.diff(planted.features, axis=0, prepend=0)
    rises[starts] = 0
    for direction, rise in enumerate((1, -1)):
        expected = moves[rises[:, 0] == rise, 0].mean()
        assert confirmed.steps[direction, 0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("equal_share", 0.39),
        ("equal_share", -0.99),
        ("partial", 0.4),
        ("context_partial", 0.2),
        ("pair_null", 1.0),
    ],
)
def test_a_pair_that_fails_one_rule_does_not_stand(
    planted: PlantedPairs, confirmed: Confirmation, field: str, value: float
) -> None:
    failing = passing(confirmed)
    changed = getattr(failing, field).clone()
    changed[..., 0] = value
    assert failing.is_finding(planted.pairs, 0.11)[0]
    assert not replace(failing, **{field: changed}).is_finding(planted.pairs, 0.11)[0]


def test_resampled_counts_keep_strong_pairs_and_ignore_those_that_do_not_stand(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    stands = torch.tensor([True, True, False])
    counts = confirmed.resampled_counts(planted.pairs, stands)
    assert counts.tolist() == [2] * len(counts)
    assert (confirmed.resampled_counts(planted.pairs, ~stands) <= 1).all()
    flipped = replace(planted.pairs, signs=-planted.pairs.signs)
    counts = confirmed.resampled_counts(flipped, stands)
    assert counts.tolist() == [0] * len(counts), "a correlation of the other sign is no score"


def test_resampled_counts_vary_where_the_score_is_near_its_limit(planted: PlantedPairs) -> None:
    """Two of five blocks have r = 1 and the others r = 0, so that r is about .4 in a drawn text."""
    pair = Pairs(torch.tensor([0]), torch.tensor([0]), torch.tensor([1]))
    (confirmation,) = confirm(planted.model, planted.split, [pair], planted.calibration, planted.shifts)
    blocks = torch.zeros_like(confirmation.blocks)
    blocks[:, 0] = torch.tensor([100.0, 0.0, 50.0, 25.0, 50.0, 0.0, 50.0, 0.0, 12.5])
    for start in (0, 1):
        blocks[start::5, 0, [5, 7]] = 25.0
    counts = replace(confirmation, blocks=blocks).resampled_counts(pair, torch.tensor([True]))
    assert set(counts.tolist()) == {0.0, 1.0}
    assert 0.3 < counts.mean() < 0.8
