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

from charlstm import cell
from charlstm.inspection.features import Feature
from charlstm.inspection.findings import Json, Verdict
from charlstm.inspection.rollouts import Edit, Rollouts, Survey, survey
from charlstm.inspection.sites import Sites, sites_of
from charlstm.inspection.trace import Cut
from charlstm.model import CharLSTM, State

CONTROLS = 199
GROUP_CONTROLS = 99
# Below this an effect is of no use to anybody, however rare it is among the controls.
LEAST_EFFECT_NATS = 0.05
# A verified effect is at least so many times the 95th percentile of its controls.
LEAST_RATIO = 2.0
# Of a group's effect, a member adds this share of its part, or is not needed.
_NEEDED = 0.2
# Cells whose |r| with the candidate's feature reaches this carry it as well, and are no controls.
_CARRIES = 0.25
# A control that cannot be given half of the dose is none; what is missing is made up for linearly.
_LEAST_DOSE = 0.5
_DOSES = (-0.5, 0.25, 0.5, 1.0, 1.5)
_MOST_STEPS = 30
# So many cells are named as resembling a candidate.
_ALIKE = 20
# Where activations have no finite inverse, c goes no further than this share of the way.
_LIMIT = 0.999


@dataclass(frozen=True, eq=False)
class Candidate:
    """A cell that follows a feature; slope is how far c moves per unit of it."""

    layer: int
    cell: int
    feature: Feature
    slope: float

    @property
    def counts(self) -> bool:
        """Whether it is tested by a dose of steps both ways."""
        return self.feature.kind == "counter"


@dataclass(frozen=True, eq=False)
class Proof:
    """What interventions say of one candidate; both are None where the text has too few closers for it.

    controls are the cells of its layer that resemble it most and do not carry its feature.
    """

    causal: Json | None = None
    verdict: Verdict | None = None
    controls: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class _Prepared:
    """One candidate at its sites: its dose (closers,) in c, and the states before its sites."""

    candidate: Candidate
    sites: Sites
    dose: Tensor
    steps: float


@dataclass(eq=False)
class _Measured:
    """Effects in nats: the candidate's on the log probability, what of it is specific, and what of it is in
    every control draw (CONTROLS,).
    """

    prepared: _Prepared
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
        return self.prepared.candidate.counts or self.effect < 0


class Laboratory:
    """A model and the part of a text kept for interventions, with all states that these begin from."""

    def __init__(
        self,
        model: CharLSTM,
        ids: NDArray[np.unsignedinteger],
        cut: Cut,
        thresholds: Tensor,
        sites: Sequence[Sites],
        carrying: dict[str, Tensor],
    ) -> None:
        """thresholds (layers, cells) float64 lie between each cell's levels; carrying (layers, cells) bool
        says by feature which cells carry it.
        """
        self.carrying = carrying
        self.rollouts = Rollouts(model)
        self.model = model
        self._ids = torch.from_numpy(ids.astype(np.int64))
        wanted = [positions - 1 for s in sites for positions in (s.closers, s.inside, s.outside)]
        self.seen: Survey = survey(
            model, ids, cut, thresholds, np.concatenate(wanted) if wanted else np.zeros(0, np.int64)
        )
        self.activation = cell.activation_function(model.config.activation)

    def characters(self, positions: NDArray[np.int64], length: int) -> Tensor:
        """(n, length) int64 ids from each position on."""
        return self._ids[torch.from_numpy(positions)[:, None] + torch.arange(length)]

    def states(self, positions: NDArray[np.int64]) -> State:
        """The state before the character at each position."""
        return self.seen.before(positions - 1)

    def shifted(self, layer: int, cells: Sequence[int], shifts: Tensor) -> Edit:
        """An edit of some cells by shifts (rows, cells)."""
        dense = torch.zeros(len(shifts), self.model.config.cells)
        dense[:, list(cells)] = shifts.float()
        return Edit(dense)


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
    prepared = [_prepared(c, by_feature[c.feature.name]) for c in candidates]
    tested = [p for p in prepared if p]
    measured = {id(p): _measured(laboratory, p, tested, generator) for p in tested}
    p_values = _corrected(list(measured.values()))
    verified = {
        place for place, m in enumerate(measured.values()) if _convinces(m, p_values[place], significance)
    }
    groups = _groups(laboratory, list(measured.values()), verified, significance, generator)
    proofs = []
    for one in prepared:
        if one is None:
            proofs.append(Proof())
            continue
        place = list(measured).index(id(one))
        proofs.append(
            _proof(laboratory, measured[id(one)], p_values[place], place in verified, groups.get(place))
        )
    return proofs


