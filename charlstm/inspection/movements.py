"""How every cell moves at every character, and the automata that would explain it.

One pass over the discovery split sums, by the current character, the one before, the one before that and
the commonest pairs, how often each cell crosses its threshold, how far c moves and where it lands. From
these alone a cell proposes what it might be: a switch whose flips its drivers predict, a depth that steps
up at one character and down at another, a counter that its resetters bring to one value. Proposals are
only that: `detectors` scores them beside the listed features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.accumulators import GroupSums
from charlstm.inspection.automata import Automaton
from charlstm.inspection.features import ANY
from charlstm.inspection.splits import Part, Split, counted_numbers
from charlstm.inspection.work import read_parts
from charlstm.model import CharLSTM
from charlstm.parallel import ALONE, Group

LAGS = 3
# Pairs of characters that are counted: the commonest ones.
_PAIRS = 400
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

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Flips:
    """How a cell flips at each of some drivers, all (cells, drivers) float64: crossings of the threshold
    upwards and downwards, and how often it was below and above it before.
    """

    up: Numbers
    down: Numbers
    below: Numbers
    above: Numbers


@dataclass(frozen=True, eq=False)
class Movements:
    """What one pass saw. flips has one entry for each lag and one for pairs; steps and step_squares are the
    mean of c's move and of its square at each character, landings and landing_variances those of c
    itself, all (cells, vocabulary) float64; counts (vocabulary,); variance of c (cells,).
    """

    flips: dict[str, Flips]
    drivers: dict[str, list[str]]
    symbols: Sequence[str]
    counts: Numbers
    steps: Numbers
    step_squares: Numbers
    landings: Numbers
    landing_variances: Numbers
    variance: Numbers


def watch(
    model: CharLSTM,
    split: Split,
    thresholds: Tensor,
    means: Tensor,
    symbols: Sequence[str],
    group: Group = ALONE,
) -> Movements:
    """Sum how the cells, of thresholds and means (cells,), move over a split."""
    pairs = _commonest_pairs(split)
    cells, number = len(thresholds), len(symbols)
    drivers = {f"lag_{lag}": list(symbols) for lag in range(LAGS)}
    drivers["pairs"] = [symbols[pair // number] + symbols[pair % number] for pair in pairs.tolist()]
    cut, centre = thresholds.float(), means.float()

    def read(part: Part) -> tuple[GroupSums, ...]:
        crossings = {name: GroupSums(len(names) + 1, 3 * cells) for name, names in drivers.items()}
        moves = GroupSums(len(symbols), 4 * cells)
        groups = _groups(part, pairs)
        for block in part.blocks(model):
            on, before = (block.c > cut).float(), (block.c_before > cut).float()
            crossed = torch.cat((on * (1 - before), before * (1 - on), before), dim=1)
            for name, sums in crossings.items():
                sums.update(groups[name][block.rows], crossed)
            c, step = block.c - centre, block.c - block.c_before
            moves.update(part.characters[block.rows], torch.cat((step, step.square(), c, c.square()), dim=1))
        return moves, *crossings.values()

    moves, *crossings = read_parts(split, read, group)
    flips = {name: _flips(sums, cells) for name, sums in zip(drivers, crossings, strict=True)}
    return _movements(moves, flips, drivers, symbols)


def _commonest_pairs(split: Split) -> NDArray[np.int64]:
    """(pairs,) the commonest pairs of characters, each as one number."""
    numbers, counts = counted_numbers(split.runs(2))
    return numbers[np.argsort(-counts, kind="stable")[:_PAIRS]]


def _groups(part: Part, pairs: NDArray[np.int64]) -> dict[str, Tensor]:
    """For each lag and for pairs: (rows,) int64 which driver each position has, len(pairs) for none."""
    counted = part.cut.counted
    groups = {f"lag_{lag}": part.ids[counted - lag].astype(np.int64) for lag in range(LAGS)}
    found = groups["lag_1"] * len(part.symbols) + groups["lag_0"]
    order = np.argsort(pairs)
    place = np.searchsorted(pairs, found, sorter=order).clip(max=len(pairs) - 1)
    groups["pairs"] = np.where(pairs[order[place]] == found, order[place], len(pairs))
    return {name: torch.from_numpy(group) for name, group in groups.items()}


def _flips(sums: GroupSums, cells: int) -> Flips:
    up, down, above = (part.t().numpy() for part in sums.sums[:-1].chunk(3, dim=1))
    return Flips(up, down, sums.counts[:-1].numpy() - above, above)


def _movements(
    moves: GroupSums, flips: dict[str, Flips], drivers: dict[str, list[str]], symbols: Sequence[str]
) -> Movements:
    steps, step_squares, landings, landing_squares = (
        part.t().numpy() for part in moves.means().chunk(4, dim=1)
    )
    counts = moves.counts.numpy()
    share = counts / max(1.0, counts.sum())
    variance = landing_squares @ share - (landings @ share) ** 2
    return Movements(
        flips,
        drivers,
        symbols,
        counts,
        steps,
        step_squares,
        landings,
        landing_squares - landings**2,
        variance,
    )


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
        return tuple(ANY)
    for sign in (1, -1):
        weight = counts * sign * steps * np.abs(steps)
        alike = _alike(sign * steps, weight, counts)
        total = (counts * seen.step_squares[cell]).sum()
        if alike and weight[alike].sum() >= _EXPLAINED * total:
            return tuple(sorted(seen.symbols[v] for v in alike))
    return ()
