"""Prove by interventions whether the model uses the cells that follow a feature, and give each a verdict.

`prove` goes through these steps:

1. sites: for each feature, the positions lag + 1 characters before its closers, so that lag characters lie
   between them (sites.py).
2. intervention: for each candidate the dose in c that takes the feature away: to the other level for a
   switch, to depth 0 for a depth; for a counter half of the usual count of steps, once upwards and once
   downwards.
3. effect: c is changed once at each site, the network runs freely over the true text up to the closer, and
   the mean change of the closer's log probability is measured (experiment.py). The change is made once and
   read later, so only a change that the network remembers can matter.
4. controls: cell sets of similar cells of the same layer that follow no feature, given the same dose in h
   (control_cells.py). The p-value is the rank of the effect among the controls' effects (effect.py),
   corrected over all candidates (Holm 1979). A convincing candidate is ranked among
   _TIMES_THE_NEEDED_CONTROLS times the number of control sets that the corrected p-value needs.
5. joint effect: the candidates of one feature that are not verified alone are changed together
   (joint_effect.py).

The verdict (JudgedCandidate.verdict) is "verified" where the effect is convincing and its corrected p-value
is at most the significance; "redundant" where the joint effect is convincing and needs the candidate; else
"correlate".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.findings import Json, Verdict
from charlstm.inspection.intervening.control_cells import CellRoles
from charlstm.inspection.intervening.effect import (
    MeasuredEffect,
    holm_corrected,
    measure_effect,
    ranked_among_more_controls,
)
from charlstm.inspection.intervening.effect_details import details_of
from charlstm.inspection.intervening.experiment import Candidate, Intervention, InterventionContext
from charlstm.inspection.intervening.joint_effect import JointEffect, joint_effects
from charlstm.inspection.intervening.sites import Sites, sites_of
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.reading.splits import Chunk
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# This many times the number of control sets that the corrected p-value needs are used; with just the needed
# number, one chance control would decide.
_TIMES_THE_NEEDED_CONTROLS = 4
# The dose of a counter in steps is at most this.
_MOST_STEPS = 30
# The shares at which the quantiles of the controls' effects are reported.
_REPORTED_QUANTILES = torch.linspace(0, 1, 21, dtype=torch.float64)
# The proof of a candidate names at most this many of its possible controls, the most similar ones.
_NAMED_CONTROLS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ProofRequest:
    """A ProofRequest asks for a proof that the model uses the candidates in a chunk of text.

    roles says which cells may be controls. thresholds (layers, cells) float64 lie between the two levels of
    each cell. significance in (0, 1) is the largest corrected p-value of a verified effect. All features of
    the candidates are in the chunk's table.
    """

    model: CharLSTM
    chunk: Chunk
    candidates: Sequence[Candidate]
    roles: CellRoles
    thresholds: Tensor
    significance: float


@dataclass(frozen=True, eq=False)
class Proof:
    """A Proof has what interventions say of one candidate.

    causal holds the numbers, as findings.json has them; causal and verdict are None where the text has too
    few closers. controls are cells of the candidate's layer that may be its controls, the most similar one
    first.
    """

    causal: Json | None = None
    verdict: Verdict | None = None
    controls: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class JudgedCandidate:
    """A JudgedCandidate has all that decides the verdict of one candidate.

    p_value is the p-value of measured, corrected over all candidates. joint is the joint effect that the
    candidate takes part in, if any, and needed says whether that effect needs it.
    """

    measured: MeasuredEffect
    p_value: float
    verified: bool
    joint: JointEffect | None = None
    needed: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return "verified" alone, "redundant" together with others, or "correlate" where neither holds."""
        if self.verified:
            return "verified"
        if self.joint is not None and self.joint.convincing and self.needed:
            return "redundant"
        return "correlate"


def prove(
    request: ProofRequest, *, generator: torch.Generator, processes: ProcessGroup = ALONE
) -> list[Proof]:
    """Intervene on every candidate of request and return one proof for each, in the candidates' order.

    All processes of a group call this with the same request and get the same proofs. generator draws the
    sites, the controls and the characters that the model writes.
    """
    sites = _sites_by_feature(request, generator)
    context = InterventionContext(
        request.model,
        request.chunk,
        request.thresholds,
        [of_feature for of_feature in sites.values() if of_feature],
        request.roles.excluded_controls(sites),
    )
    interventions = [
        _intervention(candidate, sites[candidate.feature.name]) for candidate in request.candidates
    ]
    possible = [intervention for intervention in interventions if intervention]
    judged = _judged(context, possible, request.significance, generator, processes)

    def describe(candidate: JudgedCandidate, job_generator: torch.Generator) -> Proof:
        return _proof(context, candidate, job_generator)

    proofs = iter(do_jobs(judged, describe, generator, processes))
    return [next(proofs) if intervention else Proof() for intervention in interventions]


