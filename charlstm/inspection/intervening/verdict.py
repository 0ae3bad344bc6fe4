"""Whether the model uses a cell: its state is changed, and what happens to the character it should move.

Some characters before a closer the cell is moved to its other level (a counter by some steps both ways, a
depth to 0), once; then the network runs freely on the true text. The effect is the mean change of the log
probability of the closer. Controls are cells of the same layer, one or a few together, that resemble the cell
in spread, output gate, outgoing weights and rate of flips, each given the same dose in h: the change of
activation(c) times the mean output gate. As the change is made once and read later, only what remembers it
can matter. p-values are the rank of the effect among its own controls, corrected over all candidates (Holm
1979); controls are drawn until a p-value four times below what that takes could be seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.findings import Json, Verdict
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.intervening.effect import Measured, convincing, holm, measure, ranked
from charlstm.inspection.intervening.effect_details import details_of
from charlstm.inspection.intervening.experiment import Candidate, Laboratory, Trial
from charlstm.inspection.intervening.joint_effect import JointEffect, joint_effects
from charlstm.inspection.intervening.sites import Sites, sites_of
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.reading.trace import Cut
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# Cells whose |r| with the candidate's feature reaches this carry it as well, and are no controls.
_CARRIES = 0.25
# Nor are those whose |r| with any feature reaches this: they have a role of their own, which may well bear on
# the same closer. A string that is open, say, forbids a bracket to close.
_ROLE = 0.4
# Times the controls that the smallest corrected p needs. With just as many, one that happens to reach the
# effect decides; with more, it counts for what it is.
_RESOLUTION = 4
_MOST_STEPS = 30
_TWENTIETHS = torch.linspace(0, 1, 21, dtype=torch.float64)
# So many cells are named as resembling a candidate.
_ALIKE = 20


@dataclass(frozen=True, eq=False)
class Proof:
    """What interventions say of one candidate; both are None where the text has too few closers for it.

    controls are the cells of its layer that resemble it most and do not carry its feature.
    """

    causal: Json | None = None
    verdict: Verdict | None = None
    controls: tuple[int, ...] = ()


def prove(
    model: CharLSTM,
    ids: NDArray[np.unsignedinteger],
    text: str,
    symbols: Sequence[str],
    cut: Cut,
    candidates: Sequence[Candidate],
    *,
    signals: dict[str, Signal],
    carriers: Tensor,
    features: dict[str, int],
    thresholds: Tensor,
    significance: float,
    generator: torch.Generator,
    processes: ProcessGroup = ALONE,
) -> list[Proof]:
    """Intervene on every candidate in ids (characters,), which spell text, cut into stretches.

    signals are those of the candidates' features along it.
    carriers (cells of all layers, features) are the |r| of all cells with all features, whose columns
    features names, all but the pseudo ones: cells that carry a candidate's feature, or have a role of their
    own, are no controls. thresholds (layers, cells) float64 lie between each cell's levels. Returns one Proof
    per candidate.
    """
    by_feature = {
        c.feature.name: sites_of(signals[c.feature.name], text, symbols, cut, generator) for c in candidates
    }
    with_role = carriers[:, list(features.values())].amax(1) >= _ROLE
    excluded = {
        name: (with_role | (carriers[:, features[name]] >= _CARRIES)).view(model.config.layers, -1)
        for name in by_feature
    }
    laboratory = Laboratory(model, ids, cut, thresholds, [s for s in by_feature.values() if s], excluded)
    trials = [_trial(c, by_feature[c.feature.name]) for c in candidates]
    tested = [trial for trial in trials if trial]
    wanted = math.ceil(_RESOLUTION * len(tested) / significance)

    def rank(trial: Trial, own: torch.Generator) -> Measured:
        return ranked(laboratory, measure(laboratory, trial, tested, own), wanted, significance, own)

    measured = do_jobs(tested, rank, generator, processes)
    p_values = holm([m.p_value for m in measured])
    verified = {p for p, m in enumerate(measured) if convincing(m) and p_values[p] <= significance}
    together = joint_effects(laboratory, measured, verified, significance, generator, processes)

    def judge(place: int, own: torch.Generator) -> Proof:
        joined = together.get(place)
        return _proof(laboratory, measured[place], p_values[place], place in verified, joined, own)

    proofs = iter(do_jobs(range(len(measured)), judge, generator, processes))
    return [next(proofs) if trial else Proof() for trial in trials]


def _trial(candidate: Candidate, sites: Sites | None) -> Trial | None:
    """The dose of a candidate: to the other level, to depth 0, or half the usual count of steps."""
    if sites is None or candidate.slope == 0:
        return None
    values = torch.from_numpy(sites.values).double()
    if candidate.feature.kind == "switch":
        return Trial(candidate, sites, torch.full_like(values, -candidate.slope), 1.0)
    if candidate.feature.kind == "depth":
        return Trial(candidate, sites, -candidate.slope * values, 1.0)
    steps = float((values.median() / 2).round().clamp(1, _MOST_STEPS))
    return Trial(candidate, sites, torch.full_like(values, candidate.slope * steps), steps)


def _proof(
    laboratory: Laboratory,
    measured: Measured,
    p_value: float,
    verified: bool,
    joined: tuple[JointEffect, bool] | None,
    generator: torch.Generator,
) -> Proof:
    """The numbers and the verdict of one candidate."""
    joint, needed = joined or (None, False)
    redundant = joint is not None and joint.convincing and needed
    verdict: Verdict = "verified" if verified else "redundant" if redundant else "correlate"
    controls = measured.controls
    return Proof(
        {
            "target": measured.trial.sites.target,
            "effect_nats": measured.effect_nats,
            "specific_nats": measured.effect,
            "control_effects": {
                "count": len(controls),
                "median": float(controls.median()) if len(controls) else None,
                "p95": measured.scale if len(controls) else None,
                "max": float(controls.max()) if len(controls) else None,
                "quantiles": torch.quantile(controls, _TWENTIETHS).tolist() if len(controls) else [],
            },
            "ratio": abs(measured.effect) / measured.scale if len(controls) else None,
            "p_value": p_value,
            "p_value_alone": measured.p_value,
            "p_value_controls": measured.among,
            "lag": measured.trial.sites.lag,
            "sites": len(measured.trial.sites.closers),
            "steps": measured.trial.steps if measured.trial.candidate.counts else None,
            **details_of(laboratory, measured.trial, generator),
            "group": None
            if joint is None
            else {
                "cells": [f"{layer}:{cell_}" for layer, cell_ in joint.cells],
                "effect_nats": joint.effect,
                "control_p95": joint.p95 if math.isfinite(joint.p95) else None,
                "p_value": joint.p_value,
            },
        },
        verdict,
        tuple(measured.pool[:_ALIKE]),
    )
