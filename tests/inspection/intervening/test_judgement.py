"""The verdict of a candidate follows from its numbers as the rules say."""

from dataclasses import replace

import numpy as np
import pytest
from intervention_fixture import COLUMN, candidate

from charlstm.inspection.estimates import Estimate
from charlstm.inspection.intervening.census import Comparison, EffectElsewhere, Specificity
from charlstm.inspection.intervening.experiment import Changes
from charlstm.inspection.intervening.joint_effect import JointEffect
from charlstm.inspection.intervening.judgement import LEAST_RATIO, Measured
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS, LagEffect, Necessity
from charlstm.inspection.intervening.sufficiency import Baselines, Sufficiency

CLUSTERS = np.repeat(np.arange(40), 3)
ENOUGH = Sufficiency(
    Estimate(0.9, 0.8, 1.0), Estimate(0.8, 0.7, 0.9), 50, Estimate(0.9, 0.85, 0.95), Baselines(0.0, 0.0, 0.0)
)
NOT_ENOUGH = Sufficiency(
    None, Estimate(0.1, -0.1, 0.3), 50, Estimate(0.1, 0.0, 0.2), Baselines(0.0, 0.0, 0.0)
)
LOST = [Estimate(-0.6, -0.7, -0.5), Estimate(-0.4, -0.5, -0.3)]
JOINT = JointEffect([(0, 0), (0, 1)], Estimate(-1.0, -1.1, -0.9), 0.1, 1e-6, True, LOST, LOST)


def effect(mean: float, noise: float) -> Necessity:
    """Effects of this mean by both interventions, with noise of this size at every site."""
    random = np.random.default_rng(0)
    first, second = (
        Changes(mean + noise * (values - values.mean()), 2 * mean + noise * values, CLUSTERS)
        for values in random.normal(size=(2, len(CLUSTERS)))
    )
    return Necessity(first, second, either_way=False)


def measured(mean: float = -1.0, noise: float = 0.1, p95: float = 0.0, tested: int = 10) -> Measured:
    return Measured(
        candidate=candidate(0),
        necessity=effect(mean, noise),
        by_lag=[],
        comparison=Comparison(1, 16, np.full(15, p95), np.full(15, p95)),
        specificity=Specificity(Estimate(mean, mean, mean), Estimate(mean, mean, mean), {}),
        sufficiency=ENOUGH,
        significance=0.01,
        tested=tested,
    )


@pytest.mark.parametrize(
    ("mean", "noise", "verdict"),
    [
        (-1.0, 0.1, "verified"),
        (-0.2, 0.1, "verified"),
        (-0.05, 0.1, "correlate"),
        (0.0, 0.0, "correlate"),
        (0.05, 0.1, "correlate"),
        (-0.1, 0.1, "undecided"),
        (-0.05, 1.0, "undecided"),
        (-0.5, 5.0, "undecided"),
        (1.0, 0.1, "undecided"),
    ],
)
def test_the_verdict_follows_from_the_interval_of_the_effect(mean: float, noise: float, verdict: str) -> None:
    assert measured(mean, noise).verdict == verdict


@pytest.mark.parametrize(
    ("farther", "verdict"),
    [
        (Estimate(-0.5, -0.6, -0.4), "undecided"),
        (Estimate(0.5, 0.4, 0.6), "undecided"),
        (Estimate(-0.5, -1.0, 0.0), "correlate"),
        (Estimate(0.0, -0.1, 0.1), "correlate"),
    ],
)
def test_a_correlate_has_no_sure_effect_at_another_lag(farther: Estimate, verdict: str) -> None:
    """A cell that others copy from may do nothing shortly before the closer, and much before that."""
    lags = [LagEffect(4, 120, Estimate(-0.05, -0.06, -0.04)), LagEffect(24, 120, farther)]
    assert replace(measured(-0.05), by_lag=lags).verdict == verdict
    assert replace(measured(-1.0), by_lag=lags).verdict == "verified"


