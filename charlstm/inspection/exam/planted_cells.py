"""Networks whose switches and counters are known: what the finder must find, written by hand.

The characters come in one-hot (the embedding is the identity). Every cell's gates are set through their
biases and the columns of the characters they answer to; `Drive` says how far open and shut. Equations:
PROTOCOL's exam table, with x_q = 1 when the character is q, but with the hold apart from the drive: with
i and f of strength 2 between drivers too, a cell would lose half of its state in five characters and be
one of the exam's own decoys.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM

STRENGTH = 15.0
# The candidate of a toggle before it is on; 20 times tanh(1) against it once it is.
_SET, _UNSET = 5.0, 20.0
# A soft cell, of drive 2 or 4, still holds with a forget gate of .9975 at least.
_HOLD_BEYOND = 4.0
_HARD = 8.0


@dataclass(frozen=True)
class Drive:
    """How hard a cell is: pre-activations of i and f at its drivers, and while it holds."""

    at_drivers: float = STRENGTH

    @property
    def hold(self) -> float:
        """Between drivers."""
        return self.at_drivers if self.at_drivers >= _HARD else self.at_drivers + _HOLD_BEYOND

    @property
    def swing(self) -> float:
        """From holding to driven."""
        return self.hold + self.at_drivers


@dataclass(frozen=True, kw_only=True)
class PlantedCell:
    """What i, f and g of a cell are before their functions: a bias, and what characters and h add.

    i_from and f_from have other planted cells, by their number or by how far before this one they stand;
    reads is what the head makes of h, by character.
    """

    i: float
    f: float
    g: float
    i_at: dict[str, float] = field(default_factory=dict)
    f_at: dict[str, float] = field(default_factory=dict)
    g_at: dict[str, float] = field(default_factory=dict)
    g_from_self: float = 0.0
    i_from: dict[int, float] = field(default_factory=dict)
    f_from: dict[int, float] = field(default_factory=dict)
    reads: dict[str, float] = field(default_factory=dict)

    def negated(self) -> "PlantedCell":
        """The same cell with c of the other sign, read the other way round."""
        return replace(self, g=-self.g, g_at=_times(self.g_at, -1), reads=_times(self.reads, -1))

    def read(self, character: str, weight: float) -> "PlantedCell":
        """The same cell, raising the logit of a character by weight times h."""
        return replace(self, reads={character: weight})

    @property
    def driven_by(self) -> set[str]:
        """The characters that its gates and its candidate answer to."""
        return {character for gains in (self.i_at, self.f_at, self.g_at) for character in gains}

    @property
    def write(self) -> float:
        """The size of its candidate's pre-activation where it writes."""
        return max([abs(self.g), *map(abs, self.g_at.values())])


def _times(gains: dict[str, float], factor: float) -> dict[str, float]:
    return {character: factor * gain for character, gain in gains.items()}


def _at(characters: Sequence[str], gain: float) -> dict[str, float]:
    return dict.fromkeys(characters, gain)


def toggle(character: str, drive: Drive = Drive()) -> PlantedCell:
    """On after one such character, off after the next."""
    return PlantedCell(
        i=-drive.hold,
        i_at=_at(character, drive.swing),
        f=drive.hold,
        f_at=_at(character, -drive.swing),
        g=_SET,
        g_from_self=-_UNSET,
    )


def latch(setter: str, resetter: str, drive: Drive = Drive(), *, level: float = 1.0) -> PlantedCell:
    """At +level from the setter on, at -level from the resetter on."""
    write = STRENGTH if level == 1 else math.atanh(level)
    return PlantedCell(
        i=-drive.hold,
        i_at=_at(setter + resetter, drive.swing),
        f=drive.hold,
        f_at=_at(setter + resetter, -drive.swing),
        g=0,
        g_at={setter: write, resetter: -write},
    )


def line_counter(resetter: str, drive: Drive = Drive(), *, step: float = 1 / 80) -> PlantedCell:
    """Rises by about step at every character and falls to 0 at the resetter."""
    cleared = _at(resetter, -2 * drive.at_drivers)
    return PlantedCell(
        i=drive.at_drivers,
        i_at=cleared,
        f=drive.hold,
        f_at=_at(resetter, -drive.swing),
        g=math.atanh(step),
    )


def saturating_counter(
    resetter: str, drive: Drive = Drive(), *, step: float = 0.05, kept: float = 0.98
) -> PlantedCell:
    """Rises by step less what it loses: towards step / (1 - kept)."""
    counter = line_counter(resetter, drive, step=step)
    return replace(counter, f=_logit(kept), f_at=_at(resetter, -2 * drive.at_drivers))


def depth_counter(opener: str, closer: str, drive: Drive = Drive(), *, step: float = 0.5) -> PlantedCell:
    """Rises at the opener and falls by as much at the closer."""
    return PlantedCell(
        i=-drive.hold,
        i_at=_at(opener + closer, drive.swing),
        f=drive.hold,
        g=0,
        g_at={opener: step, closer: -step},
    )


