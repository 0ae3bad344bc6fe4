"""The text that the report page recolours over time: one excerpt, and tanh(c) of found cells along it.

The text and the cells are chosen once, from what is known at the end of the training; the states are read at
every moment of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.describing.followed_cells import Place, is_high, possible_firsts
from charlstm.inspection.describing.packing import packed, whole_127ths
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import WARMUP, trace
from charlstm.inspection.study import ConfirmedPair, Study
from charlstm.model.char_lstm import CharLSTM

# The text has this many characters, or all counted ones of a shorter stretch.
_CHARACTERS = 400
# All cells at all moments have at most this many values together, unless there is a single cell.
_MOST_VALUES = 160_000
# The text before it is read in blocks of this many characters, since a trace takes much memory.
_BLOCK_CHARACTERS = 2_000
# Where a feature begins this often in the text, further times show no more.
_ENOUGH_BEGINNINGS = 3


@dataclass(frozen=True, eq=False)
class TextOverTime:
    """A TextOverTime is a piece of the first chunk of the split "confirm", and cells to read along it.

    place is where it lies among the chunk's counted positions; cells are numbered over all layers, and
    features are the names of those that they follow.
    """

    chunk: Chunk
    place: Place
    cells: list[int]
    features: list[str]

    @property
    def _span(self) -> slice:
        """Return the positions of the text in the chunk."""
        first = int(self.chunk.cut.starts[self.place.stretch]) + WARMUP + self.place.first
        return slice(first, first + self.place.length)

    def states(self, model: CharLSTM) -> NDArray[np.uint8]:
        """Return tanh(c) of the cells in model, (cells, characters) of whole 127ths in the bits of an int8.

        model has the studied one's shape. It reads the stretch from its beginning on, as everywhere else.
        """
        ids = self.chunk.ids[int(self.chunk.cut.starts[self.place.stretch]) : self._span.stop]
        blocks = [
            torch.stack([layer.c[0] for layer in block.layers], dim=1).flatten(1)[:, self.cells].cpu()
            for block in trace(model, ids, streams=1, window=_BLOCK_CHARACTERS)
        ]
        return whole_127ths(torch.cat(blocks)[-self.place.length :].tanh().t().numpy())

    def described(self, states: Sequence[NDArray[np.uint8]], cells_per_layer: int) -> Json:
        """Return the text and its features, and what `states` returned at each moment, for findings.json.

        cells_per_layer is the number of cells in a layer of the model.
        """
        span = self._span
        return {
            "split": "confirm",
            "start": self.chunk.start + span.start,
            "text": self.chunk.text[span],
            "features": {name: self.chunk.signal(name).values[span].tolist() for name in self.features},
            "cells": [f"{cell // cells_per_layer}:{cell % cells_per_layer}" for cell in self.cells],
            "tanh_c": packed(np.stack(states, axis=1).reshape(-1, self.place.length)),
        }


def text_over_time(studied: Study, moments: int) -> TextOverTime | None:
    """Return the text and the cells that are read at every moment, None without a found cell.

    moments is the number of moments: the more there are, the fewer cells. Verified cells come first, and of
    one verdict those with the best held-out score.
    """
    if not studied.confirmed_pairs:
        return None
    chunk = studied.found.text.splits["confirm"].first
    ranked = sorted(studied.confirmed_pairs, key=lambda pair: pair.proof.verdict != "verified")
    place = _place(chunk, ranked)
    most = max(1, _MOST_VALUES // (max(1, moments) * place.length))
    cells = list(dict.fromkeys(pair.cell for pair in ranked))[:most]
    features = dict.fromkeys(pair.feature.name for pair in ranked if pair.cell in cells)
    return TextOverTime(chunk, place, cells, list(features))


def _place(chunk: Chunk, pairs: Sequence[ConfirmedPair]) -> Place:
    """Return where most features of pairs begin in a piece of _CHARACTERS characters.

    The features alone decide, not what any cell does. Of all pieces that begin with a line it is the one in
    which most features of verified cells begin; of those with equally many, the one in which all features
    begin most often, where _ENOUGH_BEGINNINGS of each are enough.
    """
    positions = chunk.cut.counted.reshape(chunk.cut.streams, -1)
    length = min(_CHARACTERS, positions.shape[1])
    last = positions.shape[1] - length
    merit = np.zeros((len(positions), last + 1))
    verified = {pair.feature.name for pair in pairs if pair.proof.verdict == "verified"}
    enough = _ENOUGH_BEGINNINGS * len(pairs) + 1
    for name in {pair.feature.name for pair in pairs}:
        begun = _beginnings(chunk.signal(name), positions)
        inside = begun[:, length - 1 :] - begun[:, : last + 1]
        merit += np.minimum(inside, _ENOUGH_BEGINNINGS) + enough * ((inside > 0) & (name in verified))
    merit[~possible_firsts(positions, chunk.text, last)] = -1
    stretch, first = (int(place) for place in np.unravel_index(merit.argmax(), merit.shape))
    return Place(stretch, first, length)


def _beginnings(signal: Signal, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often a feature has gone on, or a counter has gone up, by each of positions in its stretch.

    The result is (stretches, characters) int64, as positions are.
    """
    high = is_high(signal.values[positions], signal.feature.kind)
    begun = np.zeros(high.shape, np.int64)
    begun[:, 1:] = (high[:, 1:] & ~high[:, :-1]).cumsum(axis=1)
    return begun
