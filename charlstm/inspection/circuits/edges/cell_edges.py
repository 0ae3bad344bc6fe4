"""Measure what passes from a cell to the prediction, directly, through one other cell, and by longer ways.

The cell is resampled at the site and goes on alone: what it receives from other cells stays as it was. Every
edge is what then reaches the prediction by one path, in nats of the target's log odds:

- "cell_logit": by the cell's own weights in the head, in the last layer only.
- "cell_cell": the other cell receives the changed h of this one and goes on alone, too; what it passes to the
  head by its own weights counts. Only cells of the last layer reach the head.
- "cell_others": the same by all other cells that are not listed, added up.
- "cell_longer": the change when the cell is resampled and everything runs freely, less all of the above.
  These are the paths through several cells, and what is not additive.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.inspection.circuits.attribution import log_odds_of
from charlstm.inspection.circuits.behaviour_sites import BehaviourSites
from charlstm.inspection.circuits.edges.lone_cells import LonePath, follow, narrow
from charlstm.inspection.circuits.unrolled import LayerStep, unroll
from charlstm.inspection.estimates import mean_of

# At most this many other cells are listed for each cell.
_LISTED_CELLS = 4
# Less than this many nats is no edge to another cell.
_LEAST_NATS = 0.01
# Logits of this many cells are computed at once.
_CELLS_AT_ONCE = 64

Cell = tuple[int, int]


class CellEdges:
    """CellEdges measures the edges that leave cells, at the closers of one behaviour."""

    @torch.no_grad()
    def __init__(self, sites: BehaviourSites) -> None:
        """Run the undisturbed network once."""
        self._sites, self._closers = sites, sites.closers
        self._model = sites.closers.context.model
        closers = self._closers
        self._steps: list[list[LayerStep]] = list(unroll(self._model, closers.ids, closers.state))

    @torch.no_grad()
    def leaving(self, cell: Cell) -> list[Json]:
        """Return the edges that leave a cell, as findings.json has them."""
        layer, number = cell
        closers, top = self._closers, self._model.config.layers - 1
        whole = torch.from_numpy(self._sites.resampled([cell])[1][0])
        added = (closers.donor_c - closers.natural_c)[layer][:, [number]]
        path = follow(self._model, narrow(layer, [number], self._steps), added=added)
        direct = self._through_head(path.h_changes[-1], [number])[0] if layer == top else torch.zeros(())
        through = self._through_others(cell, path)
        means = through.mean(1)
        largest = means.abs().argsort(descending=True, stable=True)[:_LISTED_CELLS]
        listed = largest[means[largest].abs() >= _LEAST_NATS].tolist()
        unlisted = through.sum(0) - through[listed].sum(0)
        name, target = f"{layer}:{number}", closers.behaviour.target
        edges = [(target, "cell_logit", direct)] if layer == top else []
        edges += [(f"{top}:{other}", "cell_cell", through[other]) for other in listed]
        edges += [(target, "cell_others", unlisted)] if len(through) else []
        edges += [(target, "cell_longer", whole - direct - through.sum(0))]
        return [self._edge(name, to, kind, values, float(whole.mean())) for to, kind, values in edges]

    def _edge(self, start: str, to: str, kind: str, values: Tensor, whole: float) -> Json:
        """Return an edge with the mean of values (sites,) as findings.json has it."""
        return {
            "from": start,
            "to": to,
            "kind": kind,
            "feature": self._closers.behaviour.feature.name,
            "value": mean_of(values.numpy(), self._sites.clusters).data,
            "of": whole,
        }

    def _through_others(self, cell: Cell, path: LonePath) -> Tensor:
        """Return (cells, sites) float64: what passes through each cell of the last layer alone.

        It is empty, (0, sites), where none of them receives anything from the cell.
        """
        layer, number = cell
        width, top = self._model.config.cells, self._model.config.layers - 1
        if layer < top - 1:
            return torch.zeros(0, len(self._closers.ids), dtype=torch.float64)
        weights = self._model.weights(top)
        matrix = weights.recurrent if layer == top else weights.input
        out = matrix.view(len(GATES), width, -1)[:, :, number].clone()
        if layer == top:
            out[:, number] = 0  # The cell's own part is in its path already.
        changes: Sequence[Tensor | None] = path.h_changes
        received = [None, *changes[:-1]] if layer == top else changes
        pushed = [None if change is None else change[:, :, None] * out for change in received]
        others = follow(self._model, narrow(top, range(width), self._steps), pushed=pushed)
        return self._through_head(others.h_changes[-1], range(width))

    def _through_head(self, h_change: Tensor, cells: Sequence[int]) -> Tensor:
        """Return (n, sites) float64: the change of the log odds by the change of h (sites, n) of each of
        cells (n) of the last layer.
        """
        natural = self._closers.natural_logits
        before = log_odds_of(self._closers, natural)
        changes = []
        for batch in torch.split(torch.arange(len(cells)), _CELLS_AT_ONCE):
            weights = self._model.head.weight[:, torch.tensor(list(cells))[batch]].t()
            logits = natural + h_change[:, batch].t()[:, :, None] * weights[:, None]
            changes.append((log_odds_of(self._closers, logits) - before).double())
        return torch.cat(changes)
