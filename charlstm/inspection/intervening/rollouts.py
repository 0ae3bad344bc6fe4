"""Run a model on from stored states while the cell state c of chosen cells is set.

`Rollouts.run` reads some characters from a state, which `survey` has stored. An Edit sets c at the first of
these characters, after the update of c and before h = o * activation(c). Without hold the network runs freely
after that, and what is left of the change some characters later is what the network remembers of it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.equations import LayerState
from charlstm.model.stepper import step_layers

# This many rows run side by side: enough for full-speed matrix products, few enough for the caches.
_ROWS_PER_BATCH = 1024


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

        edits are the changes of c by layer. Where they are for several times as many rows, every row is run
        that many times: the outcome has all rows with the first edits, then all rows with the next ones. What
        does not depend on the edits, at the first character, is computed only once. With track the outcome
        holds c after every character.
        """
        edits = edits or {}
        outcomes = [
            self._run(ids[rows], State(*(values[:, rows] for values in state)), _part(edits, of_edits), track)
            for rows, of_edits in _batches(len(ids), _edited_rows(edits, len(ids)))
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
        """Read ids (rows, characters) from state, all rows at once, as often as the edits have these rows."""
        tracked = []
        for characters in ids.unbind(1):
            state = self._step(_repeated(characters, state.h.shape[1]), state, edits)
            edits = {layer: edit for layer, edit in edits.items() if edit.hold}
            if track:
                tracked.append(state.c)
        empty = torch.zeros(0, *state.c.shape)
        return Outcome(self.model.head(state.h[-1]), state, torch.stack(tracked) if track else empty)

    def _step(self, inputs: Tensor, state: State, edits: Mapping[int, Edit]) -> State:
        """Return the state after one character, inputs (rows,), with edits for these rows or several times
        as many.
        """
        layers, _, cells = state.h.shape
        rows = _edited_rows(edits, len(inputs))
        after = State(*(torch.empty(layers, rows, cells) for _ in state))
        for number, layer in enumerate(self._layers):
            before = LayerState(*(_repeated(both[number], len(inputs)) for both in state))
            everywhere = LayerState(after.h[number], after.c[number])
            now = LayerState(*(values[: len(inputs)] for values in everywhere))
            output_gate = layer.step(inputs, before, now, None)
            inputs = now.h
            for values, alike in zip(everywhere, now, strict=True):
                if len(alike) < rows:
                    values.copy_(_repeated(alike, rows))
            edit = edits.get(number)
            if edit is not None:
                everywhere.c.scatter_(1, edit.cells, edit.values)
                everywhere.h.copy_(_repeated(output_gate, rows) * self._activation(everywhere.c))
                inputs = everywhere.h
        return after


def _batches(rows: int, edited_rows: int) -> Iterator[tuple[slice, slice]]:
    """Yield which rows run side by side, and which rows of the edits are theirs.

    Where there are several times as many edited rows, all rows run with one or more of their repetitions.
    """
    several = edited_rows > rows
    size = max(1, _ROWS_PER_BATCH // rows) * rows if several else _ROWS_PER_BATCH
    for start in range(0, edited_rows, size):
        of_edits = slice(start, start + size)
        yield slice(None) if several else of_edits, of_edits


def _edited_rows(edits: Mapping[int, Edit], rows: int) -> int:
    """Return the number of rows that edits of a number of rows are for."""
    return max((len(edit.cells) for edit in edits.values()), default=rows)


def _repeated(values: Tensor, rows: int) -> Tensor:
    """Return values (some rows, ...) as often one behind the other as makes that number of rows."""
    return values if len(values) == rows else torch.cat([values] * (rows // len(values)))


def _part(edits: Mapping[int, Edit], rows: slice) -> dict[int, Edit]:
    """Return the edits, by layer, of some of their rows."""
    return {layer: Edit(edit.cells[rows], edit.values[rows], edit.hold) for layer, edit in edits.items()}
