"""This module measures how every cell moves at every character of the discovery split.

One pass sums, by the current character, the two characters before it and the commonest pairs of characters,
how often each cell crosses its threshold, how far c moves, and where c lands. `proposals` reads from these
sums which feature a cell might follow, and `naming` which characters drive it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.inspection.detecting.calibration import Calibration
from charlstm.inspection.reading.accumulators import GroupSums
from charlstm.inspection.reading.contexts import count_occurrences
from charlstm.inspection.reading.kept_states import KeptStates
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# A cell may flip with a lag below this, in characters: at the current character or up to two characters after
# the character that drives it.
_LAGS = 3

# Flips are counted at no more than this many pairs of characters, the commonest ones.
_MOST_PAIRS = 400

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Flips:
    """Flips says how often each cell flips at each possible driver; every field is (cells, drivers) float64.

    up and down count the crossings of the cell's threshold upwards and downwards. below and above count the
    positions at which the cell was below or above its threshold one character earlier.
    """

    up: Numbers
    down: Numbers
    below: Numbers
    above: Numbers


@dataclass(frozen=True, eq=False)
class Movements:
    """Movements says how every cell moves at every character; all arrays are float64.

    flips has the flips by group of possible drivers: "lag_0" by the current character, "lag_1" and "lag_2" by
    the character one and two positions back, and "pairs" by the last two characters. drivers has the texts of
    each group's possible drivers in order. symbols are the characters of the vocabulary, and counts
    (vocabulary,) says how often each occurs. steps and step_squares are the means of the change of c at each
    character and of its square. landings is the mean of c there, less the calibrated mean of the cell, and
    landing_variances is the variance of c there. These four are (cells, vocabulary). variance (cells,) is the
    variance of c at all characters.
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


def measure_movements(
    model: CharLSTM,
    split: Split,
    calibration: Calibration,
    states: KeptStates | None = None,
    processes: ProcessGroup = ALONE,
) -> Movements:
    """Read split once and sum how the cells of model, whose levels are calibrated, move over it.

    states keeps the cell states for whoever reads the split next.
    """
    symbols, cells = split.symbols, len(calibration.thresholds)
    pairs = _commonest_pairs(split)
    drivers = {f"lag_{lag}": list(symbols) for lag in range(_LAGS)}
    drivers["pairs"] = [
        symbols[pair // len(symbols)] + symbols[pair % len(symbols)] for pair in pairs.tolist()
    ]
    thresholds, means = calibration.thresholds.float(), calibration.means.float()

    def read(chunk: Chunk) -> tuple[GroupSums, ...]:
        crossings = {name: GroupSums(len(texts) + 1, 3 * cells) for name, texts in drivers.items()}
        moves = GroupSums(len(symbols), 4 * cells)
        groups = _driver_numbers(chunk, pairs)
        for block in states.keep(model, chunk) if states else chunk.blocks(model):
            on, before = (block.c > thresholds).float(), (block.c_before > thresholds).float()
            crossed = torch.cat((on * (1 - before), before * (1 - on), before), dim=1)
            for name, sums in crossings.items():
                sums.update(groups[name][block.rows], crossed)
            c, step = block.c - means, block.c - block.c_before
            moved = torch.cat((step, step.square(), c, c.square()), dim=1)
            moves.update(chunk.characters[block.rows], moved)
        return moves, *crossings.values()

    moves, *crossings = read_chunks(split, read, processes)
    flips = {name: _flips(sums) for name, sums in zip(drivers, crossings, strict=True)}
    return _movements(moves, flips, drivers, symbols)


def _commonest_pairs(split: Split) -> NDArray[np.int64]:
    """Return (pairs,) the commonest pairs of characters, each as first id * vocabulary size + second id."""
    numbers, counts = count_occurrences(split.ngrams(2))
    return numbers[np.argsort(-counts, kind="stable")[:_MOST_PAIRS]]


def _driver_numbers(chunk: Chunk, pairs: NDArray[np.int64]) -> dict[str, torch.Tensor]:
    """Return (rows,) int64 for each group: the number of the possible driver at each counted position.

    At a position whose last two characters are not in pairs (pairs,), the number in "pairs" is len(pairs).
    """
    counted = chunk.cut.counted
    groups = {f"lag_{lag}": chunk.ids[counted - lag].astype(np.int64) for lag in range(_LAGS)}
    seen = groups["lag_1"] * len(chunk.symbols) + groups["lag_0"]
    order = np.argsort(pairs)
    index = np.searchsorted(pairs, seen, sorter=order).clip(max=len(pairs) - 1)
    groups["pairs"] = np.where(pairs[order[index]] == seen, order[index], len(pairs))
    return {name: torch.from_numpy(numbers) for name, numbers in groups.items()}


def _flips(sums: GroupSums) -> Flips:
    """Return the flips from sums by possible driver; the last group, all other pairs, is dropped."""
    up, down, above = (columns.t().numpy() for columns in sums.sums[:-1].chunk(3, dim=1))
    return Flips(up, down, sums.counts[:-1].numpy() - above, above)


def _movements(
    moves: GroupSums, flips: dict[str, Flips], drivers: dict[str, list[str]], symbols: Sequence[str]
) -> Movements:
    """Return the movements from moves, which sums step, step^2, c and c^2 of all cells by character."""
    steps, step_squares, landings, landing_squares = (
        columns.t().numpy() for columns in moves.means().chunk(4, dim=1)
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