def gated_counter(
    character: str, switch: int, drive: Drive = Drive(), *, step: float = 0.01, sign: int = 1
) -> PlantedCell:
    """Counts while the planted toggle number switch, of sign, is on, and falls to 0 at its character."""
    return PlantedCell(
        i=-drive.at_drivers,
        i_from={switch: sign * 2 * drive.at_drivers / math.tanh(1)},
        f=drive.hold,
        f_at=_at(character, -drive.swing),
        g=math.atanh(step),
    )


def fading_trace(character: str, *, kept: float = 0.9) -> PlantedCell:
    """A decoy: 1 at the character, and kept times what it was at every other."""
    k = STRENGTH
    return PlantedCell(i=-k, i_at={character: 2 * k}, f=_logit(kept), g=k)


def character_detector(character: str) -> PlantedCell:
    """A decoy: 1 at the character and 0 elsewhere."""
    k = STRENGTH
    return PlantedCell(i=-k, i_at={character: 2 * k}, f=-k, g=k)


def short_latch(setter: str, resetter: str, *, kept: float = 0.7) -> PlantedCell:
    """A decoy: a latch with a memory of a few characters."""
    return replace(latch(setter, resetter), f=_logit(kept))


def drifting(letters: str, generator: torch.Generator, *, step: float = 0.02) -> PlantedCell:
    """A decoy: a slow walk, up at some letters and down at others."""
    moves = torch.randn(len(letters), generator=generator).tolist()
    at = dict(zip(letters, (step * move for move in moves), strict=True))
    return PlantedCell(i=STRENGTH, f=6.0, g=0, g_at=at)


def endless_counter(*, step: float = 1 / 80) -> PlantedCell:
    """A decoy: a counter that never resets."""
    return PlantedCell(i=STRENGTH, f=STRENGTH, g=math.atanh(step))


def forgetful_toggle(character: str) -> PlantedCell:
    """A decoy: a toggle that its character does not flip where the cell before it, a detector, is up.

    The detector tells which character came before.
    """
    closing = 4 * STRENGTH / math.tanh(1)
    return replace(toggle(character), i_from={-1: -closing}, f_from={-1: closing})


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


@torch.no_grad()
def plant(
    cells: Sequence[PlantedCell],
    symbols: str,
    *,
    idle: int,
    generator: torch.Generator,
    noise: float = 0.0,
    bias: Tensor | None = None,
) -> CharLSTM:
    """A one-layer network of the planted cells, then idle ones with random weights.

    symbols are the characters in the order of their ids. Idle cells hear one another, and no planted cell
    hears them; the head reads them a little. Each character that does not drive a cell adds
    noise, as a share of the cell's own writes, to its candidate. bias (vocabulary,) is the head's.
    """
    total = len(cells) + idle
    config = ModelConfig(vocabulary_size=len(symbols), embedding=len(symbols), cells=total)
    model = CharLSTM(config, generator=generator).eval()
    model.embedding.weight.copy_(torch.eye(len(symbols)))
    weights = model.weights(0)
    biases = _rows(model.get_parameter("layers.0.bias_ih_l0"), total)
    inputs, recurrent = _rows(weights.input, total), _rows(weights.recurrent, total)
    column = _columns(symbols)
    planted = len(cells)
    recurrent[:, :planted] = 0
    recurrent[:, planted:, :planted] = 0
    model.head.weight[:, :planted] = 0
    if bias is not None:
        model.head.bias.copy_(bias)
    for number, cell in enumerate(cells):
        biases[:, number] = torch.tensor([cell.i, cell.f, cell.g, STRENGTH])
        added = noise * cell.write * torch.randn(len(symbols), generator=generator)
        added[[symbols.index(character) for character in cell.driven_by]] = 0
        inputs[:, number] = torch.stack(
            [column(cell.i_at), column(cell.f_at), column(cell.g_at) + added, torch.zeros(len(symbols))]
        )
        recurrent[2, number, number] = cell.g_from_self
        for gate, heard in enumerate((cell.i_from, cell.f_from)):
            for other, gain in heard.items():
                recurrent[gate, number, other if other >= 0 else number + other] = gain
        model.head.weight[:, number] = column(cell.reads)
    return model


def _rows(parameter: Tensor, cells: int) -> Tensor:
    """A view of (4 cells, ...) as (4, cells, ...), gates in the order i, f, g, o."""
    return parameter.view(4, cells, *parameter.shape[1:])


def _columns(symbols: str) -> Callable[[dict[str, float]], Tensor]:
    """What turns gains by character into a row of input weights (symbols,)."""
    return lambda gains: torch.tensor([gains.get(symbol, 0.0) for symbol in symbols])
