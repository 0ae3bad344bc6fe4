"""What a change of cells does to the closers of a feature: the experiment that all interventions are made of.

A Trial is one cell with its dose at the sites of its feature; a Laboratory holds a model and the states that
experiments begin from; a Bench is one feature's closers, with what the model says there when left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.rollouts import Edit, Rollouts, Survey, survey
from charlstm.inspection.intervening.sites import Sites
from charlstm.inspection.reading.trace import Cut
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State


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
class Trial:
    """One candidate at its sites: its dose (closers,) in c, and the states before its sites."""

    candidate: Candidate
    sites: Sites
    dose: Tensor
    steps: float

    def thinned(self, count: int) -> "Trial":
        """The same at count of its sites, spread over the text."""
        kept = np.linspace(0, len(self.dose) - 1, min(count, len(self.dose))).round().astype(np.int64)
        return replace(self, sites=self.sites.at(kept), dose=self.dose[torch.from_numpy(kept)])


class Laboratory:
    """A model and the part of a text kept for interventions, with all states that these begin from."""

    def __init__(
        self,
        model: CharLSTM,
        ids: NDArray[np.unsignedinteger],
        cut: Cut,
        thresholds: Tensor,
        sites: Sequence[Sites],
        excluded: dict[str, Tensor],
    ) -> None:
        """thresholds (layers, cells) float64 lie between each cell's levels; excluded (layers, cells) bool
        says by feature which cells are no controls for it.
        """
        self.excluded = excluded
        self.rollouts = Rollouts(model)
        self.model = model
        self._ids = torch.from_numpy(ids.astype(np.int64))
        wanted = [positions - 1 for s in sites for positions in (s.closers, s.inside, s.outside)]
        self.seen: Survey = survey(
            model, ids, cut, thresholds, np.concatenate(wanted) if wanted else np.zeros(0, np.int64)
        )
        self.activation = equations.activation_function(model.config.activation)

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


class Bench:
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
        """(2,) mean change of `nats` for edits by layer; `either_way` for a counter."""

        def change(sign: int) -> Tensor:
            shifted = {
                layer: self.laboratory.shifted(layer, cells, sign * shifts)
                for layer, (cells, shifts) in edits.items()
            }
            run = self.laboratory.rollouts.run(self.ids, self.state, shifted)
            return (self.nats(run.logits) - self.base).mean(0)

        return either_way(change(1), change(-1)) if both_ways else change(1)


def either_way(up: Tensor, down: Tensor) -> Tensor:
    """(..., 2): what a counter's steps up and down (..., 2) do, half their difference, or their mean where
    more of that is specific: an exact count, moved either way, takes from the closer.
    """
    slope, peak = (up - down) / 2, (up + down) / 2
    more = specific(peak).abs() > specific(slope).abs()
    return torch.where(more[..., None], peak, slope)


def specific(changes: Tensor) -> Tensor:
    """(...,) float64: what of a change (..., 2) is the closer's own, 0 where its two parts disagree."""
    probability, logit = changes.unbind(-1)
    agree = probability.sign() == logit.sign()
    return torch.minimum(probability.abs(), logit.abs()) * probability.sign() * agree
