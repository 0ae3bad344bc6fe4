"""Run the network by its equations, one character at a time, keeping all that happens inside it.

Everything is differentiable. `Rollouts` of intervening/rollouts.py computes the same faster, but keeps
neither pre-activations nor gradients.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State


class LayerStep(NamedTuple):
    """A LayerStep has what one layer computes at one character.

    projected is W x + b and preactivations W x + U h + b, each (rows, 4 cells); c_before, c and h are (rows,
    cells).
    """

    projected: Tensor
    preactivations: Tensor
    c_before: Tensor
    c: Tensor
    h: Tensor


class CellUpdate(NamedTuple):
    """A CellUpdate has the cell state and the hidden state of cells, each (rows, cells)."""

    c: Tensor
    h: Tensor


def update_cells(model: CharLSTM, preactivations: Tensor, c: Tensor, *, added: Tensor | None) -> CellUpdate:
    """Return the update of cells with preactivations (rows, 4 cells) and c (rows, cells) before it.

    added (rows, cells) is added to c after its update, before h is computed; None adds nothing.
    """
    functions = model.config.functions
    gates = equations.gates_from(preactivations, functions)
    c = equations.within_limit(gates.f * c + gates.i * gates.g, functions)
    if added is not None:
        c = c + added
    return CellUpdate(c, gates.o * equations.activation_function(functions.activation)(c))


def unroll(
    model: CharLSTM, ids: Tensor, state: State, added: Sequence[Tensor] | None = None
) -> Iterator[list[LayerStep]]:
    """Yield what all layers compute at each character of ids (rows, characters) int64.

    state, h and c each (layers, rows, cells), is in front of the first character. added has (rows, cells) for
    each layer, which is added to c at the first character, before h is computed.
    """
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    before = list(zip(state.h, state.c, strict=True))
    for character in range(ids.shape[1]):
        steps: list[LayerStep] = []
        x = model.embedding.weight[ids[:, character]]
        for layer, ((h, c), of_layer) in enumerate(zip(before, weights, strict=True)):
            projected = functional.linear(x, of_layer.input, of_layer.bias)
            preactivations = torch.addmm(projected, h, of_layer.recurrent.t())
            change = added[layer] if added is not None and character == 0 else None
            now = update_cells(model, preactivations, c, added=change)
            steps.append(LayerStep(projected, preactivations, c, now.c, now.h))
            x = now.h
        before = [(step.h, step.c) for step in steps]
        yield steps


@torch.no_grad()
def state_with(model: CharLSTM, ids: Tensor, before: State, c: Tensor) -> State:
    """Return the states after the characters ids (rows,) int64 where c of all cells is set at them.

    before, h and c each (layers, rows, cells), is in front of the characters. c (layers, sets, rows, cells)
    has several values for each row; the result, h and c each (layers, sets * rows, cells), has one for each.
    """
    functions, cells = model.config.functions, model.config.cells
    gate = equations.gate_function(functions.gate_activation)
    activation = equations.activation_function(functions.activation)
    x, h = model.embedding.weight[ids], []
    for layer, of_layer in enumerate(c):
        weights = model.weights(layer)
        recurrent = before.h[layer] @ weights.recurrent[-cells:].t()
        output_gate = gate(functional.linear(x, weights.input[-cells:], weights.bias[-cells:]) + recurrent)
        x = output_gate * activation(of_layer)
        h.append(x)
    return State(torch.stack(h).flatten(1, 2), c.flatten(1, 2))
