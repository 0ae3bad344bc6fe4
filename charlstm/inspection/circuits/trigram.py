"""Predict the next character from the last two, by counting: the floor of what a behaviour is worth."""

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.reading.contexts import Ids

# A prediction from a shorter context counts as this many occurrences of the longer one.
_WEIGHT_OF_SHORTER = 1.0

Numbers = NDArray[np.float64]


class Trigram:
    """A Trigram has the counts of a text. Longer contexts are mixed with shorter ones where they are rare."""

    def __init__(self, ids: Ids, vocabulary: int) -> None:
        """Count the characters ids (characters,), each below vocabulary."""
        self._ids, self._vocabulary = ids.astype(np.int64), vocabulary
        self._pairs = self._ids[:-1] * vocabulary + self._ids[1:]

    def log_probabilities(self, before: NDArray[np.int64]) -> Numbers:
        """Return (n, vocabulary) float64, in nats: the prediction after the characters before (n, 2)."""
        counts: Numbers = np.bincount(self._ids, minlength=self._vocabulary) + np.float64(1)
        alone: Numbers = counts / counts.sum()
        predicted = np.empty((len(before), self._vocabulary))
        contexts, which = np.unique(before, axis=0, return_inverse=True)
        for number, (first, second) in enumerate(contexts.tolist()):
            after_one = self._mixed(self._ids[1:][self._ids[:-1] == second], alone)
            pair = first * self._vocabulary + second
            after_two = self._mixed(self._ids[2:][self._pairs[:-1] == pair], after_one)
            predicted[which.reshape(-1) == number] = np.log(after_two)
        return predicted

    def _mixed(self, followers: NDArray[np.int64], shorter: Numbers) -> Numbers:
        """Return (vocabulary,) the probabilities from the followers (n,) of a context and a shorter one."""
        counts = np.bincount(followers, minlength=self._vocabulary)
        mixed = (counts + _WEIGHT_OF_SHORTER * shorter) / (len(followers) + _WEIGHT_OF_SHORTER)
        return np.asarray(mixed)