def _prepared(candidate: Candidate, sites: Sites | None) -> _Prepared | None:
    """The dose of a candidate: to the other level, to depth 0, or half the usual count of steps."""
    if sites is None or candidate.slope == 0:
        return None
    values = torch.from_numpy(sites.values).double()
    if candidate.feature.kind == "switch":
        return _Prepared(candidate, sites, torch.full_like(values, -candidate.slope), 1.0)
    if candidate.feature.kind == "depth":
        return _Prepared(candidate, sites, -candidate.slope * values, 1.0)
    steps = float((values.median() / 2).round().clamp(1, _MOST_STEPS))
    return _Prepared(candidate, sites, torch.full_like(values, candidate.slope * steps), steps)


def _measured(
    laboratory: Laboratory, prepared: _Prepared, others: Sequence[_Prepared], generator: torch.Generator
) -> _Measured:
    """The effect of the candidate's dose, and of the same dose given to its controls."""
    candidate, sites = prepared.candidate, prepared.sites
    pool = _pool(laboratory, prepared, others)
    groups = _control_groups(pool, generator)
    bench = _Bench(laboratory, sites)
    natural = bench.natural.track[0, candidate.layer]
    wanted = _dose_in_h(laboratory, natural, {candidate.cell: prepared.dose}, candidate.layer)
    effect = bench.effect({candidate.layer: ([candidate.cell], prepared.dose[:, None])}, candidate.counts)
    controls = _control_effects(bench, candidate, natural, wanted, groups, generator)
    return _Measured(prepared, float(effect[0]), float(_specific(effect)), controls, tuple(pool[:_ALIKE]))


class _Bench:
    """A feature's closers with their natural outcome, and the effect of edits on them."""

    def __init__(self, laboratory: Laboratory, sites: Sites) -> None:
        self.laboratory = laboratory
        self.sites = sites
        self.targets = torch.from_numpy(sites.targets)
        self.ids = laboratory.characters(sites.closers, sites.lag + 1)
        self.state = laboratory.states(sites.closers)
        self.natural = laboratory.rollouts.run(self.ids, self.state, track=True)
        self.base = self.nats(self.natural.logits)

    def nats(self, logits: Tensor) -> Tensor:
        """(rows, 2): the log probability of any of the closers, and their logits' logsumexp over the mean of
        all logits, for logits (rows, vocabulary).
        """
        together = logits[:, self.targets].logsumexp(1)
        return torch.stack((together - logits.logsumexp(1), together - logits.mean(1)), dim=1).double()

    def changes(self, layer: int, cells: Sequence[Sequence[int]], shifts: Tensor) -> Tensor:
        """(groups, 2) mean change of `nats` for groups of cells (groups, size), shifted by shifts (groups,
        closers, size).
        """
        groups, closers, _ = shifts.shape
        dense = torch.zeros(groups, closers, self.laboratory.model.config.cells)
        places = torch.tensor(cells)[:, None, :].expand(groups, closers, -1)
        dense.scatter_(2, places, shifts.float())
        state = State(*(part.repeat(1, groups, 1) for part in self.state))
        outcome = self.laboratory.rollouts.run(
            self.ids.repeat(groups, 1), state, {layer: Edit(dense.flatten(0, 1))}
        )
        return (self.nats(outcome.logits).view(groups, closers, 2) - self.base).mean(1)

    def effect(self, edits: dict[int, tuple[list[int], Tensor]], both_ways: bool) -> Tensor:
        """(2,) mean change of `nats` for edits by layer; half the difference of both ways for a counter."""

        def change(sign: int) -> Tensor:
            shifted = {
                layer: self.laboratory.shifted(layer, cells, sign * shifts)
                for layer, (cells, shifts) in edits.items()
            }
            run = self.laboratory.rollouts.run(self.ids, self.state, shifted)
            return (self.nats(run.logits) - self.base).mean(0)

        return (change(1) - change(-1)) / 2 if both_ways else change(1)


