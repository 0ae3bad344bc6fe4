"""Measure what an intervention does that no verdict depends on: other doses, holding, how long it lasts.

A dose shifts c by a part of the distance between the feature's two states: to the other level for a switch,
to depth 0 for a depth, and by half of the usual count of steps for a counter. For a counter the closer's
position is measured too, when the model continues the text by itself.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate, mean_of
from charlstm.inspection.features.feature import ANY_CHARACTER
from charlstm.inspection.intervening.behaviours import Behaviour
from charlstm.inspection.intervening.experiment import (
    Candidate,
    CellValues,
    ClosersUnderTest,
    InterventionContext,
)
from charlstm.inspection.intervening.rollouts import Edit
from charlstm.model.char_lstm import State

# The doses of the dose response, as multiples of the full dose.
_DOSE_FACTORS = (-1.0, -0.5, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
# Doses are given at this many sites, spread evenly over the text.
_DOSE_SITES = 100
# Effects of neighbouring doses that differ by less, in nats, are equal.
_EQUAL_EFFECTS_NATS = 0.02
# The dose of a counter in steps is at most this.
_MOST_STEPS = 30
# To see when a closer comes, the model continues the text this many times from each of so many sites, for at
# most this many characters.
_CONTINUATIONS_PER_SITE, _CONTINUED_SITES = 4, 32
_LONGEST_CONTINUATION_CHARACTERS = 200
# The characters that a model writes are drawn from this seed, whatever the seed of the inspection.
_WRITING_SEED = 0


@dataclass(frozen=True, eq=False)
class Dose:
    """A Dose is the shift of c at every site, (sites,) float64.

    steps is the dose of a counter in steps of its count, and 1 for other features.
    """

    shift: Tensor
    steps: float


def full_dose(candidate: Candidate, closers: ClosersUnderTest) -> Dose:
    """Return the dose that takes a candidate's feature away, or half of the usual count of steps."""
    values = torch.from_numpy(closers.sites.values)
    if candidate.feature.kind == "switch":
        return Dose(torch.full_like(values, -candidate.slope), 1.0)
    if candidate.feature.kind == "depth":
        return Dose(-candidate.slope * values, 1.0)
    steps = float((values.median() / 2).round().clamp(1, _MOST_STEPS))
    return Dose(torch.full_like(values, -candidate.slope * steps), steps)


