"""List the cells that a behaviour needs and that follow no feature.

Such a cell's effect by resampling lies, with its interval corrected for the number of cells that were looked
at, beyond LEAST_EFFECT_NATS and LEAST_RATIO times the 95th percentile of cells of its layer that do not carry
the feature. The cell itself does not carry the feature, and follows no other one strongly.
"""

import numpy as np

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites
from charlstm.inspection.circuits.single_cells import SingleCells
from charlstm.inspection.estimates import REPORTED_ERROR, mean_of
from charlstm.inspection.intervening.census import CENSUS_SITES, CellRoles
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
    for (layer, cell), nats in zip(single.tested, single.nats, strict=True):
        effect = mean_of(nats, sites.clusters, error)
        known = roles.carriers(feature, layer)[cell] or roles.with_role(layer)[cell]
        if known or not effect.beyond(LEAST_EFFECT_NATS):
            continue
        limit = max(LEAST_EFFECT_NATS, LEAST_RATIO * _p95_of_others(sites, roles, layer, cell))
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


def _p95_of_others(sites: BehaviourSites, roles: CellRoles, layer: int, cell: int) -> float:
    """Return the 95th percentile, in nats, of the sizes of the effects of cells that do not carry the feature
    of a behaviour, without one cell of the layer; 0 without such cells.
    """
    others = np.flatnonzero(~roles.carriers(sites.closers.behaviour.feature.name, layer))
    others = others[others != cell]
    if not len(others):
        return 0.0
    chosen = np.linspace(0, len(others) - 1, min(_MOST_BYSTANDERS, len(others))).round().astype(np.int64)
    few = sites.closers.sites.thinned(CENSUS_SITES)
    closers = ClosersUnderTest(sites.closers.context, sites.closers.behaviour, few)
    nats = closers.changes_by_cell(layer, others[chosen].tolist())[0].mean(1)
    return float(np.quantile(nats.abs().numpy(), 0.95))
