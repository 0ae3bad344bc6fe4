"""The closers of one behaviour, with what a trigram says of them, and experiments on sets of cells.

The advantage of the undisturbed network is the log odds that it gives to the target, less those of a trigram
that was counted on the text before. Both are against the rival that the behaviour names, or else each against
its own likeliest other character. All shares are of the mean advantage: 1 is the undisturbed network, 0 is a
prediction no better than the trigram's, and below 0 it is worse.

At a site every cell is set: the natural ones to their own c, the others to the donor's c ("resample") or to
their mean c in the feature's other state, given the current character ("conditional_mean").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.circuits.attribution import change_of, log_odds_of
from charlstm.inspection.circuits.trigram import Trigram
from charlstm.inspection.circuits.unrolled import state_with
from charlstm.inspection.estimates import Estimate, Numbers, mean_of, ratio_of
from charlstm.inspection.intervening.behaviours import VERDICT_LAG, Behaviour, MatchedSites
from charlstm.inspection.intervening.experiment import ClosersUnderTest, InterventionContext
from charlstm.inspection.intervening.rollouts import Edit
from charlstm.model.char_lstm import State

# A behaviour is measured at this many of its sites, spread evenly over the text.
SITES = 48
# Below this mean advantage, in nats, shares of it would say little.
_LEAST_ADVANTAGE = 0.5
# This many rows of one site and one set run side by side.
_ROWS_AT_ONCE = 4096

Filling = Literal["resample", "conditional_mean"]


@dataclass(frozen=True, eq=False)
class BehaviourSites:
    """BehaviourSites are closers of one behaviour.

    trigram_log_odds (sites,) float64 are the log odds of the target by the trigram, against the rival that
    the behaviour names, or else the trigram's own likeliest other character.
    """

    closers: ClosersUnderTest
    trigram_log_odds: Numbers

    @classmethod
    def of(
        cls, context: InterventionContext, behaviour: Behaviour, sites: MatchedSites, trigram: Trigram
    ) -> "BehaviourSites":
        """Return the closers of a behaviour at sites, which lie VERDICT_LAG characters before them."""
        closers = ClosersUnderTest(context, behaviour, sites)
        before = context.characters(sites.positions + VERDICT_LAG - 1, 2).numpy()
        predicted, targets = trigram.log_probabilities(before), behaviour.targets
        symbols = np.array(list(context.passage.symbols))
        rivals = ~targets if behaviour.rival is None else symbols == behaviour.rival
        odds = np.logaddexp.reduce(predicted[:, targets], axis=1) - predicted[:, rivals].max(1)
        return cls(closers, odds)

    def subset(self, indices: NDArray[np.int64]) -> "BehaviourSites":
        """Return the sites at indices (n,) alone."""
        whole = self.closers
        closers = ClosersUnderTest(whole.context, whole.behaviour, whole.sites.subset(indices))
        return BehaviourSites(closers, self.trigram_log_odds[indices])

    @property
    def clusters(self) -> NDArray[np.int64]:
        """Return (sites,) the numbers of the sites' clusters."""
        return self.closers.sites.clusters

    @cached_property
    def natural_log_odds(self) -> Numbers:
        """Return (sites,) float64: the log odds of the target by the undisturbed network."""
        return np.asarray(log_odds_of(self.closers, self.closers.natural_logits).double().numpy())

    @property
    def advantage(self) -> Numbers:
        """Return (sites,) float64: the log odds of the undisturbed network less the trigram's."""
        return self.natural_log_odds - self.trigram_log_odds

    @property
    def has_advantage(self) -> bool:
        """Return whether the network clearly knows more than the trigram, so that shares mean something."""
        mean = mean_of(self.advantage, self.clusters)
        return mean.value >= _LEAST_ADVANTAGE and mean.low > 0

    @property
    def advantage_data(self) -> Json:
        """Return the mean log odds of the target as findings.json has them."""
        natural = self.natural_log_odds
        return {
            "natural": float(natural.mean()),
            "trigram": float(self.trigram_log_odds.mean()),
            "donor": float(
                (natural + change_of(self.closers, self.closers.outcome({}, from_donors=True).logits)).mean()
            ),
        }

    def resampled(self, cells: Sequence[tuple[int, int]]) -> tuple[Numbers, Numbers]:
        """Return two (cells, sites) float64: the changes of the target's log probability and of its log odds
        when each of cells, pairs of layer and cell, is resampled alone.
        """
        closers = self.closers
        logits = torch.zeros(len(cells), *closers.natural_logits.shape)
        for layer in sorted({layer for layer, _ in cells}):
            rows = [row for row, (of_cell, _) in enumerate(cells) if of_cell == layer]
            numbers = torch.tensor([cells[row][1] for row in rows])
            values = closers.donor_c[layer][:, numbers].t().reshape(-1, 1)
            edit = Edit(numbers.repeat_interleave(len(closers.ids))[:, None], values)
            logits[rows] = self._logits(closers.state, {layer: edit})
        nats = [closers.changes(of_cell).nats for of_cell in logits]
        return np.stack(nats), change_of(closers, logits)

    def _logits(self, start: State, edits: Mapping[int, Edit]) -> Tensor:
        """Return (repetitions, sites, vocabulary): the logits after runs from a start at all sites.

        edits are for repetitions * sites rows.
        """
        logits = self.closers.context.rollouts.run(self.closers.ids, start, edits).logits
        return logits.view(-1, len(self.closers.ids), logits.shape[1])

    def share(self, change: Numbers, error: float = 0.05) -> Estimate:
        """Return the share of the advantage that is left after a change of the log odds, (sites,)."""
        return ratio_of(self.advantage + change, self.advantage, self.clusters, error)

    def shares(self, changes: Numbers) -> Numbers:
        """Return (sets,) the shares of the advantage that are left after changes (sets, sites)."""
        return np.asarray(1 + changes.mean(1) / self.advantage.mean())

    def kept(self, cells: Tensor, filling: Filling = "resample") -> Numbers:
        """Return (sets, sites) float64: the changes of the log odds with only sets of cells kept.

        cells (sets, layers, cells) bool marks them. The network runs from the donors' states; at the site
        the cells of the set get their natural c, and all others are filled.
        """
        return self._changes(cells, filling, self.closers.donor_state)

    def removed(self, cells: Tensor, filling: Filling = "resample") -> Numbers:
        """Return (sets, sites) float64: the changes of the log odds with sets of cells filled at the site.

        cells (sets, layers, cells) bool marks them. All others keep their natural c.
        """
        return self._changes(~cells, filling, self.closers.state)

    def _changes(self, natural: Tensor, filling: Filling, start: State) -> Numbers:
        """Return (sets, sites): the changes of the log odds from a start with the other cells filled."""
        closers = self.closers
        donor = closers.donor_c if filling == "resample" else self._conditional_means()
        first, rest = closers.ids[:, 0], closers.ids[:, 1:]
        changes = []
        for sets in torch.split(natural.transpose(0, 1), max(1, _ROWS_AT_ONCE // len(closers.ids)), dim=1):
            c = torch.where(sets[:, :, None], closers.natural_c[:, None], donor[:, None])
            state = state_with(closers.context.model, first, start, c)
            outcome = closers.context.rollouts.run(rest.repeat(c.shape[1], 1), state)
            changes.append(change_of(closers, outcome.logits.view(c.shape[1], len(rest), -1)))
        return np.concatenate(changes)

    def _conditional_means(self) -> Tensor:
        """Return (layers, sites, cells): the mean c in the other state given the current character."""
        means = self.closers.context.survey.other_means[self.closers.behaviour.feature.name]
        return means[self.closers.ids[:, 0]].transpose(0, 1)


def marked(order: Tensor, counts: list[int], shape: tuple[int, int]) -> Tensor:
    """Return (counts, layers, cells) bool: the first `count` cells of an order for each of counts.

    order (layers * cells,) int64 has the cells' numbers over all layers; shape is (layers, cells).
    """
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    return (rank < torch.tensor(counts)[:, None]).view(len(counts), *shape)
