"""Networks whose switches and counters are known: what the finder must find, written by hand.

The characters come in one-hot (the embedding is the identity). Every cell's gates are set through their
biases and the columns of the characters they answer to; STRENGTH is how far open or shut. Equations:
PROTOCOL's exam table, with x_q = 1 when the character is q.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from charlstm.config import ModelConfig
from charlstm.model import CharLSTM

STRENGTH = 15.0
# The candidate of a toggle before it is on; 20 times tanh(1) against it once it is.
_SET, _UNSET = 5.0, 20.0


@dataclass(frozen=True, kw_only=True)
class PlantedCell:
    """What i, f and g of a cell are before their functions: a bias, and what characters and its own h add."""

    i: float
    f: float
    g: float
    i_at: dict[str, float] = field(default_factory=dict)
    f_at: dict[str, float] = field(default_factory=dict)
    g_at: dict[str, float] = field(default_factory=dict)
    g_from_self: float = 0.0


def toggle(character: str) -> PlantedCell:
    """On after one such character, off after the next."""
    k = STRENGTH
    return PlantedCell(
        i=-k, i_at={character: 2 * k}, f=k, f_at={character: -2 * k}, g=_SET, g_from_self=-_UNSET
    )


def latch(setter: str, resetter: str) -> PlantedCell:
    """At +1 from the setter on, at -1 from the resetter on."""
    k = STRENGTH
    both = {setter: 2 * k, resetter: 2 * k}
    erase = {character: -gain for character, gain in both.items()}
    return PlantedCell(i=-k, i_at=both, f=k, f_at=erase, g=0, g_at={setter: k, resetter: -k})


def line_counter(resetter: str, *, step: float = 1 / 80) -> PlantedCell:
    """Rises by step at every character and falls to 0 at the resetter."""
    k = STRENGTH
    cleared = {resetter: -2 * k}
    return PlantedCell(i=k, i_at=cleared, f=k, f_at=cleared, g=math.atanh(step))


def depth_counter(opener: str, closer: str) -> PlantedCell:
    """Rises at the opener and falls by as much at the closer."""
    k = STRENGTH
    return PlantedCell(i=-k, i_at={opener: 2 * k, closer: 2 * k}, f=k, g=0, g_at={opener: 0.5, closer: -0.5})


def fading_trace(character: str, *, kept: float = 0.9) -> PlantedCell:
    """A decoy: 1 at the character, and kept times what it was at every other."""
    k = STRENGTH
    return PlantedCell(i=-k, i_at={character: 2 * k}, f=math.log(kept / (1 - kept)), g=k)


def character_detector(character: str) -> PlantedCell:
    """A decoy: 1 at the character and 0 elsewhere."""
    k = STRENGTH
    return PlantedCell(i=-k, i_at={character: 2 * k}, f=-k, g=k)


@torch.no_grad()
def plant(cells: Sequence[PlantedCell], symbols: str, *, idle: int, generator: torch.Generator) -> CharLSTM:
    """A one-layer network of the planted cells, then idle ones whose input weights alone are random.

    symbols are the characters in the order of their ids. Idle cells hear no other cell, and none hears them.
    """
    total = len(cells) + idle
    config = ModelConfig(vocabulary_size=len(symbols), embedding=len(symbols), cells=total)
    model = CharLSTM(config, generator=generator)
    model.embedding.weight.copy_(torch.eye(len(symbols)))
    weights = model.weights(0)
    weights.recurrent.zero_()
    bias = _rows(model.get_parameter("layers.0.bias_ih_l0"), total)
    inputs, recurrent = _rows(weights.input, total), _rows(weights.recurrent, total)
    column = _columns(symbols)
    for number, cell in enumerate(cells):
        bias[:, number] = torch.tensor([cell.i, cell.f, cell.g, STRENGTH])
        inputs[:, number] = torch.stack(
            [*map(column, (cell.i_at, cell.f_at, cell.g_at)), torch.zeros(len(symbols))]
        )
        recurrent[2, number, number] = cell.g_from_self
    return model


def _rows(parameter: Tensor, cells: int) -> Tensor:
    """A view of (4 cells, ...) as (4, cells, ...), gates in the order i, f, g, o."""
    return parameter.view(4, cells, *parameter.shape[1:])


def _columns(symbols: str) -> Callable[[dict[str, float]], Tensor]:
    """What turns gains by character into a row of input weights (symbols,)."""
    return lambda gains: torch.tensor([gains.get(symbol, 0.0) for symbol in symbols])
