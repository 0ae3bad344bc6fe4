"""Networks are built here whose planted cells are in the upper layer, noisy, or in another order."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from charlstm.config import ModelConfig
from charlstm.inspection.exam.planted_cells import (
    H_WHERE_C_IS_1,
    STRENGTH,
    PlantedCell,
    by_gate,
    character_detector,
    plant,
    row,
)
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.model.char_lstm import CharLSTM


@torch.no_grad()
def plant_in_two_layers(
    lower: Sequence[PlantedCell],
    upper: Sequence[PlantedCell],
    symbols: str,
    *,
    idle: int,
    generator: torch.Generator,
    bias: Tensor,
) -> CharLSTM:
    """Return a network of two layers with the planted cells `lower` in the first and `upper` in the second.

    Both layers have the planted cells first. Behind those of the lower layer stand detectors of the
    characters that drive the upper ones, whose gates read these detectors; the rest, at least `idle` cells in
    each layer, is idle. Nothing depends on the planted cells of the lower layer. The logits, with bias
    (symbols,) float32, depend on the upper layer alone. generator draws all random weights.
    """
    drivers = sorted({character for cell in upper for character in cell.driven_by})
    detectors = [character_detector(character) for character in drivers]
    below = [replace(cell, reads={}) for cell in lower] + detectors
    total = max(len(below), len(upper)) + idle
    first = plant(below, symbols, idle=total - len(below), generator=generator)
    config = ModelConfig(vocabulary_size=len(symbols), embedding=len(symbols), cells=total, layers=2)
    model = CharLSTM(config, generator=generator).eval()
    model.embedding.load_state_dict(first.embedding.state_dict())
    model.layers[0].load_state_dict(first.layers[0].state_dict())
    _silence(model, len(lower), len(upper))
    model.head.bias.copy_(bias)
    columns = slice(len(lower), len(below))
    for number, cell in enumerate(upper):
        _write_upper_cell(model, number, cell, drivers, columns)
        model.head.weight[:, number] = row(cell.reads, symbols)
    return model


def _silence(model: CharLSTM, lower: int, upper: int) -> None:
    """Let no cell of the second layer hear the first `lower` cells below it or the first `upper` of its own.

    The first `upper` cells hear none of their layer, and the logits depend on none of them.
    """
    recurrent = by_gate(model.get_parameter("layers.1.weight_hh_l0"), model.config.cells)
    recurrent[:, :upper] = 0
    recurrent[:, :, :upper] = 0
    model.get_parameter("layers.1.weight_ih_l0")[:, :lower] = 0
    model.head.weight[:, :upper] = 0


def _write_upper_cell(
    model: CharLSTM, number: int, cell: PlantedCell, drivers: Sequence[str], columns: slice
) -> None:
    """Write the weights of `cell`, with that number in the second layer, but for its weights in the logits.

    columns are the columns of the input weights that belong to the detectors of `drivers`, in their order.
    """
    total = model.config.cells
    inputs = by_gate(model.get_parameter("layers.1.weight_ih_l0"), total)
    recurrent = by_gate(model.get_parameter("layers.1.weight_hh_l0"), total)
    biases = by_gate(model.get_parameter("layers.1.bias_ih_l0"), total)
    biases[:, number] = torch.tensor([cell.i, cell.f, cell.g, STRENGTH])
    inputs[:, number] = 0
    for gate, terms in enumerate((cell.i_at, cell.f_at, cell.g_at)):
        inputs[gate, number, columns] = row(terms, "".join(drivers)) / H_WHERE_C_IS_1
    recurrent[2, number, number] = cell.g_from_self
    for gate, weights_from in enumerate((cell.i_from, cell.f_from)):
        for other, weight in weights_from.items():
            recurrent[gate, number, other if other >= 0 else number + other] = weight


@torch.no_grad()
def add_noise(model: CharLSTM, size: float, *, planted: int, generator: torch.Generator) -> None:
    """Add normal noise with the standard deviation `size` to all weights and biases but the embedding's.

    The cells behind the `planted` first ones of a layer still hear none of these: a slow idle cell that hears
    a switch, however weakly, would follow it.
    """
    for name, parameter in model.named_parameters():
        if not name.startswith("embedding") and "bias_hh" not in name:
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))
    for layer in range(model.config.layers):
        recurrent = model.get_parameter(f"layers.{layer}.weight_hh_l0")
        by_gate(recurrent, model.config.cells)[:, planted:, :planted] = 0


@torch.no_grad()
def shuffled(network: ExamNetwork, generator: torch.Generator) -> ExamNetwork:
    """Return `network` with the cells of each layer in an order that generator draws.

    It computes what `network` computes.
    """
    config = network.model.config
    model = CharLSTM(config, generator=generator).eval()
    model.load_state_dict(network.model.state_dict())
    places = torch.empty(config.layers, config.cells, dtype=torch.int64)
    readers = [model.get_parameter(f"layers.{layer}.weight_ih_l0") for layer in range(1, config.layers)]
    for layer, reader in enumerate([*readers, model.head.weight]):
        order = torch.randperm(config.cells, generator=generator)
        places[layer, order] = torch.arange(config.cells) + layer * config.cells
        rows = (torch.arange(4)[:, None] * config.cells + order).flatten()
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            parameter = model.get_parameter(f"layers.{layer}.{name}")
            parameter.copy_(parameter[rows])
        recurrent = model.get_parameter(f"layers.{layer}.weight_hh_l0")
        recurrent.copy_(recurrent[:, order])
        reader.copy_(reader[:, order])
    cells = tuple(places.flatten()[list(network.cells)].tolist())
    return replace(network, model=model, cells=cells)
