"""Whether the model uses a cell: its state is changed, and what happens to the character it should move.

Some characters before a closer the cell is moved to its other level (a counter by some steps both ways, a
depth to 0), once; then the network runs freely on the true text. The effect is the mean change of the log
probability of the closer. Controls are cells of the same layer, one or two at a time, that resemble the cell
in spread, output gate, outgoing weights and rate of flips, each given the same dose in h: the change of
activation(c) times the mean output gate. As the change is made once and read later, only what remembers it
can matter. p-values are corrected over all candidates by the largest control in each draw (Westfall and
Young 1993).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.bench import Bench, Candidate, Laboratory, Trial, specific
from charlstm.inspection.effects import details_of
from charlstm.inspection.findings import Json, Verdict
from charlstm.inspection.matching import (
    CONTROLS,
    control_effects,
    control_groups,
    dose_in_h,
    doses_like,
    matched,
)
from charlstm.inspection.sites import Sites, sites_of
from charlstm.inspection.trace import Cut
from charlstm.model import CharLSTM

GROUP_CONTROLS = 99
# Below this an effect is of no use to anybody, however rare it is among the controls.
LEAST_EFFECT_NATS = 0.05
# A verified effect is at least so many times the 95th percentile of its controls.
LEAST_RATIO = 2.0
# Of a group's effect, a member adds this share of its part, or is not needed.
_NEEDED = 0.2
# Cells whose |r| with the candidate's feature reaches this carry it as well, and are no controls.
_CARRIES = 0.25
_MOST_STEPS = 30
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


@dataclass(eq=False)
class _Measured:
    """Effects in nats: the candidate's on the log probability, what of it is specific, and what of it is in
    every control draw (CONTROLS,).
    """

    trial: Trial
    effect_nats: float
    effect: float
    controls: Tensor
    alike: tuple[int, ...]

    @property
    def scale(self) -> float:
        """The 95th percentile of the controls."""
        return float(torch.quantile(self.controls, 0.95).clamp(min=1e-6))

    @property
    def expected(self) -> bool:
        """Whether the closer lost, as it must where the state that calls for it is gone."""
        return self.trial.candidate.counts or self.effect < 0


def prove(
    model: CharLSTM,
    ids: NDArray[np.unsignedinteger],
    text: str,
    symbols: Sequence[str],
    start: int,
    cut: Cut,
    candidates: Sequence[Candidate],
    *,
    carriers: Tensor,
    features: dict[str, int],
    thresholds: Tensor,
    significance: float,
    generator: torch.Generator,
) -> list[Proof]:
    """Intervene on every candidate in ids (characters,), the part of text from start on, cut into stretches.

    carriers (cells of all layers, features) are the |r| of all cells with all features, whose columns
    features names: cells that carry a candidate's feature are no controls of it. thresholds (layers, cells)
    float64 lie between each cell's levels. Returns one Proof per candidate.
    """
    by_feature = {
        c.feature.name: sites_of(c.feature, text, list(symbols), start, cut, generator) for c in candidates
    }
    carrying = {
        name: (carriers[:, features[name]] >= _CARRIES).view(model.config.layers, -1) for name in by_feature
    }
    laboratory = Laboratory(model, ids, cut, thresholds, [s for s in by_feature.values() if s], carrying)
    trials = [_trial(c, by_feature[c.feature.name]) for c in candidates]
    tested = [trial for trial in trials if trial]
    measured = [_measured(laboratory, trial, tested, generator) for trial in tested]
    p_values = _corrected(measured)
    verified = {place for place, m in enumerate(measured) if _convinces(m, p_values[place], significance)}
    groups = _groups(laboratory, measured, verified, significance, generator)
    proofs = iter(
        _proof(laboratory, m, p_values[place], place in verified, groups.get(place))
        for place, m in enumerate(measured)
    )
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


def _measured(
    laboratory: Laboratory, trial: Trial, others: Sequence[Trial], generator: torch.Generator
) -> _Measured:
    """The effect of the candidate's dose, and of the same dose given to its controls."""
    candidate, sites = trial.candidate, trial.sites
    pool = matched(laboratory, trial, others)
    groups = control_groups(pool, generator)
    bench = Bench(laboratory, sites)
    natural = bench.natural.track[0, candidate.layer]
    wanted = dose_in_h(laboratory, natural, {candidate.cell: trial.dose}, candidate.layer)
    effect = bench.effect({candidate.layer: ([candidate.cell], trial.dose[:, None])}, candidate.counts)
    controls = control_effects(bench, candidate, natural, wanted, groups, generator)
    return _Measured(trial, float(effect[0]), float(specific(effect)), controls, tuple(pool[:_ALIKE]))


def _corrected(measured: Sequence[_Measured]) -> list[float]:
    """The p-value of each candidate among the largest controls of all candidates."""
    if not measured or any(len(m.controls) < CONTROLS for m in measured):
        return [1.0] * len(measured)
    largest = torch.stack([m.controls / m.scale for m in measured]).amax(0)
    return [float(1 + (largest >= abs(m.effect) / m.scale).sum()) / (1 + CONTROLS) for m in measured]


def _convinces(measured: _Measured, p_value: float, significance: float) -> bool:
    """Whether an effect is expected, large, far beyond its controls and no chance."""
    size = abs(measured.effect)
    large = size >= max(LEAST_EFFECT_NATS, LEAST_RATIO * measured.scale)
    return measured.expected and large and p_value <= significance