def _specific(changes: Tensor) -> Tensor:
    """(...,) float64: what of a change (..., 2) is the closer's own, 0 where its two parts disagree."""
    probability, logit = changes.unbind(-1)
    agree = probability.sign() == logit.sign()
    return torch.minimum(probability.abs(), logit.abs()) * probability.sign() * agree


def _pool(laboratory: Laboratory, prepared: _Prepared, others: Sequence[_Prepared]) -> list[int]:
    """The layer's cells that do not carry the candidate's feature, those that resemble it most first."""
    candidate = prepared.candidate
    carrying = set(laboratory.carrying[candidate.feature.name][candidate.layer].nonzero().flatten().tolist())
    carrying |= {
        other.candidate.cell
        for other in others
        if other.candidate.layer == candidate.layer and (other.sites.targets & prepared.sites.targets).any()
    }
    profile = _profiles(laboratory, candidate.layer)
    distances = (profile - profile[candidate.cell]).square().sum(1)
    order: list[int] = distances.argsort().tolist()
    return [cell for cell in order if cell != candidate.cell and cell not in carrying]


def _profiles(laboratory: Laboratory, layer: int) -> Tensor:
    """(cells, 4) float64 standardised: spread of c, mean output gate, outgoing weights, rate of flips."""
    model, seen = laboratory.model, laboratory.seen
    recurrent = model.weights(layer).recurrent.detach().square().sum(0)
    above = (
        model.weights(layer + 1).input if layer + 1 < model.config.layers else model.head.weight
    ).detach()
    outgoing = (recurrent + above.square().sum(0)).sqrt().double()
    columns = torch.stack(
        (seen.deviation[layer], seen.output_gate[layer], outgoing, seen.flip_rate[layer]), dim=1
    )
    return (columns - columns.mean(0)) / columns.std(0).clamp(min=1e-9)


