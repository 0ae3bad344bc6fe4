"""How far gradient travels through the gates: from one closer back to the opener that decided it.

The claim: a forget gate at 1 lets gradient flow straight from the loss to the point where the decision
was made, and on into the weights. With the loss L at one closer only,

    dL/dc_t = o_t act'(c_t) dL/dh_t + f_{t+1} dL/dc_{t+1}

where dL/dh_t comes through later gates, and at T, the step that predicts the closer, from the head. The
direct path alone gives dL/dc_T times the product of f from t + 1 to T; the two are equal where the
recurrence through h is cut. All derivatives are autograd's, so that they hold for every activation, and
float64: with f near 1 the logarithms move by less than float32 resolves. `paths` says what they mean.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.inspection.gates.gradient_paths import Cell, Paths, group
from charlstm.inspection.gates.saturation import number
from charlstm.inspection.reading.trace import WARMUP
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State

Ids = NDArray[np.unsignedinteger]
Sites = NDArray[np.int64]

# Characters before the closer that gradient is followed through, and so the longest span of a site.
WINDOW = 64
# A shorter span leaves too few points for a line.
LEAST_SPAN = 6
# Sites side by side: enough for matrix products at speed, few enough for some 500 MB at 512 cells.
_BATCH = 32


class LayerGradients(NamedTuple):
    """One layer over windows of text, at every position t, gates in PyTorch's order.

    c (sites, window, cells) is dL/dc_t; decision (sites, window, 4, cells) is dL/da_t, of the
    pre-activations a_t = W x_t + b + U h_{t-1}; driven and recurrent, of the same shape, are W x_t + b and
    U h_{t-1}; x (sites, window, inputs) and h (sites, window, cells) are x_t and h_{t-1}.
    """

    c: Tensor
    decision: Tensor
    driven: Tensor
    recurrent: Tensor
    x: Tensor
    h: Tensor


class _Step(NamedTuple):
    """What a layer did at one position, still in autograd's graph."""

    x: Tensor
    h: Tensor
    projected: Tensor
    c: Tensor


def credit_report(
    model: CharLSTM,
    ids: Ids,
    *,
    sites: Sites,
    cells: Sequence[Cell],
    controls: Sequence[Cell],
    untrained: CharLSTM,
) -> Json:
    """How gradient from true closers reaches cells, each (layer, cell), and what it does not reach as well.

    sites (n, 2) are positions in ids (characters,) of openers and their closers; a site is used when its
    span is LEAST_SPAN to WINDOW characters and a warm-up fits before it. The answer is {} when none is
    used, or there are no cells. `cells` and `controls` are of the model, `untrained` are both of that
    network, whose cells differ by chance alone: each is what `paths.group` returns, None for no
    controls. span is the median, closer_nats are the mean losses at the closers.
    """
    usable = usable_sites(sites)
    if not len(usable) or not cells:
        return {}
    trained, nats = _read(model, ids, usable, [*cells, *controls])
    fresh, fresh_nats = _read(untrained, ids, usable, [*cells, *controls])
    return {
        "sites": len(usable),
        "span": float(np.median(usable[:, 1] - usable[:, 0])),
        "closer_nats": {"trained": number(nats), "untrained": number(fresh_nats)},
        "cells": group(trained.part(0, len(cells))),
        "controls": group(trained.part(len(cells), len(trained.cells))) if controls else None,
        "untrained": group(fresh),
    }


def usable_sites(sites: Sites) -> Sites:
    """The sites (n, 2) whose span fits the window and whose warm-up fits the text, in their order."""
    opener, closer = sites[:, 0], sites[:, 1]
    span = closer - opener
    fits = (span >= LEAST_SPAN) & (span <= WINDOW) & (closer >= WARMUP + WINDOW)
    return sites[np.flatnonzero(fits)]


def _read(model: CharLSTM, ids: Ids, sites: Sites, cells: Sequence[Cell]) -> tuple[Paths, Tensor]:
    """The paths from the closers of sites (n, 2) to cells, and the mean loss at the closers in nats."""
    openers = torch.from_numpy(WINDOW - (sites[:, 1] - sites[:, 0]))
    read = [
        (_paths(layers, here, cells, model.config.activation), nats)
        for (layers, nats), here in zip(
            _batches(model, ids, sites), torch.split(openers, _BATCH), strict=True
        )
    ]
    return Paths.joined([paths for paths, _ in read]), torch.cat([nats for _, nats in read]).mean()


