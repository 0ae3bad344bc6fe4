"""The LSTM equations for one step: the readable reference, for any activation and any cell held.

    i, f, o = sigmoid(W x + U h + b)        each gate with rows of its own in W, U and b
    g       = activation(W x + U h + b)
    c'      = f * c + i * g
    h'      = o * activation(c')            c' within LARGEST where the activation has no bounds

Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000. The rows
of the weights stand in PyTorch's order i, f, g, o. With tanh everything here equals `nn.LSTM`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Function = Callable[[Tensor], Tensor]

_FUNCTIONS: dict[str, Function] = {
    "tanh": torch.tanh,
    "softsign": functional.softsign,
    "hardtanh": functional.hardtanh,
    "relu": torch.relu,
    "identity": lambda x: x,
}
UNBOUNDED = frozenset({"relu", "identity"})
# What h adds to an unbounded candidate comes back in h: without an end to c it grows until it overflows.
LARGEST = 3.0


class LayerWeights(NamedTuple):
    """One layer: input (4 cells, inputs), recurrent (4 cells, cells), bias (4 cells)."""

    input: Tensor
    recurrent: Tensor
    bias: Tensor


class Gates(NamedTuple):
    """The input, forget, candidate and output gate, each (..., cells): i, f, o in (0, 1)."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor


class Held(NamedTuple):
    """Cells of one layer whose cell state is set after its update: indices (n,) and values (n,)."""

    cells: Tensor
    values: Tensor


def activation_function(name: str) -> Function:
    """The function of that name in config.ACTIVATIONS, applied to candidate and cell state."""
    return _FUNCTIONS[name]


def layer_weights(lstm: nn.LSTM) -> LayerWeights:
    """The weights of a one-layer `nn.LSTM`, its two biases added."""
    weight = lstm.get_parameter
    return LayerWeights(
        weight("weight_ih_l0"), weight("weight_hh_l0"), weight("bias_ih_l0") + weight("bias_hh_l0")
    )


def gates_from(preactivations: Tensor, activation: str = "tanh") -> Gates:
    """The four gates from W x + U h + b, (..., 4 cells)."""
    i, f, g, o = preactivations.chunk(4, dim=-1)
    return Gates(i.sigmoid(), f.sigmoid(), activation_function(activation)(g), o.sigmoid())


def step(
    projected: Tensor,
    h: Tensor,
    c: Tensor,
    recurrent: Tensor,
    *,
    activation: str = "tanh",
    held: Held | None = None,
) -> tuple[Tensor, Tensor, Gates]:
    """One character of one layer: (h', c', gates), each (streams, cells).

    projected is W x + b, (streams, 4 cells); recurrent is U, (4 cells, cells). Held cells are set
    after the update of c and before h is formed, so the gates of the step do not see it.
    """
    gates = gates_from(torch.addmm(projected, h, recurrent.t()), activation)
    c = gates.f * c + gates.i * gates.g
    if activation in UNBOUNDED:
        c = c.clamp(-LARGEST, LARGEST)
    if held is not None:
        c = c.index_copy(1, held.cells, held.values.to(c.dtype).expand(c.shape[0], -1))
    return gates.o * activation_function(activation)(c), c, gates


def run(
    inputs: Tensor, h: Tensor, c: Tensor, weights: LayerWeights, *, activation: str = "tanh"
) -> tuple[Tensor, Tensor, Tensor]:
    """All steps of a window, differentiable: inputs (streams, window, inputs) to (outputs, h, c).

    outputs is (streams, window, cells). It costs a Python step per character: `nn.LSTM` is the fast
    way for tanh, this is the way for the other activations.
    """
    projected = functional.linear(inputs, weights.input, weights.bias)
    outputs = []
    for position in range(inputs.shape[1]):
        h, c, _ = step(projected[:, position], h, c, weights.recurrent, activation=activation)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h, c
