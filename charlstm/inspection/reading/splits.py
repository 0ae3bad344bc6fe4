"""A text under inspection: cut into contiguous splits, and each of these into parts that are read one by one.

A part has at most so many characters, and its signals are made when it is read: memory does not grow with
the text. A text that takes no more than one part a split keeps them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.feature_table import CountedText, FeatureTable
from charlstm.inspection.features.text_signals import distance_since
from charlstm.inspection.reading.contexts import Contexts, Ids, choose_contexts, runs
from charlstm.inspection.reading.trace import WARMUP, CountedBlock, Cut, counted_blocks
from charlstm.model.char_lstm import CharLSTM

# A stretch is at least this long, so that the warm-up takes no more than a tenth of the text.
_STRETCH = 10 * WARMUP

# Characters of a part at most: no split of the usual 400,000 has more.
MOST = 150_000


@dataclass(frozen=True, eq=False)
class Chunk:
    """What is read at once: ids (characters,), which begin at start of the whole text, cut into stretches.

    signals (characters, features) uint8 are those of the table. rows_before and stretches_before are the
    counted positions and the stretches of the split's parts before this one.
    """

    ids: Ids
    symbols: Sequence[str]
    start: int
    cut: Cut
    table: FeatureTable
    signals: NDArray[np.uint8]
    rows_before: int = 0
    stretches_before: int = 0

    @cached_property
    def text(self) -> str:
        """The characters as a string."""
        return _spelt(self.ids, self.symbols)

    @cached_property
    def counted(self) -> Tensor:
        """(rows,) int64: the positions that count."""
        return torch.from_numpy(self.cut.counted)

    @cached_property
    def characters(self) -> Tensor:
        """(rows,) int64 ids there."""
        return torch.from_numpy(self.ids[self.cut.counted].astype(np.int64))

    def features(self, rows: Tensor) -> Tensor:
        """(positions, features) float32: all features at some rows (positions,) int64."""
        return torch.from_numpy(self.signals)[self.counted[rows]].float()

    def columns(self, places: Tensor) -> Tensor:
        """(rows, places) uint8: some of the features at all of the rows."""
        return torch.from_numpy(np.take(self.signals[self.cut.counted], places.numpy(), axis=1))

    def signal(self, name: str) -> Signal:
        """The signal of a feature of the table."""
        place = self.table.names.index(name)
        return Signal(self.table.features[place], self.signals[:, place])

    def since(self, places: Tensor) -> Tensor:
        """(rows, places) int64: characters since each of some features last went on or off, 0 at that one."""
        counted = self.cut.counted
        columns = [_changed(self.signals[:, place] > 0)[counted] for place in places.tolist()]
        return torch.from_numpy(np.stack(columns, axis=1))

    def stretches(self, rows: Tensor) -> Tensor:
        """(positions,) int64: the stretch of each of some rows (positions,) int64, counted from the split's
        first.
        """
        return self.stretches_before + rows * self.cut.streams // len(self.counted)

    def blocks(self, model: CharLSTM) -> Iterator[CountedBlock]:
        """Yield what the layers do at every counted position, each once."""
        return counted_blocks(model, self.ids, self.cut)

    def beginning(self, characters: int) -> "Chunk":
        """The first stretches, of about so many characters together, one at least."""
        streams = min(self.cut.streams, max(1, characters // self.cut.length))
        cut = Cut(streams * self.cut.length, streams)
        return replace(self, ids=self.ids[: cut.characters], cut=cut, signals=self.signals[: cut.characters])

    def extended(self, table: FeatureTable) -> "Chunk":
        """The same with the features of a table that goes on from its own."""
        more = table.signals(self.text, self.cut.starts, recipes=len(self.table.recipes))
        return replace(self, table=table, signals=np.concatenate((self.signals, more), axis=1))


@dataclass(frozen=True, eq=False)
class Split:
    """A stretch of the text, ids (characters,) from start on, in parts of equal length.

    Every part is cut into as many streams, or fewer where stretches would be too short. Iterating over it
    makes the parts.
    """

    ids: Ids
    symbols: Sequence[str]
    start: int
    streams: int
    table: FeatureTable = field(default_factory=FeatureTable)
    kept: Chunk | None = None

    @cached_property
    def cut(self) -> Cut:
        """How every part is cut."""
        characters = len(self.ids) // self.chunk_count
        return Cut(characters, max(1, min(self.streams, characters // _STRETCH)))

    @property
    def chunk_count(self) -> int:
        """How many there are."""
        return -(-len(self.ids) // MOST)

    @property
    def rows(self) -> int:
        """Positions that count, of all parts."""
        return self.chunk_count * self.cut.rows

    @property
    def stretches(self) -> int:
        """Stretches of all parts."""
        return self.chunk_count * self.cut.streams

    @cached_property
    def first(self) -> Chunk:
        """The first part."""
        return self.kept or self._made(0)

    def __iter__(self) -> Iterator[Chunk]:
        yield from map(self.chunk, range(self.chunk_count))

    def chunk(self, number: int) -> Chunk:
        """The part of this number."""
        return self.first if self.chunk_count == 1 else self._made(number)

    def _made(self, number: int) -> Chunk:
        ids = self._ids(number)
        text = _spelt(ids, self.symbols)
        return Chunk(
            ids,
            self.symbols,
            self.start + number * self.cut.characters,
            self.cut,
            self.table,
            self.table.signals(text, self.cut.starts),
            number * self.cut.rows,
            number * self.cut.streams,
        )

    def _ids(self, number: int) -> Ids:
        start = number * self.cut.characters
        return self.ids[start : start + self.cut.streams * self.cut.length]

    def readings(self) -> Iterator[CountedText]:
        """Each part's text, the starts of its stretches and what counts in it."""
        for number in range(self.chunk_count):
            yield _spelt(self._ids(number), self.symbols), self.cut.starts, self.cut.counted

    def extended(self, table: FeatureTable) -> "Split":
        """The same with the features of a table that goes on from its own."""
        kept = self.first.extended(table) if self.chunk_count == 1 else None
        return Split(self.ids, self.symbols, self.start, self.streams, table, kept)

    def runs(self, length: int) -> Iterator[NDArray[np.int64]]:
        """The `runs` of each part."""
        for number in range(self.chunk_count):
            yield runs(self._ids(number), self.cut, length, len(self.symbols))

    @cached_property
    def contexts(self) -> Contexts:
        """The runs of characters that positions are told apart by."""
        return choose_contexts(self.runs, rows=self.rows, vocabulary=len(self.symbols))


def _spelt(ids: Ids, symbols: Sequence[str]) -> str:
    return "".join(map(symbols.__getitem__, ids.tolist()))


def _changed(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Characters since the last change, 0 at it."""
    return distance_since(np.concatenate(([True], on[1:] != on[:-1])))
