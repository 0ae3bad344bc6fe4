"""Measure whether cells alone are enough for a behaviour: insertion, restoration and interchange.

Insertion sets cells, where the feature is off, to values that they have where it is on. Restoration runs from
the whole state of the donor with only these cells as they were at the site, and asks how much of the log odds
comes back. Interchange counts how often the model chooses as the donor's state would, when only these cells
are the donor's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate, Numbers, mean_of, ratio_of
from charlstm.inspection.intervening.behaviours import Behaviour
from charlstm.inspection.intervening.experiment import (
    Changes,
    ClosersUnderTest,
    InterventionContext,
)
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS, Cells

# An interchange holds only where its share is at least this.
PARTIAL_INTERCHANGE = 0.6
# An interchange holds only where its share is surely this much above that of cells which do not carry the
# feature.
_LEAST_ABOVE_BASELINE = 0.1
# Fewer pairs than this, in which site and donor make the model choose differently, say nothing.
_LEAST_PAIRS = 20
# Baselines are measured at this many sites.
_BASELINE_SITES = 100


@dataclass(frozen=True)
class Baselines:
    """Baselines say what cells that do not carry a feature, and a whole direction, do at its closers.

    restoration is the 95th percentile of the shares of the log odds that single cells of a layer bring back.
    interchange is the mean share of pairs in which the model's choice becomes the donor's by single cells,
    and direction that share by the best linear direction of the layer, both in [0, 1].
    """

    restoration: float
    interchange: float
    direction: float


def baselines_of(
    context: InterventionContext, feature: str, layer: int, bystanders: Sequence[int]
) -> Baselines:
    """Return the baselines at the closers of a feature from cells of a layer that do not carry it."""
    closers = context.closers(feature, most=_BASELINE_SITES)
    shares = _restored_shares(closers, layer, bystanders)
    return Baselines(
        restoration=float(np.quantile(shares, 0.95)) if len(shares) else 0.0,
        interchange=_mean_interchange(closers, layer, bystanders),
        direction=_direction_interchange(closers, layer),
    )


@dataclass(frozen=True, eq=False)
class Sufficiency:
    """A Sufficiency says how far cells alone are enough for a behaviour.

    insertion is the mean change of the target's log probability in nats where the feature is in its other
    state, None where no such position is known. restoration is the share of the log odds that comes back
    when only the cells are restored. interchange is the share of pairs in which the model gives up the
    target, as it does with the donor's whole state, in [0, 1], and pairs their number; it is None with too
    few pairs.
    """

    insertion: Estimate | None
    restoration: Estimate
    pairs: int
    interchange: Estimate | None
    baselines: Baselines

    def inserts(self, *, lost: bool) -> bool:
        """Return whether insertion surely changes the log probability by LEAST_EFFECT_NATS.

        lost says that the target becomes less likely without the cell, as that of a switch or a depth always
        should: then insertion makes it likelier.
        """
        if self.insertion is None:
            return False
        change = self.insertion.low if lost else -self.insertion.high
        return change > LEAST_EFFECT_NATS

    @property
    def restores(self) -> bool:
        """Return whether the interval of the restored share lies above 0 and above the baseline."""
        return self.restoration.low > max(0.0, self.baselines.restoration)

    @property
    def interchanges(self) -> bool:
        """Return whether the interchange is partial at least, and surely above the baseline."""
        if self.interchange is None:
            return False
        partial = self.interchange.value >= PARTIAL_INTERCHANGE
        return partial and self.interchange.low >= self.baselines.interchange + _LEAST_ABOVE_BASELINE

    @property
    def data(self) -> Json:
        """Return the numbers as findings.json has them."""
        return {
            "insertion": self.insertion.data if self.insertion else None,
            "restoration": self.restoration.data,
            "restoration_baseline": self.baselines.restoration,
        }

    @property
    def interchange_data(self) -> Json:
        """Return the numbers of the interchange as findings.json has them."""
        return {
            "pairs": self.pairs,
            "share": self.interchange.data if self.interchange else None,
            "random_cells": self.baselines.interchange if self.interchange else None,
            "linear_direction": self.baselines.direction if self.interchange else None,
        }


def sufficiency_of(
    closers: ClosersUnderTest, resampled: Changes, cells: Cells, baselines: Baselines
) -> Sufficiency:
    """Return how far cells, pairs of layer and cell, are enough for the behaviour of closers.

    resampled are the changes when these cells get the donors' values.
    """
    chosen = _interchangeable(closers)
    restored = closers.change(closers.natural_values(cells), from_donors=True)
    found = _given_up(closers, resampled, chosen)
    return Sufficiency(
        insertion=_insertion(closers.context, closers.behaviour, cells),
        restoration=restored_share(closers, restored),
        pairs=len(chosen),
        interchange=mean_of(found, closers.sites.clusters[chosen]) if len(chosen) >= _LEAST_PAIRS else None,
        baselines=baselines,
    )


def restored_share(closers: ClosersUnderTest, restored: Changes) -> Estimate:
    """Return the share of the log odds that comes back, given the changes with some cells restored in the
    donors' states.
    """
    whole = closers.whole_change
    return ratio_of(whole.log_odds - restored.log_odds, whole.log_odds, whole.clusters)


def _restored_shares(closers: ClosersUnderTest, layer: int, cells: Sequence[int]) -> Numbers:
    """Return (cells,) float64: the share of the log odds that comes back with each cell of a layer alone."""
    if not len(cells):
        return np.zeros(0)
    whole = closers.whole_change.log_odds
    _, log_odds = closers.changes_by_cell(layer, cells, from_donors=True).numpy()
    total = whole.sum()
    return np.asarray((total - log_odds.sum(1)) / total) if total else np.zeros(len(cells))


def _insertion(context: InterventionContext, behaviour: Behaviour, cells: Cells) -> Estimate | None:
    """Return the mean change of the target's log probability where the feature is in its other state, and
    cells get values of this one; None without such positions.
    """
    if not len(behaviour.outside):
        return None
    outside = ClosersUnderTest(context, behaviour, behaviour.outside)
    return outside.change(outside.donor_values(cells)).effect()


def _interchangeable(closers: ClosersUnderTest) -> NDArray[np.int64]:
    """Return the indices of the sites at which the model prefers the target, and with the whole state of the
    donor another character.
    """
    natural = closers.natural_log_odds.numpy()
    return np.flatnonzero((natural > 0) & (natural + closers.whole_change.log_odds < 0))


def _given_up(closers: ClosersUnderTest, changes: Changes, chosen: NDArray[np.int64]) -> Numbers:
    """Return (chosen,) float64: 1 where, with the changes, the model no longer prefers the target, else 0."""
    log_odds = closers.natural_log_odds.numpy() + changes.log_odds
    return np.asarray((log_odds[chosen] < 0).astype(np.float64))


def _mean_interchange(closers: ClosersUnderTest, layer: int, cells: Sequence[int]) -> float:
    """Return the mean share of interchange by single cells of a layer, 0 without cells or pairs."""
    chosen = _interchangeable(closers)
    if not len(cells) or not len(chosen):
        return 0.0
    log_odds = closers.changes_by_cell(layer, cells)[1] + closers.natural_log_odds
    return float((log_odds[:, torch.from_numpy(chosen)] < 0).double().mean())


def _direction_interchange(closers: ClosersUnderTest, layer: int) -> float:
    """Return the share of interchange when a layer moves along its best linear direction for the feature, 0
    without pairs.
    """
    chosen = _interchangeable(closers)
    changes = closers.change(closers.direction_values([layer]))
    return float(_given_up(closers, changes, chosen).mean()) if len(chosen) else 0.0
