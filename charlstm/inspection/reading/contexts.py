"""The last few characters before a position, as the context that a statistic is told apart by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.trace import Cut

Ids = NDArray[np.unsignedinteger]

# The longest run of characters that tells two positions apart; a shorter one is taken where runs of this
# length occur fewer than _MEAN_OCCURRENCES times each on average, too rarely for a mean.
_LONGEST_RUN, _MEAN_OCCURRENCES = 3, 5
# Runs kept, the commonest ones; at other positions only the last character counts.
_MOST_RUNS = 20_000


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

    def of(self, ids: Ids, cut: Cut) -> Tensor:
        """(rows,) int64: which run ends at each counted position of ids (characters,), cut into stretches."""
        found = runs(ids, cut, self.length, self.vocabulary)
        place = np.searchsorted(self.numbers, found).clip(max=len(self.numbers) - 1)
        other = len(self.numbers) + found % self.vocabulary
        return torch.from_numpy(np.where(self.numbers[place] == found, place, other))


def choose_contexts(
    read: Callable[[int], Iterator[NDArray[np.int64]]], *, rows: int, vocabulary: int
) -> Contexts:
    """The contexts of a text of rows counted positions, in vocabulary symbols.

    read(length) yields the `runs` of that length of each part of the text.
    """
    for length in range(_LONGEST_RUN, 0, -1):
        numbers, counts = counted_numbers(read(length))
        if len(numbers) <= rows / _MEAN_OCCURRENCES:
            break
    commonest = np.sort(np.argsort(-counts, kind="stable")[:_MOST_RUNS])
    return Contexts(length, numbers[commonest], vocabulary)


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
