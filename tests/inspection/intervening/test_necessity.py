"""What closers lose by two interventions, and how often the rule claims an effect that is not there."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intervention_fixture import COLUMN, DEPTH, closers_of
from numpy.typing import NDArray

from charlstm.inspection.exam.planted_cells import depth_counter, line_counter, toggle
from charlstm.inspection.intervening.behaviours import CLUSTERS, LAGS
from charlstm.inspection.intervening.experiment import Changes, ClosersUnderTest
from charlstm.inspection.intervening.necessity import (
    LEAST_EFFECT_NATS,
    Necessity,
    effects_by_lag,
    necessity_of,
)

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]
SITES = 3
CLUSTER_OF_SITE = np.repeat(np.arange(CLUSTERS), SITES)
SIGNIFICANCE, TESTED = 0.01, 30
DRAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "t with 3 degrees": lambda random, shape: random.standard_t(3, size=shape),
    "t with 2 degrees": lambda random, shape: random.standard_t(2, size=shape),
    "large losses at few sites": lambda random, shape: math.exp(0.5) - np.exp(random.normal(size=shape)),
}


def changes(nats: NDArray[np.float64], clusters: NDArray[np.int64] = CLUSTER_OF_SITE) -> Changes:
    return Changes(nats, 1.5 * nats, clusters)


def necessity(
    resample: NDArray[np.float64], conditional_mean: NDArray[np.float64], *, either_way: bool = False
) -> Necessity:
    return Necessity(changes(resample), changes(conditional_mean), either_way)


def share_of_false_claims(draw: Draw, true_effect: float, *, either_way: bool) -> float:
    """The share of candidates that the rule claims, whose one effect has this true mean; the other effect
    is far beyond the limit, so that it rules nothing out.

    Only candidates whose mean lies more than two standard errors from the limit are put to the rule: an
    interval that holds fewer does not come near the corrected error.
    """
    random, claims, candidates = np.random.default_rng(0), 0, 60_000
    for _ in range(20):
        shape = (candidates // 20, CLUSTERS)
        nats = 0.3 * (draw(random, (*shape, SITES)) + draw(random, (*shape, 1))) + true_effect
        by_cluster = nats.mean(2)
        errors = by_cluster.std(1, ddof=1) / math.sqrt(CLUSTERS)
        sizes = np.abs(by_cluster.mean(1)) - LEAST_EFFECT_NATS
        for row in np.flatnonzero(sizes > 2 * errors):
            other = -50 if by_cluster[row].mean() < 0 else 50
            both = necessity(
                nats[row].ravel(), np.full(CLUSTERS * SITES, float(other)), either_way=either_way
            )
            claims += both.beyond(LEAST_EFFECT_NATS, SIGNIFICANCE / TESTED)
    return claims / candidates


@pytest.mark.parametrize("either_way", [False, True])
@pytest.mark.parametrize("true_effect", [0.0, -LEAST_EFFECT_NATS])
@pytest.mark.parametrize("name", DRAWS)
def test_thirty_candidates_without_an_effect_are_claimed_no_more_often_than_is_said(
    name: str, true_effect: float, either_way: bool
) -> None:
    claimed = share_of_false_claims(DRAWS[name], true_effect, either_way=either_way)
    # Three standard errors of the simulation are added to the nominal share.
    nominal = SIGNIFICANCE / TESTED
    assert claimed <= nominal + 3 * math.sqrt(nominal / 60_000)
    assert 1 - (1 - claimed) ** TESTED <= 1.7 * SIGNIFICANCE


def test_gains_at_few_sites_that_make_up_for_losses_at_most_cost_more_than_is_said() -> None:
    """No interval from 40 clusters holds where the sites that matter are too rare to be seen."""

    def large_gains(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.exp(random.normal(size=shape)) - math.exp(0.5)

    claimed = share_of_false_claims(large_gains, -LEAST_EFFECT_NATS, either_way=False)
    random = np.random.default_rng(0)
    by_cluster = 0.3 * (
        large_gains(random, (60_000, CLUSTERS, SITES)).mean(2) + large_gains(random, (60_000, CLUSTERS))
    )
    statistics = by_cluster.mean(1) / by_cluster.std(1, ddof=1) * math.sqrt(CLUSTERS)
    by_students_t = (statistics < -3.935).mean()  # the quantile at .01 / 30 / 2 with 39 degrees of freedom
    family_wise = [1 - (1 - share) ** TESTED for share in (claimed, by_students_t)]
    assert 0.02 < family_wise[0] < 0.08
    assert family_wise[1] > 3 * family_wise[0]


@pytest.mark.parametrize("name", DRAWS)
def test_an_effect_that_is_there_is_claimed(name: str) -> None:
    random = np.random.default_rng(0)
    claimed = []
    for _ in range(100):
        shape = (2, CLUSTERS, SITES)
        nats = 0.3 * DRAWS[name](random, shape) - 1
        claimed.append(necessity(*nats.reshape(2, -1)).beyond(LEAST_EFFECT_NATS, SIGNIFICANCE / TESTED))
    assert np.mean(claimed) > (0.6 if name == "t with 2 degrees" else 0.9)


LOSS, GAIN, NOTHING = -1.0, 1.0, 0.0


@pytest.mark.parametrize(
    ("resample", "conditional_mean", "either_way", "beyond", "within"),
    [
        (LOSS, LOSS, False, True, False),
        (LOSS, NOTHING, False, False, False),
        (NOTHING, LOSS, True, False, False),
        (GAIN, GAIN, False, False, False),
        (GAIN, GAIN, True, True, False),
        (LOSS, GAIN, True, False, False),
        (GAIN, LOSS, True, False, False),
        (LOSS, LOSS, True, True, False),
        (NOTHING, NOTHING, True, False, True),
    ],
)
def test_both_effects_count_and_have_one_direction(
    resample: float, conditional_mean: float, either_way: bool, beyond: bool, within: bool
) -> None:
    noise = 0.05 * np.random.default_rng(0).normal(size=(2, CLUSTERS * SITES))
    both = necessity(resample + noise[0], conditional_mean + noise[1], either_way=either_way)
    assert both.beyond(0.1, 0.001) == beyond
    assert both.within(0.1, 0.001) == within
    assert (both.p_value(0.1) < 0.001) == beyond
    if not beyond:
        assert both.p_value(0.1) > 0.5


@given(st.integers(0, 2**31), st.floats(-1, 1), st.floats(-1, 1), st.booleans())
def test_an_effect_lies_beyond_the_limit_at_every_error_above_its_p_value(
    seed: int, resample: float, conditional_mean: float, either_way: bool
) -> None:
    noise = np.random.default_rng(seed).standard_t(3, size=(2, CLUSTERS * SITES))
    both = necessity(resample + noise[0], conditional_mean + noise[1], either_way=either_way)
    p_value = both.p_value(0.1)
    for error in (0.3, 0.05, 0.01, 0.001):
        if abs(p_value - error) > 1e-3 * error:
            assert both.beyond(0.1, error) == (p_value < error)


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_effect_that_is_the_limit_is_not_beyond_it(sign: int) -> None:
    alike = np.full(CLUSTERS * SITES, sign * 0.25)
    both = necessity(alike, alike, either_way=True)
    assert not both.beyond(0.25, 0.01)
    assert not both.within(0.25, 0.01)
    assert both.beyond(0.2499, 0.01)


def test_a_wide_interval_is_neither_within_nor_beyond() -> None:
    noise = 5 * np.random.default_rng(0).normal(size=(2, CLUSTERS * SITES))
    both = necessity(noise[0] - 0.5, noise[1] - 0.5)
    assert not both.within(0.1, 0.01)
    assert not both.beyond(0.1, 0.01)


def test_a_toggle_that_is_read_loses_what_its_weight_says() -> None:
    # The head adds 3 h to the logit of the quote, and h is tanh(1) inside and tanh(-1) outside.
    closers = closers_of([toggle('"').read('"', 3), toggle('"')])
    found = necessity_of(closers, [(0, 0)], either_way=False)
    for one in (found.resample, found.conditional_mean):
        assert one.effect_on_log_odds().value == pytest.approx(-6 * math.tanh(1), abs=0.01)
        assert -6 * math.tanh(1) < one.effect().value < -2
    unread = necessity_of(closers, [(0, 1)], either_way=False)
    assert np.abs(unread.resample.nats).max() < 1e-5
    assert np.abs(unread.conditional_mean.nats).max() < 1e-5
    both = necessity_of(closers, [(0, 0), (0, 1)], either_way=False)
    assert both.resample.effect().value == pytest.approx(found.resample.effect().value, abs=1e-4)


def test_a_depth_of_several_levels_goes_to_its_level_outside_by_both_interventions() -> None:
    # c is tanh(.5) at depth 1 and 0 outside; the head adds 4 h to the logit of the closing bracket.
    closers = closers_of([depth_counter("[", "]").read("]", 4)], DEPTH)
    assert closers.context.passage.signals[DEPTH].values.max() == 2
    found = necessity_of(closers, [(0, 0)], either_way=False)
    for one in (found.resample, found.conditional_mean):
        expected = -4 * math.tanh(math.tanh(0.5))
        assert one.effect_on_log_odds().value == pytest.approx(expected, abs=0.02)


def test_the_mean_count_is_less_of_a_change_than_counts_that_really_occur() -> None:
    closers = closers_of([line_counter("\n", step=0.005).read("\n", 12)], COLUMN, line_break=-3)
    found = necessity_of(closers, [(0, 0)], either_way=True)
    assert found.beyond(LEAST_EFFECT_NATS, 0.001)
    assert found.resample.effect().value < -0.5
    spread = [float(np.std(one.nats)) for one in (found.resample, found.conditional_mean)]
    assert spread[0] > spread[1], "donors have counts of their own"


def test_effects_are_told_apart_by_lag() -> None:
    closers = closers_of()
    context, found = closers.context, closers.behaviour
    entries = effects_by_lag(context, found, [(0, 0)])
    assert [entry.lag for entry in entries] == list(LAGS)
    for entry in entries:
        sites = found.sites[entry.lag]
        assert entry.sites == len(sites)
        one = ClosersUnderTest(context, found, sites, entry.lag)
        assert entry.nats == one.change(one.donor_values([(0, 0)])).effect()
        assert entry.nats.value < -2, "a toggle loses nothing over time"
        assert entry.data == {"lag": entry.lag, "sites": entry.sites, "nats": entry.nats.data}


def test_lags_without_sites_are_left_out() -> None:
    closers = closers_of([depth_counter("[", "]")], DEPTH)
    assert len(closers.behaviour.sites[24]) == 0
    entries = effects_by_lag(closers.context, closers.behaviour, [(0, 0)])
    assert [entry.lag for entry in entries] == [1, 4, 12]


def test_numbers_are_named_by_their_intervention() -> None:
    random = np.random.default_rng(0)
    both = necessity(random.normal(-1, 0.1, 120), random.normal(-2, 0.1, 120))
    data = both.data
    assert list(data) == ["resample", "conditional_mean"]
    assert data["resample"]["nats"] == both.resample.effect().data
    assert data["conditional_mean"]["log_odds"] == both.conditional_mean.effect_on_log_odds().data
    assert data["conditional_mean"]["nats"]["value"] == pytest.approx(-2, abs=0.05)
    assert data["resample"]["sites"] == 120
