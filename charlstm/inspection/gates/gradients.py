"""Compute how far gradient travels through the gates: from one closer back to its opener.

A span is an opener and its closer. The claim under test is that a forget gate near 1 lets gradient flow
straight from the loss back to the opener, where the decision was made, and on into the weights. With the loss
L at one closer only,

    dL/dc_t = o_t act'(c_t) dL/dh_t + f_{t+1} dL/dc_{t+1}

where dL/dh_t comes through the gates of later steps, and at T, the step that predicts the closer, from the
head. The direct path alone gives dL/dc_T times the product of f from t + 1 to T. The two are equal where
the recurrence through h is cut.

All derivatives are autograd's, so that they hold for all functions, in float64: with f near 1 the
logarithms move by less than float32 resolves. `gradient_paths` turns the gradients into answers.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm.config import GATES, Functions
from charlstm.findings import Json
from charlstm.inspection.gates.gradient_paths import Cell, WindowGradients, cell_set_report
from charlstm.inspection.gates.saturation import finite_number
from charlstm.inspection.reading.trace import WARMUP
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State

Ids = NDArray[np.unsignedinteger]
# Spans are the positions in a text of openers and their closers, (n, 2).
Spans = NDArray[np.int64]

# The gradient is followed through this many characters before the closer, and no span is longer.
WINDOW = 64
# A span of fewer characters leaves too few points for a line.
LEAST_SPAN_CHARACTERS = 6
# This many spans are read side by side: enough for matrix products at speed, few enough for some 500 MB at
# 512 cells.
_SPANS_PER_BATCH = 16


class LayerGradients(NamedTuple):
    """LayerGradients has the values of one layer at every position t of windows of text, and the gradients
    there.

    c (spans, window, cells) is dL/dc_t. decision (spans, window, 4, cells) is dL/da_t of the
    pre-activations a_t = W x_t + b + U h_{t-1}, the gates in the order of config.GATES; from_input and
    recurrent, of the same shape, are the two parts W x_t + b and U h_{t-1}. x (spans, window, inputs) is
    x_t, h (spans, window, cells) h_{t-1}.
    """

    c: Tensor
    decision: Tensor
    from_input: Tensor
    recurrent: Tensor
    x: Tensor
    h: Tensor


class _Step(NamedTuple):
    """A _Step has the values of a layer at one position, still in the graph of autograd.

    x (spans, inputs) are its inputs, h (spans, cells) its hidden state before, projected (spans, 4 cells)
    is W x + b, and c (spans, cells) the cell state after.
    """

    x: Tensor
    h: Tensor
    projected: Tensor
    c: Tensor


def credit_report(
    model: CharLSTM,
    ids: Ids,
    *,
    spans: Spans,
    cells: Sequence[Cell],
    controls: Sequence[Cell],
    untrained: CharLSTM,
) -> Json:
    """Return the credit of cells, which is how gradient from true closers reaches them, beside control cells
    and an untrained network.

    spans (n, 2) are positions in ids (characters,) of openers and their closers; `usable_spans` says which
    are used. cells and controls are (layer, cell) of the model. `cells` and `controls` of the result are
    what `gradient_paths.cell_set_report` returns for each, None without controls; `untrained` is the report
    for cells and controls together, read in the untrained network, whose cells differ by chance alone. span
    is the median number of characters from opener to closer, closer_nats the mean loss at the closers of both
    networks.

    The result is {} where no span can be used, or there are no cells.
    """
    usable = usable_spans(spans)
    if not len(usable) or not cells:
        return {}
    trained, nats = _read(model, ids, usable, [*cells, *controls])
    fresh, fresh_nats = _read(untrained, ids, usable, [*cells, *controls])
    return {
        "sites": len(usable),
        "span": float(np.median(usable[:, 1] - usable[:, 0])),
        "closer_nats": {"trained": finite_number(nats), "untrained": finite_number(fresh_nats)},
        "cells": cell_set_report(trained.of_cells(0, len(cells))),
        "controls": cell_set_report(trained.of_cells(len(cells), len(trained.cells))) if controls else None,
        "untrained": cell_set_report(fresh),
    }


def usable_spans(spans: Spans) -> Spans:
    """Return the spans (n, 2) among `spans` that have LEAST_SPAN_CHARACTERS to WINDOW characters from opener
    to closer, and room for a warm-up and the window before the closer, in their order.
    """
    opener, closer = spans[:, 0], spans[:, 1]
    length = closer - opener
    fits = (length >= LEAST_SPAN_CHARACTERS) & (length <= WINDOW) & (closer >= WARMUP + WINDOW)
    return spans[np.flatnonzero(fits)]


def _read(model: CharLSTM, ids: Ids, spans: Spans, cells: Sequence[Cell]) -> tuple[WindowGradients, Tensor]:
    """Return the gradients of cells in the windows up to the closers of spans (n, 2), and the mean loss at
    these closers in nats.
    """
    openers = torch.from_numpy(WINDOW - (spans[:, 1] - spans[:, 0]))
    batches = [
        (_window_gradients(layers, of_batch, cells, model.config.functions), nats)
        for (layers, nats), of_batch in zip(
            _batches(model, ids, spans), torch.split(openers, _SPANS_PER_BATCH), strict=True
        )
    ]
    return WindowGradients.joined([windows for windows, _ in batches]), torch.cat(
        [nats for _, nats in batches]
    ).mean()


def _window_gradients(
    layers: Sequence[LayerGradients], openers: Tensor, cells: Sequence[Cell], functions: Functions
) -> WindowGradients:
    """Return the gradients of cells (layer, cell), picked from the gradients of all layers; openers (spans,)
    are the positions of the openers in the windows.
    """

    def picked(name: str) -> Tensor:
        return torch.stack([getattr(layers[layer], name)[..., number] for layer, number in cells], dim=-1)

    rows = torch.arange(len(openers))
    return WindowGradients(
        cells=cells,
        functions=functions,
        openers=openers,
        gradient=picked("c"),
        decision=picked("decision"),
        from_input=picked("from_input"),
        recurrent=picked("recurrent"),
        x=tuple(layer.x[rows, openers] for layer in layers),
        h=tuple(layer.h[rows, openers] for layer in layers),
    )


def _batches(model: CharLSTM, ids: Ids, spans: Spans) -> Iterator[tuple[tuple[LayerGradients, ...], Tensor]]:
    """Yield the gradients of all layers and the losses (spans,) at the closers of spans (n, 2), in batches
    of _SPANS_PER_BATCH; each window is read after a warm-up from a state of zeros.
    """
    # On the CPU, since not every device has float64.
    double = copy.deepcopy(model).to(device="cpu", dtype=torch.float64).requires_grad_(False).eval()
    before = np.arange(-WARMUP - WINDOW, 1)
    for start in range(0, len(spans), _SPANS_PER_BATCH):
        rows = torch.from_numpy(
            ids[spans[start : start + _SPANS_PER_BATCH, 1, None] + before].astype(np.int64)
        )
        zeros = State(*(values.double() for values in double.initial_state(len(rows))))
        _, state = double(rows[:, :WARMUP], zeros)
        yield gradients(double, rows[:, WARMUP:-1], rows[:, -1], state)


@torch.enable_grad()
def gradients(
    model: CharLSTM, ids: Tensor, closers: Tensor, state: State, *, detached: bool = False
) -> tuple[tuple[LayerGradients, ...], Tensor]:
    """Return per layer the gradients of the loss at closers, and the loss of each span (spans,) in nats.

    ids (spans, window) int64 are read from state (h and c, each (layers, spans, cells)); closers (spans,)
    int64 are the characters that follow them. With `detached`, a layer's gates see its own h as a constant:
    gradient then has the direct path alone, and equals the product of f in the top layer. The model's
    weights must not require gradients.
    """
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    steps: list[list[_Step]] = [[] for _ in weights]
    h, c = list(state.h), list(state.c)
    for x in model.embedding(ids).unbind(1):
        for layer, weight in enumerate(weights):
            before = h[layer].detach() if detached else h[layer]
            # The gradient of projected equals the gradient of the pre-activations. In the first layer
            # projected is a leaf of the graph, so it has to require gradients.
            projected = functional.linear(x, weight.input, weight.bias).requires_grad_()
            h[layer], c[layer], _ = equations.step(
                projected, before, c[layer], weight.recurrent, functions=model.config.functions
            )
            steps[layer].append(_Step(x, before, projected, c[layer]))
            x = h[layer]
    nats = functional.cross_entropy(model.head(x), closers, reduction="none")
    # Spans share no cell, so the gradients of the sum of losses equal the gradients of each span's own loss.
    inputs = [value for layer in steps for step in layer for value in (step.c, step.projected)]
    computed = iter(torch.autograd.grad(nats.sum(), inputs))
    layers = [
        _layer_gradients(layer, [(next(computed), next(computed)) for _ in layer], weight.recurrent)
        for layer, weight in zip(steps, weights, strict=True)
    ]
    return tuple(layers), nats.detach()


def _layer_gradients(
    steps: Sequence[_Step], computed: Sequence[tuple[Tensor, Tensor]], recurrent: Tensor
) -> LayerGradients:
    """Return the steps of one layer together with the gradients computed for their c and projected.

    recurrent (4 cells, cells) are the layer's recurrent weights.
    """
    x, h, projected, _ = (torch.stack(values, dim=1).detach() for values in zip(*steps, strict=True))
    c, decision = (torch.stack(values, dim=1) for values in zip(*computed, strict=True))
    gates = (decision, projected, functional.linear(h, recurrent))
    decision, from_input, added = (values.view(*c.shape[:2], len(GATES), -1) for values in gates)
    return LayerGradients(c, decision, from_input, added, x, h)
