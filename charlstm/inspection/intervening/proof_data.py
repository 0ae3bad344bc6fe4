"""Write what interventions say of a candidate as findings.json has it."""

from dataclasses import dataclass

import numpy as np

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate
from charlstm.inspection.intervening.behaviours import VERDICT_LAG
from charlstm.inspection.intervening.doses import DosedCell, is_monotone
from charlstm.inspection.intervening.experiment import ClosersUnderTest
from charlstm.inspection.intervening.judgement import Measured
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS, Necessity

# The shares at which the quantiles of the other cells' effects are reported.
_REPORTED_QUANTILES = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Grade:
    """A Grade says which share of a behaviour a cell carries.

    share is the loss of log odds by this cell alone over the loss when every layer moves along its best
    linear direction for the feature to the donor's value, with its 95% interval; 1 is all of it.
    """

    share: Estimate

    @property
    def data(self) -> Json:
        """Return the grade as findings.json has it."""
        share = self.share.data
        return {"share": share["value"], "low": share["low"], "high": share["high"], "of": "direction"}


def grade_of(closers: ClosersUnderTest, necessity: Necessity) -> Grade | None:
    """Return the share of the behaviour of closers that a candidate with this necessity carries.

    The result is None where the whole direction does not surely change the log odds: there is nothing to be a
    share of. Only a counter may make its closer likelier.
    """
    whole = closers.direction_change.effect_on_log_odds()
    if not (whole.high < 0 or (necessity.either_way and whole.low > 0)):
        return None
    return Grade(necessity.resample.share_of(closers.direction_change))


def causal_of(one: Measured, closers: ClosersUnderTest, dosed: DosedCell, moved: Estimate | None) -> Json:
    """Return the entry "causal" of a finding."""
    effect, behaviour = one.necessity.resample.effect(), closers.behaviour
    insertion, p_value = one.sufficiency.insertion, one.necessity.p_value(one.limit_nats)
    return {
        "target": behaviour.target,
        "effect_nats": effect.value,
        "interval": [effect.low, effect.high],
        "specific_nats": _specific_nats(one.necessity),
        **_other_cells(one),
        "p_value": min(1.0, p_value * one.tested),
        "p_value_alone": p_value,
        "p_value_controls": len(one.comparison.others),
        "lag": VERDICT_LAG,
        "sites": len(closers.sites),
        "steps": dosed.dose.steps if one.candidate.is_counter else None,
        "natural_nats": closers.natural_nats,
        "dose_response": dosed.response,
        "hold_nats": dosed.hold_nats(),
        "resample_nats": effect.value,
        "insertion_nats": None if insertion is None else insertion.value,
        "specificity": dosed.specificity(),
        "targeted_loss_ratio": dosed.targeted_loss_ratio(behaviour),
        "half_life": dosed.half_life_characters(),
        "displacement": _displacement(dosed, moved),
        "group": None if one.joint is None else one.joint.data,
    }


def _specific_nats(necessity: Necessity) -> float:
    """Return the smaller of the changes of log probability and log odds, and 0 where their signs differ."""
    nats, odds = float(necessity.resample.nats.mean()), float(necessity.resample.log_odds.mean())
    return float(min(abs(nats), abs(odds)) * np.sign(nats) * (np.sign(nats) == np.sign(odds)))


def _other_cells(one: Measured) -> Json:
    """Return the effects of the cells that do not carry the feature, and the candidate's over their 95th
    percentile.
    """
    others, effect = one.comparison.others, abs(one.necessity.resample.effect().value)
    if not len(others):
        nothing: Json = {"count": 0, "median": None, "p95": None, "max": None, "quantiles": []}
        return {"control_effects": nothing, "ratio": None}
    return {
        "control_effects": {
            "count": len(others),
            "median": float(np.median(others)),
            "p95": one.comparison.p95,
            "max": float(others.max()),
            "quantiles": np.quantile(others, _REPORTED_QUANTILES).tolist(),
        },
        "ratio": effect / max(one.comparison.p95, 1e-6),
    }


def _displacement(dosed: DosedCell, moved: Estimate | None) -> Json | None:
    """Return by how many characters the closer moves by the full dose of a counter."""
    if moved is None:
        return None
    steps = dosed.dose.steps
    return {
        "steps": steps,
        "characters": moved.value * steps,
        "interval": [moved.low * steps, moved.high * steps],
    }


def evidence_of(one: Measured, dosed: DosedCell, moved: Estimate | None) -> Json:
    """Return the entry "evidence" of a finding: each test with its numbers, and what the verdict rests on.

    moved is by how many characters the closer of a counter moves for each step, None for other features.
    """
    response = dosed.response
    return {
        "limit_nats": one.limit_nats,
        "margin_nats": LEAST_EFFECT_NATS,
        "conditions": one.conditions,
        "necessity": {
            "lag": VERDICT_LAG,
            **one.necessity.data,
            "by_lag": [effect.data for effect in one.by_lag],
        },
        "dose": {
            "monotone": is_monotone(response),
            "response": response,
            "characters_per_step": None if moved is None else moved.data,
        },
        "sufficiency": one.sufficiency.data,
        "interchange": one.sufficiency.interchange_data,
        "specificity": one.specificity.data,
        "rank": one.comparison.data,
    }
