"""The staircase of a pair of cell and feature is the mean of c at every value of the feature.

A cell that counts has a staircase of equal steps and returns to one value at the reset. A cell that only
remembers a character for a while has a staircase that flattens out.
"""

import torch
from torch import Tensor

from charlstm.inspection.features.feature import CAP
from charlstm.inspection.reading.accumulators import GroupSums

# A staircase ends at the value that this share of the positions does not exceed.
_COMMON_SHARE = 0.9

# Survival is measured up to this many characters after a switch went on.
SURVIVAL_CHARACTERS = 64

# A value of a depth is told apart if its step is at least this share of the first step.
_LEAST_STEP_SHARE = 0.4

# A value that occurs less often than this is not judged.
_LEAST_OCCURRENCES = 20

_BACKFITTING_PASSES = 10


class Staircases:
    """Staircases sums c and its square by value of each pair's feature, and says what follows for each pair.

    Means and spreads are within stretches: an offset of each stretch is fitted and taken out. Of another
    chunk that is merged, only the sums without these offsets are kept, so that memory does not grow with the
    text.
    """

    def __init__(self, pairs: int, stretches: int) -> None:
        """Start with empty sums for `pairs` pairs, over a chunk of `stretches` stretches."""
        self.pairs = pairs
        self.stretches = stretches
        self._by_value = GroupSums(stretches * pairs * (CAP + 1), 2)
        self._survived = GroupSums(pairs * SURVIVAL_CHARACTERS, 1)
        self._merged = torch.zeros(3, pairs, CAP + 1, dtype=torch.float64)

    def update(self, features: Tensor, c: Tensor, stretch: Tensor) -> None:
        """Add a block of the chunk.

        features (positions, pairs) float32 has the values of each pair's feature, whole numbers from 0 to
        CAP, c (positions, pairs) float32 is the cell state of its cell, and stretch (positions,) int64 is the
        number of the stretch in the chunk, from 0.
        """
        stretch_and_pair = stretch[:, None] * self.pairs + torch.arange(self.pairs)
        flat = c.flatten()
        groups = features.long() + stretch_and_pair * (CAP + 1)
        self._by_value.update(groups.flatten(), torch.stack((flat, flat.square()), dim=1))

    def update_survival(self, since: Tensor, feature_on: Tensor, cell_on: Tensor) -> None:
        """Add a block to the survival; all three are (positions, pairs).

        since int64 is the number of characters since the feature last went on or off; feature_on and cell_on
        bool say whether the feature and the cell are on.
        """
        counted = feature_on & (since < SURVIVAL_CHARACTERS)
        groups = since + torch.arange(self.pairs) * SURVIVAL_CHARACTERS
        self._survived.update(groups[counted], cell_on[counted].float()[:, None])

    def merge(self, other: "Staircases") -> None:
        """Add the sums of other, of the same pairs over another chunk."""
        self._merged = self._merged + other._totals()
        self._survived.merge(other._survived)

    def counts(self) -> Tensor:
        """Return how often each value occurs, (pairs, CAP + 1) float64."""
        return self._merged[0] + self._counts().sum(0)

    def _counts(self) -> Tensor:
        """Return how often each value occurs in each stretch, (stretches, pairs, CAP + 1) float64."""
        return self._by_value.counts.view(self.stretches, self.pairs, CAP + 1)

    def _stretch_offsets(self) -> Tensor:
        """Return how far c of each stretch lies above what its values predict, (stretches, pairs) float64.

        The effects of the stretch and of the value are fitted in turn (backfitting, Hastie and Tibshirani
        1990).
        """
        counts = self._counts()
        sums = self._by_value.sums[:, 0].view_as(counts)
        offset = torch.zeros(self.stretches, self.pairs, dtype=torch.float64)
        for _ in range(_BACKFITTING_PASSES):
            means = (sums - counts * offset[:, :, None]).sum(0) / counts.sum(0).clamp(min=1)
            offset = (sums - counts * means).sum(2) / counts.sum(2).clamp(min=1)
            offset = offset - (offset * counts.sum(2)).sum(0) / counts.sum((0, 2)).clamp(min=1)
        return offset

    def _totals(self) -> Tensor:
        """Return counts and sums of c and c^2 by value, without offsets, (3, pairs, CAP + 1) float64."""
        counts, offset = self._counts(), self._stretch_offsets()[:, :, None]
        sums, squares = (column.view_as(counts) for column in self._by_value.sums.unbind(1))
        squares = squares - 2 * offset * sums + offset.square() * counts
        added = torch.stack((counts.sum(0), (sums - offset * counts).sum(0), squares.sum(0)))
        return self._merged + added

    def means(self) -> Tensor:
        """Return the mean of c at each value, (pairs, CAP + 1) float64; 0 where a value does not occur.

        c is what was added, which is less the calibrated mean of the cell.
        """
        counts, sums, _ = self._totals().unbind()
        return sums / counts.clamp(min=1)

    def survival(self) -> Tensor:
        """Return the share of positions at which the cell is on, (pairs, SURVIVAL_CHARACTERS) float64.

        Column n is the share among the positions n characters after the feature went on, while the feature is
        on.
        """
        return self._survived.means()[:, 0].view(self.pairs, SURVIVAL_CHARACTERS)

    def _weights(self) -> Tensor:
        """Return the share of each value among the common values, (pairs, CAP + 1) float64, 0 for the others.

        CAP is never common: it stands for all larger counts.
        """
        counts = self.counts().clone()
        counts[:, CAP] = 0
        before = counts.cumsum(1) - counts
        weights = counts * (before < _COMMON_SHARE * counts.sum(1, keepdim=True))
        return weights / weights.sum(1, keepdim=True).clamp(min=1)

    def straightness(self) -> Tensor:
        """Return how well a line fits each staircase, R^2 weighted by counts, (pairs,) float64 in [0, 1]."""
        weights, means = self._weights(), self.means()
        values = torch.arange(CAP + 1, dtype=torch.float64).expand(self.pairs, -1)
        values = values - (weights * values).sum(1, keepdim=True)
        means = means - (weights * means).sum(1, keepdim=True)
        product = (weights * values * means).sum(1)
        squares = (weights * values.square()).sum(1) * (weights * means.square()).sum(1)
        return product.square() / squares.clamp(min=1e-18)

    def rising(self) -> Tensor:
        """Return the share of the steps of each staircase in its commonest direction, (pairs,) float64.

        The steps are those between its common values, weighted by how often their upper value occurs.
        """
        means = self.means()
        steps = means[:, 1:] - means[:, :-1]
        judged = self._weights()[:, 1:] * (self.counts()[:, 1:] >= _LEAST_OCCURRENCES)
        up, down = (judged * (steps > 0)).sum(1), (judged * (steps < 0)).sum(1)
        return torch.maximum(up, down) / judged.sum(1).clamp(min=1e-12)

    def reset_spread(self) -> Tensor:
        """Return the variance of c where the feature is 0 over its variance everywhere, (pairs,) float64."""
        counts, sums, squares = self._totals().unbind()

        def variance(count: Tensor, total: Tensor, square: Tensor) -> Tensor:
            mean = total / count.clamp(min=1)
            return square / count.clamp(min=1) - mean.square()

        everywhere = variance(counts.sum(1), sums.sum(1), squares.sum(1))
        return variance(counts[:, 0], sums[:, 0], squares[:, 0]) / everywhere.clamp(min=1e-18)

    def leak(self) -> Tensor:
        """Return how much of itself each counter loses between resets, (pairs,) float64, 0 or more.

        It is the relative loss per step, lambda, times the longest usual count, n. The steps of the staircase
        are fitted as a - lambda * mean, and n is the largest common value. Up to 0.5 the cell counts in a
        line, up to about 2 it saturates, and beyond that it fades.
        """
        weights, means = self._weights(), self.means()
        judged = weights[:, 1:] * (self.counts()[:, 1:] >= _LEAST_OCCURRENCES)
        share = judged / judged.sum(1, keepdim=True).clamp(min=1e-12)
        steps, lower_means = means[:, 1:] - means[:, :-1], means[:, :-1]
        steps = steps - (share * steps).sum(1, keepdim=True)
        lower_means = lower_means - (share * lower_means).sum(1, keepdim=True)
        slope = (share * steps * lower_means).sum(1) / (share * lower_means.square()).sum(1).clamp(min=1e-18)
        longest = (weights > 0).long().cumsum(1).argmax(1)
        return (-slope * longest).clamp(min=0)

    def values_told_apart(self) -> Tensor:
        """Return how many values of a depth each cell tells apart, (pairs,) int64, 1 or more.

        These values are 0 and the values after it, up to the first that is rare or whose step is small beside
        the first.
        """
        means = self.means()
        first = means[:, 1] - means[:, 0]
        rises = (means[:, 1:] - means[:, :-1]) / torch.where(first == 0, torch.inf, first)[:, None]
        apart = (rises >= _LEAST_STEP_SHARE) & (self.counts()[:, 1:] >= _LEAST_OCCURRENCES)
        return 1 + apart.long().cumprod(1).sum(1)

    def staircase(self, pair: int) -> list[float]:
        """Return the mean of c at the common values of one pair, from 0 on, to four decimals."""
        stop = int((self._weights()[pair] > 0).sum())
        return [round(value, 4) for value in self.means()[pair, :stop].tolist()]
