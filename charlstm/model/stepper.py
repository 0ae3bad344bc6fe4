"""The network one character of every stream at a time, on any device and with any functions.

On the CPU, layers of tanh cells with sigmoid gates step by the compiled loops of `kernels.steps`; all others
by `equations.step`.
"""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from charlstm.config import Functions, StepPrecision
from charlstm.machine.torch_threads import adapt_thread_count, in_threads
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.equations import LayerState
from charlstm.model.kernels.jit import Floats, Weights
from charlstm.model.kernels.matrix_tiles import thread_spans
from charlstm.model.kernels.steps import NOTHING_HELD, HeldCells, step_layer
from charlstm.model.packed_weights import float_rows, for_streams, integer_rows
from charlstm.model.streams_backend import choose_streams_backend

# From this number of multiplications on, several threads compute a layer's step. Starting them takes 50 us;
# see tests/benchmarks/EXPERIMENTS.md.
_FEWEST_SHARED_PRODUCTS = 8_000_000


class Stepper:
    """A copy of a model that reads one character of every stream at a time.

    The first layer's input projection is a table with one row per symbol, so that no step multiplies by the
    first layer's input weights.
    """

    @torch.inference_mode()
    def __init__(self, model: CharLSTM, precision: StepPrecision = "float32") -> None:
        """Copy the weights of model: later changes of the model do not show here.

        precision is that of the products with recurrent weights and with the weights of upper layers.
        """
        self._layers = step_layers(model, precision)
        self._head = copy.deepcopy(model.head)
        lowered = precision == "bfloat16" and not runs_compiled(model, precision)
        self._autocast_device = model.device.type if lowered else None

    @torch.inference_mode()
    def __call__(
        self, ids: Tensor, state: State, held: Sequence[equations.Held | None] | None = None
    ) -> tuple[Tensor, State]:
        """Read ids (streams,) int64; return the logits (streams, vocabulary) and the state after them.

        held has an entry for each layer: the cells that are set after their update, or None.
        """
        adapt_thread_count()
        after, inputs = State(torch.empty_like(state.h), torch.empty_like(state.c)), ids
        with self._autocast():
            for number, layer in enumerate(self._layers):
                before = LayerState(state.h[number], state.c[number])
                now = LayerState(after.h[number], after.c[number])
                layer.step(inputs, before, now, held[number] if held else None)
                inputs = now.h
        return self._head(inputs), after

    def _autocast(self) -> AbstractContextManager[object]:
        """Return the context in which torch multiplies in bfloat16, or an empty one for compiled layers."""
        device = self._autocast_device
        return torch.autocast(device, torch.bfloat16) if device else nullcontext()


class StepLayer(Protocol):
    """A layer that reads one character of every stream at a time."""

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """Read one character from the state `before`, and write the state after it into `now`.

        inputs are ids (streams,) int64 in the first layer, and in others h of the layer below, (streams,
        cells) float32. held are the cells that are set after their update. Returns the output gate (streams,
        cells) float32, whose memory the next step overwrites.
        """


@torch.no_grad()
def step_layers(model: CharLSTM, precision: StepPrecision = "float32") -> list[StepLayer]:
    """Return the layers of a model, the lowest first, with copies of its weights.

    precision is that of the products with recurrent weights and with the weights of upper layers; layers that
    are not compiled need torch's autocast for it.
    """
    if runs_compiled(model, precision):
        if precision == "bfloat16":
            choose_streams_backend()
        packed = for_streams(compiled_weights(model, precision))
        first = _CompiledLayer(packed.recurrent, packed.table, first=True)
        upper = zip(packed.upper, packed.bias[:, None], strict=True)
        return [first, *(_CompiledLayer(panels, bias, first=False) for panels, bias in upper)]
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    if precision == "int8":
        weights = [_rounded(of_layer, first=layer == 0) for layer, of_layer in enumerate(weights)]
    table = model.embedding.weight @ weights[0].input.t() + weights[0].bias
    tables = [table, *(None for _ in weights[1:])]
    return [
        _TorchLayer(of_layer, table, model.config.functions)
        for of_layer, table in zip(weights, tables, strict=True)
    ]


