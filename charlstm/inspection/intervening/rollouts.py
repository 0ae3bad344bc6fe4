"""Run a model on from stored states while the cell state c of chosen cells is set.

`Rollouts.run` reads some characters from a state, which `survey` has stored. An Edit sets c at the first of
these characters, after the update of c and before h = o * activation(c). Without hold the network runs freely
after that, and what is left of the change some characters later is what the network remembers of it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.equations import LayerState
from charlstm.model.stepper import step_layers

# This many rows run side by side, enough for full-speed matrix products.
_ROWS_PER_BATCH = 2048


class Edit(NamedTuple):
    """An Edit sets c of some cells in one layer at the first character of a rollout.

    cells (rows, n) int64 are the cells that are set in each row, and values (rows, n) float32 their c. With
    hold they keep these values at all characters of the rollout.
    """

    cells: Tensor
    values: Tensor
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
        waiting = torch.arange(len(draws))
        for step in range(longest):
            outcome = self.run(ids, state, edits)
            cumulative = outcome.logits.softmax(1).cumsum(1)
            written = torch.searchsorted(cumulative, draws[waiting, step, None].contiguous())
            ids = written.clamp(max=cumulative.shape[1] - 1)
            ends = targets[ids[:, 0]]
            waited[waiting[ends]] = step
            waiting, ids, edits = waiting[~ends], ids[~ends], {}
            state = State(outcome.state.h[:, ~ends], outcome.state.c[:, ~ends])
            if not len(waiting):
                break
        return waited

    def _run(self, ids: Tensor, state: State, edits: Mapping[int, Edit], track: bool) -> Outcome:
        """Read ids (rows, characters) from state, all rows at once."""
        tracked = []
        for step in range(ids.shape[1]):
            after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids[:, step]
            for number, layer in enumerate(self._layers):
                before, now = (LayerState(both.h[number], both.c[number]) for both in (state, after))
                output_gate = layer.step(inputs, before, now, None)
                edit = edits.get(number)
                if edit is not None and (step == 0 or edit.hold):
                    now.c.scatter_(1, edit.cells, edit.values)
                    now.h.copy_(output_gate * self._activation(now.c))
                inputs = now.h
            state = after
            if track:
                tracked.append(state.c)
        empty = torch.zeros(0, *state.c.shape)
        return Outcome(self.model.head(state.h[-1]), state, torch.stack(tracked) if track else empty)


def _edits_of_rows(edits: Mapping[int, Edit], rows: slice) -> dict[int, Edit]:
    """Return the edits, by layer, of some of their rows."""
    return {layer: Edit(edit.cells[rows], edit.values[rows], edit.hold) for layer, edit in edits.items()}
