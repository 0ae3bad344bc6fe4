"""How every cell moves at every character, and the automata that would explain it.

One pass over the discovery split sums, by the current character, the one before, the one before that and
the commonest pairs, how often each cell crosses its threshold, how far c moves and where it lands. From
these alone a cell proposes what it might be: a switch whose flips its drivers predict, a depth that steps
up at one character and down at another, a counter that its resetters bring to one value. Proposals are
only that: `detectors` scores them beside the listed features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.accumulators import GroupSums
from charlstm.inspection.reading.contexts import count_occurrences
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

LAGS = 3

# Pairs of characters that are counted: the commonest ones.
_PAIRS = 400

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
    processes: ProcessGroup = ALONE,
) -> Movements:
    """Sum how the cells, of thresholds and means (cells,), move over a split."""
    pairs = _commonest_pairs(split)
    cells, number = len(thresholds), len(symbols)
    drivers = {f"lag_{lag}": list(symbols) for lag in range(LAGS)}
    drivers["pairs"] = [symbols[pair // number] + symbols[pair % number] for pair in pairs.tolist()]
    cut, centre = thresholds.float(), means.float()

    def read(part: Chunk) -> tuple[GroupSums, ...]:
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

    moves, *crossings = read_chunks(split, read, processes)
    flips = {name: _flips(sums, cells) for name, sums in zip(drivers, crossings, strict=True)}
    return _movements(moves, flips, drivers, symbols)


def _commonest_pairs(split: Split) -> NDArray[np.int64]:
    """(pairs,) the commonest pairs of characters, each as one number."""
    numbers, counts = count_occurrences(split.ngrams(2))
    return numbers[np.argsort(-counts, kind="stable")[:_PAIRS]]


def _groups(part: Chunk, pairs: NDArray[np.int64]) -> dict[str, Tensor]:
    """For each lag and for pairs: (rows,) int64 which driver each position has, len(pairs) for none."""
    counted = part.cut.counted
    groups = {f"lag_{lag}": part.ids[counted - lag].astype(np.int64) for lag in range(LAGS)}
    found = groups["lag_1"] * len(part.symbols) + groups["lag_0"]
    order = np.argsort(pairs)
    place = np.searchsorted(pairs, found, sorter=order).clip(max=len(pairs) - 1)
    groups["pairs"] = np.where(pairs[order[place]] == found, order[place], len(pairs))
    return {name: torch.from_numpy(processes) for name, processes in groups.items()}


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
