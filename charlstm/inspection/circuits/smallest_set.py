"""Find the smallest set of cells that keeps nearly all of a behaviour.

The set is the shortest beginning of any order that keeps LEAST_SHARE_KEPT of the advantage, all other cells
having the donor's state, less the cells that it does not need for that. Its stability is told by the sets
that two halves of the text give, each by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites, marked
from charlstm.inspection.circuits.sets import COUNTS, Orders, orders_of
from charlstm.inspection.circuits.single_cells import SingleCells
from charlstm.inspection.estimates import Estimate, ratio_of
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
        equivalent=1 - MARGIN < close.low and close.high < 1 + MARGIN,
        losses=[ratio_of(kept[0] - less, sites.advantage, sites.clusters) for less in kept[1:]],
    )


def stability(sites: BehaviourSites, single: SingleCells, roles: CellRoles, feature: str) -> float | None:
    """Return the overlap of the smallest sets of two halves of the sites: cells in both over cells in either.

    The halves are the sites in clusters of even and of odd numbers, so that both are from the whole text.
    The result is None where a half has no small set, or knows no more than the trigram.
    """
    halves: list[set[tuple[int, int]]] = []
    for half in (0, 1):
        chosen = np.flatnonzero(sites.clusters % 2 == half)
        if not len(chosen):
            return None
        part = sites.subset(chosen)
        orders = orders_of(single.subset(chosen), roles, feature)
        found = _shortest(part, orders, single.shape) if part.has_advantage else None
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
    sizes = {
        name: _shortest_beginning(sites, order, shape) for name, order in orders.items() if name != "random"
    }
    known = {name: size for name, size in sizes.items() if size is not None}
    if not known:
        return None
    sets = {
        name: _without_unneeded(sites, orders[name][:size].tolist(), shape) for name, size in known.items()
    }
    best = min(sets, key=lambda name: len(sets[name]))
    return sets[best], best, [name for name in sets if len(sets[name]) == len(sets[best])]


def _shortest_beginning(sites: BehaviourSites, order: Tensor, shape: tuple[int, int]) -> int | None:
    """Return the least number of cells at the beginning of an order that keep enough.

    It is None where no number does, or where the donor's state keeps enough without any cell. Only the first of COUNTS that keeps enough and the numbers before it, up to the next of COUNTS, are tried.
    """
    most = min(COUNTS[-1], int(_LARGEST_PART * len(order)))
    counts = [count for count in COUNTS if count <= most]
    counts += [most] if counts[-1] < most else []
    enough = sites.shares(sites.kept(marked(order, counts, shape))) >= LEAST_SHARE_KEPT
    if not enough.any() or enough[0]:
        return None
    first = int(enough.argmax())
    between = list(range(counts[first - 1] + 1, counts[first] + 1))
    enough = sites.shares(sites.kept(marked(order, between, shape))) >= LEAST_SHARE_KEPT
    return between[int(enough.argmax())]


def _without_unneeded(sites: BehaviourSites, order: Sequence[int], shape: tuple[int, int]) -> Cells:
    """Return the cells of a set, numbers over all layers, without those that it does not need.

    The last ones are left out first.
    """
    cells = [divmod(number, shape[1]) for number in order]
    for left_out in reversed(cells.copy()):
        rest = [cell for cell in cells if cell != left_out]
        if sites.shares(sites.kept(_masks([rest], shape)))[0] >= LEAST_SHARE_KEPT:
            cells = rest
    return cells


def _masks(sets: Sequence[Cells], shape: tuple[int, int]) -> Tensor:
    """Return (sets, layers, cells) bool, marking the cells of each set."""
    masks = torch.zeros(len(sets), *shape, dtype=torch.bool)
    for mask, cells in zip(masks, sets, strict=True):
        for layer, cell in cells:
            mask[layer, cell] = True
    return masks
