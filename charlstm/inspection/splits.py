"""A text under inspection: cut into contiguous splits, and each of these into parts that are read one by one.

A part has at most so many characters, and its signals are made when it is read: memory does not grow with
the text. A text that takes no more than one part a split keeps them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.errors import CorpusError
from charlstm.inspection.automata import Automaton
from charlstm.inspection.features import Signal, Traits, features, gated_counter
from charlstm.inspection.signals import distance_since
from charlstm.inspection.tables import FeatureTable, Positions, Reading
from charlstm.inspection.trace import WARMUP, CountedBlock, Cut, counted_blocks
from charlstm.inspection.user_features import name_and_rule, user_feature
from charlstm.model import CharLSTM

Ids = NDArray[np.unsignedinteger]

# Where each split begins, as shares of the text; the last one is for interventions.
_BEGINS = {"calibrate": 0.0, "discover": 0.10, "confirm": 0.45, "intervene": 0.80}
_LEAST_CHARACTERS = 20_000
# A stretch is at least this long, so that the warm-up takes no more than a tenth of the text.
_STRETCH = 10 * WARMUP
# Characters of a part at most: no split of the usual 400,000 has more.
MOST = 150_000
# What is told apart of a position's past: runs of so many characters, or shorter ones where these occur too
# rarely for a mean. Beyond the commonest ones only the last character counts.
_CONTEXT, _OCCURRENCES, _MOST_CONTEXTS = 3, 5, 20_000


@dataclass(frozen=True, eq=False)
class Part:
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

    def beginning(self, characters: int) -> "Part":
        """The first stretches, of about so many characters together, one at least."""
        streams = min(self.cut.streams, max(1, characters // self.cut.length))
        cut = Cut(streams * self.cut.length, streams)
        return replace(self, ids=self.ids[: cut.characters], cut=cut, signals=self.signals[: cut.characters])

    def extended(self, table: FeatureTable) -> "Part":
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
    kept: Part | None = None

    @cached_property
    def cut(self) -> Cut:
        """How every part is cut."""
        characters = len(self.ids) // self.parts
        return Cut(characters, max(1, min(self.streams, characters // _STRETCH)))

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-len(self.ids) // MOST)

    @property
    def rows(self) -> int:
        """Positions that count, of all parts."""
        return self.parts * self.cut.rows

    @property
    def stretches(self) -> int:
        """Stretches of all parts."""
        return self.parts * self.cut.streams

    @cached_property
    def first(self) -> Part:
        """The first part."""
        return self.kept or self._made(0)

    def __iter__(self) -> Iterator[Part]:
        yield from map(self.part, range(self.parts))

    def part(self, number: int) -> Part:
        """The part of this number."""
        return self.first if self.parts == 1 else self._made(number)

    def _made(self, number: int) -> Part:
        ids = self._ids(number)
        text = _spelt(ids, self.symbols)
        return Part(
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

    def readings(self) -> Iterator[Reading]:
        """Each part's text, the starts of its stretches and what counts in it."""
        for number in range(self.parts):
            yield _spelt(self._ids(number), self.symbols), self.cut.starts, self.cut.counted

    def extended(self, table: FeatureTable) -> "Split":
        """The same with the features of a table that goes on from its own."""
        kept = self.first.extended(table) if self.parts == 1 else None
        return Split(self.ids, self.symbols, self.start, self.streams, table, kept)

    def runs(self, length: int) -> Iterator[NDArray[np.int64]]:
        """The `runs` of each part."""
        for number in range(self.parts):
            yield runs(self._ids(number), self.cut, length, len(self.symbols))

    @cached_property
    def contexts(self) -> "Contexts":
        """The runs of characters that positions are told apart by."""
        for length in range(_CONTEXT, 0, -1):
            numbers, counts = counted_numbers(self.runs(length))
            if len(numbers) <= self.rows / _OCCURRENCES:
                break
        commonest = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CONTEXTS])
        return Contexts(length, numbers[commonest], len(self.symbols))


