"""Measure what passes from a feature's driver to the gates of a cell.

A driver is the last character before a site at which the feature began: the opener of a switch or a depth,
the reset of a counter. One gate of one cell is made not to see it: W x of the character before is put in the
place of the driver's. The cell then goes on alone up to the site, what it receives from other cells staying
as it was; from the site on the network runs freely. The edge is the change of the target's log odds, in nats.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.inspection.circuits.attribution import change_of
from charlstm.inspection.circuits.edges.lone_cells import Narrow, follow, narrowed
from charlstm.inspection.circuits.unrolled import LayerStep, unroll
from charlstm.inspection.estimates import mean_of
from charlstm.inspection.intervening.behaviours import Behaviour, MatchedSites
from charlstm.inspection.intervening.experiment import ClosersUnderTest, InterventionContext
from charlstm.inspection.reading.passage import Passage
from charlstm.model.char_lstm import CharLSTM

# Drivers are looked for in this many characters up to a site.
WINDOW = 64
# Edges are means over at most this many sites, and over no fewer than the second number.
_MOST_SITES, _LEAST_SITES = 48, 20

Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Driven:
    """Driven has sites of a behaviour with a driver of one character in the WINDOW characters up to them.

    driver is that character, and events (sites,) int64 are its indices in the windows, from 1.
    """

    behaviour: Behaviour
    driver: str
    sites: MatchedSites
    events: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Return (sites,) the positions of the first characters of the windows."""
        return self.sites.positions - WINDOW + 1


def driven_sites(behaviour: Behaviour, passage: Passage) -> Driven | None:
    """Return the sites of a behaviour that have a driver in their window, None where these are too few.

    Only the sites whose driver is the commonest character among drivers are taken. The signal begins `lag`
    characters behind its driver.
    """
    lag = behaviour.feature.lag
    sites, values = behaviour.deciding_sites, passage.signals[behaviour.feature.name].values.astype(np.int16)
    began = np.zeros(len(values), bool)
    if behaviour.feature.kind == "counter":
        began[1:] = (values[1:] == 0) & (values[:-1] > 0)
    else:
        began[1:] = (values[1:] > 0) & (values[:-1] == 0)
    began = np.concatenate([began[lag:], np.zeros(lag, bool)])
    in_window = began[sites.positions[:, None] + np.arange(1 - WINDOW, 1)]
    events = WINDOW - 1 - in_window[:, ::-1].argmax(1)
    usable = np.flatnonzero(in_window.any(1) & (events > 0))
    characters = [passage.text[sites.positions[index] - WINDOW + 1 + events[index]] for index in usable]
    if not characters:
        return None
    driver = Counter(characters).most_common(1)[0][0]
    chosen = usable[[character == driver for character in characters]]
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(_MOST_SITES, len(chosen))).round().astype(np.int64)]
    if len(chosen) < _LEAST_SITES:
        return None
    return Driven(behaviour, driver, sites.subset(chosen), events[chosen])


class DriverEdges:
    """DriverEdges measures the edges from drivers to gates."""

    def __init__(self, context: InterventionContext) -> None:
        """Take a context that has the states before the starts of all windows."""
        self._context = context

    @torch.no_grad()
    def arriving(self, driven: Driven, cells: Sequence[Cell]) -> list[Json]:
        """Return the edges from the driver to each gate of cells, as findings.json has them."""
        closers = ClosersUnderTest(self._context, driven.behaviour, driven.sites)
        runs = self._runs(driven, cells)
        return [
            edge for cell, run in zip(cells, runs, strict=True) for edge in _edges(closers, driven, cell, run)
        ]

    def _runs(self, driven: Driven, cells: Sequence[Cell]) -> list[Narrow]:
        """Return the undisturbed runs of each of cells over the windows."""
        ids = self._context.characters(driven.starts, WINDOW)
        state = self._context.survey.states_before(driven.starts)
        steps: list[list[LayerStep]] = [[] for _ in cells]
        for of_layers in unroll(self._context.model, ids, state):
            for of_cell, (layer, cell) in zip(steps, cells, strict=True):
                of_cell.append(narrowed(of_layers[layer], torch.tensor([cell])))
        return [
            Narrow(layer, torch.tensor([cell]), of_cell)
            for (layer, cell), of_cell in zip(cells, steps, strict=True)
        ]


def _edges(closers: ClosersUnderTest, driven: Driven, cell: Cell, run: Narrow) -> list[Json]:
    """Return the edges from the driver to each gate of a cell with a run over the windows."""
    states = _states_without_driver(closers.context.model, driven.events, run)
    whole = float(change_of(closers, closers.outcome(closers.donor_values([cell])).logits).mean())
    layer, number = cell
    edges: list[Json] = []
    for gate, c in zip(GATES, states.t(), strict=True):
        values = change_of(closers, closers.outcome({layer: ([number], c[:, None])}).logits)
        edges.append(
            {
                "from": driven.driver,
                "to": f"{layer}:{number}:{gate}",
                "kind": "driver_gate",
                "feature": driven.behaviour.feature.name,
                "value": mean_of(values, closers.sites.clusters).data,
                "of": whole,
            }
        )
    return edges


def _states_without_driver(model: CharLSTM, events: NDArray[np.int64], run: Narrow) -> Tensor:
    """Return (sites, 4) float32: c of the cell of a run at the site, where each gate alone does not see the
    driver at events (sites,) in the window.
    """
    gates = len(GATES)
    copies = run._replace(
        cells=run.cells.repeat(gates),
        steps=[_repeated(step, gates) for step in run.steps],
    )
    pushed: list[Tensor | None] = [None]
    at = torch.from_numpy(events)
    for character in range(1, len(run.steps)):
        change = run.steps[character - 1].projected - run.steps[character].projected
        change = torch.where((at == character)[:, None], change, 0)
        pushed.append(torch.diag_embed(change))
    return follow(model, copies, pushed=pushed).c


def _repeated(step: LayerStep, copies: int) -> LayerStep:
    """Return a step of one cell as that of `copies` equal cells."""
    of_gates = (step.projected, step.preactivations)
    states = (step.c_before, step.c, step.h)
    return LayerStep(
        *(values.repeat_interleave(copies, dim=1) for values in of_gates),
        *(values.repeat(1, copies) for values in states),
    )
