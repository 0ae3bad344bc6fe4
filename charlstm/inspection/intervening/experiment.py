"""Define the experiment that every intervention repeats, and measure what it does to the prediction of
closers.

The cell state c of one or more cells is changed once, at a site: lag + 1 characters before a closer, so that
lag characters lie between them. The network then runs freely over the true text up to the closer, and its
prediction there is compared with the undisturbed one.

A Candidate is a cell with the feature that it follows. An Intervention is a candidate with its sites in the
text and its dose, the change of c at each site. An InterventionContext holds the model, the text and the
states that experiments begin from. ClosersUnderTest has the closers of one feature with the undisturbed
predictions there; their `mean_change` is the experiment itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.rollouts import Edit, Rollouts, Survey, survey_text
from charlstm.inspection.intervening.sites import Sites
from charlstm.inspection.reading.splits import Chunk
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State

# Doses by layer: the cells that are changed, and the dose in c of each cell at every site, (sites, cells).
CellDoses = dict[int, tuple[list[int], Tensor]]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A Candidate is a cell that follows a feature; slope is the change of its c per unit of the feature."""

    layer: int
    cell: int
    feature: Feature
    slope: float

    @property
    def is_counter(self) -> bool:
        """Return whether the feature is a counter: the cell is then given its dose upwards and downwards."""
        return self.feature.kind == "counter"


@dataclass(frozen=True, eq=False)
class Intervention:
    """An Intervention adds the dose (sites,) float64 to the c of one candidate at its sites before closers.

    steps is the dose of a counter in steps of its count; it is 1 for a switch and for a depth.
    """

    candidate: Candidate
    sites: Sites
    dose: Tensor
    steps: float

    def thinned(self, count: int) -> "Intervention":
        """Return this intervention at `count` of its sites before closers, spread evenly over the text, or at
        all of them where there are no more.
        """
        indices = np.linspace(0, len(self.dose) - 1, min(count, len(self.dose))).round().astype(np.int64)
        return replace(self, sites=self.sites.subset(indices), dose=self.dose[torch.from_numpy(indices)])


class InterventionContext:
    """An InterventionContext has a model, a text, and the states that experiments begin from."""

    def __init__(
        self,
        model: CharLSTM,
        chunk: Chunk,
        thresholds: Tensor,
        sites: Sequence[Sites],
        excluded_controls: Mapping[str, Tensor],
    ) -> None:
        """Read `chunk` once, keeping the states before the positions of all sites.

        thresholds (layers, cells) float64 lie between the two levels of each cell. excluded_controls has,
        by the name of a feature, (layers, cells) bool: the cells that may not be controls for its
        candidates.
        """
        self.model = model
        self.excluded_controls = excluded_controls
        self.rollouts = Rollouts(model)
        self.activation = equations.activation_function(model.config.activation)
        self._ids = torch.from_numpy(chunk.ids.astype(np.int64))
        positions = [
            sites_of_kind - 1
            for of_feature in sites
            for sites_of_kind in (of_feature.before_closers, of_feature.inside, of_feature.outside)
        ]
        chosen = np.concatenate(positions) if positions else np.zeros(0, np.int64)
        self.survey: Survey = survey_text(model, chunk.ids, chunk.cut, thresholds, chosen)

    def characters(self, positions: NDArray[np.int64], length: int) -> Tensor:
        """Return (n, length) int64: the ids of `length` characters from each of positions (n,) on."""
        return self._ids[torch.from_numpy(positions)[:, None] + torch.arange(length)]

    def states(self, positions: NDArray[np.int64]) -> State:
        """Return the state that a rollout from each of positions (n,), which are sites, begins with.

        It is the state before the character ahead of the position: a rollout that reads on from the
        position itself never reads that one character.
        """
        return self.survey.states_before(positions - 1)

    def edit(self, cells: Sequence[int], doses: Tensor) -> Edit:
        """Return the edit that adds doses (rows, n) to the n cells of a layer."""
        shift = torch.zeros(len(doses), self.model.config.cells)
        shift[:, list(cells)] = doses.float()
        return Edit(shift)