def test_a_gain_at_the_closer_of_a_counter_is_an_effect() -> None:
    gain = measured(1.0)
    either_way = replace(gain, candidate=candidate(0, COLUMN), necessity=gain.necessity)
    assert either_way.verdict == "undecided", "the necessity says which directions count"
    assert gain.conditions["insertion"], "of a switch, insertion should always make the closer likelier"
    counter = replace(gain, necessity=replace(gain.necessity, either_way=True))
    assert counter.verdict == "verified"
    assert not counter.conditions["insertion"], "insertion should make the closer less likely here"
    small_gain = replace(counter, necessity=replace(effect(0.3, 0.1), either_way=True))
    assert not small_gain.conditions["insertion"], "however small the gain is"
    less = replace(ENOUGH, insertion=Estimate(-0.9, -1.0, -0.8))
    assert replace(counter, sufficiency=less).conditions["insertion"]


def test_the_limit_is_a_tenth_of_a_nat_or_twice_what_other_cells_do() -> None:
    assert LEAST_EFFECT_NATS == 0.1
    assert LEAST_RATIO == 2
    assert measured(p95=0.0).limit_nats == 0.1
    assert measured(p95=0.04).limit_nats == 0.1
    assert measured(p95=0.3).limit_nats == pytest.approx(0.6)
    assert measured(-0.5, p95=0.2).verdict == "verified"
    assert measured(-0.5, p95=0.25).verdict == "undecided"
    assert measured(-0.5, p95=0.3).verdict == "undecided", "half a nat is not little, whatever others do"


def test_the_error_is_shared_by_all_candidates() -> None:
    assert measured(tested=1).error == 0.01
    assert measured(tested=40).error == pytest.approx(0.01 / 40)
    # The mean is 4.3 standard errors beyond the limit: enough for one candidate, and not for a thousand.
    one = measured(-0.5, 1.0)
    values = one.necessity.resample.nats.reshape(40, 3).mean(1)
    statistic = (abs(values.mean()) - 0.1) / (values.std(ddof=1) / np.sqrt(40))
    assert 3.5 < statistic < 5.5
    assert replace(one, tested=1).verdict == "verified"
    assert replace(one, tested=100_000).verdict == "undecided"


def test_every_condition_is_asked_but_one_of_three_kinds_of_sufficiency_is_enough() -> None:
    one = measured()
    assert one.conditions == {
        "necessity": True,
        "specificity": True,
        "insertion": True,
        "restoration": True,
        "interchange": True,
    }
    elsewhere = Specificity(
        Estimate(-1, -1, -1),
        Estimate(-1, -1, -1),
        {"other": EffectElsewhere("x", Estimate(-3.0, -3.1, -2.9), 32)},
    )
    assert replace(one, specificity=elsewhere).verdict == "undecided"
    assert replace(one, sufficiency=NOT_ENOUGH).verdict == "undecided"
    alone = {
        "insertion": replace(NOT_ENOUGH, insertion=ENOUGH.insertion),
        "restoration": replace(NOT_ENOUGH, restoration=ENOUGH.restoration),
        "interchange": replace(NOT_ENOUGH, interchange=ENOUGH.interchange),
    }
    for name, enough in alone.items():
        found = replace(one, sufficiency=enough)
        held = {condition for condition, holds in found.conditions.items() if holds}
        assert held == {"necessity", "specificity", name}
        assert found.verdict == "verified"
    assert not replace(one, specificity=elsewhere).is_verified
    assert not replace(one, sufficiency=NOT_ENOUGH).is_verified


@pytest.mark.parametrize(
    ("mean", "convincing", "needed", "verdict"),
    [
        (-1.0, True, True, "verified"),
        (-0.05, True, True, "redundant"),
        (-0.05, False, True, "correlate"),
        (-0.05, True, False, "correlate"),
        (-0.1, True, True, "redundant"),
        (-0.1, True, False, "undecided"),
    ],
)
def test_a_cell_that_a_convincing_joint_effect_needs_is_redundant(
    mean: float, convincing: bool, needed: bool, verdict: str
) -> None:
    one = replace(measured(mean), joint=replace(JOINT, convincing=convincing), needed=needed)
    assert one.verdict == verdict
    assert replace(one, joint=None).verdict == measured(mean).verdict
