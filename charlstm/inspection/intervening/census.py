"""Change every cell of a layer alone, and say how a candidate compares with all others.

Each cell is given the value that it has at the donors, so that no cell leaves its own range. The cells that
do not carry the feature show how much the prediction of a closer depends on any one cell. The same effects
on the closers of other features show whether a candidate is used for its own feature.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate, mean_of
from charlstm.inspection.intervening.experiment import Candidate, InterventionContext

# Every cell is changed at this many sites of a behaviour, spread evenly over the text, and the candidates of
# its layer at more sites: whether a closer that is not their own changes more should be sure.
CENSUS_SITES, _CANDIDATES_SITES = 32, 100
# A cell whose |r| with a feature is at least this carries the feature.
CARRYING_CORRELATION = 0.25
# A cell whose |r| with any feature is at least this has a role of its own.
ROLE_CORRELATION = 0.4
# Of an effect, at least this part is left when the change of the typical other character is taken off.
LEAST_PART_OF_CLOSER = 0.5
# Baselines are measured on at most this many cells that do not carry the feature.
_MOST_BYSTANDERS = 16


@dataclass(frozen=True, eq=False)
class CellRoles:
    """CellRoles says how strongly every cell follows every feature.

    correlations (cells of all layers, features) are |r| in [0, 1]; cell k of layer l is row l * cells + k.
    columns has the column of each feature by its name, for all but the pseudo features. layers is the
    number of layers.
    """

    correlations: Tensor
    columns: Mapping[str, int]
    layers: int

    def carriers(self, feature: str, layer: int) -> NDArray[np.bool_]:
        """Return (cells,) bool: the cells of a layer that carry a feature."""
        of_layer = self.correlations.view(self.layers, -1, self.correlations.shape[1])[layer]
        return (of_layer[:, self.columns[feature]] >= CARRYING_CORRELATION).numpy()

    def with_role(self, layer: int) -> NDArray[np.bool_]:
        """Return (cells,) bool: the cells of a layer that follow any feature strongly."""
        of_layer = self.correlations.view(self.layers, -1, self.correlations.shape[1])[layer]
        return (of_layer[:, list(self.columns.values())].amax(1) >= ROLE_CORRELATION).numpy()

    def runners_up(self, candidate: Candidate, count: int) -> list[str]:
        """Return the names of the features, other than its own, that a candidate follows most, the best
        first; only features that it carries.
        """
        of_cell = self.correlations.view(self.layers, -1, self.correlations.shape[1])[
            candidate.layer, candidate.cell
        ]
        scores = {name: float(of_cell[column]) for name, column in self.columns.items()}
        carried = [
            name
            for name, score in scores.items()
            if score >= CARRYING_CORRELATION and name != candidate.feature.name
        ]
        return sorted(carried, key=lambda name: -scores[name])[:count]


@dataclass(frozen=True, eq=False)
class Census:
    """A Census has the effects of single cells of one layer on the closers of one feature.

    nats (cells,) float64 has the mean change of the target's log probability by each cell, not a number for
    a cell that was not changed. at_sites has, by candidate, the changes at each of the
    candidates' sites, (sites,) float64, and clusters (sites,) int64 are the clusters of these sites.
    """

    feature: str
    layer: int
    nats: NDArray[np.float64]
    at_sites: Mapping[int, NDArray[np.float64]]
    clusters: NDArray[np.int64]

    def effect(self, cell: int) -> Estimate:
        """Return the mean change by a candidate with its interval."""
        return mean_of(self.at_sites[cell], self.clusters)

    def rank(self, cell: int) -> int:
        """Return the rank of a cell among all of its layer by the size of the effect; 1 is the largest."""
        return 1 + int((np.abs(self.nats) > abs(self.nats[cell])).sum())

    def largest(self, count: int) -> list[int]:
        """Return the `count` changed cells with the largest effects, or all where these are fewer."""
        changed = np.flatnonzero(np.isfinite(self.nats))
        order = np.argsort(-np.abs(self.nats[changed]), kind="stable")[:count]
        return [int(cell) for cell in changed[order]]


def take_census(
    context: InterventionContext, feature: str, layer: int, cells: Sequence[int], candidates: Sequence[int]
) -> Census:
    """Change each of cells of a layer alone at closers of a feature, and candidates at more of them."""
    at_sites, clusters = _changes(context, feature, layer, candidates, most=_CANDIDATES_SITES)
    of_cells = at_sites
    if len(cells) > len(candidates):
        of_cells, _ = _changes(context, feature, layer, cells, most=CENSUS_SITES)
    nats = np.full(context.model.config.cells, np.nan)
    nats[list(cells)] = of_cells.mean(1)
    return Census(feature, layer, nats, dict(zip(candidates, at_sites, strict=True)), clusters)


def _changes(
    context: InterventionContext, feature: str, layer: int, cells: Sequence[int], *, most: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the changes of the target's log probability by each of cells, (cells, sites) float64, and the
    clusters of the sites, (sites,) int64.
    """
    closers = context.closers(feature, most=most)
    return closers.changes_by_cell(layer, cells)[0].numpy(), closers.sites.clusters


