"""Find the smallest set of cells that keeps nearly all of a behaviour.

The set is the shortest beginning of any order that keeps LEAST_SHARE_KEPT of the advantage, all other cells
having the donor's state, less the cells that it does not need for that. A set that keeps more than all of it,
by more than MARGIN, is no such set: it lacks the cells that speak against the target. Its stability is told
by the sets that two halves of the text give, each by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites, marked
from charlstm.inspection.circuits.sets import COUNTS, Orders, orders_of
from charlstm.inspection.circuits.single_cells import SingleCells
from charlstm.inspection.estimates import Estimate, Numbers, ratio_of
from charlstm.inspection.intervening.census import CellRoles

# A small set keeps at least this share of the advantage.
LEAST_SHARE_KEPT = 0.9
# A set is equivalent to all cells where its share is within this margin of 1, by two one-sided tests of 5%:
# where the 90% interval lies within the margin (Schuirmann 1987).
MARGIN = 0.1
_EQUIVALENCE_ERROR = 0.1
# A set of more than half of all cells is not small, nor one of more cells than the last of COUNTS.
_LARGEST_PART = 0.5

Cells = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class SmallestSet:
    """A SmallestSet has cells that alone keep LEAST_SHARE_KEPT of the advantage.

    cells are (layer, cell). order is the order that they were found in, and tied are the orders that need no
    more cells. share is what they keep alone, and without what is left without them, as shares of the
    advantage. equivalent says whether the share lies within MARGIN of 1. losses has, for each cell, the share
    that is lost when the set is without it.
    """

    cells: Cells
    order: str
    tied: list[str]
    share: Estimate
    without: Estimate
    equivalent: bool
    losses: list[Estimate]

    def data(self, jaccard: float | None) -> Json:
        """Return the set as findings.json has it; jaccard is the overlap of the sets of two halves."""
        names = [f"{layer}:{cell}" for layer, cell in self.cells]
        return {
            "cells": names,
            "order": self.order,
            "tied": self.tied,
            "share": self.share.data,
            "without": self.without.data,
            "equivalent": self.equivalent,
            "leave_one_out": [
                {"cell": name, "lost": lost.data} for name, lost in zip(names, self.losses, strict=True)
            ],
            "jaccard": jaccard,
        }


def smallest_set(sites: BehaviourSites, orders: Orders, shape: tuple[int, int]) -> SmallestSet | None:
    """Return the smallest set that any of orders finds, None where no small set keeps enough."""
    found = _shortest(sites, orders, shape)
    if found is None:
        return None
    cells, order, tied = found
    sets = [cells, *([other for other in cells if other != left_out] for left_out in cells)]
    kept = sites.kept(_masks(sets, shape))
    share, close = sites.share(kept[0]), sites.share(kept[0], _EQUIVALENCE_ERROR)
    return SmallestSet(
        cells=cells,
        order=order,
        tied=tied,
        share=share,
        without=sites.share(sites.removed(_masks([cells], shape))[0]),
        equivalent=close.low > 1 - MARGIN and close.high < 1 + MARGIN,
        losses=[ratio_of(kept[0] - less, sites.advantage, sites.clusters) for less in kept[1:]],
    )


def stability(
    sites: BehaviourSites, single: SingleCells, roles: CellRoles, feature: str, order: str
) -> float | None:
    """Return the overlap of the smallest sets of two halves of the sites: cells in both over cells in either.

    Each half has its own order, made as the order of this name. The halves are the sites in clusters of even
    and of odd numbers, so that both are from the whole text. The result is None where a half has no small
    set, or knows no more than the trigram.
    """
    halves: list[set[tuple[int, int]]] = []
    for half in (0, 1):
        chosen = np.flatnonzero(sites.clusters % 2 == half)
        if not len(chosen):
            return None
        part, orders = sites.subset(chosen), orders_of(single.subset(chosen), roles, feature)
        of_half = {order: orders[order]}
        found = _shortest(part, of_half, single.shape) if part.has_advantage else None
        if found is None:
            return None
        halves.append(set(found[0]))
    return len(halves[0] & halves[1]) / len(halves[0] | halves[1])


def _shortest(
    sites: BehaviourSites, orders: Orders, shape: tuple[int, int]
) -> tuple[Cells, str, list[str]] | None:
    """Return the smallest set, the order that finds it, and all orders that find one as small; None without
    any.
    """
    sets: dict[str, Cells] = {}
    most = min(COUNTS[-1], int(_LARGEST_PART * shape[0] * shape[1]))
    for name, order in orders.items():
        size = _shortest_beginning(sites, order, shape, most) if name != "random" else None
        if size is not None:
            most = size
            beginning = [divmod(number, shape[1]) for number in order[:size].tolist()]
            sets[name] = _without_unneeded(sites, beginning, shape)
    if not sets:
        return None
    best = min(sets, key=lambda name: len(sets[name]))
    return sets[best], best, [name for name in sets if len(sets[name]) == len(sets[best])]


def _shortest_beginning(
    sites: BehaviourSites, order: Tensor, shape: tuple[int, int], most: int
) -> int | None:
    """Return the least number of cells at the beginning of an order that keep the advantage, at most `most`.

    It is None where no such number does, or where the donor's state keeps enough without any cell.
    """
    for first, last in pairwise((-1, *COUNTS)):
        counts = list(range(first + 1, min(last, most) + 1))
        if not counts:
            return None
        shares = sites.shares(sites.kept(marked(order, counts, shape)))
        if counts[0] == 0 and shares[0] >= LEAST_SHARE_KEPT:
            return None
        fit = _fits(shares)
        if fit.any():
            return counts[int(fit.argmax())]
    return None


def _without_unneeded(sites: BehaviourSites, cells: Cells, shape: tuple[int, int]) -> Cells:
    """Return the cells of a set without those that it does not need: as many as can be left out together,
    those that matter least first.
    """
    lists = [cells, *([other for other in cells if other != left_out] for left_out in cells)]
    whole, *parts = sites.shares(sites.kept(_masks(lists, shape)))
    fit, lost = _fits(np.array(parts)), np.abs(whole - np.array(parts))
    spared = [cells[index] for index in np.argsort(lost, kind="stable") if fit[index]]
    if not spared or len(cells) == 1:
        return cells
    left = [[cell for cell in cells if cell not in spared[:count]] for count in range(1, len(spared) + 1)]
    left = [rest for rest in left if rest]
    enough = np.flatnonzero(_fits(sites.shares(sites.kept(_masks(left, shape)))))
    return left[int(enough[-1])] if len(enough) else cells


def _fits(shares: Numbers) -> NDArray[np.bool_]:
    """Return whether shares keep enough of the advantage, and no more than all of it and the margin."""
    return np.asarray((shares >= LEAST_SHARE_KEPT) & (shares <= 1 + MARGIN))


def _masks(sets: Sequence[Cells], shape: tuple[int, int]) -> Tensor:
    """Return (sets, layers, cells) bool, marking the cells of each set."""
    masks = torch.zeros(len(sets), *shape, dtype=torch.bool)
    for mask, cells in zip(masks, sets, strict=True):
        for layer, cell in cells:
            mask[layer, cell] = True
    return masks
