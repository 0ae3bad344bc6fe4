"""A split is a contiguous piece of the inspected text; it is read in chunks of bounded size, one at a time.

A chunk's signals are made when the chunk is read, so that memory does not grow with the text. A split that is
a single chunk keeps it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import TracePrecision
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.feature_table import CountedText, FeatureTable
from charlstm.inspection.features.text_signals import distance_since
from charlstm.inspection.reading.contexts import Contexts, Ids, choose_contexts, ngrams
from charlstm.inspection.reading.trace import WARMUP, CountedBlock, Cut, counted_blocks
from charlstm.model.char_lstm import CharLSTM

# A chunk is cut into stretches of at least this length, so that the warm-up takes at most a tenth of the
# text.
_LEAST_STRETCH_CHARACTERS = 10 * WARMUP

# No chunk is longer than this. In a text of 400,000 characters, the usual number, every split is one chunk.
LONGEST_CHUNK_CHARACTERS = 150_000


@dataclass(frozen=True, eq=False)
class Chunk:
    """A Chunk is a piece of text that is read at once, cut into stretches, with the signals of its features.

    ids (characters,) are indices into symbols, the vocabulary; start is the position of the first of them in
    the whole text. signals (characters, features) uint8 are the signals of the features of table. rows_before
    and stretches_before are the numbers of counted positions and of stretches in the split's earlier chunks.
    device is the one on which models read the text, None for the one that a model is on, and precision the
    number format in which they multiply.

    A row is a counted position: rows are numbered from 0 in each chunk, in the order of the text.
    """

    ids: Ids
    symbols: Sequence[str]
    start: int
    cut: Cut
    table: FeatureTable
    signals: NDArray[np.uint8]
    rows_before: int = 0
    stretches_before: int = 0
    device: torch.device | None = None
    precision: TracePrecision = "float32"

    @cached_property
    def text(self) -> str:
        """Return the characters as a string."""
        return _decoded(self.ids, self.symbols)

    @cached_property
    def counted(self) -> Tensor:
        """Return (rows,) int64: the positions in the chunk that are counted, ascending."""
        return torch.from_numpy(self.cut.counted)

    @cached_property
    def characters(self) -> Tensor:
        """Return (rows,) int64: the indices of the characters at the counted positions."""
        return torch.from_numpy(self.ids[self.cut.counted].astype(np.int64))

    def features(self, rows: Tensor) -> Tensor:
        """Return (positions, features) float32: the values of all features at rows (positions,) int64."""
        return torch.from_numpy(self.signals)[self.counted[rows]].float()

    def columns(self, feature_numbers: Tensor) -> Tensor:
        """Return (rows, n) uint8: at every row the features with the numbers feature_numbers (n,) int64."""
        return torch.from_numpy(np.take(self.signals[self.cut.counted], feature_numbers.numpy(), axis=1))

    def signal(self, name: str) -> Signal:
        """Return the signal of the feature called `name`. Raises ValueError where the table lacks it."""
        number = self.table.names.index(name)
        return Signal(self.table.features[number], self.signals[:, number])

    def since_change(self, feature_numbers: Tensor) -> Tensor:
        """Return (rows, n) int64: at every row the characters since each feature last went on or off.

        A feature is on where it is above 0; it counts as changing at the chunk's first character.
        feature_numbers (n,) int64 are indices into the table's features. The value is 0 at the character of
        the change.
        """
        counted = self.cut.counted
        columns = [_since_change(self.signals[:, number] > 0)[counted] for number in feature_numbers.tolist()]
        return torch.from_numpy(np.stack(columns, axis=1))

    def stretches(self, rows: Tensor) -> Tensor:
        """Return (positions,) int64: which of the split's stretches each of rows (positions,) int64 is in."""
        return self.stretches_before + rows * self.cut.streams // len(self.counted)

    @property
    def row_stretches(self) -> Tensor:
        """Return (rows,) int64: which of the chunk's stretches, from 0, each row is in."""
        return self.stretches(torch.arange(len(self.counted))) - self.stretches_before

    def blocks(self, model: CharLSTM) -> Iterator[CountedBlock]:
        """Yield the gates and cell states of model at the chunk's counted positions, each position once."""
        return counted_blocks(model, self.ids, self.cut, device=self.device, precision=self.precision)

    def beginning(self, characters: int) -> "Chunk":
        """Return a chunk of the first stretches: those that fit into the given characters, at least one."""
        streams = min(self.cut.streams, max(1, characters // self.cut.length))
        cut = Cut(streams * self.cut.length, streams)
        return replace(self, ids=self.ids[: cut.characters], cut=cut, signals=self.signals[: cut.characters])

    def extended(self, table: FeatureTable) -> "Chunk":
        """Return this chunk with the features of table, which extends the table that this chunk has."""
        more = table.signals(self.text, self.cut.starts, skipped_recipes=len(self.table.recipes))
        return replace(self, table=table, signals=np.concatenate((self.signals, more), axis=1))


@dataclass(frozen=True, eq=False)
class Split:
    """A Split is a contiguous piece of the text, in chunks of equal length; iterating over it makes them.

    ids (characters,) are indices into symbols, the vocabulary; start is the position of the first of them in
    the whole text. Each chunk is cut into `streams` stretches, or fewer where they would be too short.
    only_chunk is the chunk of a split that has a single one, if it is made already, else None. device is the
    one on which models read the text, None for the one that a model is on, and precision the number format in
    which they multiply.
    """

    ids: Ids
    symbols: Sequence[str]
    start: int
    streams: int
    table: FeatureTable = field(default_factory=FeatureTable)
    only_chunk: Chunk | None = None
    device: torch.device | None = None
    precision: TracePrecision = "float32"

    @cached_property
    def cut(self) -> Cut:
        """Return how every chunk is cut into stretches."""
        characters = len(self.ids) // self.chunk_count
        return Cut(characters, max(1, min(self.streams, characters // _LEAST_STRETCH_CHARACTERS)))

    @property
    def chunk_count(self) -> int:
        """Return the number of chunks."""
        return -(-len(self.ids) // LONGEST_CHUNK_CHARACTERS)

    @property
    def rows(self) -> int:
        """Return the number of counted positions in all chunks together."""
        return self.chunk_count * self.cut.rows

    @property
    def stretches(self) -> int:
        """Return the number of stretches in all chunks together."""
        return self.chunk_count * self.cut.streams

    @cached_property
    def first(self) -> Chunk:
        """Return the first chunk."""
        return self.only_chunk or self._make_chunk(0)

    def __iter__(self) -> Iterator[Chunk]:
        yield from map(self.chunk, range(self.chunk_count))

    def chunk(self, number: int) -> Chunk:
        """Return the chunk with this number, from 0 to chunk_count - 1; a single chunk is made only once."""
        return self.first if self.chunk_count == 1 else self._make_chunk(number)

    def _make_chunk(self, number: int) -> Chunk:
        """Return the chunk with this number and its signals."""
        ids = self._chunk_ids(number)
        return Chunk(
            ids=ids,
            symbols=self.symbols,
            start=self.start + number * self.cut.characters,
            cut=self.cut,
            table=self.table,
            signals=self.table.signals(_decoded(ids, self.symbols), self.cut.starts),
            rows_before=number * self.cut.rows,
            stretches_before=number * self.cut.streams,
            device=self.device,
            precision=self.precision,
        )

    def _chunk_ids(self, number: int) -> Ids:
        """Return the ids of the stretches in the chunk of this number."""
        start = number * self.cut.characters
        return self.ids[start : start + self.cut.streams * self.cut.length]

    def counted_texts(self) -> Iterator[CountedText]:
        """Yield for each chunk its text, the starts of its stretches, and its counted positions."""
        for number in range(self.chunk_count):
            yield _decoded(self._chunk_ids(number), self.symbols), self.cut.starts, self.cut.counted

    def extended(self, table: FeatureTable) -> "Split":
        """Return this split with the features of table, which extends the table that this split has."""
        only_chunk = self.first.extended(table) if self.chunk_count == 1 else None
        return replace(self, table=table, only_chunk=only_chunk)

    def ngrams(self, length: int) -> Iterator[NDArray[np.int64]]:
        """Yield for each chunk (rows,) int64: the n-gram of `length` characters at each counted position.

        `contexts.ngrams` says how an n-gram is written as a number.
        """
        for number in range(self.chunk_count):
            yield ngrams(self._chunk_ids(number), self.cut, length, len(self.symbols))

    @cached_property
    def contexts(self) -> Contexts:
        """Return the contexts by which the split's positions are told apart."""
        return choose_contexts(self.ngrams, rows=self.rows, vocabulary=len(self.symbols))


def _decoded(ids: Ids, symbols: Sequence[str]) -> str:
    """Return the text of ids (characters,), indices into symbols."""
    return "".join(map(symbols.__getitem__, ids.tolist()))


def _since_change(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (characters,) int64: the characters since `on` (characters,) last changed, 0 at a change."""
    return distance_since(np.concatenate(([True], on[1:] != on[:-1])))
