"""A planted cell is a cell whose gates are set by hand, so that what it does is known.

The characters come in one-hot: the embedding is the identity. The pre-activation a of a gate is a bias plus
what the current character and the hidden states of planted cells add; i = sigmoid(a_i), f = sigmoid(a_f),
g = tanh(a_g), c becomes f c + i g, and o stays nearly 1, so that h is nearly tanh(c). A `Drive` says how
large the pre-activations of i and f are.

The first functions make switches and counters, which an inspection must find; the later ones make decoys,
which are neither; `plant` makes a network of planted cells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from charlstm.config import GATES, ModelConfig
from charlstm.model.char_lstm import CharLSTM

# At this pre-activation a sigmoid gate is fully open, and at its negative fully shut: 3e-7 from 1 and 0.
STRENGTH = 15.0
# The candidate of a toggle has this bias and this weight of its own h. From c = 0 and c = -1, where h is
# -tanh(1), its pre-activation is 5 and 20, which turns the cell on; from c = 1 it is -10, which turns it off.
_TOGGLE_CANDIDATE, _TOGGLE_WEIGHT_OF_OWN_H = 5.0, -20.0
# A planted cell whose c is 1 has this h.
H_WHERE_C_IS_1 = math.tanh(1)
# Drives from this strength on are hard. A softer drive holds with pre-activations that are larger by the
# second number: otherwise a forget gate of sigmoid(2) would lose half of c in five characters.
_LEAST_HARD_STRENGTH, _ADDED_TO_HOLD = 8.0, 4.0
# The step of c that a counter makes at each character: 80 characters count to 1.
_COUNTER_STEP = 1 / 80
# A saturating counter makes this step and keeps this share of c at each character: c goes towards 2.5.
_SATURATING_STEP, _SATURATING_SHARE_KEPT = 0.05, 0.98
# The share of c that a short latch keeps at each character: half is gone after two.
_SHORT_LATCH_SHARE_KEPT = 0.7
# The standard deviation of the steps of a drifting cell, and the pre-activation of its forget gate.
_DRIFT_STEP, _DRIFT_HOLD = 0.02, 6.0


@dataclass(frozen=True)
class Drive:
    """A Drive says how far the input and forget gates of a planted cell open and shut.

    at_drivers is the size of their pre-activations at the characters that drive the cell, above 0.
    """

    at_drivers: float = STRENGTH

    @property
    def is_hard(self) -> bool:
        """Return whether the gates are nearly open or nearly shut at the drivers: within 4e-4 of 1 or 0."""
        return self.at_drivers >= _LEAST_HARD_STRENGTH

    @property
    def hold(self) -> float:
        """Return the size of the gates' pre-activations at the other characters, where the cell holds c."""
        return self.at_drivers if self.is_hard else self.at_drivers + _ADDED_TO_HOLD

    @property
    def swing(self) -> float:
        """Return the difference of the pre-activations at a driver and at another character."""
        return self.hold + self.at_drivers


@dataclass(frozen=True, kw_only=True)
class PlantedCell:
    """A PlantedCell has the terms of the pre-activations of its gates, and its weights in the logits.

    i, f, g: the biases of the input gate, the forget gate and the candidate.
    i_at, f_at, g_at: character -> what it adds to the pre-activation where it is the current character.
    g_from_self: weight of the cell's own h in the candidate.
    i_from, f_from: planted cell -> weight of its h. A number from 0 on counts the planted cells of the
        network, a negative one counts backwards from this cell.
    reads: character -> weight of the cell's h in the logit of the character.
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
        """Return a cell whose c and h have the opposite sign, and which changes the logits as this cell does.

        Planted cells with recurrent weights from this cell would get the opposite sign.
        """
        return replace(self, g=-self.g, g_at=_negated(self.g_at), reads=_negated(self.reads))

    def read(self, character: str, weight: float) -> "PlantedCell":
        """Return a copy of this cell that adds `weight` times h to the logit of `character` alone."""
        return replace(self, reads={character: weight})

    @property
    def driven_by(self) -> set[str]:
        """Return the characters that change a pre-activation of the cell."""
        return {character for terms in (self.i_at, self.f_at, self.g_at) for character in terms}

    @property
    def largest_candidate(self) -> float:
        """Return the largest size of the candidate's bias and of the terms that characters add to it."""
        return max([abs(self.g), *map(abs, self.g_at.values())])


