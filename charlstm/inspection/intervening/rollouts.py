"""Run a model on from stored states while the cell state c of chosen cells is changed.

`survey_text` reads the text once and stores the states that rollouts begin from. `Rollouts.run` then reads
some characters from a stored state. An Edit changes c at the first of these characters, after the update of
c and before h = o * activation(c). Without hold the network runs freely after that, and what is left of the
change some characters later is what the network remembers of it.
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

# This many rows run side by side, enough for full-speed matrix products.
_ROWS_PER_BATCH = 2048
_WINDOW_POSITIONS = 128


@dataclass(frozen=True, eq=False)
class Survey:
    """A Survey has statistics of every cell over a text, and the states before chosen positions of it.

    deviation is the standard deviation of c, output_gate the mean output gate in [0, 1], and flip_rate how
    often c crosses its cell's threshold, in crossings per character; each is (layers, cells) float64.
    positions (n,) int64, rising, are the chosen positions; states holds the state before the character at
    each position, h and c (layers, n, cells) float32.
    """

    deviation: Tensor
    output_gate: Tensor
    flip_rate: Tensor
    positions: NDArray[np.int64]
    states: State

    def states_before(self, positions: NDArray[np.int64]) -> State:
        """Return the state before the character at each of positions (n,), which must be chosen positions
        of this survey; h and c are (layers, n, cells).
        """
        indices = torch.from_numpy(np.searchsorted(self.positions, positions))
        return State(self.states.h[:, indices], self.states.c[:, indices])


def survey_text(
    model: CharLSTM,
    ids: NDArray[np.unsignedinteger],
    cut: Cut,
    thresholds: Tensor,
    positions: NDArray[np.int64],
) -> Survey:
    """Read a text once and return the statistics of every cell and the states before chosen positions.

    ids (characters,) is the text, divided into stretches by cut. positions (n,) int64 are the chosen
    positions, in any order; none is the first of its stretch. thresholds (layers, cells) lie between the two
    levels of each cell.
    """
    positions = np.unique(positions)
    shape = (model.config.layers, model.config.cells)
    sums = torch.zeros(4, *shape, dtype=torch.float64)
    h, c = torch.zeros(2, shape[0], len(positions), shape[1])
    stream, state_position = positions // cut.length, positions % cut.length - 1
    for block in trace(model, ids, streams=cut.streams, window=_WINDOW_POSITIONS):
        length = block.layers[0].c.shape[1]
        inside = np.flatnonzero((state_position >= block.start) & (state_position < block.start + length))
        at = (torch.from_numpy(stream[inside]), torch.from_numpy(state_position[inside] - block.start))
        for number, layer in enumerate(block.layers):
            h[number, inside], c[number, inside] = layer.h[at].cpu(), layer.c[at].cpu()
            values, on = layer.c.flatten(0, 1), layer.c > thresholds[number].to(layer.c)
            flips = (on[:, 1:] != on[:, :-1]).flatten(0, 1)
            addends = (values, values.square(), layer.gates.o.flatten(0, 1), flips)
            sums[:, number] += torch.stack([addend.double().sum(0).cpu() for addend in addends])
    mean, square, gate, flips = sums / (cut.streams * cut.length)
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return Survey(deviation, gate, flips, positions, State(h, c))


class Edit(NamedTuple):
    """An Edit changes c in one layer at the first character of a rollout.

    shift (rows, cells) is added to c. With hold, the cells with a shift other than 0 keep the resulting
    value at all characters of the rollout.
    """

    shift: Tensor
    hold: bool = False


class Outcome(NamedTuple):
    """An Outcome has the results of a rollout.

    logits (rows, vocabulary) and state (h and c, each (layers, rows, cells)) belong to the end of the last
    character. track (characters, layers, rows, cells) is c after each character; it has no characters
    unless `run` is called with track=True.
    """

    logits: Tensor
    state: State
    track: Tensor

    @property
    def log_probabilities(self) -> Tensor:
        """Return (rows, vocabulary) the log probability of every character as the next one, in nats."""
        return self.logits.log_softmax(1)


class Rollouts:
    """Rollouts run a model over one or more characters from the state before the first of them."""

    def __init__(self, model: CharLSTM) -> None:
        """Copy the weights of the layers: later changes of model do not show."""
        self.model = model
        self._layers = step_layers(model)
        self._activation = equations.activation_function(model.config.activation)

    @torch.no_grad()
    def run(
        self, ids: Tensor, state: State, edits: Mapping[int, Edit] | None = None, *, track: bool = False
    ) -> Outcome:
        """Read ids (rows, characters) int64 from state (h and c, each (layers, rows, cells)).

        edits are the changes of c by layer. With track the outcome holds c after every character.
        """
        edits = edits or {}
        outcomes = [
            self._run(
                ids[rows], State(state.h[:, rows], state.c[:, rows]), _edits_of_rows(edits, rows), track
            )
            for rows in (
                slice(start, start + _ROWS_PER_BATCH) for start in range(0, len(ids), _ROWS_PER_BATCH)
            )
        ]
        states = zip(*(outcome.state for outcome in outcomes), strict=True)
        return Outcome(
            torch.cat([outcome.logits for outcome in outcomes]),
            State(*(torch.cat(values, dim=1) for values in states)),
            torch.cat([outcome.track for outcome in outcomes], dim=2),
        )

    @torch.no_grad()
    def waits(
        self, ids: Tensor, state: State, edits: Mapping[int, Edit], *, draws: Tensor, targets: Tensor
    ) -> Tensor:
        """Return (rows,) float64: how many characters the model writes before it writes one of targets.

        The model reads ids (rows, characters) int64 from state with the edits, then continues the text by
        itself. draws (rows, longest) in [0, 1) decide which character it writes at each step; targets
        (vocabulary,) bool marks the characters that are waited for. A row in which none of them comes has
        the value `longest`.
        """
        longest = draws.shape[1]
        waited = torch.full((len(draws),), longest, dtype=torch.float64)
        for step in range(longest):
            outcome = self.run(ids, state, edits)
            cumulative = outcome.logits.softmax(1).cumsum(1)
            written = torch.searchsorted(cumulative, draws[:, step, None].contiguous())
            ids = written.clamp(max=cumulative.shape[1] - 1)
            waited[targets[ids[:, 0]] & (waited == longest)] = step
            state, edits = outcome.state, {}
            if bool((waited < longest).all()):
                break
        return waited

    def _run(self, ids: Tensor, state: State, edits: Mapping[int, Edit], track: bool) -> Outcome:
        """Read ids (rows, characters) from state, all rows at once."""
        tracked = []
        held: dict[int, Tensor] = {}
        for step in range(ids.shape[1]):
            after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids[:, step]
            for number, layer in enumerate(self._layers):
                before, now = (LayerState(both.h[number], both.c[number]) for both in (state, after))
                output_gate = layer.step(inputs, before, now, None)
                if number in edits:
                    now.c.copy_(self._edited(now.c, edits[number], held, number, first=step == 0))
                    now.h.copy_(output_gate * self._activation(now.c))
                inputs = now.h
            state = after
            if track:
                tracked.append(state.c)
        empty = torch.zeros(0, *state.c.shape)
        return Outcome(self.model.head(state.h[-1]), state, torch.stack(tracked) if track else empty)

    def _edited(self, c: Tensor, edit: Edit, held: dict[int, Tensor], layer: int, *, first: bool) -> Tensor:
        """Return c (rows, cells) of a layer after an edit; held keeps the values of the first character."""
        if first:
            held[layer] = c + edit.shift
            return held[layer]
        return torch.where(edit.shift != 0, held[layer], c) if edit.hold else c


def _edits_of_rows(edits: Mapping[int, Edit], rows: slice) -> dict[int, Edit]:
    """Return the edits, by layer, of some of their rows."""
    return {layer: Edit(edit.shift[rows], edit.hold) for layer, edit in edits.items()}
