"""List the cells that a behaviour needs and that follow no feature.

Such a cell's effect by resampling lies, with its interval corrected for the number of cells that were looked
at, beyond LEAST_EFFECT_NATS and LEAST_RATIO times the 95th percentile of cells of its layer that do not carry
the feature. The cell itself does not carry the feature, and follows no other one strongly.
"""

import numpy as np
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites
from charlstm.inspection.circuits.single_cells import SingleCells
from charlstm.inspection.estimates import REPORTED_ERROR, mean_of
from charlstm.inspection.intervening.census import CENSUS_SITES, CellRoles, bystanders
from charlstm.inspection.intervening.experiment import ClosersUnderTest
from charlstm.inspection.intervening.judgement import LEAST_RATIO
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS

# The 95th percentile is that of at most this many cells of the layer, spread evenly over it.
_MOST_BYSTANDERS = 48


def unexpected_cells(sites: BehaviourSites, single: SingleCells, roles: CellRoles) -> list[Json]:
    """Return the unexpected cells of a behaviour as findings.json has them, the largest effect first.

    The rank of a cell is that of its attribution's size among all cells of all layers.
    """
    behaviour, attributed = sites.closers.behaviour, single.mean_attributions
    feature, error = behaviour.feature.name, REPORTED_ERROR / len(single.tested)
    listed: list[Json] = []
    others = _Bystanders(sites, roles)
    for (layer, cell), nats in zip(single.tested, single.nats, strict=True):
        effect = mean_of(nats, sites.clusters, error)
        known = roles.carriers(feature, layer)[cell] or roles.with_role(layer)[cell]
        if known or not effect.beyond(LEAST_EFFECT_NATS):
            continue
        limit = max(LEAST_EFFECT_NATS, LEAST_RATIO * others.p95(layer, cell))
        if effect.beyond(limit):
            attribution = float(attributed[layer, cell])
            listed.append(
                {
                    "layer": layer,
                    "cell": cell,
                    "feature": feature,
                    "target": behaviour.target,
                    "effect": effect.data,
                    "limit_nats": limit,
                    "attribution": attribution,
                    "rank": 1 + int((attributed.abs() > abs(attribution)).sum()),
                    "of": attributed.numel(),
                }
            )
    return sorted(listed, key=lambda one: -abs(one["effect"]["value"]))


class _Bystanders:
    """_Bystanders are cells that do not carry the feature of a behaviour, and their effects."""

    def __init__(self, sites: BehaviourSites, roles: CellRoles) -> None:
        few = sites.closers.sites.thinned(CENSUS_SITES)
        self._closers = ClosersUnderTest(sites.closers.context, sites.closers.behaviour, few)
        self._roles = roles
        self._by_layer: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def p95(self, layer: int, cell: int) -> float:
        """Return the 95th percentile of the sizes of the effects, in nats, of cells of a layer other than
        `cell`; 0 without any.
        """
        if layer not in self._by_layer:
            self._by_layer[layer] = self._effects(layer)
        cells, sizes = self._by_layer[layer]
        sizes = sizes[cells != cell]
        return float(np.quantile(sizes, 0.95)) if len(sizes) else 0.0

    def _effects(self, layer: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return some cells of a layer, spread evenly over it, and the sizes of their effects, each (n,)."""
        cells = bystanders(self._closers.behaviour.feature.name, layer, self._roles, _MOST_BYSTANDERS)
        nats = self._closers.changes_by_cell(layer, cells)[0].mean(1)
        return np.array(cells, np.int64), np.asarray(nats.abs().numpy())