def _negated(terms: dict[str, float]) -> dict[str, float]:
    """Return `terms` with each value times -1."""
    return {character: -term for character, term in terms.items()}


def toggle(character: str, drive: Drive = Drive()) -> PlantedCell:
    """Return a cell whose c is 1 after the first, third, ... `character`, and -1 after the others."""
    return PlantedCell(
        i=-drive.hold,
        i_at={character: drive.swing},
        f=drive.hold,
        f_at={character: -drive.swing},
        g=_TOGGLE_CANDIDATE,
        g_from_self=_TOGGLE_WEIGHT_OF_OWN_H,
    )


def latch(setter: str, resetter: str, drive: Drive = Drive(), *, level: float = 1.0) -> PlantedCell:
    """Return a cell whose c is `level`, in (0, 1], from a setter on and -`level` from a resetter on."""
    candidate = STRENGTH if level == 1 else math.atanh(level)
    return PlantedCell(
        i=-drive.hold,
        i_at=dict.fromkeys(setter + resetter, drive.swing),
        f=drive.hold,
        f_at=dict.fromkeys(setter + resetter, -drive.swing),
        g=0,
        g_at={setter: candidate, resetter: -candidate},
    )


def line_counter(resetter: str, drive: Drive = Drive(), *, step: float = _COUNTER_STEP) -> PlantedCell:
    """Return a cell whose c rises by about `step` at every character and falls to 0 at the resetter."""
    return PlantedCell(
        i=drive.at_drivers,
        i_at={resetter: -2 * drive.at_drivers},
        f=drive.hold,
        f_at={resetter: -drive.swing},
        g=math.atanh(step),
    )


def saturating_counter(resetter: str, drive: Drive = Drive()) -> PlantedCell:
    """Return a counter that loses a share of c at every character, so that its steps become smaller."""
    counter = line_counter(resetter, drive, step=_SATURATING_STEP)
    return replace(counter, f=logit(_SATURATING_SHARE_KEPT), f_at={resetter: -2 * drive.at_drivers})


def depth_counter(opener: str, closer: str, drive: Drive = Drive(), *, step: float = 0.5) -> PlantedCell:
    """Return a cell whose c rises by tanh(step) at an opener and falls by tanh(step) at a closer."""
    return PlantedCell(
        i=-drive.hold,
        i_at=dict.fromkeys(opener + closer, drive.swing),
        f=drive.hold,
        g=0,
        g_at={opener: step, closer: -step},
    )


def gated_counter(character: str, switch: int, drive: Drive = Drive(), *, step: float = 0.01) -> PlantedCell:
    """Return a cell that counts while a planted toggle is on, and whose c falls to 0 at `character`.

    switch is the number of the toggle among the planted cells; step is how much c rises at each character.
    """
    return PlantedCell(
        i=-drive.at_drivers,
        i_from={switch: 2 * drive.at_drivers / H_WHERE_C_IS_1},
        f=drive.hold,
        f_at={character: -drive.swing},
        g=math.atanh(step),
    )


def fading_trace(character: str, *, kept: float = 0.9) -> PlantedCell:
    """Return a decoy whose c rises by 1 at `character` and keeps the share `kept` at each character."""
    return PlantedCell(i=-STRENGTH, i_at={character: 2 * STRENGTH}, f=logit(kept), g=STRENGTH)


def character_detector(*characters: str) -> PlantedCell:
    """Return a decoy whose c is 1 where the current character is in `characters`, and 0 elsewhere."""
    return PlantedCell(i=-STRENGTH, i_at=dict.fromkeys(characters, 2 * STRENGTH), f=-STRENGTH, g=STRENGTH)


def short_latch(setter: str, resetter: str) -> PlantedCell:
    """Return a decoy that sets and resets as a latch does, but loses its state within a few characters."""
    return replace(latch(setter, resetter), f=logit(_SHORT_LATCH_SHARE_KEPT))


