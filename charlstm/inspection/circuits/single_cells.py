"""What single cells really do to a behaviour, for the cells that may matter, beside their attributions."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.circuits.attribution import Agreement, attributions, largest
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites
from charlstm.inspection.estimates import Numbers

# Attributions are checked on this many cells, those with the largest.
CHECKED_CELLS = 50


@dataclass(frozen=True, eq=False)
class SingleCells:
    """SingleCells has the attribution of every cell, and the real changes by some cells.

    attributed (layers, sites, cells) float64 are the attributions. tested are the (layer, cell) that were
    resampled alone: `checked` cells with the largest attributions first. nats and log_odds (tested, sites)
    float64 are the changes that they really make.
    """

    attributed: Tensor
    tested: list[tuple[int, int]]
    nats: Numbers
    log_odds: Numbers
    checked: int

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of layers and of cells in each."""
        return self.attributed.shape[0], self.attributed.shape[2]

    @property
    def mean_attributions(self) -> Tensor:
        """Return (layers, cells) float64: the mean attribution of every cell."""
        return self.attributed.mean(1)

    @property
    def agreement(self) -> Agreement:
        """Return the comparison of attributions with real changes."""
        real = torch.from_numpy(self.log_odds[: self.checked].mean(1))
        return Agreement(self.mean_attributions, self.tested[: self.checked], real)

    def subset(self, sites: NDArray[np.int64]) -> "SingleCells":
        """Return the numbers at some sites (n,) alone."""
        attributed = self.attributed[:, torch.from_numpy(sites)]
        at_sites = self.nats[:, sites], self.log_odds[:, sites]
        return SingleCells(attributed, self.tested, *at_sites, self.checked)

    def by_attribution(self) -> Tensor:
        """Return (layers * cells,) int64: all cells, the one with the largest attribution in size first."""
        return _largest_first(self.mean_attributions)

    def by_effect(self) -> Tensor:
        """Return (layers * cells,) int64: all cells, the one with the largest real change in size first.

        Cells that were not tested have the effect that their attribution says.
        """
        changes = self.mean_attributions.clone()
        for (layer, cell), change in zip(self.tested, self.log_odds.mean(1).tolist(), strict=True):
            changes[layer, cell] = change
        return _largest_first(changes)


def _largest_first(changes: Tensor) -> Tensor:
    """Return (layers * cells,) int64: the numbers of all cells by the size of changes (layers, cells)."""
    return changes.abs().flatten().argsort(descending=True, stable=True)


def single_cells(
    sites: BehaviourSites, others: Iterable[tuple[int, int]], checked: int = CHECKED_CELLS
) -> SingleCells:
    """Return what single cells do to a behaviour: `checked` of with the largest attributions, then others."""
    attributed = attributions(sites.closers)
    first = largest(attributed.mean(1), checked)
    tested = list(dict.fromkeys([*first, *others]))
    return SingleCells(attributed, tested, *sites.resampled(tested), len(first))
