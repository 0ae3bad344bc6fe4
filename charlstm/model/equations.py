"""The equations of a long short-term memory (LSTM) layer, one character at a time.

From the input x of a character, and the hidden state h and cell state c before it, a layer computes

    i  = sigmoid(W_i x + U_i h + b_i)       input gate: how much of the candidate is added
    f  = sigmoid(W_f x + U_f h + b_f)       forget gate: how much of the cell state is kept
    g  =     phi(W_g x + U_g h + b_g)       candidate: what may be added
    o  = sigmoid(W_o x + U_o h + b_o)       output gate: how much of the cell state is shown
    c' = f * c + i * g                      cell state after the character
    h' = o * phi(c')                        hidden state after the character

where * multiplies element by element, and phi is the activation: tanh, or another function of
`charlstm.config.ACTIVATIONS`. Where phi has no bounds, c' is clipped to +-CELL_STATE_LIMIT.

    symbol              shape in this module            meaning
    x                   (streams, inputs)               the input of every stream
    h, c, i, f, g, o    (streams, cells)                one number per cell of the layer
    W                   (4 cells, inputs)               input weights, rows of W_i, W_f, W_g, W_o
    U                   (4 cells, cells)                recurrent weights, rows of U_i, U_f, U_g, U_o
    b                   (4 cells,)                      bias; PyTorch's two biases added

All tensors are float32 on one device. The gates stand in PyTorch's order i, f, g, o. With phi = tanh the
results equal those of `torch.nn.LSTM`.

Sources: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997. The forget
gate: F. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural
Computation 12(10), 2000.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

ElementwiseFunction = Callable[[Tensor], Tensor]

_ACTIVATION_FUNCTIONS: dict[str, ElementwiseFunction] = {
    "tanh": torch.tanh,
    "softsign": functional.softsign,
    "hardtanh": functional.hardtanh,
    "relu": torch.relu,
    "identity": lambda x: x,
}
UNBOUNDED_ACTIVATIONS = frozenset({"relu", "identity"})
# The bound of the cell state under an unbounded activation. There c' enters h' at full size and h' enters the
# next candidate: without a bound the cell state grows until it overflows.
CELL_STATE_LIMIT = 3.0


class LayerWeights(NamedTuple):
    """The weights of a layer: input W (4 cells, inputs), recurrent U (4 cells, cells), bias b (4 cells,)."""

    input: Tensor
    recurrent: Tensor
    bias: Tensor


class LayerState(NamedTuple):
    """The hidden state h and the cell state c of one layer, each (streams, cells) float32."""

    h: Tensor
    c: Tensor


class Gates(NamedTuple):
    """The gates i, f, g, o of one layer, each (..., cells) float32; i, f and o are in (0, 1)."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor


class Held(NamedTuple):
    """Cells of one layer to hold: the numbers of the cells (held,) int64 and their cell states (held,)."""

    cells: Tensor
    values: Tensor


def activation_function(name: str) -> ElementwiseFunction:
    """Return the function phi for a name in `charlstm.config.ACTIVATIONS`. Raises KeyError for another."""
    return _ACTIVATION_FUNCTIONS[name]


def layer_weights(lstm: nn.LSTM) -> LayerWeights:
    """Return the weights of an `nn.LSTM` of one layer, with its two biases added."""
    weight = lstm.get_parameter
    return LayerWeights(
        weight("weight_ih_l0"), weight("weight_hh_l0"), weight("bias_ih_l0") + weight("bias_hh_l0")
    )


def gates_from(preactivations: Tensor, activation: str = "tanh") -> Gates:
    """Return the four gates for the pre-activations W x + U h + b, (..., 4 cells)."""
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
    """Read one character in every stream through one layer; return (h', c', gates), each (streams, cells).

    projected is W x + b, (streams, 4 cells); h and c are the states before the character, (streams, cells);
    recurrent is U, (4 cells, cells). Held cells are set after c' is computed and before h' is, so the hold
    acts on h' and on later characters, and the gates of this step do not depend on it.
    """
    gates = gates_from(torch.addmm(projected, h, recurrent.t()), activation)
    c = gates.f * c + gates.i * gates.g
    if activation in UNBOUNDED_ACTIVATIONS:
        c = c.clamp(-CELL_STATE_LIMIT, CELL_STATE_LIMIT)
    if held is not None:
        c = c.index_copy(1, held.cells, held.values.to(c.dtype).expand(c.shape[0], -1))
    h = gates.o * activation_function(activation)(c)
    return h, c, gates


def run(
    inputs: Tensor, h: Tensor, c: Tensor, weights: LayerWeights, *, activation: str = "tanh"
) -> tuple[Tensor, Tensor, Tensor]:
    """Read a window through one layer, differentiably; return the outputs and the h and c after it.

    inputs are x at every position, (streams, window, inputs); h and c are the states before the window,
    (streams, cells). The outputs are h' at every position, (streams, window, cells). One Python step per
    character makes this slow: tanh layers run by `nn.LSTM` instead.
    """
    projected = functional.linear(inputs, weights.input, weights.bias)
    outputs = []
    for position in range(inputs.shape[1]):
        h, c, _ = step(projected[:, position], h, c, weights.recurrent, activation=activation)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h, c
