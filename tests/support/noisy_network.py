"""Networks of one layer with planted cells and noise on all weights, other than those of the exam.

A network has 24 to 64 cells and reads one-hot characters. Some of its cells are planted: depth counters of
few levels, latches with two drivers each way, counters whose reset is one character. Every other weight is as
an untrained network's, and noise is added to all weights, the planted ones included. The text has digits in
the place of marks, so that no listed feature is about them: cells must propose what they follow.
"""

from typing import NamedTuple

import numpy as np
import torch

from charlstm.config import ModelConfig
from charlstm.findings import Kind
from charlstm.inspection.features.feature import Drivers
from charlstm.model.char_lstm import CharLSTM

LETTERS = "qrstuvwxyz_-"
LINE, OPENER, CLOSER, SETTERS, RESETTERS = "0", "1", "2", "34", "56"
SYMBOLS = LETTERS + " " + LINE + OPENER + CLOSER + SETTERS + RESETTERS
NOISE = 0.05
_LINE_CHARACTERS = (20, 60)


class NoisyNetwork(NamedTuple):
    """A NoisyNetwork has a model, the text that it reads, and what its first cells must be called."""

    model: CharLSTM
    text: str
    kinds: tuple[Kind, ...]
    drivers: tuple[Drivers, ...]


def noisy_network(seed: int, *, characters: int = 60_000) -> NoisyNetwork:
    """Return the network that `seed` determines: a depth counter, a latch, a counter, and idle cells."""
    random = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    cells = int(random.integers(24, 65))
    config = ModelConfig(vocabulary_size=len(SYMBOLS), embedding=len(SYMBOLS), cells=cells)
    model = CharLSTM(config, generator=generator).eval().requires_grad_(False)
    model.embedding.weight.copy_(torch.eye(len(SYMBOLS)))
    weights = model.weights(0)
    gates = [each.view(4, cells, -1) for each in (weights.input, weights.recurrent)]
    bias = model.get_parameter("layers.0.bias_ih_l0").view(4, cells)
    model.get_parameter("layers.0.bias_hh_l0").zero_()
    step = float(random.uniform(0.25, 0.5))
    planted = [
        ({OPENER: (9, 0, np.arctanh(step)), CLOSER: (9, 0, -np.arctanh(step))}, (-5, 6, 0)),
        ({**dict.fromkeys(SETTERS, (10, -10, 3)), **dict.fromkeys(RESETTERS, (10, -10, -3))}, (-5, 5, 0)),
        ({LINE: (-10, -10, 0)}, (5, 5, np.arctanh(0.15))),
    ]
    for cell, (at, base) in enumerate(planted):
        _plant(gates, bias, cell, at, base)
    for parameter in (weights.input, weights.recurrent):
        parameter.add_(NOISE * torch.randn(parameter.shape, generator=generator))
    kinds: tuple[Kind, ...] = ("depth_counter", "latch", "counter")
    drivers: tuple[Drivers, ...] = (
        {"step": [OPENER], "unstep": [CLOSER]},
        {"set": sorted(SETTERS), "reset": sorted(RESETTERS)},
        {"step": ["*"], "reset": [LINE]},
    )
    return NoisyNetwork(model, _text(random, characters), kinds, drivers)


def _plant(
    gates: list[torch.Tensor],
    bias: torch.Tensor,
    cell: int,
    at: dict[str, tuple[float, ...]],
    base: tuple[float, ...],
) -> None:
    """Write a cell without recurrent weights: base are the biases of i, f and g, at what characters add."""
    inputs, recurrent = gates
    inputs[:, cell], recurrent[:, cell] = 0, 0
    bias[:3, cell], bias[3, cell] = torch.tensor(base, dtype=torch.float32), 4
    for character, added in at.items():
        inputs[:3, cell, SYMBOLS.index(character)] = torch.tensor(added, dtype=torch.float32)


def _text(random: np.random.Generator, characters: int) -> str:
    """Return words between which brackets of depth 0 to 4 open and close, marks come, and lines end."""
    pieces: list[str] = []
    size = depth = 0
    left = int(random.integers(*_LINE_CHARACTERS))
    while size < characters:
        piece = "".join(random.choice(list(LETTERS), random.integers(1, 7)))
        chance = random.random()
        if chance < 0.15 and depth < 4:
            piece, depth = piece + OPENER, depth + 1
        elif chance > 0.8 and depth:
            piece, depth = piece + CLOSER, depth - 1
        elif 0.4 < chance < 0.5:
            piece += str(random.choice(list(SETTERS if random.random() < 0.5 else RESETTERS)))
        left -= len(piece) + 1
        piece += " " if left > 0 else LINE
        left = left if left > 0 else int(random.integers(*_LINE_CHARACTERS))
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)[:characters]
