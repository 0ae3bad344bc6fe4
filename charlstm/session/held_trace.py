"""The gates and states of a model along a text while cells are held, by the equations, step by step."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from charlstm.config import Hold
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM
from charlstm.sampling.held_cells import held_at


@torch.inference_mode()
def held_numbers(
    model: CharLSTM, ids: NDArray[np.unsignedinteger], holds: Sequence[Hold], *, once: bool
) -> list[NDArray[np.float32]]:
    """Return i, f, g, o, c and h of model along ids, each (characters, layers, cells) float32.

    Each hold sets its cell at the character with the number hold.start and, unless once, at all later ones.
    A cell is set after its update, so that the gates of that character do not depend on it.
    """
    functions = model.config.functions
    at = [
        held_at([hold for hold in holds if not once or hold.start == number], number, model)
        for number in range(len(ids))
    ]
    inputs = model.embedding.weight[torch.from_numpy(ids.astype(np.int64)).to(model.device)]
    layers = []
    for layer in range(model.config.layers):
        weights = model.weights(layer)
        projected = functional.linear(inputs, weights.input, weights.bias)
        h = c = torch.zeros(1, model.config.cells, device=model.device)
        rows = []
        for row, held in zip(projected.unsqueeze(1), at, strict=True):
            of_layer = held[layer] if held else None
            h, c, gates = equations.step(row, h, c, weights.recurrent, functions=functions, held=of_layer)
            rows.append(torch.stack((*gates, c, h)))
        numbers = torch.cat(rows, dim=1)
        layers.append(numbers)
        inputs = numbers[5]
    return [values.cpu().numpy() for values in torch.stack(layers, dim=2)]
