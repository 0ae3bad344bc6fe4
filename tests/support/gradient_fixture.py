"""A small network in float64, and random states and texts, to compute gradients on."""

import torch
from torch import Tensor

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM, State

SYMBOLS = 'abcdefgh "'
CELLS = 6


def network(
    layers: int = 1, activation: str = "tanh", *, gates: str = "sigmoid", cells: int = CELLS, seed: int = 0
) -> CharLSTM:
    """Random weights in float64, the head's large enough to be felt."""
    config = ModelConfig(
        vocabulary_size=len(SYMBOLS),
        cells=cells,
        layers=layers,
        embedding=4,
        activation=activation,
        gate_activation=gates,
    )
    model = CharLSTM(config, generator=torch.Generator().manual_seed(seed)).double().requires_grad_(False)
    model.embedding.weight.data *= 3
    return model


def random_state(model: CharLSTM, spans: int) -> State:
    random = torch.Generator().manual_seed(3)
    shape = (model.config.layers, spans, model.config.cells)
    return State(*(0.5 * torch.randn(shape, dtype=torch.float64, generator=random) for _ in range(2)))


def random_ids(spans: int, length: int) -> Tensor:
    return torch.randint(0, len(SYMBOLS), (spans, length), generator=torch.Generator().manual_seed(4))
