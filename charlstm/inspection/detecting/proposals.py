"""Features that the cells of a model propose by their own movements."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.detecting.movements import Movements, Numbers
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.features.feature import ANY_CHARACTER

# A flip counts for a driver set of this F1 at least, and one must be seen this often.
FLIP_F1 = 0.8

_OCCURRENCES = 20

# A character's move counts beside the largest one from this share of it on.
_COMPARABLE = 0.5

# What openers and closers must explain of all movement of a depth.
_EXPLAINED = 0.3

# How much of c's variance may be left at a resetter, and how far apart two resetters may bring it.
_RESET_SPREAD = 0.25

_MOST_DRIVERS = 6


def proposals(seen: Movements) -> list[Automaton]:
    """The automata that any cell proposes, each once."""
    found: dict[Automaton, None] = {}
    for cell in range(len(seen.variance)):
        if seen.variance[cell] > 0:
            found.update(dict.fromkeys(_proposed(seen, cell)))
    return list(found)


def _proposed(seen: Movements, cell: int) -> Iterator[Automaton]:
    switch = flip_drivers(seen, cell)
    if switch:
        yield switch
    yield from _depths(seen, cell)
    yield from _counters(seen, cell)


def flip_drivers(seen: Movements, cell: int) -> Automaton | None:
    """The switch whose drivers predict the cell's flips best, both ways; None below FLIP_F1.

    Single characters at the shortest lag are preferred to pairs unless these are clearly better.
    """
    best: Automaton | None = None
    best_score = FLIP_F1
    for name, flips in seen.flips.items():
        up, up_score = _predictors(flips.up[cell], flips.below[cell], seen.drivers[name])
        down, down_score = _predictors(flips.down[cell], flips.above[cell], seen.drivers[name])
        score = min(up_score, down_score)
        if score > best_score + (0.02 if best else 0):
            lag = int(name[-1]) if name.startswith("lag") else 0
            best, best_score = Automaton("switch", up, down, lag), score
    return best


def _predictors(flips: Numbers, chances: Numbers, names: list[str]) -> tuple[tuple[str, ...], float]:
    """The drivers that together predict flips best, by F1 = 2 hits / (flips + predictions), grown greedily.

    flips and chances are (drivers,): how often the cell flipped there, and how often it could have.
    """
    total = flips.sum()
    if total < _OCCURRENCES:
        return (), 0.0
    precision = np.where(chances > 0, flips / chances.clip(min=1), 0)
    order = np.argsort(-precision, kind="stable")
    order = order[flips[order] >= max(2.0, 0.01 * total)][:_MOST_DRIVERS]
    if len(order) == 0:
        return (), 0.0
    scores = 2 * flips[order].cumsum() / (total + chances[order].cumsum())
    size = int(scores.argmax()) + 1
    return tuple(sorted(names[place] for place in order[:size])), float(scores[size - 1])


def _depths(seen: Movements, cell: int) -> Iterator[Automaton]:
    """Steps up at some characters and down, about as far, at others, that explain most of the movement."""
    steps = seen.steps[cell]
    weight = seen.counts * steps * np.abs(steps)
    rising, falling = _alike(steps, weight, seen.counts), _alike(-steps, -weight, seen.counts)
    if not rising or not falling:
        return
    moving = [*rising, *falling]
    total = (seen.counts * seen.step_squares[cell]).sum()
    explained = np.abs(weight[moving]).sum() / max(total, 1e-12)
    sizes = np.abs(steps[rising]).mean() / np.abs(steps[falling]).mean()
    if explained >= _EXPLAINED and _COMPARABLE <= sizes <= 1 / _COMPARABLE:
        up, down = (tuple(sorted(seen.symbols[v] for v in side)) for side in (rising, falling))
        yield Automaton("depth", up, down)


def _alike(steps: Numbers, weight: Numbers, counts: Numbers) -> list[int]:
    """The character with the largest weight, and those that move the cell about as far the same way."""
    first = int(weight.argmax())
    if weight[first] <= 0:
        return []
    alike = (steps >= _COMPARABLE * steps[first]) & (counts >= _OCCURRENCES)
    found = np.flatnonzero(alike).tolist()
    return found if first in found and len(found) <= _MOST_DRIVERS else []


def _counters(seen: Movements, cell: int) -> Iterator[Automaton]:
    """Steps since characters that bring the cell to one value."""
    spread = seen.landing_variances[cell] / seen.variance[cell]
    still = np.where(seen.counts >= _OCCURRENCES, spread, np.inf)
    for first in np.argsort(still, kind="stable")[:2].tolist():
        if still[first] > _RESET_SPREAD:
            return
        near = np.abs(seen.landings[cell] - seen.landings[cell, first]) <= _RESET_SPREAD * np.sqrt(
            seen.variance[cell]
        )
        resets = np.flatnonzero((still <= _RESET_SPREAD) & near)
        if len(resets) <= _MOST_DRIVERS:
            steppers = _steppers(seen, cell, resets)
            if steppers:
                yield Automaton("counter", steppers, tuple(sorted(seen.symbols[v] for v in resets.tolist())))


def _steppers(seen: Movements, cell: int, resets: NDArray[np.int64]) -> tuple[str, ...]:
    """What makes the cell step between its resets: "*" where most characters do."""
    counts = seen.counts.copy()
    counts[resets] = 0
    steps = seen.steps[cell]
    mean = (counts * steps).sum() / max(1.0, counts.sum())
    equal = (
        (steps / mean >= _COMPARABLE) & (steps / mean <= 1 / _COMPARABLE)
        if mean
        else np.zeros(len(steps), bool)
    )
    if counts[equal].sum() >= FLIP_F1 * counts.sum():
        return tuple(ANY_CHARACTER)
    for sign in (1, -1):
        weight = counts * sign * steps * np.abs(steps)
        alike = _alike(sign * steps, weight, counts)
        total = (counts * seen.step_squares[cell]).sum()
        if alike and weight[alike].sum() >= _EXPLAINED * total:
            return tuple(sorted(seen.symbols[v] for v in alike))
    return ()
