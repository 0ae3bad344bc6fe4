"""The entries of a proof have the numbers that were measured, in the fields of findings.json."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from intervention_fixture import COLUMN, PARENTHESES, QUOTES, candidate, context_of, network

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate
from charlstm.inspection.exam.planted_cells import latch, line_counter, toggle
from charlstm.inspection.intervening.behaviours import LAGS, VERDICT_LAG
from charlstm.inspection.intervening.census import Comparison, EffectElsewhere, Specificity
from charlstm.inspection.intervening.doses import DosedCell
from charlstm.inspection.intervening.experiment import Changes, InterventionContext
from charlstm.inspection.intervening.joint_effect import JointEffect
from charlstm.inspection.intervening.judgement import Measured
from charlstm.inspection.intervening.necessity import Necessity, effects_by_lag, necessity_of
from charlstm.inspection.intervening.proof_data import causal_of, evidence_of, grade_of
from charlstm.inspection.intervening.sufficiency import Baselines, sufficiency_of

PLANTED = [
    toggle('"').read('"', 1.5),
    toggle('"').read('"', 0.5),
    line_counter("\n", step=0.005).read("\n", 12),
    latch("(", ")"),
]
OTHERS = np.linspace(0, 0.2, 11)


class Entries(NamedTuple):
    """What was measured of a candidate, and its entries in findings.json."""

    context: InterventionContext
    one: Measured
    causal: Json
    evidence: Json


def entries(name: str, cell: int, slope: float, **changes: object) -> Entries:
    context = context_of(network(PLANTED, line_break=-3.0), name, PARENTHESES)
    closers, cells = context.closers(name), [(0, cell)]
    necessity = necessity_of(closers, cells, either_way=name == COLUMN)
    one = Measured(
        candidate=candidate(cell, name, slope),
        necessity=necessity,
        by_lag=effects_by_lag(context, closers.behaviour, cells),
        comparison=Comparison(2, 16, OTHERS, OTHERS[:5]),
        specificity=Specificity(
            Estimate(-1.0, -1.1, -0.9),
            Estimate(-0.9, -1.0, -0.8),
            {PARENTHESES: EffectElsewhere(")", Estimate(0.1, 0.0, 0.2), 100)},
        ),
        sufficiency=sufficiency_of(closers, necessity.resample, cells, Baselines(0.1, 0.2, 0.3)),
        significance=0.01,
        tested=7,
    )
    one = replace(one, **changes)
    dosed = DosedCell(context, one.candidate)
    moved = dosed.moved_closer()
    return Entries(context, one, causal_of(one, closers, dosed, moved), evidence_of(one, dosed, moved))


@pytest.fixture(scope="module")
def toggled() -> Entries:
    return entries(QUOTES, 0, 2.0)


@pytest.fixture(scope="module")
def counted() -> Entries:
    return entries(COLUMN, 2, 0.005)


def test_the_effect_is_that_of_resampling_with_its_interval(toggled: Entries) -> None:
    effect, causal = toggled.one.necessity.resample.effect(), toggled.causal
    assert causal["effect_nats"] == causal["resample_nats"] == effect.value
    assert causal["interval"] == [effect.low, effect.high]
    assert toggled.evidence["necessity"]["resample"]["nats"] == effect.data
    means = toggled.one.necessity.conditional_mean
    assert toggled.evidence["necessity"]["conditional_mean"]["nats"] == means.effect().data
    assert (causal["target"], causal["lag"], causal["steps"]) == ('"', VERDICT_LAG, None)
    assert causal["sites"] == len(toggled.context.closers(QUOTES).sites)
    assert causal["natural_nats"] == toggled.context.closers(QUOTES).natural_nats < 0


def test_controls_are_the_cells_that_do_not_carry_the_feature(toggled: Entries) -> None:
    controls = toggled.causal["control_effects"]
    assert (controls["count"], toggled.causal["p_value_controls"]) == (11, 11)
    assert controls["median"] == pytest.approx(0.1)
    assert controls["p95"] == pytest.approx(0.19)
    assert controls["max"] == pytest.approx(0.2)
    assert controls["quantiles"] == pytest.approx(np.linspace(0, 0.2, 21))
    assert toggled.causal["ratio"] == pytest.approx(abs(toggled.causal["effect_nats"]) / 0.19)
    assert toggled.evidence["limit_nats"] == pytest.approx(0.38)


def test_a_p_value_is_that_of_an_effect_beyond_the_limit_corrected_over_candidates() -> None:
    random = np.random.default_rng(0)
    nats = random.normal(-0.6, 0.7, 400)
    both = Changes(nats, nats, np.arange(400) // 10)
    found = entries(QUOTES, 0, 2.0, necessity=Necessity(both, both, either_way=False))
    assert found.causal["p_value_alone"] == both.chance_beyond(0.38)
    assert 1e-12 < found.causal["p_value_alone"] < 0.01
    assert found.causal["p_value"] == pytest.approx(7 * found.causal["p_value_alone"])
    nothing = entries(QUOTES, 3, 2.0)
    assert nothing.causal["p_value"] == nothing.causal["p_value_alone"] == 1


@pytest.mark.parametrize(
    ("nats", "log_odds", "specific"),
    [(-2.0, -1.0, -1.0), (-0.5, -3.0, -0.5), (1.0, -1.0, 0.0), (0.5, 2.0, 0.5)],
)
def test_a_specific_effect_is_what_both_scores_agree_on(
    nats: float, log_odds: float, specific: float
) -> None:
    clusters = np.arange(100) // 4
    both = Changes(np.full(100, nats), np.full(100, log_odds), clusters)
    found = entries(QUOTES, 0, 2.0, necessity=Necessity(both, both, either_way=False))
    assert found.causal["specific_nats"] == specific


def test_the_numbers_of_other_doses_are_those_of_the_dosed_cell(toggled: Entries) -> None:
    dosed, causal = DosedCell(toggled.context, toggled.one.candidate), toggled.causal
    assert causal["dose_response"] == toggled.evidence["dose"]["response"] == dosed.response
    assert causal["hold_nats"] == dosed.hold_nats()
    assert causal["specificity"] == dosed.specificity()
    assert causal["half_life"] is dosed.half_life_characters() is None
    assert toggled.evidence["dose"]["monotone"] is True
    assert toggled.evidence["dose"]["characters_per_step"] is None


def test_a_counter_has_steps_and_a_displacement_by_all_of_them(counted: Entries) -> None:
    steps, moved = counted.causal["steps"], counted.evidence["dose"]["characters_per_step"]
    displacement = counted.causal["displacement"]
    assert steps == displacement["steps"] > 5
    assert displacement["characters"] == pytest.approx(steps * moved["value"])
    assert displacement["interval"] == pytest.approx([steps * moved["low"], steps * moved["high"]])
    assert moved["value"] > 0


def test_every_test_of_the_evidence_is_there(toggled: Entries) -> None:
    evidence, one = toggled.evidence, toggled.one
    assert evidence["conditions"] == one.conditions
    assert evidence["necessity"]["lag"] == VERDICT_LAG
    assert [entry["lag"] for entry in evidence["necessity"]["by_lag"]] == list(LAGS)
    assert evidence["sufficiency"] == one.sufficiency.data
    assert evidence["interchange"] == one.sufficiency.interchange_data
    assert evidence["specificity"] == one.specificity.data
    assert evidence["rank"] == one.comparison.data
    json.dumps([toggled.causal, evidence], allow_nan=False)


def test_a_joint_effect_is_the_group(toggled: Entries) -> None:
    assert toggled.causal["group"] is None
    lost = [Estimate(-0.6, -0.7, -0.5), Estimate(-0.4, -0.5, -0.3)]
    joint = JointEffect([(0, 0), (0, 1)], Estimate(-1.0, -1.1, -0.9), 0.1, 1e-6, True, lost, lost)
    assert entries(QUOTES, 0, 2.0, joint=joint).causal["group"] == joint.data


@pytest.mark.parametrize(("cell", "share"), [(0, 0.75), (1, 0.25), (3, 0.0)])
def test_a_grade_is_the_share_of_the_loss_by_the_whole_direction(cell: int, share: float) -> None:
    context = context_of(network([*PLANTED[:2], latch("(", ")"), latch("[", "]")]), QUOTES)
    closers = context.closers(QUOTES)
    necessity = necessity_of(closers, [(0, cell)], either_way=False)
    found = grade_of(closers, necessity)
    lost, whole = necessity.resample.log_odds, closers.direction_change.log_odds
    assert found.share.value == pytest.approx(lost.sum() / whole.sum())
    assert found.share.value == pytest.approx(share, abs=0.02)
    assert found.data == {
        "share": found.share.value,
        "low": found.share.low,
        "high": found.share.high,
        "of": "direction",
    }
    assert math.isfinite(found.share.low)


@pytest.mark.parametrize(
    ("low", "high", "either_way", "graded"),
    [
        (-1.0, -0.5, False, True),
        (-1.0, -0.5, True, True),
        (-1.0, 0.5, False, False),
        (-1.0, 0.5, True, False),
        (0.5, 1.0, True, True),
        (0.5, 1.0, False, False),
    ],
)
def test_there_is_a_grade_only_where_the_whole_direction_surely_changes_the_closer(
    low: float, high: float, either_way: bool, graded: bool
) -> None:
    share = Estimate(0.5, 0.4, 0.6)
    whole = SimpleNamespace(effect_on_log_odds=lambda: Estimate((low + high) / 2, low, high))
    resample = SimpleNamespace(share_of=lambda changes: share if changes is whole else None)
    necessity = SimpleNamespace(either_way=either_way, resample=resample)
    found = grade_of(SimpleNamespace(direction_change=whole), necessity)  # type: ignore[arg-type]
    assert (found is not None) == graded
    assert found is None or found.share == share
