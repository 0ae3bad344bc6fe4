"""The equations of a long short-term memory (LSTM) layer, one character at a time.

From the input x of a character, and the hidden state h and cell state c before it, a layer computes

    i  = sigmoid(W_i x + U_i h + b_i)       input gate: how much of the candidate is added
    f  = sigmoid(W_f x + U_f h + b_f)       forget gate: how much of the cell state is kept
    g  =     phi(W_g x + U_g h + b_g)       candidate: what may be added
    o  = sigmoid(W_o x + U_o h + b_o)       output gate: how much of the cell state is shown
    c' = f * c + i * g                      cell state after the character
    h' = o * phi(c')                        hidden state after the character

where * multiplies element by element, and phi is the activation: tanh, or another function of
`charlstm.config.ACTIVATIONS`. Where phi has no bounds, c' is clipped to +-CELL_STATE_LIMIT. In the place of
the sigmoid the gates may have the hard sigmoid of Keras: 0.2 x + 0.5, cut at 0 and 1.

    symbol              shape in this module            meaning
    x                   (streams, inputs)               the input of every stream
    h, c, i, f, g, o    (streams, cells)                one number per cell of the layer
    W                   (4 cells, inputs)               input weights, rows of W_i, W_f, W_g, W_o
    U                   (4 cells, cells)                recurrent weights, rows of U_i, U_f, U_g, U_o
    b                   (4 cells,)                      bias; PyTorch's two biases added

All tensors are float32 on one device. The gates stand in PyTorch's order i, f, g, o. With phi = tanh and
sigmoid gates the results equal those of `torch.nn.LSTM`.

Sources: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997. The forget
gate: F. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural
Computation 12(10), 2000.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.config import Functions

ElementwiseFunction = Callable[[Tensor], Tensor]

_ACTIVATION_FUNCTIONS: dict[str, ElementwiseFunction] = {
    "tanh": torch.tanh,
    "softsign": functional.softsign,
    "hardtanh": functional.hardtanh,
    "relu": torch.relu,
    "identity": lambda x: x,
}

# The slope of the hard sigmoid, which is cut at 0 and 1: where its argument is 2.5 in size. `hardsigmoid` of
# PyTorch is another function: its slope is 1/6, and it is cut at 3.
HARD_SIGMOID_SLOPE = 0.2


def _hard_sigmoid(x: Tensor) -> Tensor:
    """Return 0.2 x + 0.5 where that is in [0, 1], and the nearer one of 0 and 1 elsewhere."""
    return (HARD_SIGMOID_SLOPE * x + 0.5).clamp(0, 1)


_GATE_FUNCTIONS: dict[str, ElementwiseFunction] = {"sigmoid": torch.sigmoid, "hard_sigmoid": _hard_sigmoid}
UNBOUNDED_ACTIVATIONS = frozenset({"relu", "identity"})
# The bound of the cell state under an unbounded activation. There c' enters h' at full size and h' enters the
# next candidate: without a bound the cell state grows until it overflows.
CELL_STATE_LIMIT = 3.0


# tanh, and sigmoids at the gates.
TEXTBOOK = Functions()


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
    """The gates i, f, g, o of one layer, each (..., cells) float32; i, f and o are in [0, 1]."""

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


def gate_function(name: str) -> ElementwiseFunction:
    """Return the function of i, f and o for a name in `charlstm.config.GATE_ACTIVATIONS`.

    Raises KeyError for another name.
    """
    return _GATE_FUNCTIONS[name]


def layer_weights(lstm: nn.LSTM) -> LayerWeights:
    """Return the weights of an `nn.LSTM` of one layer, with its two biases added."""
    weight = lstm.get_parameter
    return LayerWeights(
        weight("weight_ih_l0"), weight("weight_hh_l0"), weight("bias_ih_l0") + weight("bias_hh_l0")
    )


def gates_from(preactivations: Tensor, functions: Functions = TEXTBOOK) -> Gates:
    """Return the four gates for the pre-activations W x + U h + b, (..., 4 cells)."""
    i, f, g, o = preactivations.chunk(4, dim=-1)
    gate = gate_function(functions.gate_activation)
    return Gates(gate(i), gate(f), activation_function(functions.activation)(g), gate(o))


def step(
    projected: Tensor,
    h: Tensor,
    c: Tensor,
    recurrent: Tensor,
    *,
    functions: Functions = TEXTBOOK,
    held: Held | None = None,
) -> tuple[Tensor, Tensor, Gates]:
    """Read one character in every stream through one layer; return (h', c', gates), each (streams, cells).

    projected is W x + b, (streams, 4 cells); h and c are the states before the character, (streams, cells);
    recurrent is U, (4 cells, cells). Held cells are set after c' is computed and before h' is, so the hold
    acts on h' and on later characters, and the gates of this step do not depend on it.
    """
    gates = gates_from(torch.addmm(projected, h, recurrent.t()), functions)
    c = within_limit(gates.f * c + gates.i * gates.g, functions)
    if held is not None:
        c = c.index_copy(1, held.cells, held.values.to(c.dtype).expand(c.shape[0], -1))
    h = gates.o * activation_function(functions.activation)(c)
    return h, c, gates


def within_limit(c: Tensor, functions: Functions) -> Tensor:
    """Return the cell states c, of any shape, clipped to +-CELL_STATE_LIMIT where phi has no bounds."""
    unbounded = functions.activation in UNBOUNDED_ACTIVATIONS
    return c.clamp(-CELL_STATE_LIMIT, CELL_STATE_LIMIT) if unbounded else c


def run(
    inputs: Tensor, h: Tensor, c: Tensor, weights: LayerWeights, *, functions: Functions = TEXTBOOK
) -> tuple[Tensor, Tensor, Tensor]:
    """Read a window through one layer, differentiably; return the outputs and the h and c after it.

    inputs are x at every position, (streams, window, inputs); h and c are the states before the window,
    (streams, cells). The outputs are h' at every position, (streams, window, cells). One Python step per
    character makes this slow: layers with TEXTBOOK functions run by `nn.LSTM` instead.
    """
    projected = functional.linear(inputs, weights.input, weights.bias)
    outputs = []
    for position in range(inputs.shape[1]):
        h, c, _ = step(projected[:, position], h, c, weights.recurrent, functions=functions)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h, c
