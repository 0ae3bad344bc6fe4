"""How well c tells where a feature is on, as an AUC, and how long a cell keeps to one side of its threshold.

The AUC is the chance that c, times the sign of its correlation with the feature, is larger at a position
where the feature is on than at one where it is off. It does not depend on how often the feature is on, nor on
the scale of c.
"""

import torch
from torch import Tensor

# A split is cut into this many contiguous blocks of equal length, for the bootstrap to draw from.
BOOTSTRAP_BLOCKS = 20

# The bootstrap puts this many texts together from blocks of the split.
RESAMPLES = 1_000

# The seed of the bootstrap's draws belongs to the rules: no inspection has another one.
_RULE_SEED = 0

# c is counted in this many bins; they divide z / (1 + |z|), where z is c in deviations from its mean.
_BINS = 256

# Runs of at least this many characters are counted together.
_LONGEST_RUN = 255

# The bounds of a 95% interval, as quantiles.
_INTERVAL_QUANTILES = (0.025, 0.975)


def block_draws() -> Tensor:
    """Return (RESAMPLES, BOOTSTRAP_BLOCKS) float64: how often each text of the bootstrap has each block.

    This is the block bootstrap of Künsch 1989: neighbouring positions, which depend on each other, stay
    together.
    """
    generator = torch.Generator().manual_seed(_RULE_SEED)
    drawn = torch.randint(BOOTSTRAP_BLOCKS, (RESAMPLES, BOOTSTRAP_BLOCKS), generator=generator)
    return torch.nn.functional.one_hot(drawn, BOOTSTRAP_BLOCKS).sum(1).double()


def intervals(resampled: Tensor) -> Tensor:
    """Return the bounds (n, 2) of the 95% intervals of n numbers in resampled texts (resamples, n)."""
    quantiles = torch.tensor(_INTERVAL_QUANTILES, dtype=resampled.dtype)
    return torch.quantile(resampled, quantiles, dim=0).t()


class SeparationSums:
    """SeparationSums counts c of each pair by block of the split, whether the feature is on, and bin."""

    def __init__(self, means: Tensor, deviations: Tensor, signs: Tensor) -> None:
        """Start empty; means and deviations (pairs,) are those of each pair's c, for the bins.

        signs (pairs,) are the signs of the correlations, -1 or 1.
        """
        self._means, self._scales = means, signs / deviations.clamp(min=1e-6)
        self.counts = torch.zeros(BOOTSTRAP_BLOCKS, len(means), 2, _BINS, dtype=torch.int32)

    def update(self, block: Tensor, c: Tensor, on: Tensor) -> None:
        """Add positions: the numbers of their blocks (positions,), c and on (positions, pairs)."""
        z = (c - self._means) * self._scales
        bins = ((z / (1 + z.abs()) + 1) * (_BINS / 2)).long().clamp_(0, _BINS - 1)
        pairs = torch.arange(c.shape[1])
        numbers = ((block[:, None] * c.shape[1] + pairs) * 2 + on) * _BINS + bins
        added = torch.bincount(numbers.flatten(), minlength=self.counts.numel())
        self.counts += added.view_as(self.counts)

    def merge(self, other: "SeparationSums") -> None:
        """Add the counts of other, of the same pairs over another chunk."""
        self.counts += other.counts

    def auc(self) -> Tensor:
        """Return the AUC of each pair, (pairs,) float64 in [0, 1]; 0.5 where a feature is never on or off."""
        return _auc(self.counts.sum(0).double())

    def interval(self) -> Tensor:
        """Return the bounds (pairs, 2) float64 of the 95% interval of each AUC, by the block bootstrap."""
        draws = block_draws()
        bounds = torch.zeros(self.counts.shape[1], 2, dtype=torch.float64)
        for pair in range(len(bounds)):
            blocks = self.counts[:, pair].double().flatten(1)
            bounds[pair] = intervals(_auc((draws @ blocks).view(-1, 2, _BINS))[:, None])[0]
        return bounds


def _auc(counts: Tensor) -> Tensor:
    """Return the AUC (...) of counts (..., 2, bins): off in the first row, on in the second."""
    off, on = counts.unbind(-2)
    below = off.cumsum(-1) - off / 2
    pairs = off.sum(-1) * on.sum(-1)
    return torch.where(pairs > 0, (on * below).sum(-1) / pairs.clamp(min=1), 0.5)


class Dwells:
    """Dwells counts the runs over which each cell stays on one side of its threshold, by their length.

    counts (2, pairs, lengths) int64 has the runs below the threshold, then those above it; longer runs count
    as those of the largest length.
    """

    def __init__(self, pairs: int, rows: int) -> None:
        """Start a chunk of `rows` counted positions."""
        self._on = torch.zeros(rows, pairs, dtype=torch.bool)
        self.counts = torch.zeros(2, pairs, _LONGEST_RUN + 1, dtype=torch.int64)

    def update(self, rows: Tensor, on: Tensor) -> None:
        """Add positions: their numbers `rows` among the chunk's, and on (positions, pairs) bool."""
        self._on[rows] = on

    def finish(self, stretches: Tensor) -> None:
        """Count the runs of the chunk, whose positions are in stretches (rows,) int64, and forget it."""
        starts = torch.ones_like(self._on)
        starts[1:] = (self._on[1:] != self._on[:-1]) | (stretches[1:] != stretches[:-1])[:, None]
        end = torch.tensor([len(stretches)])
        for pair, column in enumerate(starts.unbind(1)):
            at = column.nonzero().flatten()
            lengths = torch.diff(torch.cat((at, end))).clamp(max=_LONGEST_RUN)
            above = self._on[at, pair]
            for level, runs in enumerate((lengths[~above], lengths[above])):
                self.counts[level, pair] += torch.bincount(runs, minlength=_LONGEST_RUN + 1)
        self._on = self._on[:0]

    def merge(self, other: "Dwells") -> None:
        """Add the runs of other, of the same pairs over another chunk; both are finished."""
        self.counts += other.counts

    def medians(self) -> Tensor:
        """Return the median length of each pair's runs at the level with the shorter ones, in characters,
        (pairs,) int64, at most 255.
        """
        cumulated = self.counts.cumsum(2)
        return (2 * cumulated < cumulated[:, :, -1:]).sum(2).amin(0)