class ClosersUnderTest:
    """ClosersUnderTest has the closers of one feature and the undisturbed predictions there.

    Its methods measure what changes of cells do to these predictions.

    A prediction is measured by two closer scores, (sites, 2) float64, both in nats. The first is the log
    probability of the target characters together; the second is the log of the sum of their exponentiated
    logits, less the mean of all logits. `specific_part` says why there are two.
    """

    def __init__(self, context: InterventionContext, sites: Sites) -> None:
        """Run the undisturbed network from the sites of a feature to its closers."""
        self.context = context
        self.sites = sites
        self.targets = torch.from_numpy(sites.targets)
        self.ids = context.characters(sites.before_closers, sites.lag + 1)
        self.state = context.states(sites.before_closers)
        self.natural = context.rollouts.run(self.ids, self.state, track=True)
        self.natural_scores = self.scores(self.natural.logits)

    def natural_c(self, layer: int) -> Tensor:
        """Return the undisturbed c of a layer where cells are changed, (sites, cells) float32."""
        return self.natural.track[0, layer]

    def scores(self, logits: Tensor) -> Tensor:
        """Return the two closer scores (rows, 2) float64 of logits (rows, vocabulary)."""
        together = logits[:, self.targets].logsumexp(1)
        return torch.stack((together - logits.logsumexp(1), together - logits.mean(1)), dim=1).double()

    def mean_change(self, doses: CellDoses, *, both_ways: bool) -> Tensor:
        """Return (2,) float64: the mean change of the closer scores when all cells of doses are changed
        together.

        With both_ways, as for a counter, the doses are given once upwards and once downwards, and the
        result is `combined_change` of the two.
        """

        def change(sign: int) -> Tensor:
            edits = {layer: self.context.edit(cells, sign * dose) for layer, (cells, dose) in doses.items()}
            outcome = self.context.rollouts.run(self.ids, self.state, edits)
            return (self.scores(outcome.logits) - self.natural_scores).mean(0)

        return combined_change(change(1), change(-1)) if both_ways else change(1)

    def mean_changes(self, layer: int, cell_sets: Sequence[Sequence[int]], doses: Tensor) -> Tensor:
        """Return (sets, 2) float64: the mean change of the closer scores by each of several cell sets.

        cell_sets (sets, size) are cells of one layer, and doses (sets, sites, size) are added to their c.
        All sets run side by side, which is much faster than one `mean_change` for each.
        """
        sets, sites, _ = doses.shape
        shift = torch.zeros(sets, sites, self.context.model.config.cells)
        cells = torch.tensor(cell_sets)[:, None, :].expand(sets, sites, -1)
        shift.scatter_(2, cells, doses.float())
        state = State(*(values.repeat(1, sets, 1) for values in self.state))
        edits = {layer: Edit(shift.flatten(0, 1))}
        outcome = self.context.rollouts.run(self.ids.repeat(sets, 1), state, edits)
        return (self.scores(outcome.logits).view(sets, sites, 2) - self.natural_scores).mean(1)


def combined_change(up: Tensor, down: Tensor) -> Tensor:
    """Return the effect of a counter's dose (..., 2) from `up` and `down` (..., 2), the changes of the closer
    scores by the dose upwards and downwards.

    It is half of their difference, or their mean where the specific part of the mean is larger: a count that
    must be exact takes from the closer whichever way it is moved.
    """
    slope, peak = (up - down) / 2, (up + down) / 2
    peak_is_larger = specific_part(peak).abs() > specific_part(slope).abs()
    return torch.where(peak_is_larger[..., None], peak, slope)


def specific_part(changes: Tensor) -> Tensor:
    """Return (...,), in nats: how much of changes (..., 2) of the two closer scores concerns the closer
    itself.

    It is the smaller of the two changes, and 0 where they differ in sign. The log probability alone also
    changes when other characters become more likely, and the logit alone also when all logits move.
    """
    probability, logit = changes.unbind(-1)
    agree = probability.sign() == logit.sign()
    return torch.minimum(probability.abs(), logit.abs()) * probability.sign() * agree
