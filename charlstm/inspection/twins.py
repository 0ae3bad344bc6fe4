"""Twins of a model that know nothing: one with fresh weights, one with its gates' rows dealt out."""

import torch

from charlstm.model.char_lstm import CharLSTM


def untrained_twin(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """An untrained network of the same shape, on the same device."""
    return CharLSTM(model.config, generator=generator).to(model.device).eval()


@torch.no_grad()
def shuffled_twin(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """The same weights, with the rows of each gate of each layer in a random order of its own."""
    other = untrained_twin(model, generator)
    other.load_state_dict(model.state_dict())
    cells = model.config.cells
    for layer in other.layers:
        order = torch.cat([torch.randperm(cells, generator=generator) + gate * cells for gate in range(4)])
        for parameter in layer.parameters():
            parameter.copy_(parameter[order.to(parameter.device)])
    return other
