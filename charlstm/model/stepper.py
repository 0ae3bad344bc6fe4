"""A model that reads one character of every stream at a time, on any device, with any activation."""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from charlstm.config import StepPrecision
from charlstm.machine.torch_threads import in_threads
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.kernels.jit import Floats, Weights
from charlstm.model.kernels.matrix_tiles import spans
from charlstm.model.kernels.steps import NOTHING_HELD, Held, step_rows
from charlstm.model.packed_weights import panels_of

# Products of a step that are worth a second thread, which takes some 50 us to meet.
_OWN_PRODUCTS = 8_000_000


class Stepper:
    """A model that reads one character of every stream at a time.

    The first layer's input projection is a table with one row per character, so that no step
    multiplies by its input weights.
    """

    @torch.inference_mode()
    def __init__(self, model: CharLSTM, precision: StepPrecision = "float32") -> None:
        """The weights are copied: later changes of the model do not show here. precision is that of the
        products with recurrent weights and with those of upper layers.
        """
        self._layers = step_layers(model, precision)
        self._head = copy.deepcopy(model.head)
        lowered = precision == "bfloat16" and not runs_compiled(model)
        self._device = model.device.type if lowered else None

    @torch.inference_mode()
    def __call__(
        self, ids: Tensor, state: State, held: Sequence[equations.Held | None] | None = None
    ) -> tuple[Tensor, State]:
        """Logits (streams, vocabulary) and the state after reading ids, (streams,) int64.

        held says for each layer which of its cells are set after their update.
        """
        after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids
        with self._lowered():
            for number, layer in enumerate(self._layers):
                before = LayerState(state.h[number], state.c[number])
                now = LayerState(after.h[number], after.c[number])
                layer.step(inputs, before, now, held[number] if held else None)
                inputs = now.h
        return self._head(inputs), after

    def _lowered(self) -> AbstractContextManager[object]:
        """bfloat16 products where they are torch's to choose."""
        return torch.autocast(self._device, torch.bfloat16) if self._device else nullcontext()


class LayerState(NamedTuple):
    """h and c of one layer, each (streams, cells) float32."""

    h: Tensor
    c: Tensor


class StepLayer(Protocol):
    """A layer that reads one character of every stream at a time."""

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """Write the state after inputs: ids (streams,), or in an upper layer h of the one below.

        Returns the output gate, (streams, cells), until the next step.
        """


@torch.no_grad()
def step_layers(model: CharLSTM, precision: StepPrecision = "float32") -> list[StepLayer]:
    """The layers of a model with copies of its weights; see Stepper."""
    if runs_compiled(model):
        own = compiled_weights(model, precision)
        first = _CompiledLayer(own.recurrent, own.table, first=True)
        upper = zip(own.upper, own.bias[:, None], strict=True)
        return [first, *(_CompiledLayer(rows, bias, first=False) for rows, bias in upper)]
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    table = model.embedding.weight @ weights[0].input.t() + weights[0].bias
    tables = [table, *(None for _ in weights[1:])]
    return [_Layer(each, own, model.config.activation) for each, own in zip(weights, tables, strict=True)]


class _Layer:
    """A layer that steps as `cell` does, anywhere."""

    def __init__(self, weights: equations.LayerWeights, table: Tensor | None, activation: str) -> None:
        """table (symbols, 4 cells) is W x + b of every symbol, in the first layer."""
        self.table = table
        self.input = (weights.bias.clone(), weights.input.t().contiguous())
        self.recurrent = weights.recurrent.clone()
        self.activation = activation

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """See StepLayer."""
        if self.table is None:
            projected = torch.addmm(self.input[0], inputs, self.input[1])
        else:
            projected = self.table[inputs]
        h, c, gates = equations.step(
            projected, before.h, before.c, self.recurrent, activation=self.activation, held=held
        )
        now.h.copy_(h)
        now.c.copy_(c)
        return gates.o


class _CompiledLayer:
    """The same where `compiled` can."""

    def __init__(self, weights: Weights, added: Floats, *, first: bool) -> None:
        """In the first layer weights are (4 cells, cells), added is its table of symbols (symbols, 4 cells);
        in others (4 cells, 2 cells), of the layer below and its own, and added is the bias (1, 4 cells).

        What is added to the products, and the cell state, are float32 whatever the weights are.
        """
        self._panels, self._products = panels_of(weights), weights.size
        self._first, self._added, self._cells = first, added, added.shape[1] // 4
        self._gates, self._bias_rows = np.empty((0, 0), np.float32), np.empty(0, np.int64)
        self._output_gate, self._joined = torch.empty(0, 0), torch.empty(0, 0)

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """See StepLayer."""
        streams = len(before.h)
        if len(self._gates) != streams:
            # Written anew at every step: fresh ones would be cleared by the kernel.
            self._gates = np.empty((streams, self._added.shape[1]), np.float32)
            self._output_gate = torch.from_numpy(self._gates[:, -self._cells :])
            self._bias_rows = np.zeros(streams, np.int64)
            self._joined = torch.empty(streams, 2 * self._cells)
        if self._first:
            x = before.h.contiguous().numpy()
            rows = inputs.contiguous().numpy()
        else:
            self._joined[:, : self._cells] = inputs
            self._joined[:, self._cells :] = before.h
            x, rows = self._joined.numpy(), self._bias_rows
        set_after = Held(held.cells.numpy(), held.values.float().numpy()) if held else NOTHING_HELD
        c, h, c_before = now.c.numpy(), now.h.numpy(), before.c.contiguous().numpy()

        def work(own: slice) -> None:
            step_rows(
                self._panels,
                x[own],
                self._added,
                rows[own],
                c_before[own],
                set_after,
                self._gates[own],
                c[own],
                h[own],
            )

        alone = streams * self._products < _OWN_PRODUCTS
        in_threads(work, spans(streams, 1 if alone else torch.get_num_threads()))
        return self._output_gate
