"""References for the compiled steps: a model stepped by its equations, and its packed weights."""

import torch

from charlstm.config import Hold
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.packed_weights import stream_weights


def natural(model: CharLSTM, ids: list[int], holds: tuple[Hold, ...] = (), first: int = 0) -> list[tuple]:
    """(c, logits) after each of ids, c (layers, cells), from the equations alone, by plain assignment.

    Position first is where the state is that drawn character 0 comes from.
    """
    state = [(torch.zeros(1, model.config.cells),) * 2 for _ in range(model.config.layers)]
    found = []
    for position, symbol in enumerate(ids):
        x = model.embedding.weight[[symbol]]
        for layer, (h, c) in enumerate(state):
            weights = model.weights(layer)
            projected = x @ weights.input.t() + weights.bias
            _, c, gates = equations.step(projected, h, c, weights.recurrent)
            for hold in holds:
                if hold.layer == layer and position - first >= hold.start:
                    c[0, hold.cell] = hold.value
            x = gates.o * c.tanh()
            state[layer] = (x, c)
        found.append((torch.cat([c for _, c in state]), model.head(x)))
    return found


def weights_of(model: CharLSTM, precision="float32"):
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return stream_weights(tensors, precision)
