"""The confirmation of frozen pairs: its numbers against numpy, and each rule that a finding must pass."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_pairs import PlantedPairs, planted_pairs

from charlstm.inspection.detecting.confirmation import Confirmation, confirm
from charlstm.inspection.detecting.discovery import Pairs
from charlstm.inspection.detecting.staircase import SURVIVAL_CHARACTERS
from charlstm.inspection.reading import splits


@pytest.fixture(scope="module", params=[150_000, 9_000], ids=["one chunk", "two chunks"])
def planted(request: pytest.FixtureRequest) -> Iterator[PlantedPairs]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", request.param)
        yield planted_pairs()


@pytest.fixture(scope="module")
def confirmed(planted: PlantedPairs) -> Confirmation:
    return confirm(planted.model, planted.split, planted.pairs, planted.calibration, planted.shifts)


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


def test_the_null_is_the_largest_correlation_of_any_pair_with_rolled_features(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    c, f = by_pair(planted)
    spread = np.sqrt(np.square(within_stretches(planted, c)).mean(0))
    for shift, largest in zip(planted.shifts.tolist(), confirmed.null.tolist(), strict=True):
        shifted = rolled(planted, f, shift)
        products = ((c - c.mean(0)) * (shifted - shifted.mean(0))).mean(0)
        assert largest == pytest.approx(np.abs(products / (spread * shifted.std(0))).max(), abs=1e-5)


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
    confirmation = confirm(planted.model, planted.split, pairs, planted.calibration, planted.shifts)
    assert confirmation.correlation.shape == confirmation.p_values.shape == (0,)
    assert confirmation.null.tolist() == [0, 0]
    assert confirmation.is_finding(pairs, 0.01).shape == (0,)


def passing(confirmed: Confirmation) -> Confirmation:
    """A confirmation whose first two pairs, the toggle and the counter, pass every rule at 1/3."""
    strong = torch.tensor([0.99, 0.9, -0.1], dtype=torch.float64)
    return replace(confirmed, correlation=strong, partial=strong, context_partial=strong)


def test_a_pair_that_passes_every_rule_stands(planted: PlantedPairs, confirmed: Confirmation) -> None:
    assert passing(confirmed).is_finding(planted.pairs, 0.34).tolist() == [True, True, False]
    null = torch.tensor([0.05, 0.995], dtype=torch.float64)
    assert replace(confirmed, null=null).p_values.tolist() == [1 / 3, 2 / 3, 1]


def test_the_kind_of_the_feature_decides_what_the_staircase_must_show(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    """The toggle has no straight staircase, and the counter's spread at 0 is small."""
    straightness = confirmed.staircases.straightness()
    assert straightness[1] > 0.99
    spread = confirmed.staircases.reset_spread()
    assert max(spread[0], spread[1]) < 0.5 < spread[2]
    idle = replace(passing(confirmed), correlation=torch.tensor([0.99, 0.9, -0.9], dtype=torch.float64))
    idle = replace(idle, partial=idle.correlation, context_partial=idle.correlation)
    for kind, stands in (("switch", True), ("depth", False), ("counter", False)):
        assert (
            bool(replace(idle, kinds=["switch", "counter", kind]).is_finding(planted.pairs, 0.34)[2])
            == stands
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("correlation", 0.49),
        ("correlation", -0.99),
        ("partial", 0.4),
        ("context_partial", 0.2),
        ("null", 1.0),
    ],
)
def test_a_pair_that_fails_one_rule_does_not_stand(
    planted: PlantedPairs, confirmed: Confirmation, field: str, value: float
) -> None:
    failing = passing(confirmed)
    changed = getattr(failing, field).clone()
    changed[0] = value
    assert failing.is_finding(planted.pairs, 0.34)[0]
    assert not replace(failing, **{field: changed}).is_finding(planted.pairs, 0.34)[0]


def test_resampled_counts_keep_strong_pairs_and_ignore_those_that_do_not_stand(
    planted: PlantedPairs, confirmed: Confirmation
) -> None:
    stands = torch.tensor([True, True, False])
    counts = confirmed.resampled_counts(planted.pairs, stands, torch.Generator().manual_seed(0))
    assert counts.tolist() == [2] * len(counts)
    assert (confirmed.resampled_counts(planted.pairs, ~stands, torch.Generator().manual_seed(0)) <= 1).all()
    flipped = replace(planted.pairs, signs=-planted.pairs.signs)
    counts = confirmed.resampled_counts(flipped, stands, torch.Generator().manual_seed(0))
    assert counts.tolist() == [0] * len(counts), "a correlation of the other sign is no score"


def test_resampled_counts_vary_where_the_score_is_near_its_limit(planted: PlantedPairs) -> None:
    """Half of the blocks have r = 1 and the others r = 0, so that r is about .5 in a drawn text."""
    pair = Pairs(torch.tensor([0]), torch.tensor([0]), torch.tensor([1]))
    confirmation = confirm(planted.model, planted.split, pair, planted.calibration, planted.shifts)
    blocks = torch.zeros_like(confirmation.blocks)
    blocks[:, 0] = torch.tensor([100.0, 0.0, 0.0, 100.0, 100.0, 0.0])
    blocks[::2, 0, 5] = 100.0
    counts = replace(confirmation, blocks=blocks).resampled_counts(
        pair, torch.tensor([True]), torch.Generator().manual_seed(0)
    )
    assert set(counts.tolist()) == {0.0, 1.0}
    assert 0.45 < counts.mean() < 0.75
