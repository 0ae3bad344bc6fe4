"""A planted toggle and a planted line counter, the text that they read, and their pairs with features."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting.calibration import Calibration, calibrate
from charlstm.inspection.detecting.discovery import Pairs
from charlstm.inspection.exam.planted_cells import line_counter, plant, toggle
from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.reading.splits import Split
from charlstm.model.char_lstm import CharLSTM

PARITY, COLUMN = Feature("parity", "switch", {}), Feature("column", "counter", {})


class PlantedPairs(NamedTuple):
    """Three pairs: the toggle and an idle cell with the parity of quotes, and the counter with the column.

    c and c_before (rows, cells) are the cell states at all counted positions of all chunks, and one position
    earlier; features (rows, 2) are the parity and the column; shifts are two circular shifts.
    """

    model: CharLSTM
    split: Split
    calibration: Calibration
    pairs: Pairs
    c: NDArray[np.float64]
    c_before: NDArray[np.float64]
    features: NDArray[np.float64]
    shifts: torch.Tensor


def planted_pairs() -> PlantedPairs:
    """Plant the cells and read 16,000 characters, in as many chunks as splits.LONGEST_CHUNK_CHARACTERS asks
    for.
    """
    table = FeatureTable((PARITY, COLUMN), recipes=((_signals, frozenset({"parity", "column"})),))
    split = Split(ids_of(written(16_000, seed=2)), SYMBOLS, 0, 4, table)
    cells = [toggle('"'), line_counter("\n")]
    model = plant(cells, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    c, c_before = np.empty((2, split.rows, 5))
    for chunk in split:
        for block in chunk.blocks(model):
            rows = chunk.rows_before + block.rows
            c[rows], c_before[rows] = block.c, block.c_before
    pairs = Pairs(torch.tensor([0, 1, 3]), torch.tensor([0, 1, 0]), torch.tensor([1, 1, -1]))
    features = np.concatenate([chunk.columns(torch.arange(2)).numpy() for chunk in split]).astype(float)
    shifts = torch.tensor([1_500, 2_700])
    return PlantedPairs(model, split, calibrate(model, split), pairs, c, c_before, features, shifts)


def _signals(text: str, starts: NDArray[np.int64]) -> Iterator[Signal]:
    """The parity of quotes and the characters since the last line feed, both 0 where a stretch starts."""
    parity, column = np.zeros((2, len(text)), np.uint8)
    for start, stop in pairwise([*starts.tolist(), len(text)]):
        quotes = characters = 0
        for place in range(start, stop):
            quotes ^= text[place] == '"'
            characters = 0 if text[place] == "\n" else min(255, characters + 1)
            parity[place], column[place] = quotes, characters
    yield Signal(PARITY, parity)
    yield Signal(COLUMN, column)