@dataclass(frozen=True, eq=False)
class Contexts:
    """Runs of length characters, numbered in the order of numbers (runs,), as `runs` has them; behind them
    come the characters that end other runs.
    """

    length: int
    numbers: NDArray[np.int64]
    vocabulary: int

    def __len__(self) -> int:
        return len(self.numbers) + self.vocabulary

    def of(self, part: Part) -> Tensor:
        """(rows,) int64: which run ends at each counted position of a part."""
        found = runs(part.ids, part.cut, self.length, self.vocabulary)
        place = np.searchsorted(self.numbers, found).clip(max=len(self.numbers) - 1)
        other = len(self.numbers) + found % self.vocabulary
        return torch.from_numpy(np.where(self.numbers[place] == found, place, other))


def runs(ids: Ids, cut: Cut, length: int, vocabulary: int) -> NDArray[np.int64]:
    """(rows,): the run of so many characters that ends at each counted position, as one number."""
    counted = cut.counted
    found = np.zeros(len(counted), np.int64)
    for back in range(length - 1, -1, -1):
        found = found * vocabulary + ids[counted - back]
    return found


def counted_numbers(parts: Iterator[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers that occur in some arrays, rising, and how often each does."""
    numbers, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for part in parts:
        more, times = np.unique(part, return_counts=True)
        both, places = np.unique(np.concatenate((numbers, more)), return_inverse=True)
        counts = np.bincount(places, np.concatenate((counts, times)), len(both)).astype(np.int64)
        numbers = both
    return numbers, counts


@dataclass(frozen=True, eq=False)
class InspectedText:
    """The text under inspection: ids (characters,), the symbols they stand for, its splits by name, and the
    features that are tested in it.
    """

    ids: Ids
    symbols: Sequence[str]
    splits: dict[str, Split]
    table: FeatureTable

    @property
    def bounds(self) -> dict[str, tuple[int, int]]:
        """Where each split begins and ends."""
        return {name: (split.start, split.start + len(split.ids)) for name, split in self.splits.items()}

    def extended(self, automata: Sequence[Automaton]) -> "InspectedText":
        """The same text with the signals of automata, and counters that run while one of their switches is
        on, as further features.
        """

        def recipe(text: str, starts: Positions) -> Iterator[Signal]:
            found = [automaton.signal(text, starts) for automaton in automata]
            yield from found
            for signal in found:
                if signal.feature.kind == "switch":
                    yield gated_counter(signal)

        table = self.table.extended(recipe, self.splits["discover"].readings())
        splits = {name: split.extended(table) for name, split in self.splits.items()}
        return replace(self, table=table, splits=splits)


def read_text(ids: Ids, symbols: Sequence[str], streams: int, wanted: Sequence[str] = ()) -> InspectedText:
    """Cut the text into splits, and choose its features; wanted are the user's own."""
    if len(ids) < _LEAST_CHARACTERS:
        raise CorpusError(
            f"an inspection needs {_LEAST_CHARACTERS:,} characters, the text has {len(ids):,}",
            "give a longer text",
        )
    edges = [int(share * len(ids)) for share in _BEGINS.values()] + [len(ids)]
    splits = {
        name: Split(ids[start:stop], symbols, start, streams)
        for name, (start, stop) in zip(_BEGINS, pairwise(edges), strict=True)
    }
    names = [name_and_rule(spec)[0] for spec in wanted]
    traits = Traits.of(next(splits["discover"].readings())[0], symbols)

    def recipe(text: str, starts: Positions) -> Iterator[Signal]:
        for spec in wanted:
            yield user_feature(spec, text, starts)
        yield from features(text, traits, starts=starts)

    table = FeatureTable().extended(recipe, splits["discover"].readings(), required=names)
    if all(feature.pseudo for feature in table.features):
        raise CorpusError(
            "no feature of the text varies enough to be tested", "give a text with punctuation and lines"
        )
    return InspectedText(ids, symbols, {name: split.extended(table) for name, split in splits.items()}, table)


def _spelt(ids: Ids, symbols: Sequence[str]) -> str:
    return "".join(map(symbols.__getitem__, ids.tolist()))


def _changed(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Characters since the last change, 0 at it."""
    return distance_since(np.concatenate(([True], on[1:] != on[:-1])))