@dataclass(frozen=True, eq=False)
class Comparison:
    """A Comparison says how a candidate compares with all other cells of its layer at its own closers.

    rank is 1 for the cell with the largest effect among `cells`. others (n,) float64 are the sizes of the
    effects, in nats, of the cells that do not carry the feature, and others_without_role of those among them
    that follow no feature.
    """

    rank: int
    cells: int
    others: NDArray[np.float64]
    others_without_role: NDArray[np.float64]

    @property
    def p95(self) -> float:
        """Return the 95th percentile of the cells that do not carry the feature, in nats; 0 without any."""
        return _p95(self.others)

    @property
    def data(self) -> Json:
        """Return the numbers as findings.json has them."""
        return {
            "rank": self.rank,
            "cells": self.cells,
            "p95": self.p95,
            "p95_without_roles": _p95(self.others_without_role),
            "others": len(self.others),
            "others_without_roles": len(self.others_without_role),
        }


def _p95(sizes: NDArray[np.float64]) -> float:
    """Return the 95th percentile of sizes (n,), 0 where there are none."""
    return float(np.quantile(sizes, 0.95)) if len(sizes) else 0.0


def compared(candidate: Candidate, census: Census, roles: CellRoles) -> Comparison:
    """Return how a candidate compares with the other cells in the census of its feature and layer."""
    others = ~roles.carriers(candidate.feature.name, candidate.layer) & np.isfinite(census.nats)
    others[candidate.cell] = False
    plain = others & ~roles.with_role(candidate.layer)
    sizes = np.abs(census.nats)
    counted = int(np.isfinite(census.nats).sum())
    return Comparison(census.rank(candidate.cell), counted, sizes[others], sizes[plain])


def bystanders(feature: str, layer: int, roles: CellRoles, most: int = _MOST_BYSTANDERS) -> list[int]:
    """Return at most `most` cells of a layer that do not carry a feature, spread evenly over the layer."""
    others = np.flatnonzero(~roles.carriers(feature, layer))
    chosen = np.linspace(0, len(others) - 1, min(most, len(others))).round().astype(np.int64)
    return [int(cell) for cell in others[chosen]]


class EffectElsewhere(NamedTuple):
    """An EffectElsewhere is the effect of a candidate at the closers of another feature, in nats.

    target is the character that ends that feature there, and sites the number of closers.
    """

    target: str
    nats: Estimate
    sites: int


@dataclass(frozen=True, eq=False)
class Specificity:
    """A Specificity compares a candidate's effect at its own closers with its effects at other closers.

    own is the effect at its own closers, in nats, and beside_others the same less the change of the typical
    other character there (`ClosersUnderTest.beside_others`). others has, by feature, the effects at the
    closers of other features that end with other characters.
    """

    own: Estimate
    beside_others: Estimate
    others: Mapping[str, EffectElsewhere]

    @property
    def runner_up(self) -> str | None:
        """Return the other feature at whose closers the effect is largest, None without others."""
        return max(self.others, key=lambda name: abs(self.others[name].nats.value), default=None)

    @property
    def is_on_closer(self) -> bool:
        """Return whether the closer itself changes, and not all characters alike because of another one."""
        part = self.beside_others.value * np.sign(self.own.value)
        return bool(part >= LEAST_PART_OF_CLOSER * abs(self.own.value))

    @property
    def holds(self) -> bool:
        """Return whether the effect is on the closer itself, and none at other closers is surely larger."""
        return self.is_on_closer and not any(
            effect.nats.beyond(abs(self.own.value)) for effect in self.others.values()
        )

    @property
    def data(self) -> Json:
        """Return the numbers as findings.json has them, the largest effects first."""
        order = sorted(self.others, key=lambda name: -abs(self.others[name].nats.value))
        return {
            "own": self.own.data,
            "beside_others": self.beside_others.data,
            "runner_up": self.runner_up,
            "behaviours": [
                {"feature": name, "target": effect.target, "nats": effect.nats.data, "sites": effect.sites}
                for name, effect in ((name, self.others[name]) for name in order)
            ],
        }


def specificity_of(
    context: InterventionContext,
    candidate: Candidate,
    own: tuple[Estimate, Estimate],
    censuses: Iterable[Census],
) -> Specificity:
    """Return how specific a candidate's effect is to its own closers.

    own has the effect there, in nats, whole and beside others; censuses have the effects at other closers.
    A behaviour whose target is among the characters that end the candidate's feature is no other behaviour.
    """
    own_targets = {context.behaviours[candidate.feature.name].target}
    own_targets |= {closer[0] for closer in candidate.feature.closers}
    others = {}
    for census in censuses:
        target = context.behaviours[census.feature].target
        of_candidate = census.layer == candidate.layer and candidate.cell in census.at_sites
        if of_candidate and target not in own_targets:
            effect = census.effect(candidate.cell)
            others[census.feature] = EffectElsewhere(target, effect, len(census.clusters))
    return Specificity(*own, others)
