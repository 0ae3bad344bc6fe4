"""The cells of a model propose features by how they move.

A cell's movements show which simple automaton it might follow: a switch whose flips its drivers predict, a
depth that steps up at some characters and down at others, or a counter that some characters bring to one
value. A proposal proves nothing: `discovery` scores it beside the listed features. Of many proposals those
are tested that explain the movements of their cells best.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.detecting.movements import Movements, Numbers
from charlstm.inspection.features.feature import ANY_CHARACTER, FeatureKind
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.inspection.reading.splits import Chunk

# At most this many of the automata that the cells of a model propose are tested.
_MOST_PROPOSALS = 64

# Of proposals with the same values the first of these kinds is tested.
_KINDS: tuple[FeatureKind, ...] = ("switch", "depth", "counter")

# A proposed depth may have at most this share of its closers at depth 0.
_ALLOWED_UNMATCHED_SHARE = 0.05

# Drivers must predict the flips of a cell with this F1 at least. A counter that steps at any character must
# step alike at this share of the characters between its resets.
_LEAST_FLIP_F1 = 0.8
_LEAST_STEPPING_SHARE = 0.8

# A longer lag, or pairs of characters, is preferred only if its F1 is better by this much.
_CLEARLY_BETTER_F1 = 0.02

# A cell must flip this often in one direction, and a character must occur this often, to be judged by.
_LEAST_OCCURRENCES = 20

# A driver must be behind this share of a cell's flips, and at least this many of them.
_LEAST_SHARE_OF_FLIPS, _LEAST_FLIPS = 0.01, 2.0

# A character moves a cell about as far as another character if its step is at least this share of the
# other's.
_COMPARABLE_STEP_SHARE = 0.5

# The steppers of a cell must explain at least this share of its squared movement.
_LEAST_EXPLAINED_SHARE = 0.3

# At a resetter the variance of c is at most this share of its whole variance, and the resetters of one
# counter bring c to values at most this many standard deviations from the value that the first one brings it
# to. Each of them moves c: a letter that often follows a resetter finds c at that value and leaves it there.
# The mean square of its steps is at least the third share of the variance of c.
_LARGEST_RESET_SPREAD = 0.25
_LARGEST_RESET_DISTANCE_DEVIATIONS = 0.25
_LEAST_RESET_MOVE = 0.25

# An automaton has at most this many drivers in each role.
_MOST_DRIVERS = 6


class Proposal(NamedTuple):
    """A Proposal is an automaton and how well it explains the movements of the cell behind it, in [0, 1].

    That is the F1 of the flips of a switch, the share of the squared movement that the steps of a depth
    explain, and the share of the variance of a counter's c that is gone at its resetters.
    """

    automaton: Automaton
    score: float


def propose_features(movements: Movements, chunk: Chunk, *, layers: int) -> list[Automaton]:
    """Return the best _MOST_PROPOSALS automata that the cells propose, in the direction that suits the text.

    The movements of a cell do not say which of the two levels of a switch is the off level, nor which
    direction of a depth is down. An automaton and its reverse are tried on the text of chunk: a depth takes
    the direction with fewer unmatched closers, then each automaton takes the direction that is at 0 more
    often. A text that starts deep inside brackets has some unmatched closers in the right direction, so a
    small share of them is no reason against it. Switches come first and counters last: where the steps and
    the resetters of a counter take turns, it has the values of a switch.
    """

    def implausibility(automaton: Automaton) -> tuple[float, int]:
        unmatched = automaton.unmatched(chunk.text) if automaton.kind == "depth" else 0.0
        nonzero = np.count_nonzero(automaton.signal(chunk.text, chunk.cut.starts).values)
        return max(0.0, unmatched - _ALLOWED_UNMATCHED_SHARE), int(nonzero)

    chosen = proposed_automata(movements, layers=layers)[:_MOST_PROPOSALS]
    return [
        automaton
        if automaton.kind == "counter"
        else min((automaton, automaton.reversed()), key=implausibility)
        for automaton in sorted(chosen, key=lambda automaton: _KINDS.index(automaton.kind))
    ]


def proposed_automata(movements: Movements, *, layers: int = 1) -> list[Automaton]:
    """Return the automata that any cell proposes, each once: the best of each layer in turn."""
    cells = len(movements.variance)
    of_layers = [
        _ranked(movements, range(layer * cells // layers, (layer + 1) * cells // layers))
        for layer in range(layers)
    ]
    in_turn = chain.from_iterable(zip_longest(*of_layers))
    return list(dict.fromkeys(automaton for automaton in in_turn if automaton is not None))


def _ranked(movements: Movements, cells: Sequence[int]) -> list[Automaton]:
    """Return the automata that some cells propose, each once, those with the best scores first."""
    best: dict[Automaton, float] = {}
    for cell in cells:
        if movements.variance[cell] > 0:
            for automaton, score in _of_cell(movements, cell):
                best[automaton] = max(score, best.get(automaton, 0.0))
    return sorted(best, key=lambda automaton: -best[automaton])


def _of_cell(movements: Movements, cell: int) -> Iterator[Proposal]:
    """Yield the proposals of one cell."""
    switch = _flip_proposal(movements, cell)
    if switch:
        yield switch
    yield from _depths(movements, cell)
    yield from _counters(movements, cell)


def flip_drivers(movements: Movements, cell: int) -> Automaton | None:
    """Return the switch whose drivers predict the flips of cell best, None where none does well."""
    proposal = _flip_proposal(movements, cell)
    return proposal.automaton if proposal else None


def _flip_proposal(movements: Movements, cell: int) -> Proposal | None:
    """Return the switch whose drivers predict the flips of cell best, None below an F1 of _LEAST_FLIP_F1.

    The F1 counts in the direction in which the flips are predicted worse. A longer lag or a pair of
    characters is preferred to the current character only where it is clearly better.
    """
    best: Automaton | None = None
    best_score = _LEAST_FLIP_F1
    for name, flips in movements.flips.items():
        up, up_score = _predictors(flips.up[cell], flips.below[cell], movements.drivers[name])
        down, down_score = _predictors(flips.down[cell], flips.above[cell], movements.drivers[name])
        score = min(up_score, down_score)
        if score > best_score + (_CLEARLY_BETTER_F1 if best else 0):
            lag = int(name[-1]) if name.startswith("lag") else 0
            best, best_score = Automaton("switch", up, down, lag), score
    return Proposal(best, best_score) if best else None


def _predictors(flips: Numbers, chances: Numbers, names: list[str]) -> tuple[tuple[str, ...], float]:
    """Return the drivers that together predict flips best, and their F1 in [0, 1]: ((), 0.0) if none does.

    flips and chances (drivers,) are how often the cell flipped at each possible driver, and could have
    flipped; names (drivers,) are the possible drivers. F1 is 2 * hits / (flips + predictions). The set grows
    greedily, the most precise driver first, and its best size is taken.
    """
    total = flips.sum()
    if total < _LEAST_OCCURRENCES:
        return (), 0.0
    precision = np.where(chances > 0, flips / chances.clip(min=1), 0)
    order = np.argsort(-precision, kind="stable")
    order = order[flips[order] >= max(_LEAST_FLIPS, _LEAST_SHARE_OF_FLIPS * total)][:_MOST_DRIVERS]
    if len(order) == 0:
        return (), 0.0
    scores = 2 * flips[order].cumsum() / (total + chances[order].cumsum())
    size = int(scores.argmax()) + 1
    return tuple(sorted(names[index] for index in order[:size])), float(scores[size - 1])


def _depths(movements: Movements, cell: int) -> Iterator[Proposal]:
    """Yield the depth of cell, if about equal steps up and down at some characters explain its movement."""
    steps = movements.steps[cell]
    weight = movements.counts * steps * np.abs(steps)
    rising = _comparable(steps, weight, movements.counts)
    falling = _comparable(-steps, -weight, movements.counts)
    if not rising or not falling:
        return
    moving = [*rising, *falling]
    total = (movements.counts * movements.step_squares[cell]).sum()
    explained = np.abs(weight[moving]).sum() / max(total, 1e-12)
    ratio = np.abs(steps[rising]).mean() / np.abs(steps[falling]).mean()
    equal = _COMPARABLE_STEP_SHARE <= ratio <= 1 / _COMPARABLE_STEP_SHARE
    if explained >= _LEAST_EXPLAINED_SHARE and equal:
        up, down = (
            tuple(sorted(movements.symbols[character] for character in side)) for side in (rising, falling)
        )
        yield Proposal(Automaton("depth", up, down), float(explained))


def _comparable(steps: Numbers, weight: Numbers, counts: Numbers) -> list[int]:
    """Return the characters that move the cell upwards about as far as the character of largest weight.

    steps, weight and counts are (vocabulary,): the mean step at each character, the part of all movement
    that it is behind, and how often it occurs. The list is empty where no character moves the cell upwards,
    where the character with the largest weight is rare, or where there are more than _MOST_DRIVERS.
    """
    first = int(weight.argmax())
    if weight[first] <= 0:
        return []
    comparable = (steps >= _COMPARABLE_STEP_SHARE * steps[first]) & (counts >= _LEAST_OCCURRENCES)
    characters = np.flatnonzero(comparable).tolist()
    return characters if first in characters and len(characters) <= _MOST_DRIVERS else []


def _counters(movements: Movements, cell: int) -> Iterator[Proposal]:
    """Yield up to two counters, each reset by the characters after which c of the cell has one value."""
    spread = movements.landing_variances[cell] / movements.variance[cell]
    moving = movements.step_squares[cell] >= _LEAST_RESET_MOVE * movements.variance[cell]
    spread = np.where((movements.counts >= _LEAST_OCCURRENCES) & moving, spread, np.inf)
    landings = movements.landings[cell]
    for first in np.argsort(spread, kind="stable")[:2].tolist():
        if spread[first] > _LARGEST_RESET_SPREAD:
            return
        largest_distance = _LARGEST_RESET_DISTANCE_DEVIATIONS * np.sqrt(movements.variance[cell])
        near = np.abs(landings - landings[first]) <= largest_distance
        resets = np.flatnonzero((spread <= _LARGEST_RESET_SPREAD) & near)
        if len(resets) <= _MOST_DRIVERS:
            steppers = _steppers(movements, cell, resets)
            if steppers:
                resetters = sorted(movements.symbols[character] for character in resets.tolist())
                yield Proposal(Automaton("counter", steppers, tuple(resetters)), 1 - float(spread[first]))


def _steppers(movements: Movements, cell: int, resets: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the characters at which cell steps between its resets, or ("*",) where most characters step it.

    resets (n,) are the ids of the resetting characters. The result is empty where at most _MOST_DRIVERS
    characters do not explain enough of the movement.
    """
    counts = movements.counts.copy()
    counts[resets] = 0
    steps = movements.steps[cell]
    mean = (counts * steps).sum() / max(1.0, counts.sum())
    equal = np.zeros(len(steps), bool)
    if mean:
        equal = (steps / mean >= _COMPARABLE_STEP_SHARE) & (steps / mean <= 1 / _COMPARABLE_STEP_SHARE)
    if counts[equal].sum() >= _LEAST_STEPPING_SHARE * counts.sum():
        return tuple(ANY_CHARACTER)
    for sign in (1, -1):
        weight = counts * sign * steps * np.abs(steps)
        stepping = _comparable(sign * steps, weight, counts)
        total = (counts * movements.step_squares[cell]).sum()
        if stepping and weight[stepping].sum() >= _LEAST_EXPLAINED_SHARE * total:
            return tuple(sorted(movements.symbols[character] for character in stepping))
    return ()