def drifting(letters: str, generator: torch.Generator) -> PlantedCell:
    """Return a decoy whose c goes up a little at some letters and down at others, as `generator` draws."""
    steps = torch.randn(len(letters), generator=generator).tolist()
    g_at = dict(zip(letters, (_DRIFT_STEP * step for step in steps), strict=True))
    return PlantedCell(i=STRENGTH, f=_DRIFT_HOLD, g=0, g_at=g_at)


def endless_counter() -> PlantedCell:
    """Return a decoy that counts the characters and is never reset."""
    return PlantedCell(i=STRENGTH, f=STRENGTH, g=math.atanh(_COUNTER_STEP))


def forgetful_toggle(character: str) -> PlantedCell:
    """Return a toggle that `character` does not flip right after the characters of a detector.

    The detector must be the planted cell just before this one: its h at the previous character keeps the
    gates as they are between drivers.
    """
    closing = 4 * STRENGTH / H_WHERE_C_IS_1
    return replace(toggle(character), i_from={-1: -closing}, f_from={-1: closing})


def logit(share: float) -> float:
    """Return the pre-activation at which a sigmoid gate has the value `share`, in (0, 1)."""
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
    """Return a network of one layer that has the planted cells first, then idle ones with random weights.

    symbols are the characters in the order of their ids. idle is the number of idle cells: they have
    recurrent weights from one another and input weights, no planted cell has recurrent weights from them, and
    the logits depend on them a little. noise, at least 0, times the cell's largest_candidate is the standard
    deviation of what each character that does not drive the cell adds to its candidate. bias (symbols,)
    float32 is the bias of the logits; None leaves it random. generator draws all random weights.
    """
    planted, total = len(cells), len(cells) + idle
    config = ModelConfig(vocabulary_size=len(symbols), embedding=len(symbols), cells=total)
    model = CharLSTM(config, generator=generator).eval()
    model.embedding.weight.copy_(torch.eye(len(symbols)))
    recurrent = by_gate(model.weights(0).recurrent, total)
    recurrent[:, :planted] = 0
    recurrent[:, planted:, :planted] = 0
    model.head.weight[:, :planted] = 0
    if bias is not None:
        model.head.bias.copy_(bias)
    for number, cell in enumerate(cells):
        added = noise * cell.largest_candidate * torch.randn(len(symbols), generator=generator)
        added[[symbols.index(character) for character in cell.driven_by]] = 0
        _write_weights(model, number, cell, symbols, added)
    return model


def _write_weights(model: CharLSTM, number: int, cell: PlantedCell, symbols: str, added: Tensor) -> None:
    """Write the weights of one planted cell into the first layer and the head of model.

    number is the cell's number in the layer; added (symbols,) float32 is added to the weights of the
    characters in its candidate. The recurrent weights of the cell must be 0 before the call.
    """
    total = model.config.cells
    biases = by_gate(model.get_parameter("layers.0.bias_ih_l0"), total)
    weights = model.weights(0)
    inputs, recurrent = by_gate(weights.input, total), by_gate(weights.recurrent, total)
    biases[:, number] = torch.tensor([cell.i, cell.f, cell.g, STRENGTH])
    inputs[:, number] = torch.stack(
        [
            row(cell.i_at, symbols),
            row(cell.f_at, symbols),
            row(cell.g_at, symbols) + added,
            torch.zeros(len(symbols)),
        ]
    )
    recurrent[2, number, number] = cell.g_from_self
    for gate, weights_from in enumerate((cell.i_from, cell.f_from)):
        for other, weight in weights_from.items():
            recurrent[gate, number, other if other >= 0 else number + other] = weight
    model.head.weight[:, number] = row(cell.reads, symbols)


def by_gate(parameter: Tensor, cells: int) -> Tensor:
    """Return a view of parameter (4 cells, ...) as (4, cells, ...); the gates are in the order of GATES."""
    return parameter.view(len(GATES), cells, *parameter.shape[1:])


def row(terms: dict[str, float], symbols: str) -> Tensor:
    """Return (symbols,) float32: the term of each of symbols, 0 where terms has none."""
    return torch.tensor([terms.get(symbol, 0.0) for symbol in symbols])
