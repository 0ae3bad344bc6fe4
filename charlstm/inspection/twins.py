"""Twins of a model that have learned nothing: one with fresh weights, one with shuffled gates."""

import torch

from charlstm.model.char_lstm import CharLSTM


def untrained_twin(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """Return an untrained network of the shape of model, on the device of model."""
    return CharLSTM(model.config, generator=generator).to(model.device).eval()


@torch.no_grad()
def shuffled_twin(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """Return a copy of model in which the rows of each gate of each layer are in a random order.

    Every gate has its own order, so that the gates of a cell do not belong together. The head and the
    embedding are copies of the model's.
    """
    twin = untrained_twin(model, generator)
    twin.load_state_dict(model.state_dict())
    cells = model.config.cells
    for layer in twin.layers:
        order = torch.cat([torch.randperm(cells, generator=generator) + gate * cells for gate in range(4)])
        for parameter in layer.parameters():
            parameter.copy_(parameter[order.to(parameter.device)])
    return twin
