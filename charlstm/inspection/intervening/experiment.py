"""Define the experiment that every intervention repeats, and measure what it does to the prediction of
closers.

The cell state c of one or more cells is set once, at a site: lag characters before a closer. The network then
runs freely over the true text up to the closer, and its prediction there is compared with the undisturbed
one. A Candidate is a cell with the feature that it follows. ClosersUnderTest has the closers of one
behaviour at one lag, with the undisturbed predictions, and does experiments on them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.estimates import (
    REPORTED_ERROR,
    Estimate,
    Numbers,
    chance_beyond,
    mean_of,
    ratio_of,
)
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.behaviours import MOST_SITES, VERDICT_LAG, Behaviour, MatchedSites
from charlstm.inspection.intervening.rollouts import Edit, Outcome, Rollouts
from charlstm.inspection.intervening.survey import Survey, survey_text
from charlstm.inspection.reading.passage import Passage
from charlstm.model.char_lstm import CharLSTM

# What cells are set to, by layer: the cells, and the c of each cell at every site, (sites, cells).
CellValues = Mapping[int, tuple[Sequence[int], Tensor]]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A Candidate is a cell that follows a feature; slope is the change of its c per unit of the feature."""

    layer: int
    cell: int
    feature: Feature
    slope: float

    @property
    def is_counter(self) -> bool:
        """Return whether the feature is a counter, whose closer may become likelier or less likely."""
        return self.feature.kind == "counter"