def _control_groups(pool: list[int], generator: torch.Generator) -> list[list[int]]:
    """CONTROLS groups of one or two cells, the most alike first; none where there is no cell."""
    groups = [[cell] for cell in pool[: CONTROLS // 2]]
    while pool and len(groups) < CONTROLS:
        drawn = torch.randint(len(pool), (2,), generator=generator).tolist()
        groups.append([pool[place] for place in dict.fromkeys(drawn)])
    return groups


def _dose_in_h(laboratory: Laboratory, natural: Tensor, doses: dict[int, Tensor], layer: int) -> Tensor:
    """(closers,) float64 change of h at the mean output gate, for doses (closers,) in c by cell of a layer
    whose natural c is (closers, cells)."""
    total = torch.zeros(len(natural), dtype=torch.float64)
    for cell_, dose in doses.items():
        before = natural[:, cell_].double()
        moved = laboratory.activation(before + dose) - laboratory.activation(before)
        total += (moved * laboratory.seen.output_gate[layer, cell_]).square()
    return total.sqrt()


def _control_effects(
    bench: _Bench,
    candidate: Candidate,
    natural: Tensor,
    wanted: Tensor,
    groups: list[list[int]],
    generator: torch.Generator,
) -> Tensor:
    """(draws,) float64 |effects| of groups of control cells, given the dose wanted (closers,) in h."""
    found = []
    signs = 1 - 2 * torch.randint(2, (len(groups),), generator=generator).double()
    for size in (1, 2):
        chosen = [place for place, group in enumerate(groups) if len(group) == size]
        if not chosen:
            continue
        cells = torch.tensor([groups[place] for place in chosen])
        up, reached_up = _doses(bench.laboratory, candidate.layer, natural, cells, wanted, signs[chosen])
        change = bench.changes(candidate.layer, cells.tolist(), up) / reached_up[:, None]
        if candidate.counts:
            down, reached = _doses(bench.laboratory, candidate.layer, natural, cells, wanted, -signs[chosen])
            other = bench.changes(candidate.layer, cells.tolist(), down) / reached[:, None]
            change = (change - other) / 2
        found.append(_specific(change).abs())
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


def _doses(
    laboratory: Laboratory, layer: int, natural: Tensor, cells: Tensor, wanted: Tensor, signs: Tensor
) -> tuple[Tensor, Tensor]:
    """Shifts of c (groups, closers, size) that change h of cells (groups, size) by wanted in all, and which
    share of it each group reached, (groups,) in [_LEAST_DOSE, 1].
    """
    before = natural.double()[:, cells].permute(1, 0, 2)
    gates = laboratory.seen.output_gate[layer, cells].clamp(min=1e-6)[:, None, :]
    each = wanted[None, :, None] / math.sqrt(cells.shape[1]) * signs[:, None, None] / gates
    state = laboratory.activation(before)
    moved = _inverse(laboratory.model.config.activation, state + each)
    reached = ((laboratory.activation(moved) - state) * gates).square().sum(2).sqrt().mean(1)
    share = reached / wanted.mean().clamp(min=1e-12)
    return moved - before, share.clamp(_LEAST_DOSE, 1.0)


def _inverse(activation: str, value: Tensor) -> Tensor:
    """The c whose activation is the value, or the nearest that can be."""
    if activation == "tanh":
        return value.clamp(-_LIMIT, _LIMIT).atanh()
    if activation == "softsign":
        bounded = value.clamp(-_LIMIT, _LIMIT)
        return bounded / (1 - bounded.abs())
    if activation == "hardtanh":
        return value.clamp(-1, 1)
    return value.clamp(min=0) if activation == "relu" else value


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
    for name in dict.fromkeys(m.prepared.candidate.feature.name for m in measured):
        members = [
            place
            for place, m in enumerate(measured)
            if m.prepared.candidate.feature.name == name and place not in verified
        ]
        if len(members) > 1:
            prepared = [measured[place].prepared for place in members]
            group = _group(laboratory, prepared, significance, generator)
            found |= {place: (group, needed) for place, needed in zip(members, group.needed, strict=True)}
    return found


def _group(
    laboratory: Laboratory, members: Sequence[_Prepared], significance: float, generator: torch.Generator
) -> _Group:
    """The joint effect of cells of one feature, against as many control cells with their doses."""
    bench = _Bench(laboratory, members[0].sites)
    both_ways = members[0].candidate.counts

    def effect(edits: dict[int, tuple[list[int], Tensor]]) -> float:
        return float(_specific(bench.effect(edits, both_ways)))

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
    laboratory: Laboratory, bench: "_Bench", members: Sequence[_Prepared], generator: torch.Generator
) -> Iterator[dict[int, tuple[list[int], Tensor]]]:
    """Yield edits of cells drawn for the members, one each, with the member's dose in h."""
    pools = [_pool(laboratory, member, members) for member in members]
    for _ in range(GROUP_CONTROLS if all(pools) else 0):
        edits: dict[int, tuple[list[int], Tensor]] = {}
        for member, pool in zip(members, pools, strict=True):
            layer = member.candidate.layer
            drawn = torch.tensor([[pool[int(torch.randint(len(pool), (1,), generator=generator))]]])
            natural = bench.natural.track[0, layer]
            wanted = _dose_in_h(laboratory, natural, {member.candidate.cell: member.dose}, layer)
            sign = 1 - 2 * torch.randint(2, (1,), generator=generator).double()
            shifts, _ = _doses(laboratory, layer, natural, drawn, wanted, sign)
            cells, before = edits.get(layer, ([], torch.zeros(len(shifts[0]), 0)))
            edits[layer] = ([*cells, int(drawn)], torch.cat((before, shifts[0]), dim=1))
        yield edits


def _joined(prepared: Sequence[_Prepared]) -> dict[int, tuple[list[int], Tensor]]:
    """The doses of several candidates as edits by layer."""
    edits: dict[int, tuple[list[int], Tensor]] = {}
    for one in prepared:
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
            "target": "".join(measured.prepared.sites.symbols),
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
            "lag": measured.prepared.sites.lag,
            "sites": len(measured.prepared.sites.closers),
            "steps": measured.prepared.steps if measured.prepared.candidate.counts else None,
            **_details(laboratory, measured.prepared),
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


def _details(laboratory: Laboratory, prepared: _Prepared) -> Json:
    """Dose response, what holding and resampling do, specificity, cost at closers and elsewhere."""
    candidate, sites, layer = prepared.candidate, prepared.sites, prepared.candidate.layer
    bench = _Bench(laboratory, sites)
    run = laboratory.rollouts.run

    def closers(shift: Tensor, *, hold: bool = False) -> Tensor:
        edit = laboratory.shifted(layer, [candidate.cell], shift[:, None])._replace(hold=hold)
        return run(bench.ids, bench.state, {layer: edit}).logits

    def effect(logits: Tensor) -> float:
        return float((bench.nats(logits) - bench.base)[:, 0].mean())

    changed = closers(prepared.dose)
    return {
        "natural_nats": float(bench.base[:, 0].mean()),
        "dose_response": [
            {"dose": dose, "effect_nats": effect(closers(dose * prepared.dose))} for dose in _DOSES
        ],
        "hold_nats": effect(closers(prepared.dose, hold=True)),
        "resample_nats": effect(closers(_resampling(laboratory, bench, prepared))),
        "insertion_nats": _insertion(laboratory, prepared),
        "specificity": _specificity(bench, changed),
        "targeted_loss_ratio": _loss_ratio(laboratory, bench, prepared, changed),
        "half_life": _half_life(laboratory, prepared),
    }


def _resampling(laboratory: Laboratory, bench: _Bench, prepared: _Prepared) -> Tensor:
    """(closers,) shifts of c to values that the cell really had where the feature was off; for a counter,
    to those at the other closers."""
    candidate, sites = prepared.candidate, prepared.sites
    here = bench.natural.track[0, candidate.layer, :, candidate.cell]
    if candidate.counts or len(sites.outside) == 0:
        return (here.roll(1) - here).double()
    away = laboratory.rollouts.run(
        laboratory.characters(sites.outside, 1), laboratory.states(sites.outside), track=True
    ).track[0, candidate.layer, :, candidate.cell]
    return (away[torch.arange(len(here)) % len(away)] - here).double()


def _insertion(laboratory: Laboratory, prepared: _Prepared) -> float | None:
    """Mean change of the closers' log probability where a switch is off and is turned on."""
    candidate, sites = prepared.candidate, prepared.sites
    if candidate.counts or len(sites.outside) == 0:
        return None
    ids = laboratory.characters(sites.outside, sites.lag + 1)
    state = laboratory.states(sites.outside)
    shift = torch.full((len(ids), 1), candidate.slope)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], shift)
    targets = torch.from_numpy(sites.targets)
    before, after = (
        laboratory.rollouts.run(ids, state, edits).log_probabilities[:, targets].logsumexp(1)
        for edits in ({}, {candidate.layer: edit})
    )
    return float((after - before).mean())