def _paths(
    layers: Sequence[LayerGradients], openers: Tensor, cells: Sequence[Cell], activation: str
) -> Paths:
    """What Paths keeps of all layers' gradients; openers (sites,) are places in the window."""

    def picked(name: str) -> Tensor:
        return torch.stack([getattr(layers[layer], name)[..., number] for layer, number in cells], dim=-1)

    rows = torch.arange(len(openers))
    return Paths(
        cells=cells,
        activation=activation,
        openers=openers,
        gradient=picked("c"),
        decision=picked("decision"),
        driven=picked("driven"),
        recurrent=picked("recurrent"),
        x=tuple(layer.x[rows, openers] for layer in layers),
        h=tuple(layer.h[rows, openers] for layer in layers),
    )


def _batches(model: CharLSTM, ids: Ids, sites: Sites) -> Iterator[tuple[tuple[LayerGradients, ...], Tensor]]:
    """The gradients and losses of sites (n, 2), _BATCH at a time, each behind a warm-up from zeros."""
    # On the CPU, since not every device has float64.
    double = copy.deepcopy(model).to(device="cpu", dtype=torch.float64).requires_grad_(False).eval()
    before = np.arange(-WARMUP - WINDOW, 1)
    for start in range(0, len(sites), _BATCH):
        rows = torch.from_numpy(ids[sites[start : start + _BATCH, 1, None] + before].astype(np.int64))
        zeros = State(*(values.double() for values in double.initial_state(len(rows))))
        _, state = double(rows[:, :WARMUP], zeros)
        yield gradients(double, rows[:, WARMUP:-1], rows[:, -1], state)


@torch.enable_grad()
def gradients(
    model: CharLSTM, ids: Tensor, closers: Tensor, state: State, *, detached: bool = False
) -> tuple[tuple[LayerGradients, ...], Tensor]:
    """All layers' gradients of the loss in nats at closers (sites,), which follow ids (sites, window).

    state is what the layers remember before ids; the second result is each site's loss (sites,). Where
    detached, a layer's gates see its own h as a constant: gradient then has the direct path alone, and
    equals the product of f in the top layer. The model's weights must not require gradients.
    """
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    steps: list[list[_Step]] = [[] for _ in weights]
    h, c = list(state.h), list(state.c)
    for x in model.embedding(ids).unbind(1):
        for layer, weight in enumerate(weights):
            before = h[layer].detach() if detached else h[layer]
            # Its gradient is that of the pre-activations; in the first layer it is a leaf of the graph.
            projected = functional.linear(x, weight.input, weight.bias).requires_grad_()
            h[layer], c[layer], _ = equations.step(
                projected, before, c[layer], weight.recurrent, activation=model.config.activation
            )
            steps[layer].append(_Step(x, before, projected, c[layer]))
            x = h[layer]
    nats = functional.cross_entropy(model.head(x), closers, reduction="none")
    # Sites share no cell, so the gradients of the sum are each site's own.
    wanted = [value for layer in steps for step in layer for value in (step.c, step.projected)]
    found = iter(torch.autograd.grad(nats.sum(), wanted))
    layers = [
        _layer_gradients(layer, [(next(found), next(found)) for _ in layer], weight.recurrent)
        for layer, weight in zip(steps, weights, strict=True)
    ]
    return tuple(layers), nats.detach()


def _layer_gradients(
    steps: Sequence[_Step], found: Sequence[tuple[Tensor, Tensor]], recurrent: Tensor
) -> LayerGradients:
    """The steps of one layer put together with the gradients of their c and projected."""
    x, h, projected, _ = (torch.stack(values, dim=1).detach() for values in zip(*steps, strict=True))
    c, decision = (torch.stack(values, dim=1) for values in zip(*found, strict=True))
    gates = (decision, projected, functional.linear(h, recurrent))
    decision, driven, added = (values.view(*c.shape[:2], len(GATES), -1) for values in gates)
    return LayerGradients(c, decision, driven, added, x, h)
