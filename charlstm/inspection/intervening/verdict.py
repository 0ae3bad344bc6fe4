"""Prove by interventions whether the model uses the cells that follow a feature, and give each a verdict.

`prove` goes through these steps:

1. sites: for each feature, the positions lag characters before its closers (sites.py).
2. intervention: for each candidate the dose in c that takes the feature away: to the other level for a
   switch, to depth 0 for a depth; for a counter half of the usual count of steps, once upwards and once
   downwards.
3. effect: c is changed once at each site, the network runs freely over the true text up to the closer, and
   the mean change of the closer's log probability is measured (experiment.py). The change is made once and
   read later, so only what remembers it can matter.
4. controls: cell sets of similar cells of the same layer that carry no feature, given the same dose in h
   (control_cells.py). The p-value is the rank of the effect among theirs (effect.py), corrected over all
   candidates (Holm 1979). A promising candidate is ranked among enough controls to reach a p-value
   _RESOLUTION times smaller than the correction needs.
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

# How much smaller a p-value the controls can show than the correction needs. With no more controls than it
# needs, a single one that happens to reach the effect would decide.
_RESOLUTION = 4
# The dose of a counter in steps is at most this.
_MOST_STEPS = 30
# The shares at which the quantiles of the controls' effects are reported.
_TWENTIETHS = torch.linspace(0, 1, 21, dtype=torch.float64)
# Possible controls of a candidate that its proof names, the most similar ones.
_NAMED_CONTROLS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ProofRequest:
    """What is to be proven: that model uses the candidates in a chunk of text.

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
    """What interventions say of one candidate.

    causal holds the numbers, as findings.json has them; causal and verdict are None where the text has too
    few closers. controls are cells of the candidate's layer that may be its controls, the most similar one
    first.
    """

    causal: Json | None = None
    verdict: Verdict | None = None
    controls: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class JudgedCandidate:
    """All that decides the verdict of one candidate.

    p_value is the corrected one of measured. joint is the joint effect that the candidate takes part in, if
    any, and needed says whether that effect needs it.
    """

    measured: MeasuredEffect
    p_value: float
    verified: bool
    joint: JointEffect | None = None
    needed: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict: verified alone, redundant together with others, or correlate where neither holds."""
        if self.verified:
            return "verified"
        if self.joint is not None and self.joint.convincing and self.needed:
            return "redundant"
        return "correlate"


def prove(
    request: ProofRequest, *, generator: torch.Generator, processes: ProcessGroup = ALONE
) -> list[Proof]:
    """Intervene on every candidate of a request and return one proof for each, in their order.

    All processes of a group call this with the same request and get the same proofs. generator draws the
    sites, the controls and the characters that the model writes.
    """
    sites = _sites_by_feature(request, generator)
    context = InterventionContext(
        request.model,
        request.chunk,
        request.thresholds,
        [found for found in sites.values() if found],
        request.roles.excluded_controls(sites),
    )
    interventions = [
        _intervention(candidate, sites[candidate.feature.name]) for candidate in request.candidates
    ]
    possible = [intervention for intervention in interventions if intervention]
    judged = _judged(context, possible, request.significance, generator, processes)

    def describe(candidate: JudgedCandidate, own_generator: torch.Generator) -> Proof:
        return _proof(context, candidate, own_generator)

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

    None where there are no sites, or where the cell's slope is 0 and so has no dose.
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
    control_count = math.ceil(_RESOLUTION * len(interventions) / significance)

    def measure(intervention: Intervention, own_generator: torch.Generator) -> MeasuredEffect:
        measured = measure_effect(context, intervention, interventions, own_generator)
        return ranked_among_more_controls(context, measured, control_count, significance, own_generator)

    measured = do_jobs(interventions, measure, generator, processes)
    p_values = holm_corrected([effect.p_value for effect in measured])
    verified = {
        place
        for place, effect in enumerate(measured)
        if effect.convincing and p_values[place] <= significance
    }
    joint = joint_effects(context, measured, verified, significance, generator, processes)
    return [
        JudgedCandidate(effect, p_values[place], place in verified, *joint.get(place, (None, False)))
        for place, effect in enumerate(measured)
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
        "sites": len(intervention.sites.closers),
        "steps": intervention.steps if intervention.candidate.is_counter else None,
        **details_of(context, intervention, generator),
        "group": None if judged.joint is None else _joint_data(judged.joint),
    }
    return Proof(causal, judged.verdict, tuple(measured.possible_controls[:_NAMED_CONTROLS]))


def _control_data(measured: MeasuredEffect) -> Json:
    """Return what the controls did, in nats, and the ratio of the candidate's effect to theirs."""
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
            "quantiles": torch.quantile(controls, _TWENTIETHS).tolist(),
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
