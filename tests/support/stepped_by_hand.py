"""References for the compiled loops: a model stepped by its equations, its packed weights, small models."""

import torch

from charlstm.config import Hold, ModelConfig, StepPrecision
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.kernels.steps import StreamWeights
from charlstm.model.packed_weights import stream_weights

SYMBOLS = 11


def model_of(cells: int, layers: int, generator: torch.Generator) -> CharLSTM:
    """Return a model of tanh cells with 11 symbols in evaluation mode."""
    config = ModelConfig(vocabulary_size=SYMBOLS, cells=cells, layers=layers, embedding=4)
    return CharLSTM(config, generator=generator).eval()


def random_ids(count: int, generator: torch.Generator) -> torch.Tensor:
    """Return (count,) int64 ids of symbols."""
    return torch.randint(0, SYMBOLS, (count,), generator=generator)


def step_by_equations(
    model: CharLSTM, ids: list[int], holds: tuple[Hold, ...] = (), first: int = 0
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return (c, logits) after each of ids, from the equations alone; held cells are set by assignment.

    c is (layers, cells), the logits are (1, vocabulary). Drawn character 0 is drawn from the state after
    ids[first].
    """
    state = [(torch.zeros(1, model.config.cells),) * 2 for _ in range(model.config.layers)]
    results = []
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
        results.append((torch.cat([c for _, c in state]), model.head(x)))
    return results


def packed(model: CharLSTM, precision: StepPrecision = "float32") -> StreamWeights:
    """Return the weights of a model in the layout of the compiled loops."""
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return stream_weights(tensors, precision)
