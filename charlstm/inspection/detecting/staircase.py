"""The staircase of each pair: mean and spread of c at every value of the feature, and what that says."""

import torch
from torch import Tensor

from charlstm.inspection.features.feature import CAP
from charlstm.inspection.reading.accumulators import GroupSums

# What is told of a counter holds up to this share of its values: the longest stretches are few.
_COMMON = 0.9
# Characters after a switch went on up to which its survival is told.
SURVIVAL = 64
# A level of a depth is told apart when it lies this share of the first step beyond the one before.
_APART = 0.4
_OCCURRENCES = 20
_BACKFITS = 10


class Profile:
    """Sums of c and its square by value of each pair's own feature, 0 to CAP, in each stretch of a part.

    Means and spreads are within stretches: each has a level of its own taken out. Of merged parts only the
    sums without these levels are kept.
    """

    def __init__(self, pairs: int, stretches: int) -> None:
        self.pairs = pairs
        self.stretches = stretches
        self._by_value = GroupSums(stretches * pairs * (CAP + 1), 2)
        self._survived = GroupSums(pairs * SURVIVAL, 1)
        self._past = torch.zeros(3, pairs, CAP + 1, dtype=torch.float64)

    def update(self, own: Tensor, c: Tensor, stretch: Tensor) -> None:
        """Add a block: own (positions, pairs) feature values and c (positions, pairs), both float32, in
        stretches (positions,) int64.
        """
        place = stretch[:, None] * self.pairs + torch.arange(self.pairs)
        flat = c.flatten()
        groups = own.long() + place * (CAP + 1)
        self._by_value.update(groups.flatten(), torch.stack((flat, flat.square()), dim=1))

    def update_survival(self, since: Tensor, true: Tensor, on: Tensor) -> None:
        """Add a block: characters since the last change, whether the feature and the cell are on."""
        counted = true & (since < SURVIVAL)
        groups = since + torch.arange(self.pairs) * SURVIVAL
        self._survived.update(groups[counted], on[counted].float()[:, None])

    def merge(self, other: "Profile") -> None:
        """Add what a profile of the same pairs has seen in another part."""
        self._past = self._past + other._totals()
        self._survived.merge(other._survived)

    def counts(self) -> Tensor:
        """(pairs, CAP + 1) float64: how often each value occurred."""
        return self._past[0] + self._counts().sum(0)

    def _counts(self) -> Tensor:
        """(stretches, pairs, CAP + 1)."""
        return self._by_value.counts.view(self.stretches, self.pairs, CAP + 1)

    def _levels(self) -> Tensor:
        """(stretches, pairs) how far c of each stretch lies from where the values alone would put it.

        Fitted as an effect beside that of the value, one after the other until both stand (backfitting).
        """
        counts = self._counts()
        sums = self._by_value.sums[:, 0].view_as(counts)
        level = torch.zeros(self.stretches, self.pairs, dtype=torch.float64)
        for _ in range(_BACKFITS):
            means = (sums - counts * level[:, :, None]).sum(0) / counts.sum(0).clamp(min=1)
            level = (sums - counts * means).sum(2) / counts.sum(2).clamp(min=1)
            level = level - (level * counts.sum(2)).sum(0) / counts.sum((0, 2)).clamp(min=1)
        return level

    def _totals(self) -> Tensor:
        """(3, pairs, CAP + 1): counts, and sums of c and of its square by value, without the stretches'
        levels.
        """
        counts, level = self._counts(), self._levels()[:, :, None]
        first, second = (part.view_as(counts) for part in self._by_value.sums.unbind(1))
        squares = second - 2 * level * first + level.square() * counts
        now = torch.stack((counts.sum(0), (first - level * counts).sum(0), squares.sum(0)))
        return self._past + now

    def means(self) -> Tensor:
        """(pairs, CAP + 1) float64: mean of c less the cell's calibrated mean, 0 where a value is absent."""
        counts, sums, _ = self._totals().unbind()
        return sums / counts.clamp(min=1)

    def survival(self) -> Tensor:
        """(pairs, SURVIVAL) float64: share of cells on, so many characters after the feature went on."""
        return self._survived.means()[:, 0].view(self.pairs, SURVIVAL)

    def _weights(self) -> Tensor:
        """(pairs, CAP + 1) shares of the values up to the 90th percentile, without CAP, which is many."""
        counts = self.counts().clone()
        counts[:, CAP] = 0
        before = counts.cumsum(1) - counts
        weights = counts * (before < _COMMON * counts.sum(1, keepdim=True))
        return weights / weights.sum(1, keepdim=True).clamp(min=1)

    def straightness(self) -> Tensor:
        """(pairs,) float64 R^2 of the mean of c by value as a line; values weigh as they occur."""
        weights, means = self._weights(), self.means()
        values = torch.arange(CAP + 1, dtype=torch.float64).expand(self.pairs, -1)
        values = values - (weights * values).sum(1, keepdim=True)
        means = means - (weights * means).sum(1, keepdim=True)
        product = (weights * values * means).sum(1)
        squares = (weights * values.square()).sum(1) * (weights * means.square()).sum(1)
        return product.square() / squares.clamp(min=1e-18)

    def reset_spread(self) -> Tensor:
        """(pairs,) float64: variance of c where the feature is 0, over its variance everywhere."""
        counts, sums, squares = self._totals().unbind()

        def variance(count: Tensor, total: Tensor, square: Tensor) -> Tensor:
            mean = total / count.clamp(min=1)
            return square / count.clamp(min=1) - mean.square()

        everywhere = variance(counts.sum(1), sums.sum(1), squares.sum(1))
        return variance(counts[:, 0], sums[:, 0], squares[:, 0]) / everywhere.clamp(min=1e-18)

    def leak(self) -> Tensor:
        """(pairs,) float64: how much of itself a counter loses over a segment, lambda times N90.

        lambda is from a fit of the step of the mean as a - lambda * mean; N90 is the 90th percentile of
        the values. Up to .5 it counts in a line, up to about 2 it saturates, beyond that it fades.
        """
        weights, means = self._weights(), self.means()
        pair = weights[:, 1:] * (self.counts()[:, 1:] >= _OCCURRENCES)
        share = pair / pair.sum(1, keepdim=True).clamp(min=1e-12)
        steps, level = means[:, 1:] - means[:, :-1], means[:, :-1]
        steps = steps - (share * steps).sum(1, keepdim=True)
        level = level - (share * level).sum(1, keepdim=True)
        slope = (share * steps * level).sum(1) / (share * level.square()).sum(1).clamp(min=1e-18)
        longest = (weights > 0).long().cumsum(1).argmax(1)
        return (-slope * longest).clamp(min=0)

    def levels(self) -> Tensor:
        """(pairs,) int64: values of a depth told apart, 0 among them, each a step beyond the one before."""
        means = self.means()
        first = means[:, 1] - means[:, 0]
        rises = (means[:, 1:] - means[:, :-1]) / torch.where(first == 0, torch.inf, first)[:, None]
        apart = (rises >= _APART) & (self.counts()[:, 1:] >= _OCCURRENCES)
        return 1 + apart.long().cumprod(1).sum(1)

    def staircase(self, pair: int) -> list[float]:
        """Mean of c by value, less the calibrated mean, up to the 90th percentile of the values."""
        stop = int((self._weights()[pair] > 0).sum())
        return [round(value, 4) for value in self.means()[pair, :stop].tolist()]
