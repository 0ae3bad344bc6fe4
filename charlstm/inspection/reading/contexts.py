"""A context is the n-gram that ends at a position: the last few characters up to and with it.

A statistic told apart by context compares positions whose recent characters are equal, so that what a cell
knows from these characters alone cannot pass for a feature that goes further back. `choose_contexts` takes
the longest n-grams that are frequent enough in a text; rare ones are replaced by their last character.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.trace import Cut

# (characters,) indices into the vocabulary, of any unsigned type.
Ids = NDArray[np.unsignedinteger]

# The longest n-grams that are tried have this many characters.
_LONGEST_NGRAM_CHARACTERS = 3
# Where the n-grams of a length occur fewer times than this on average, shorter n-grams are taken.
_LEAST_MEAN_OCCURRENCES = 5
# At most this many contexts are whole n-grams, the commonest ones.
_MOST_NGRAMS = 20_000


@dataclass(frozen=True, eq=False)
class Contexts:
    """Contexts numbers the commonest n-grams of `length` characters, and the last characters of others.

    Context k < len(numbers) is the n-gram that `ngrams` writes as numbers[k]; numbers (n-grams,) int64
    ascend. Context len(numbers) + s is any other n-gram whose last character has the index s in the
    vocabulary, which has `vocabulary` characters.
    """

    length: int
    numbers: NDArray[np.int64]
    vocabulary: int

    def __len__(self) -> int:
        return len(self.numbers) + self.vocabulary

    def of(self, ids: Ids, cut: Cut) -> Tensor:
        """Return (rows,) int64 in [0, len(self)): the context of each counted position.

        ids (characters,) is a text that is cut into stretches by cut.
        """
        here = ngrams(ids, cut, self.length, self.vocabulary)
        index = np.searchsorted(self.numbers, here).clip(max=len(self.numbers) - 1)
        last_character = len(self.numbers) + here % self.vocabulary
        return torch.from_numpy(np.where(self.numbers[index] == here, index, last_character))


def choose_contexts(
    read: Callable[[int], Iterator[NDArray[np.int64]]], *, rows: int, vocabulary: int
) -> Contexts:
    """Return the contexts for a text of `rows` counted positions and of `vocabulary` different characters.

    `read(length)` yields for each chunk of the text the array that `ngrams` returns for this length.
    """
    for length in range(_LONGEST_NGRAM_CHARACTERS, 0, -1):
        numbers, counts = count_occurrences(read(length))
        if len(numbers) <= rows / _LEAST_MEAN_OCCURRENCES:
            break
    commonest = np.sort(np.argsort(-counts, kind="stable")[:_MOST_NGRAMS])
    return Contexts(length, numbers[commonest], vocabulary)


def ngrams(ids: Ids, cut: Cut, length: int, vocabulary: int) -> NDArray[np.int64]:
    """Return (rows,) int64: the number of the n-gram of `length` characters that ends at each position.

    The positions are the counted ones. ids (characters,) is a text that is cut into stretches by cut. The
    number has the characters' indices as its digits in base `vocabulary`, the last character as the lowest
    digit.
    """
    counted = cut.counted
    numbers = np.zeros(len(counted), np.int64)
    for back in range(length - 1, -1, -1):
        numbers = numbers * vocabulary + ids[counted - back]
    return numbers


def count_occurrences(
    arrays: Iterable[NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different numbers in arrays, ascending, and how often each occurs; both (numbers,) int64.

    The arrays, each one-dimensional, are counted one after the other, so that they may come from an iterator.
    """
    numbers, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for array in arrays:
        new_numbers, new_counts = np.unique(array, return_counts=True)
        merged, indices = np.unique(np.concatenate((numbers, new_numbers)), return_inverse=True)
        counts = np.bincount(indices, np.concatenate((counts, new_counts)), len(merged)).astype(np.int64)
        numbers = merged
    return numbers, counts