def _rounded(weights: equations.LayerWeights, *, first: bool) -> equations.LayerWeights:
    """Return weights of a layer rounded to 8 bits: U in the first layer, [W U] in others."""
    if first:
        return weights._replace(recurrent=_rounded_rows(weights.recurrent))
    joined = _rounded_rows(torch.cat([weights.input, weights.recurrent], dim=1))
    inputs = weights.input.shape[1]
    return weights._replace(input=joined[:, :inputs], recurrent=joined[:, inputs:])


def _rounded_rows(rows: Tensor) -> Tensor:
    """Return the numbers that weights (outputs, inputs) of 8 bits stand for."""
    whole, scales = integer_rows(rows.float().cpu().numpy())
    return torch.from_numpy(float_rows(whole, scales, rows.shape[1])).to(rows)


class _TorchLayer:
    """A StepLayer that steps by `equations.step`, on any device and with any functions."""

    def __init__(self, weights: equations.LayerWeights, table: Tensor | None, functions: Functions) -> None:
        """table (symbols, 4 cells) is W x + b of every symbol in the first layer, and None in others."""
        self._table = table
        self._bias, self._input_weights = weights.bias.clone(), weights.input.t().contiguous()
        self._recurrent = weights.recurrent.clone()
        self._functions = functions

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """Read one character; see StepLayer.step."""
        if self._table is None:
            projected = torch.addmm(self._bias, inputs, self._input_weights)
        else:
            projected = self._table[inputs]
        h, c, gates = equations.step(
            projected, before.h, before.c, self._recurrent, functions=self._functions, held=held
        )
        now.h.copy_(h)
        now.c.copy_(c)
        return gates.o


class _CompiledLayer:
    """A StepLayer of tanh cells on the CPU that steps by `kernels.steps.step_layer`."""

    def __init__(self, panels: Weights, added: Floats, *, first: bool) -> None:
        """Keep the weights of a layer.

        In the first layer panels have U (4 cells, cells), and added is W x + b of every symbol (symbols, 4
        cells). In others panels have [W U] (4 cells, 2 cells), and added is the bias (1, 4 cells). panels are
        float32 or pairs of bfloat16 (`kernels.matrix_tiles`); added is float32.
        """
        self._panels, self._products = panels, panels.size * (2 if panels.dtype == np.uint32 else 1)
        self._first, self._added, self._cells = first, added, added.shape[1] // 4
        self._make_buffers(streams=0)

    def _make_buffers(self, streams: int) -> None:
        """Make the arrays that every step of that number of streams writes: new ones would cost time."""
        self._gates = np.empty((streams, 4 * self._cells), np.float32)
        self._output_gate = torch.from_numpy(self._gates[:, -self._cells :])
        self._bias_rows = np.zeros(streams, np.int64)
        self._joined = torch.empty(streams, 2 * self._cells)

    def step(
        self, inputs: Tensor, before: LayerState, now: LayerState, held: equations.Held | None
    ) -> Tensor:
        """Read one character; see StepLayer.step."""
        streams = len(before.h)
        if len(self._gates) != streams:
            self._make_buffers(streams)
        if self._first:
            x = before.h.contiguous().numpy()
            rows = inputs.contiguous().numpy()
        else:
            self._joined[:, : self._cells] = inputs
            self._joined[:, self._cells :] = before.h
            x, rows = self._joined.numpy(), self._bias_rows
        held_cells = HeldCells(held.cells.numpy(), held.values.float().numpy()) if held else NOTHING_HELD
        c, h, c_before = now.c.numpy(), now.h.numpy(), before.c.contiguous().numpy()

        def step_streams(span: slice) -> None:
            step_layer(
                self._panels,
                x[span],
                self._added,
                rows[span],
                c_before[span],
                held_cells,
                self._gates[span],
                c[span],
                h[span],
            )

        alone = streams * self._products < _FEWEST_SHARED_PRODUCTS
        in_threads(step_streams, thread_spans(streams, 1 if alone else torch.get_num_threads()))
        return self._output_gate
