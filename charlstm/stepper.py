"""A model that reads one character of every stream at a time: many streams, or a GPU, or any activation."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from charlstm import cell
from charlstm.compiled import NOTHING_HELD, add_rows, step_rows
from charlstm.config import StepPrecision
from charlstm.model import CharLSTM, State, doubled_candidate, runs_compiled


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
        weights = [model.weights(layer) for layer in range(model.config.layers)]
        compiled, half = runs_compiled(model), precision == "bfloat16"
        if compiled:
            weights = [doubled_candidate(each) for each in weights]
        table = model.embedding.weight @ weights[0].input.t() + weights[0].bias
        kind = (_HalfLayer if half else _CompiledLayer) if compiled else _Layer
        self._layers = [
            kind(each, model.config.activation, None if layer else table)
            for layer, each in enumerate(weights)
        ]
        self._head = (model.head.bias.clone(), model.head.weight.t().contiguous())
        self._device = model.device.type if half and not compiled else None

    @torch.inference_mode()
    def __call__(
        self, ids: Tensor, state: State, held: Sequence[cell.Held | None] | None = None
    ) -> tuple[Tensor, State]:
        """Logits (streams, vocabulary) and the state after reading ids, (streams,) int64.

        held says for each layer which of its cells are set after their update.
        """
        after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids
        with self._lowered():
            for number, layer in enumerate(self._layers):
                before, now = (_LayerState(each.h[number], each.c[number]) for each in (state, after))
                layer.step(inputs, before, now, held[number] if held else None)
                inputs = now.h
        bias, weight = self._head
        return torch.addmm(bias, after.h[-1], weight), after

    def _lowered(self) -> AbstractContextManager[object]:
        """bfloat16 products where they are torch's to choose."""
        return torch.autocast(self._device, torch.bfloat16) if self._device else nullcontext()


class _LayerState(NamedTuple):
    """h and c of one layer, each (streams, cells) float32."""

    h: Tensor
    c: Tensor


class _Layer:
    """A layer that steps as `cell` does, anywhere."""

    def __init__(self, weights: cell.LayerWeights, activation: str, table: Tensor | None) -> None:
        """table (symbols, 4 cells) is W x + b of every symbol, in the first layer."""
        self.table = table
        self.input = (weights.bias.clone(), weights.input.t().contiguous())
        self.recurrent = weights.recurrent.clone()
        self.activation = activation

    def step(self, inputs: Tensor, before: _LayerState, now: _LayerState, held: cell.Held | None) -> None:
        """Write the state after inputs: ids (streams,), or in an upper layer h of the one below."""
        if self.table is None:
            projected = torch.addmm(self.input[0], inputs, self.input[1])
        else:
            projected = self.table[inputs]
        h, c, _ = cell.step(
            projected, before.h, before.c, self.recurrent, activation=self.activation, held=held
        )
        now.h.copy_(h)
        now.c.copy_(c)


class _CompiledLayer(_Layer):
    """The same where `compiled` can; the candidate's rows of all weights are doubled."""

    def __init__(self, weights: cell.LayerWeights, activation: str, table: Tensor | None) -> None:
        super().__init__(weights, activation, table)
        # Written anew at every step: fresh ones would be cleared by the kernel.
        self._sums, self._gates = torch.empty(0, len(self.recurrent)), np.empty((0, 1, 0), np.float32)

    def step(self, inputs: Tensor, before: _LayerState, now: _LayerState, held: cell.Held | None) -> None:
        streams, rows = len(before.h), len(self.recurrent)
        if len(self._sums) != streams:
            self._make_room(streams, rows)
        self._sum(inputs, before.h)
        cells, values = (held.cells.numpy(), held.values.float().numpy()) if held else NOTHING_HELD
        c, h = (whole.unsqueeze(1).numpy() for whole in (now.c, now.h))
        step_rows(self._sums.numpy(), before.c.contiguous().numpy(), cells, values, self._gates, c, h, 0)

    def _make_room(self, streams: int, rows: int) -> None:
        self._sums = torch.empty(streams, rows)
        self._gates = np.empty((streams, 1, rows), np.float32)

    def _sum(self, inputs: Tensor, h: Tensor) -> None:
        """W x + U h + b."""
        if self.table is None:
            torch.addmm(self.input[0], inputs, self.input[1], out=self._sums)
        else:
            torch.index_select(self.table, 0, inputs, out=self._sums)
        self._sums.addmm_(h, self.recurrent.t())


class _HalfLayer(_CompiledLayer):
    """The same with products in bfloat16; what is added to them, and the cell state, stay float32."""

    def __init__(self, weights: cell.LayerWeights, activation: str, table: Tensor | None) -> None:
        super().__init__(weights, activation, table)
        self._added = (weights.bias[None] if table is None else table).numpy()
        joined = weights.recurrent if table is not None else torch.cat((weights.input, weights.recurrent), 1)
        self._weight = joined.t().bfloat16().contiguous()
        self._products, self._bits = self._weight[:0], np.empty((0, 0), np.uint16)
        self._first = torch.zeros(0, dtype=torch.int64)

    def _make_room(self, streams: int, rows: int) -> None:
        super()._make_room(streams, rows)
        self._products = torch.empty(streams, rows, dtype=torch.bfloat16)
        self._bits = self._products.view(torch.int16).numpy().view(np.uint16)
        self._first = torch.zeros(streams, dtype=torch.int64)

    def _sum(self, inputs: Tensor, h: Tensor) -> None:
        h, rows = (torch.cat((inputs, h), 1), self._first) if self.table is None else (h, inputs)
        torch.mm(h.bfloat16(), self._weight, out=self._products)
        add_rows(self._bits, self._added, rows.contiguous().numpy(), self._sums.numpy())
