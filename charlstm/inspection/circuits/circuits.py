"""Find the circuits of a model: go through all behaviours of the cells that were found.

`circuits_of` takes what the proof has measured, and the processes deal out the behaviours. None of the
results depends on the seed of the inspection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from charlstm.findings import Json
from charlstm.inspection.circuits.behaviour_sites import SITES, BehaviourSites
from charlstm.inspection.circuits.contrast_sites import contrasts_of
from charlstm.inspection.circuits.edges.cell_edges import Cell, CellEdges
from charlstm.inspection.circuits.edges.driver_edges import DriverEdges, driven_sites
from charlstm.inspection.circuits.more_states import with_more_states
from charlstm.inspection.circuits.sets import curves, orders_of
from charlstm.inspection.circuits.single_cells import CHECKED_CELLS, SingleCells, single_cells
from charlstm.inspection.circuits.smallest_set import LEAST_SHARE_KEPT, SmallestSet, smallest_set, stability
from charlstm.inspection.circuits.trigram import Trigram
from charlstm.inspection.circuits.unexpected import unexpected_cells
from charlstm.inspection.intervening.behaviours import Behaviour
from charlstm.inspection.intervening.census import CellRoles, Census
from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.intervening.verdict import Proven
from charlstm.inspection.reading.contexts import Ids
from charlstm.machine.processes import ALONE, ProcessGroup

# The behaviours of the features of the best findings are studied, at most this many.
_MOST_BEHAVIOURS = 8
# The cells of a census with the largest effects are tested besides those with the largest attributions.
_TAKEN_FROM_CENSUS = 16
# Edges are measured of at most this many verified cells of a behaviour.
_MOST_CELLS_WITH_EDGES = 6


@dataclass(frozen=True)
class _Effort:
    """An _Effort says at how many sites a behaviour is measured, how many cells with the largest attributions
    are tested, and which curves are drawn: of these orders, and whether with conditional means, too.
    """

    sites: int
    checked_cells: int
    orders: tuple[str, ...]
    with_means: bool


_FOR_BEHAVIOURS = _Effort(SITES, CHECKED_CELLS, ("effect", "attribution", "correlation", "random"), True)
# There are more contrasts than behaviours, and each costs less.
_FOR_CONTRASTS = _Effort(32, 16, ("effect", "random"), False)


@dataclass(frozen=True)
class FoundCell:
    """A FoundCell is a cell that follows the feature called `feature`; verified says that it is used."""

    layer: int
    cell: int
    feature: str
    verified: bool


@dataclass(frozen=True)
class Circuits:
    """Circuits has the fields of findings.json of the same names."""

    behaviours: list[Json]
    unexpected: list[Json]
    edges: list[Json]


def circuits_of(
    proven: Proven,
    roles: CellRoles,
    found: Sequence[FoundCell],
    *,
    earlier: Ids,
    processes: ProcessGroup = ALONE,
) -> Circuits:
    """Return the circuits of the behaviours of found cells, the best findings first.

    earlier (characters,) are the ids of the text before the passage, on which the trigram is counted. All
    processes of a group call this with the same arguments and get the same circuits.
    """
    context = proven.context
    names = dict.fromkeys(cell.feature for cell in found if cell.feature in context.behaviours)
    chosen, contrasts = list(names)[:_MOST_BEHAVIOURS], contrasts_of(context.passage)
    study = _Study(proven, roles, found, Trigram(earlier, len(context.passage.symbols)), chosen, contrasts)
    jobs = [
        *(partial(study.circuits, name) for name in chosen),
        *(partial(study.contrast, name) for name in contrasts),
    ]
    results = processes.dealt(lambda number: jobs[number](), range(len(jobs)))
    circuits = Circuits([], [], [])
    for of_one in results:
        circuits.behaviours.extend(of_one.behaviours)
        circuits.unexpected.extend(of_one.unexpected)
        circuits.edges.extend(of_one.edges)
    return circuits


class _Study:
    """A _Study finds the circuits of one behaviour or contrast after another."""

    def __init__(
        self,
        proven: Proven,
        roles: CellRoles,
        found: Sequence[FoundCell],
        trigram: Trigram,
        names: Sequence[str],
        contrasts: Mapping[str, Behaviour],
    ) -> None:
        """names are the features whose behaviours will be studied, and contrasts those that will be."""
        self._censuses: Sequence[Census] = proven.censuses
        self._roles, self._found, self._trigram, self._contrasts = roles, found, trigram, contrasts
        driven = {
            name: driven_sites(proven.context.behaviours[name], proven.context.passage)
            for name in names
            if self._verified(name)
        }
        self._driven_sites = {name: one for name, one in driven.items() if one is not None}
        positions = [one.starts for one in self._driven_sites.values()]
        for contrast in contrasts.values():
            positions += [contrast.deciding_sites.positions, contrast.deciding_sites.donors]
        at = np.concatenate(positions) if positions else np.zeros(0, np.int64)
        self._context: InterventionContext = with_more_states(proven.context, at)
        self._driver_edges = DriverEdges(self._context)

    def circuits(self, name: str) -> Circuits:
        """Return the circuits of the behaviour at the end of the feature called `name`."""
        sites, single, data = self._measured(
            self._context.behaviours[name], _FOR_BEHAVIOURS, self._worth_testing(name)
        )
        unexpected = unexpected_cells(sites, single, self._roles)
        return Circuits([{**data, "contrast": None}], unexpected, self._edges(sites, name))

    def contrast(self, name: str) -> Circuits:
        """Return the circuits of the contrast called `name`: the sets of cells it rests on."""
        _, _, data = self._measured(self._contrasts[name], _FOR_CONTRASTS, [])
        return Circuits([{**data, "contrast": name}], [], [])

    def _measured(
        self, behaviour: Behaviour, effort: _Effort, others: list[Cell]
    ) -> tuple[BehaviourSites, SingleCells, Json]:
        """Return the sites of a behaviour, what single cells do there, and what findings.json has of it.

        others are cells that are tested besides those with the largest attributions.
        """
        chosen = behaviour.deciding_sites.thinned(effort.sites)
        sites = BehaviourSites.of(self._context, behaviour, chosen, self._trigram)
        single = single_cells(sites, others, effort.checked_cells)
        data: Json = {
            "feature": behaviour.feature.name,
            "target": behaviour.target,
            "rival": behaviour.rival,
            "sites": len(sites.clusters),
            "advantage_nats": sites.advantage_data,
            **self._sets(sites, single, effort),
            "attribution": single.agreement.data,
        }
        return sites, single, data

    def _sets(self, sites: BehaviourSites, single: SingleCells, effort: _Effort) -> Json:
        """Return the curves, the smallest set and what they say."""
        if not sites.has_advantage:
            said = "It is not clear that the network knows this better than a trigram: nothing to share."
            return {"curves": [], "smallest_set": None, "sentence": said}
        name = sites.closers.behaviour.feature.name
        orders = orders_of(single, self._roles, name)
        orders = {order: orders[order] for order in effort.orders if order in orders}
        lines = curves(sites, orders, single.shape, with_means=effort.with_means)
        found = smallest_set(sites, orders, single.shape)
        overlap = stability(sites, single, self._roles, name, found.order) if found else None
        return {
            "curves": lines,
            "smallest_set": found.data(overlap) if found else None,
            "sentence": _sentence(lines, found),
        }

    def _edges(self, sites: BehaviourSites, name: str) -> list[Json]:
        """Return the edges of the verified cells of a behaviour."""
        cells = self._verified(name)
        if not cells:
            return []
        leaving, edges = CellEdges(sites), []
        if name in self._driven_sites:
            edges += self._driver_edges.arriving(self._driven_sites[name], cells)
        for cell in cells:
            edges += leaving.leaving(cell)
        return edges

    def _verified(self, name: str) -> list[Cell]:
        """Return the verified cells of a feature."""
        of_feature = [(one.layer, one.cell) for one in self._found if one.feature == name and one.verified]
        return of_feature[:_MOST_CELLS_WITH_EDGES]

    def _worth_testing(self, name: str) -> list[Cell]:
        """Return the cells that are found for a feature, and those with large effects in its censuses."""
        cells = [(one.layer, one.cell) for one in self._found if one.feature == name]
        for census in self._censuses:
            if census.feature == name:
                cells += [(census.layer, cell) for cell in census.largest(_TAKEN_FROM_CENSUS)]
        return cells


def _sentence(lines: list[Json], found: SmallestSet | None) -> str:
    """Return in words whether a small set of cells carries a behaviour."""
    by_effect = next(line for line in lines if line["order"] == "effect")["keep"]
    nothing, most = by_effect[0]["share"], by_effect[-2]
    if nothing >= LEAST_SHARE_KEPT:
        return "The state of the text makes hardly any difference to this, so that no cells carry it."
    if found is None:
        said = f"No small set is enough: the {most['cells']} cells that matter most keep {most['share']:.0%}"
        return f"{said} of what the network knows beyond a trigram.{_said_of(nothing)}"
    one, share, without = len(found.cells) == 1, found.share, found.without.value
    alone = "this cell keeps" if one else f"these {len(found.cells)} cells keep"
    left = f"{without:.0%}" if without > 0 else "nothing"
    return (
        f"Alone {alone} {share.value:.0%} of what the network knows beyond a trigram "
        f"({share.low:.0%} to {share.high:.0%}); without {'it' if one else 'them'} {left} is left."
        f"{_said_of(nothing)}"
    )


def _said_of(nothing: float) -> str:
    """Return a sentence on the share that is left with no cell kept, or none where there is no such share."""
    return f" {nothing:.0%} is left with no cell kept at all." if nothing > 0 else ""