@dataclass(frozen=True)
class _Group:
    """What changing all cells of a feature together does; needed says of each whether it adds its part."""

    cells: list[list[int]]
    effect: float
    p95: float
    p_value: float
    convincing: bool
    needed: list[bool]


def _groups(
    laboratory: Laboratory,
    measured: Sequence[_Measured],
    verified: set[int],
    significance: float,
    generator: torch.Generator,
) -> dict[int, tuple[_Group, bool]]:
    """For each candidate that is not verified alone: what those of its feature do together, and whether it
    is needed for that.
    """
    found: dict[int, tuple[_Group, bool]] = {}
    for name in dict.fromkeys(m.trial.candidate.feature.name for m in measured):
        members = [
            place
            for place, m in enumerate(measured)
            if m.trial.candidate.feature.name == name and place not in verified
        ]
        if len(members) > 1:
            trials = [measured[place].trial for place in members]
            group = _group(laboratory, trials, significance, generator)
            found |= {place: (group, needed) for place, needed in zip(members, group.needed, strict=True)}
    return found


def _group(
    laboratory: Laboratory, members: Sequence[Trial], significance: float, generator: torch.Generator
) -> _Group:
    """The joint effect of cells of one feature, against as many control cells with their doses."""
    bench = Bench(laboratory, members[0].sites)
    both_ways = members[0].candidate.counts

    def effect(edits: dict[int, tuple[list[int], Tensor]]) -> float:
        return float(specific(bench.effect(edits, both_ways)))

    joint = effect(_joined(members))
    without = [effect(_joined([m for m in members if m is not one])) for one in members]
    draws = [abs(effect(edits)) for edits in _group_controls(laboratory, bench, members, generator)]
    controls = torch.tensor(draws, dtype=torch.float64)
    p95 = float(torch.quantile(controls, 0.95)) if draws else math.inf
    p_value = float(1 + (controls >= abs(joint)).sum()) / (1 + len(draws))
    large = abs(joint) >= max(LEAST_EFFECT_NATS, LEAST_RATIO * p95)
    return _Group(
        cells=[[m.candidate.layer, m.candidate.cell] for m in members],
        effect=joint,
        p95=p95,
        p_value=p_value,
        convincing=(both_ways or joint < 0) and large and p_value <= significance,
        needed=[abs(joint) - abs(rest) >= _NEEDED * abs(joint) / len(members) for rest in without],
    )


def _group_controls(
    laboratory: Laboratory, bench: Bench, members: Sequence[Trial], generator: torch.Generator
) -> Iterator[dict[int, tuple[list[int], Tensor]]]:
    """Yield edits of cells drawn for the members, one each, with the member's dose in h."""
    pools = [matched(laboratory, member, members) for member in members]
    for _ in range(GROUP_CONTROLS if all(pools) else 0):
        edits: dict[int, tuple[list[int], Tensor]] = {}
        for member, pool in zip(members, pools, strict=True):
            layer = member.candidate.layer
            drawn = torch.tensor([[pool[int(torch.randint(len(pool), (1,), generator=generator))]]])
            natural = bench.natural.track[0, layer]
            wanted = dose_in_h(laboratory, natural, {member.candidate.cell: member.dose}, layer)
            sign = 1 - 2 * torch.randint(2, (1,), generator=generator).double()
            shifts, _ = doses_like(laboratory, layer, natural, drawn, wanted, sign)
            cells, before = edits.get(layer, ([], torch.zeros(len(shifts[0]), 0)))
            edits[layer] = ([*cells, int(drawn)], torch.cat((before, shifts[0]), dim=1))
        yield edits


def _joined(trials: Sequence[Trial]) -> dict[int, tuple[list[int], Tensor]]:
    """The doses of several candidates as edits by layer."""
    edits: dict[int, tuple[list[int], Tensor]] = {}
    for one in trials:
        cells, shifts = edits.get(one.candidate.layer, ([], torch.zeros(len(one.dose), 0)))
        edits[one.candidate.layer] = (
            [*cells, one.candidate.cell],
            torch.cat((shifts, one.dose[:, None]), dim=1),
        )
    return edits


def _proof(
    laboratory: Laboratory,
    measured: _Measured,
    p_value: float,
    verified: bool,
    joined: tuple[_Group, bool] | None,
) -> Proof:
    """The numbers and the verdict of one candidate."""
    group, needed = joined or (None, False)
    redundant = group is not None and group.convincing and needed
    verdict: Verdict = "verified" if verified else "redundant" if redundant else "correlate"
    controls = measured.controls
    return Proof(
        {
            "target": "".join(measured.trial.sites.symbols),
            "effect_nats": measured.effect_nats,
            "specific_nats": measured.effect,
            "control_effects": {
                "count": len(controls),
                "median": float(controls.median()) if len(controls) else None,
                "p95": measured.scale if len(controls) else None,
                "max": float(controls.max()) if len(controls) else None,
            },
            "ratio": abs(measured.effect) / measured.scale if len(controls) else None,
            "p_value": p_value,
            "lag": measured.trial.sites.lag,
            "sites": len(measured.trial.sites.closers),
            "steps": measured.trial.steps if measured.trial.candidate.counts else None,
            **details_of(laboratory, measured.trial),
            "group": None
            if group is None
            else {
                "cells": [f"{layer}:{cell_}" for layer, cell_ in group.cells],
                "effect_nats": group.effect,
                "control_p95": group.p95 if math.isfinite(group.p95) else None,
                "p_value": group.p_value,
            },
        },
        verdict,
        measured.alike,
    )
