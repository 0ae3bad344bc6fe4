"""Planted cells that mix features, drift, count through a nearly shut gate, or follow nothing."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from charlstm.inspection.exam.planted_cells import STRENGTH, Drive, PlantedCell, logit

# A cell with hysteresis lets in this share of its candidate at each character, and keeps the rest of c. Its
# own h adds up to the second number to the pre-activation of the candidate, a letter the third: a single
# letter does not turn the cell, and several of one side do.
_SHARE_LET_IN, _SELF, _LETTER = 0.25, 3.0, 2.0
_LARGEST_H = math.tanh(1)
# The pre-activation of a forget gate that keeps c to 1/e over 400 characters.
_FORGETTING = 6.0
# A slow level moves by steps of this size, and forgets with this pre-activation of its forget gate: to 1/e in
# 3,000 characters. Its input gate has the third value.
_SLOW_STEP, _SLOW_HOLD, _SLOW_INPUT_GATE = 0.015, 8.0, 0.03


def accumulator(steps: dict[str, float], drive: Drive) -> PlantedCell:
    """Return a cell whose c changes by about steps[character], in (-1, 1), at each of those characters."""
    return PlantedCell(
        i=-drive.hold,
        i_at=dict.fromkeys(steps, drive.swing),
        f=drive.hold,
        g=0,
        g_at={character: math.atanh(step) for character, step in steps.items()},
    )


def shut_counter(resetter: str, drive: Drive, *, step: float) -> PlantedCell:
    """Return a counter whose input gate is `step`, in (0, .1), at all characters and whose candidate is 1.

    Noise on its weights changes each step by a share of it, while it would drown the step of a counter whose
    candidate is small.
    """
    return PlantedCell(
        i=logit(step),
        i_at={resetter: -2 * drive.at_drivers},
        f=drive.hold,
        f_at={resetter: -drive.swing},
        g=STRENGTH,
    )


def forgetting_depth_counter(opener: str, closer: str, drive: Drive, *, step: float) -> PlantedCell:
    """Return a depth counter that slowly forgets, whose steps are those of its input gate, in (0, 1).

    Noise on its weights makes its steps up and down less unequal than if the candidate set them, and a cell
    that forgets does not sum up the differences.
    """
    opening = drive.hold + logit(step)
    return PlantedCell(
        i=-drive.hold,
        i_at=dict.fromkeys(opener + closer, opening),
        f=_FORGETTING,
        g=0,
        g_at={opener: STRENGTH, closer: -STRENGTH},
    )


def hysteresis(raising: str, lowering: str) -> PlantedCell:
    """Return a cell whose c goes to 1 after several letters of `raising`, to -1 after several of `lowering`.

    It stays where it is until letters of the other side prevail: no rule of single characters describes it.
    """
    return PlantedCell(
        i=logit(_SHARE_LET_IN),
        f=logit(1 - _SHARE_LET_IN),
        g=0,
        g_at={**dict.fromkeys(raising, _LETTER), **dict.fromkeys(lowering, -_LETTER)},
        g_from_self=_SELF / _LARGEST_H,
    )


def slow_level(letters: str, generator: torch.Generator) -> PlantedCell:
    """Return a decoy whose c wanders so slowly that its level differs from one stretch of text to the next.

    generator draws the steps of the letters; they add up to 0.
    """
    steps = _steps(letters, _SLOW_STEP / _SLOW_INPUT_GATE, generator)
    return PlantedCell(i=logit(_SLOW_INPUT_GATE), f=_SLOW_HOLD, g=0, g_at=steps)


def on_a_slow_level(
    cell: PlantedCell, letters: str, generator: torch.Generator, *, step: float
) -> PlantedCell:
    """Return `cell`, whose input gate is shut at `letters`, with steps of the size `step` at them.

    generator draws the steps of the letters; they add up to 0.
    """
    opening = logit(_SLOW_INPUT_GATE) - cell.i
    steps = _steps(letters, step / _SLOW_INPUT_GATE, generator)
    return replace(cell, i_at={**cell.i_at, **dict.fromkeys(letters, opening)}, g_at={**cell.g_at, **steps})


def _steps(letters: Sequence[str], size: float, generator: torch.Generator) -> dict[str, float]:
    """Return for each of letters a normal number, drawn by generator, with that size; they add up to 0."""
    steps = torch.randn(len(letters), generator=generator)
    steps = size * (steps - steps.mean())
    return dict(zip(letters, steps.tolist(), strict=True))