class DosedCell:
    """A DosedCell has a candidate, a behaviour's sites, and its full dose there."""

    def __init__(self, context: InterventionContext, candidate: Candidate) -> None:
        self.candidate = candidate
        self.closers = context.closers(candidate.feature.name, most=_DOSE_SITES)
        self.dose = full_dose(candidate, self.closers)

    def values(self, factor: float = 1.0) -> CellValues:
        """Return the c of the candidate at every site with `factor` times the full dose added."""
        layer, cell = self.candidate.layer, self.candidate.cell
        moved = self.closers.natural_c[layer, :, cell].double() + factor * self.dose.shift
        return {layer: ([cell], moved[:, None])}

    @cached_property
    def response(self) -> list[Json]:
        """Return the effect at each dose, as findings.json has it."""
        response = []
        for factor in _DOSE_FACTORS:
            effect = self.closers.change(self.values(factor)).effect()
            ends = {"low": effect.low, "high": effect.high}
            response.append({"dose": factor, "effect_nats": effect.value, **ends})
        return response

    def hold_nats(self) -> float:
        """Return the effect of the full dose when the cell then keeps its value up to the closer."""
        return self.closers.change(self.values(), hold=True).effect().value

    def specificity(self) -> float:
        """Return the size of the mean change of the targets' logits over the root mean square change of all
        other logits; all changes are taken relative to the mean change at their closer.
        """
        closers = self.closers
        moved = closers.outcome(self.values()).logits - closers.natural_logits
        moved = moved - moved.mean(1, keepdim=True)
        others = moved[:, ~closers.targets].square().mean().sqrt()
        return float(moved[:, closers.targets].mean().abs() / others.clamp(min=1e-9))

    def half_life_characters(self) -> int | None:
        """Return after how many characters no more than half of the change of c is left, on average; None
        where more is left up to the closer.
        """
        layer, cell, closers = self.candidate.layer, self.candidate.cell, self.closers
        edit = Edit(torch.full((len(closers.ids), 1), cell), self.values()[layer][1].float())
        natural, changed = (
            closers.context.rollouts.run(closers.ids, closers.state, edits, track=True).track[
                :, layer, :, cell
            ]
            for edits in ({}, {layer: edit})
        )
        left = (changed - natural).abs().mean(1)
        gone = (left <= left[0] / 2).nonzero()
        return int(gone[0]) if len(gone) else None

    def targeted_loss_ratio(self, behaviour: Behaviour) -> float | None:
        """Return the loss in nats that the full dose adds at closers over the size of the loss that it adds
        at other characters inside the feature; None where no such character is known.
        """
        if not len(behaviour.inside):
            return None
        context, candidate = self.closers.context, self.candidate
        inside = ClosersUnderTest(context, behaviour, behaviour.inside)
        positions = behaviour.inside.positions + inside.ids.shape[1]
        following = context.characters(positions, 1)
        natural = inside.natural_c[candidate.layer, :, [candidate.cell]].double()
        moved = {candidate.layer: ([candidate.cell], natural + self.dose.shift.mean())}
        before, after = (
            logits.log_softmax(1).gather(1, following).mean()
            for logits in (inside.natural_logits, inside.outcome(moved).logits)
        )
        lost = -self.closers.change(self.values()).effect().value
        return lost / max(abs(float(before - after)), 1e-3)

    def moved_closer(self) -> Estimate | None:
        """Return by how many characters the closer of a counter comes later for each step that is taken away.

        1 is all that the count could do. The model continues the text by itself, once with the full dose and
        once with its opposite. The result is None for a feature that does not count every character.
        """
        if self.candidate.feature.drivers.get("step") != ANY_CHARACTER:
            return None
        closers = self.closers
        sites = torch.linspace(0, len(closers.ids) - 1, min(_CONTINUED_SITES, len(closers.ids))).long()
        rows = sites.repeat_interleave(_CONTINUATIONS_PER_SITE)
        generator = torch.Generator().manual_seed(_WRITING_SEED)
        draws = torch.rand(len(rows), _LONGEST_CONTINUATION_CHARACTERS, generator=generator)
        later, sooner = (self._waits(rows, factor, draws) for factor in (1.0, -1.0))
        moved = ((later - sooner) / 2 / self.dose.steps).view(-1, _CONTINUATIONS_PER_SITE).mean(1)
        return mean_of(moved.numpy(), closers.sites.clusters[sites.numpy()])

    def _waits(self, rows: Tensor, factor: float, draws: Tensor) -> Tensor:
        """Return (rows,) how many characters the model writes before a closer, after a dose."""
        layer, closers = self.candidate.layer, self.closers
        edit = Edit(
            torch.full((len(rows), 1), self.candidate.cell), self.values(factor)[layer][1][rows].float()
        )
        state = State(closers.state.h[:, rows], closers.state.c[:, rows])
        return closers.context.rollouts.waits(
            closers.ids[rows, :1], state, {layer: edit}, draws=draws, targets=closers.targets
        )


def is_monotone(response: list[Json]) -> bool:
    """Return whether effects, ordered by dose, go one way but for differences that are nearly 0.

    The effect of dose 0 is 0.
    """
    points = sorted([(one["dose"], one["effect_nats"]) for one in response] + [(0.0, 0.0)])
    effects = [effect for _, effect in points]
    steps = [after - before for before, after in pairwise(effects)]
    rises = any(step > _EQUAL_EFFECTS_NATS for step in steps)
    falls = any(step < -_EQUAL_EFFECTS_NATS for step in steps)
    return not (rises and falls)
