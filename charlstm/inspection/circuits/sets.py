"""Measure what sets of cells alone keep of a behaviour, and what is left without them.

A curve takes the cells one after another in some order: by the size of their real effect or attribution, by
|r| with the behaviour's feature, or at random. `behaviour_sites` says how cells are kept and removed, and
what the shares are of.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites, Filling, marked
from charlstm.inspection.circuits.single_cells import SingleCells
from charlstm.inspection.estimates import Estimate, Numbers
from charlstm.inspection.intervening.census import CellRoles

# A curve has points at these numbers of cells, as far as there are as many, and at all cells.
COUNTS = (0, 1, 2, 3, 5, 8, 12, 20, 32, 64)
# The random order is the same in every inspection.
_RANDOM_SEED = 0
# Curves with all other cells at their conditional mean are measured in this order alone.
_ORDER_OF_MEANS = "effect"

Orders = Mapping[str, Tensor]


def orders_of(single: SingleCells, roles: CellRoles, feature: str) -> dict[str, Tensor]:
    """Return the orders by their names, each (layers * cells,) int64 with the first cell to take first.

    There is none by |r| where feature is not among those of roles.
    """
    generator = torch.Generator().manual_seed(_RANDOM_SEED)
    layers, cells = single.shape
    orders = {"effect": single.by_effect(), "attribution": single.by_attribution()}
    if feature in roles.columns:
        correlations = roles.correlations[:, roles.columns[feature]]
        orders["correlation"] = correlations.argsort(descending=True, stable=True)
    return {**orders, "random": torch.randperm(layers * cells, generator=generator)}


class CurvePoint(NamedTuple):
    """A CurvePoint has the share of the advantage that is left with `cells` cells kept or removed."""

    cells: int
    share: Estimate

    @property
    def data(self) -> Json:
        """Return the point as findings.json has it."""
        share = self.share.data
        return {"cells": self.cells, "share": share["value"], "low": share["low"], "high": share["high"]}


def curves(
    sites: BehaviourSites, orders: Orders, shape: tuple[int, int], *, with_means: bool = True
) -> list[Json]:
    """Return the curves of all orders as findings.json has them; shape is (layers, cells).

    with_means asks for the curves with all other cells at their conditional mean, too.
    """
    total = shape[0] * shape[1]
    counts = [count for count in COUNTS if count < total] + [total]
    resampled = _points(sites, orders, counts, shape, "resample")
    means = {_ORDER_OF_MEANS: orders[_ORDER_OF_MEANS]} if with_means else {}
    at_means = _points(sites, means, counts, shape, "conditional_mean") if means else {}
    data: list[Json] = [{"order": name, **lines} for name, lines in resampled.items()]
    for curve in data:
        for name, points in at_means.get(curve["order"], {}).items():
            curve[f"{name}_mean"] = points
    return data


def _points(
    sites: BehaviourSites, orders: Orders, counts: list[int], shape: tuple[int, int], filling: Filling
) -> dict[str, dict[str, list[Json]]]:
    """Return the points of each order's two curves, "keep" and "remove"."""
    sets = torch.cat([marked(order, counts, shape) for order in orders.values()])
    distinct, which = torch.unique(sets, dim=0, return_inverse=True)
    lines: dict[str, dict[str, list[Json]]] = {name: {} for name in orders}
    for line, changes in (
        ("keep", sites.kept(distinct, filling)),
        ("remove", sites.removed(distinct, filling)),
    ):
        of_sets: Numbers = changes[which.numpy()]
        for name, of_order in zip(orders, np.split(of_sets, len(orders)), strict=True):
            points = zip(counts, of_order, strict=True)
            lines[name][line] = [CurvePoint(count, sites.share(change)).data for count, change in points]
    return lines