def _specificity(bench: _Bench, changed: Tensor) -> float:
    """The closers' mean change of logit over the root mean square change of the others'."""
    moved = changed - bench.natural.logits
    moved = moved - moved.mean(1, keepdim=True)
    others = moved[:, ~bench.targets].square().mean().sqrt()
    return float(moved[:, bench.targets].mean().abs() / others.clamp(min=1e-9))


def _loss_ratio(laboratory: Laboratory, bench: _Bench, prepared: _Prepared, changed: Tensor) -> float | None:
    """Nats added at the true closers over nats added at other characters inside."""
    candidate, sites = prepared.candidate, prepared.sites
    if len(sites.inside) == 0:
        return None
    ids = laboratory.characters(sites.inside, sites.lag + 2)
    state, following = laboratory.states(sites.inside), ids[:, -1:]
    shift = prepared.dose.mean().expand(len(ids), 1)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], shift)
    natural, shifted = (
        laboratory.rollouts.run(ids[:, :-1], state, edits).log_probabilities.gather(1, following).mean()
        for edits in ({}, {candidate.layer: edit})
    )
    elsewhere = float(natural - shifted)
    added = float((bench.base - bench.nats(changed))[:, 0].mean())
    return added / max(abs(elsewhere), 1e-3)


def _half_life(laboratory: Laboratory, prepared: _Prepared) -> int | None:
    """Characters until half of a change of c is gone, inside the feature; None where it stays longer."""
    candidate, sites = prepared.candidate, prepared.sites
    ids = laboratory.characters(sites.closers, sites.lag + 1)
    state = laboratory.states(sites.closers)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], prepared.dose[:, None])
    natural, changed = (
        laboratory.rollouts.run(ids, state, edits, track=True).track[:, candidate.layer, :, candidate.cell]
        for edits in ({}, {candidate.layer: edit})
    )
    left = (changed - natural).abs().mean(1)
    gone = (left <= left[0] / 2).nonzero()
    return int(gone[0]) if len(gone) else None