def _sites_by_feature(request: ProofRequest, generator: torch.Generator) -> dict[str, Sites | None]:
    """Return the sites of every candidate's feature by its name, None where the text has too few closers."""
    chunk = request.chunk
    return {
        name: sites_of(chunk.signal(name), chunk.text, chunk.symbols, chunk.cut, generator)
        for name in (candidate.feature.name for candidate in request.candidates)
    }


def _intervention(candidate: Candidate, sites: Sites | None) -> Intervention | None:
    """Return the intervention on a candidate: to the other level, to depth 0, or half of the usual count of
    steps.

    The result is None where there are no sites, or where the cell's slope is 0 and so has no dose.
    """
    if sites is None or candidate.slope == 0:
        return None
    values = torch.from_numpy(sites.values).double()
    if candidate.feature.kind == "switch":
        return Intervention(candidate, sites, torch.full_like(values, -candidate.slope), 1.0)
    if candidate.feature.kind == "depth":
        return Intervention(candidate, sites, -candidate.slope * values, 1.0)
    steps = float((values.median() / 2).round().clamp(1, _MOST_STEPS))
    return Intervention(candidate, sites, torch.full_like(values, candidate.slope * steps), steps)


def _judged(
    context: InterventionContext,
    interventions: Sequence[Intervention],
    significance: float,
    generator: torch.Generator,
    processes: ProcessGroup,
) -> list[JudgedCandidate]:
    """Measure the effect of each of interventions, alone and jointly, and return what decides its verdict."""
    # The smallest corrected p-value among n controls is about candidates / n.
    control_count = math.ceil(_TIMES_THE_NEEDED_CONTROLS * len(interventions) / significance)

    def measure(intervention: Intervention, job_generator: torch.Generator) -> MeasuredEffect:
        measured = measure_effect(context, intervention, interventions, job_generator)
        return ranked_among_more_controls(context, measured, control_count, significance, job_generator)

    measured = do_jobs(interventions, measure, generator, processes)
    p_values = holm_corrected([effect.p_value for effect in measured])
    verified = {
        index
        for index, effect in enumerate(measured)
        if effect.convincing and p_values[index] <= significance
    }
    joint = joint_effects(context, measured, verified, significance, generator, processes)
    return [
        JudgedCandidate(effect, p_values[index], index in verified, *joint.get(index, (None, False)))
        for index, effect in enumerate(measured)
    ]


def _proof(context: InterventionContext, judged: JudgedCandidate, generator: torch.Generator) -> Proof:
    """Return the numbers and the verdict of one candidate."""
    measured, intervention = judged.measured, judged.measured.intervention
    causal = {
        "target": intervention.sites.target,
        "effect_nats": measured.effect_nats,
        "specific_nats": measured.specific_nats,
        **_control_data(measured),
        "p_value": judged.p_value,
        "p_value_alone": measured.p_value,
        "p_value_controls": measured.control_count,
        "lag": intervention.sites.lag,
        "sites": len(intervention.sites.before_closers),
        "steps": intervention.steps if intervention.candidate.is_counter else None,
        **details_of(context, intervention, generator),
        "group": None if judged.joint is None else _joint_data(judged.joint),
    }
    return Proof(causal, judged.verdict, tuple(measured.possible_controls[:_NAMED_CONTROLS]))


def _control_data(measured: MeasuredEffect) -> Json:
    """Return the controls' effects, in nats, and the candidate's effect over their 95th percentile."""
    controls = measured.control_effects
    if not len(controls):
        nothing: Json = {"count": 0, "median": None, "p95": None, "max": None, "quantiles": []}
        return {"control_effects": nothing, "ratio": None}
    return {
        "control_effects": {
            "count": len(controls),
            "median": float(controls.median()),
            "p95": measured.control_p95,
            "max": float(controls.max()),
            "quantiles": torch.quantile(controls, _REPORTED_QUANTILES).tolist(),
        },
        "ratio": abs(measured.specific_nats) / measured.control_p95,
    }


def _joint_data(joint: JointEffect) -> Json:
    """Return a joint effect as findings.json has it."""
    return {
        "cells": [f"{layer}:{cell}" for layer, cell in joint.cells],
        "effect_nats": joint.effect,
        "control_p95": joint.p95 if math.isfinite(joint.p95) else None,
        "p_value": joint.p_value,
    }
