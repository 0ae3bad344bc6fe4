"""The two levels of a cell are read from the histogram of its c, as it is and after tanh.

A threshold splits the positions of a cell into a lower and an upper level so that the variance between them
is largest (Otsu 1979). A cell is a switch only if it has two levels and hardly anything in between; the same
is asked of tanh(c), because a cell may drift along the flat ends of tanh without the model seeing it. Both
levels count half each here, so that the test does not depend on how often a cell is at its rarer level. Where
the two states of the switch that a cell follows lie far apart, its histogram is not asked.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.reading.accumulators import CellHistogram

# Of the variance of c at equal shares, at least this share lies between the two levels. One level that is
# split in its middle has .64 if it is normal and .75 if it is flat.
LEAST_LEVEL_SHARE = 0.85
# At most this share of the positions, the levels counting half each, lies in the middle half of the gap. Two
# normal levels with LEAST_LEVEL_SHARE between them have .117 there.
LARGEST_MIDDLE_SHARE = 0.12
# Of the variance of c at equal shares, at least this share lies between the two states of a switch that are a
# cell's levels. It is larger than LEAST_LEVEL_SHARE, since nothing is asked of the middle.
LEAST_FEATURE_SHARE = 0.95
# The rarer level holds at least this share of all positions.
LEAST_RARER_SHARE = 0.005
# Half of the times that a cell goes to a level, to either, it stays there for at least this many characters:
# brackets and strings within a line of code often have no more than three or four.
LEAST_DWELL_CHARACTERS = 3


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels say how well c falls into two levels, or tanh(c) where only that does; each (cells,) float64.

    thresholds splits c. share is the share of the variance between the levels, middle the share of positions
    in the middle half of the gap between their means, both with the levels counting half each; rarer is the
    share of all positions at the rarer level. of_tanh (cells,) bool says where they are of tanh(c).
    """

    thresholds: Tensor
    share: Tensor
    middle: Tensor
    rarer: Tensor
    of_tanh: Tensor

    @property
    def clear(self) -> Tensor:
        """Return where the two levels are apart, (cells,) bool."""
        apart = (self.share >= LEAST_LEVEL_SHARE) & (self.middle <= LARGEST_MIDDLE_SHARE)
        return apart & (self.rarer >= LEAST_RARER_SHARE)

    def two(self, cells: Tensor, dwells: Tensor, scores: Tensor) -> Tensor:
        """Return whether each of cells (n,) int64 has two levels, (n,) bool.

        dwells (n,) are the median numbers of characters of a stay at the level with the shorter stays, and
        scores (n,) the correlations at equal shares with a switch that the cell follows, 0 without one. The
        square of a score is the share of variance between the switch's two states: where it reaches
        LEAST_FEATURE_SHARE, these are the levels, whatever a histogram of few positions says.
        """
        apart = self.clear[cells] | (scores.square() >= LEAST_FEATURE_SHARE)
        return apart & (dwells >= LEAST_DWELL_CHARACTERS)


def measure_levels(histogram: CellHistogram) -> Levels:
    """Return the levels of all cells of a histogram."""
    c = _levels(histogram, CellHistogram.centres())
    tanh = _levels(histogram, CellHistogram.centres().tanh())
    better = tanh.clear & ~c.clear

    def picked(name: str) -> Tensor:
        return torch.where(better, getattr(tanh, name), getattr(c, name))

    return Levels(picked("thresholds"), picked("share"), picked("middle"), picked("rarer"), better)


def _levels(histogram: CellHistogram, values: Tensor) -> Levels:
    """Return the levels of the values (bins,), which rise with c, that stand for the bins of a histogram."""
    thresholds, _ = histogram.otsu(values)
    counts = histogram.counts.double()
    upper = (CellHistogram.centres() > thresholds[:, None]).double()
    of_level = torch.stack((counts * (1 - upper), counts * upper))
    sizes = of_level.sum(2, keepdim=True)
    of_level = of_level / sizes.clamp(min=1)
    means = of_level @ values
    inside = (of_level * (values - means[:, :, None]).square()).sum(2).mean(0)
    gap = means[1] - means[0]
    between = gap.square() / 4
    middle = (values - means.mean(0)[:, None]).abs() < gap[:, None] / 4
    rarer = sizes.squeeze(2).amin(0) / sizes.sum(0).squeeze(1).clamp(min=1)
    share = torch.where(rarer > 0, between / (between + inside).clamp(min=1e-12), 0.0)
    in_middle = (of_level.mean(0) * middle).sum(1)
    return Levels(thresholds, share, in_middle, rarer, torch.zeros_like(rarer, dtype=torch.bool))
