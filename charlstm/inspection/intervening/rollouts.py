"""A model run on from stored states while the cell state of chosen cells is changed.

A change is made after the update of c at the first character and before h = o * activation(c). Without
hold the network then runs freely, and what is left of the change some characters later is what it remembers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.trace import Cut, trace
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.equations import LayerState
from charlstm.model.stepper import step_layers

# Rows that run side by side: enough for full-speed matrix products.
_ROWS = 2048
_WINDOW = 128


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass saw: deviation of c, mean output gate and rate of flips (flips per character) of every
    cell, (layers, cells) float64 each, and the state before each position asked for.
    """

    deviation: Tensor
    output_gate: Tensor
    flip_rate: Tensor
    positions: NDArray[np.int64]
    states: State

    def before(self, positions: NDArray[np.int64]) -> State:
        """The state before each of some positions (n,) that were asked for."""
        places = torch.from_numpy(np.searchsorted(self.positions, positions))
        return State(self.states.h[:, places], self.states.c[:, places])


def survey(
    model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut, thresholds: Tensor, wanted: NDArray[np.int64]
) -> Survey:
    """Read ids (characters,), cut into stretches, once; wanted (n,) are positions in them, none first in a
    stretch; thresholds (layers, cells) are between each cell's two levels.
    """
    positions = np.unique(wanted)
    shape = (model.config.layers, model.config.cells)
    sums = torch.zeros(4, *shape, dtype=torch.float64)
    h, c = torch.zeros(2, shape[0], len(positions), shape[1])
    stream, place = positions // cut.length, positions % cut.length - 1
    for block in trace(model, ids, streams=cut.streams, window=_WINDOW):
        length = block.layers[0].c.shape[1]
        inside = np.flatnonzero((place >= block.start) & (place < block.start + length))
        at = (torch.from_numpy(stream[inside]), torch.from_numpy(place[inside] - block.start))
        for number, layer in enumerate(block.layers):
            h[number, inside], c[number, inside] = layer.h[at].cpu(), layer.c[at].cpu()
            values, on = layer.c.flatten(0, 1), layer.c > thresholds[number].to(layer.c)
            flips = (on[:, 1:] != on[:, :-1]).flatten(0, 1)
            parts = (values, values.square(), layer.gates.o.flatten(0, 1), flips)
            sums[:, number] += torch.stack([part.double().sum(0).cpu() for part in parts])
    mean, square, gate, flips = sums / (cut.streams * cut.length)
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return Survey(deviation, gate, flips, positions, State(h, c))


class Edit(NamedTuple):
    """A change of c in one layer: shift (rows, cells) is added at the first character; with hold, the cells
    that it moves then stay at the value that they have.
    """

    shift: Tensor
    hold: bool = False


class Outcome(NamedTuple):
    """After the last character: log_probabilities and logits (rows, vocabulary), and the state; and c of
    every layer after each character, (characters, layers, rows, cells), empty where not asked for.
    """

    logits: Tensor
    state: State
    track: Tensor

    @property
    def log_probabilities(self) -> Tensor:
        return self.logits.log_softmax(1)


class Rollouts:
    """Runs a model from states before a character, over that one and some more."""

    def __init__(self, model: CharLSTM) -> None:
        """The weights of the layers are copied."""
        self.model = model
        self._layers = step_layers(model)
        self._activation = equations.activation_function(model.config.activation)

    @torch.no_grad()
    def run(
        self, ids: Tensor, state: State, edits: Mapping[int, Edit] | None = None, *, track: bool = False
    ) -> Outcome:
        """Read ids (rows, characters) int64 from state, with edits by layer."""
        edits = edits or {}
        parts = [
            self._run(ids[span], State(state.h[:, span], state.c[:, span]), _rows_of(edits, span), track)
            for span in (slice(start, start + _ROWS) for start in range(0, len(ids), _ROWS))
        ]
        state = State(*(torch.cat(each, dim=1) for each in zip(*(part.state for part in parts), strict=True)))
        tracks = torch.cat([part.track for part in parts], dim=2)
        return Outcome(torch.cat([part.logits for part in parts]), state, tracks)

    @torch.no_grad()
    def waits(
        self, ids: Tensor, state: State, edits: Mapping[int, Edit], *, draws: Tensor, targets: Tensor
    ) -> Tensor:
        """(rows,) float64: characters until one of targets (vocabulary,) bool, where the model writes on by
        itself after ids (rows, characters); draws (rows, longest) in [0, 1) decide what, and where none comes
        it is longest.
        """
        longest = draws.shape[1]
        waited = torch.full((len(draws),), longest, dtype=torch.float64)
        for place in range(longest):
            outcome = self.run(ids, state, edits)
            likely = outcome.logits.softmax(1).cumsum(1)
            ids = torch.searchsorted(likely, draws[:, place, None].contiguous()).clamp(
                max=likely.shape[1] - 1
            )
            waited[targets[ids[:, 0]] & (waited == longest)] = place
            state, edits = outcome.state, {}
            if bool((waited < longest).all()):
                break
        return waited

    def _run(self, ids: Tensor, state: State, edits: Mapping[int, Edit], track: bool) -> Outcome:
        tracked = []
        held: dict[int, Tensor] = {}
        for place in range(ids.shape[1]):
            after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids[:, place]
            for number, layer in enumerate(self._layers):
                before, now = (LayerState(each.h[number], each.c[number]) for each in (state, after))
                output_gate = layer.step(inputs, before, now, None)
                if number in edits:
                    now.c.copy_(self._edited(now.c, edits[number], held, number, first=place == 0))
                    now.h.copy_(output_gate * self._activation(now.c))
                inputs = now.h
            state = after
            if track:
                tracked.append(state.c)
        empty = torch.zeros(0, *state.c.shape)
        return Outcome(self.model.head(state.h[-1]), state, torch.stack(tracked) if track else empty)

    def _edited(self, c: Tensor, edit: Edit, held: dict[int, Tensor], layer: int, *, first: bool) -> Tensor:
        """c (rows, cells) after an edit."""
        if first:
            held[layer] = c + edit.shift
            return held[layer]
        return torch.where(edit.shift != 0, held[layer], c) if edit.hold else c


def _rows_of(edits: Mapping[int, Edit], span: slice) -> dict[int, Edit]:
    return {layer: Edit(edit.shift[span], edit.hold) for layer, edit in edits.items()}