class Changes(NamedTuple):
    """Changes has what an intervention changes at every site; every field is (sites,).

    nats float64 is the change of the log probability of the target, in nats. log_odds float64 is the change
    of the log odds of the target against the most likely other character, which may be another one after the
    intervention, in nats. clusters int64 says in which part of the text a site is.
    """

    nats: Numbers
    log_odds: Numbers
    clusters: NDArray[np.int64]

    def effect(self, error: float = REPORTED_ERROR) -> Estimate:
        """Return the mean change of the log probability, in nats."""
        return mean_of(self.nats, self.clusters, error)

    def effect_on_log_odds(self) -> Estimate:
        """Return the mean change of the log odds, in nats."""
        return mean_of(self.log_odds, self.clusters)

    def share_of(self, whole: "Changes") -> Estimate:
        """Return the change of the log odds as a share of the change `whole` at the same sites."""
        return ratio_of(self.log_odds, whole.log_odds, self.clusters)

    def chance_beyond(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the effect is at most limit nats in size."""
        return chance_beyond(self.nats, self.clusters, limit)

    def less(self, other: "Changes") -> "Changes":
        """Return the differences of these changes from others at the same sites."""
        return Changes(self.nats - other.nats, self.log_odds - other.log_odds, self.clusters)


class InterventionContext:
    """An InterventionContext has a model, a passage, and the states that experiments begin from."""

    def __init__(
        self, model: CharLSTM, passage: Passage, behaviours: Sequence[Behaviour], thresholds: Tensor
    ) -> None:
        """Read the passage once, keeping the states before all sites and donors of the behaviours.

        thresholds (layers, cells) float64 lie between the two levels of each cell.
        """
        self.model = model
        self.passage = passage
        self.behaviours = {behaviour.feature.name: behaviour for behaviour in behaviours}
        self.rollouts = Rollouts(model)
        self._ids = torch.from_numpy(passage.ids.astype(np.int64))
        chosen = [
            positions
            for behaviour in behaviours
            for sites in (*behaviour.sites.values(), behaviour.outside, behaviour.inside)
            for positions in (sites.positions, sites.donors)
        ]
        self._closers: dict[tuple[str, int, int], ClosersUnderTest] = {}
        at = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
        self.survey: Survey = survey_text(model, passage, behaviours, thresholds, at)

    def characters(self, positions: NDArray[np.int64], length: int) -> Tensor:
        """Return (n, length) int64: the ids of `length` characters from each of positions (n,) on."""
        return self._ids[torch.from_numpy(positions)[:, None] + torch.arange(length)]

    def closers(self, feature: str, *, lag: int = VERDICT_LAG, most: int = MOST_SITES) -> "ClosersUnderTest":
        """Return the closers of a feature at a lag, at `most` of their sites; they are made only once."""
        key = feature, lag, most
        if key not in self._closers:
            behaviour = self.behaviours[feature]
            self._closers[key] = ClosersUnderTest(self, behaviour, behaviour.sites[lag].thinned(most), lag)
        return self._closers[key]


class ClosersUnderTest:
    """ClosersUnderTest has sites of a behaviour at one lag and the undisturbed predictions after it.

    Its methods measure what changes of cells do to these predictions. ids (sites, lag + 1) int64 are the
    characters from each site on. state and donor_state are the states before them and before the donors.
    natural_logits (sites, vocabulary) float32 are the undisturbed predictions. natural_c and donor_c (layers,
    sites, cells) float32 are the undisturbed c at the sites and the donors.
    """

    def __init__(
        self, context: InterventionContext, behaviour: Behaviour, sites: MatchedSites, lag: int = VERDICT_LAG
    ) -> None:
        """Run the undisturbed network from the sites of a behaviour to the characters after the lag."""
        self.context = context
        self.behaviour = behaviour
        self.sites = sites
        self.targets = torch.from_numpy(behaviour.targets)
        self.ids = context.characters(sites.positions, lag + 1)
        self.state = context.survey.states_before(sites.positions)
        self.donor_state = context.survey.states_before(sites.donors)
        natural = context.rollouts.run(self.ids, self.state, track=True)
        self.natural_logits, self.natural_c = natural.logits, natural.track[0].clone()
        self.donor_c = context.rollouts.run(self.ids[:, :1], self.donor_state, track=True).track[0]
        self._natural_scores = self._scores(self.natural_logits)

    @property
    def natural_nats(self) -> float:
        """Return the mean undisturbed log probability of the target, in nats."""
        return float(self._natural_scores[0].mean())

    @property
    def natural_log_odds(self) -> Tensor:
        """Return (sites,) float64: the undisturbed log odds of the target."""
        return self._natural_scores[1]

    def _scores(self, logits: Tensor) -> Tensor:
        """Return (2, rows) float64 of logits (rows, vocabulary): log probability and log odds of the target
        against the most likely other character.
        """
        together = logits[:, self.targets].logsumexp(1)
        rival = logits[:, ~self.targets].amax(1)
        return torch.stack((together - logits.logsumexp(1), together - rival)).double()

    def changes(self, logits: Tensor) -> Changes:
        """Return the changes from the undisturbed predictions to logits (sites, vocabulary)."""
        nats, log_odds = (self._scores(logits) - self._natural_scores).numpy()
        return Changes(nats, log_odds, self.sites.clusters)

    def beside_others(self, logits: Tensor) -> Estimate:
        """Return the mean change of the target's log probability, less that of the typical other character.

        The typical character's change is the median over all characters but the targets. Logits (sites,
        vocabulary) are the changed predictions. Where a cell makes one other character likelier, all
        characters but that one lose alike, and the result is about 0.
        """
        natural, changed = (of_all.log_softmax(1) for of_all in (self.natural_logits, logits))
        others = (changed - natural)[:, ~self.targets]
        typical = others.median(1).values.double().numpy()
        return mean_of(self.changes(logits).nats - typical, self.sites.clusters)

    def outcome(self, values: CellValues, *, from_donors: bool = False, hold: bool = False) -> Outcome:
        """Run from the sites with cells set to values, or from the donors' states over the sites' text."""
        edits = {
            layer: Edit(torch.tensor(list(cells)).expand(len(self.ids), -1), of_cells.float(), hold)
            for layer, (cells, of_cells) in values.items()
        }
        return self.context.rollouts.run(self.ids, self.donor_state if from_donors else self.state, edits)

    def change(self, values: CellValues, *, from_donors: bool = False, hold: bool = False) -> Changes:
        """Return the changes from the undisturbed predictions to those of `outcome`."""
        return self.changes(self.outcome(values, from_donors=from_donors, hold=hold).logits)

    @cached_property
    def whole_change(self) -> Changes:
        """Return the changes when the whole state, of all cells, is the donor's."""
        return self.change({}, from_donors=True)

    @cached_property
    def direction_change(self) -> Changes:
        """Return the changes when every layer moves along its best linear direction for the feature."""
        return self.change(self.direction_values(range(self.context.model.config.layers)))

    def direction_values(self, layers: Iterable[int]) -> CellValues:
        """Return the c of all cells of layers when the feature, as the best linear direction of each layer
        reads it, is the donor's, and everything else is the site's.
        """
        values = {}
        for layer in layers:
            reader, step = self.context.survey.direction(self.behaviour.feature.name, layer)
            natural, donor = (c[layer].double() for c in (self.natural_c, self.donor_c))
            values[layer] = (range(len(step)), natural + ((donor - natural) @ reader)[:, None] * step)
        return values

    def donor_values(self, cells: Sequence[tuple[int, int]]) -> CellValues:
        """Return the c that cells, pairs of layer and cell, have at the donors."""
        return _by_layer(cells, self.donor_c)

    def natural_values(self, cells: Sequence[tuple[int, int]]) -> CellValues:
        """Return the undisturbed c that cells, pairs of layer and cell, have at the sites."""
        return _by_layer(cells, self.natural_c)

    def mean_values(self, cells: Sequence[tuple[int, int]]) -> CellValues:
        """Return the mean c of cells in the feature's other state, given the current character."""
        means = self.context.survey.other_means[self.behaviour.feature.name]
        return _by_layer(cells, means[self.ids[:, 0]].transpose(0, 1))

    def changes_by_cell(self, layer: int, cells: Sequence[int], *, from_donors: bool = False) -> Tensor:
        """Return (2, cells, sites) float64: the changes of log probability and log odds by cells, each alone.

        Each of cells of a layer is set to its c at the donors; with from_donors the state is the donor's,
        and each cell is set to its undisturbed c at the site.
        """
        start = self.donor_state if from_donors else self.state
        wanted = (self.natural_c if from_donors else self.donor_c)[layer]
        numbers = torch.tensor(list(cells))
        edit = Edit(numbers.repeat_interleave(len(self.ids))[:, None], wanted[:, numbers].t().reshape(-1, 1))
        logits = self.context.rollouts.run(self.ids, start, {layer: edit}).logits
        return self._scores(logits).view(2, len(numbers), -1) - self._natural_scores[:, None]


def _by_layer(cells: Sequence[tuple[int, int]], c: Tensor) -> CellValues:
    """Return c (layers, sites, cells) of some cells, pairs of layer and cell, by layer."""
    layers: dict[int, list[int]] = {}
    for layer, cell in cells:
        layers.setdefault(layer, []).append(cell)
    return {layer: (of_layer, c[layer][:, of_layer]) for layer, of_layer in layers.items()}
