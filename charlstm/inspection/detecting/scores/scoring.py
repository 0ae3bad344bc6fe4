"""Scores say how cells correlate with features, and what is left of that once the current character is known.

The score of a cell and a feature is |r|, the absolute Pearson correlation of the cell state c with the
feature within stretches: the mean of each stretch is taken out of both. Every stretch starts from a zero
state, so a cell may be off by a constant all along it. Such a cell is a depth counter in a stretch that
starts inside two brackets. For a switch or a depth the same score at equal shares stands beside it, see
`equal_share`: that one decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.detecting.scores.equal_share import EqualShareSums
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
from charlstm.inspection.reading.splits import Chunk, Split

# The rest of a sum of squares counts as rounding error where it is below this share of the whole sum.
ROUNDING_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores has the scores of cells with features; every field is (cells, features) float64.

    correlation is r within stretches, in [-1, 1]. equal_share is r at equal shares for a switch or a depth,
    and the same as correlation for a counter. partial is r once the mean of each current character is
    taken out, in [-1, 1]. slopes is the change of c per unit of the feature.
    """

    correlation: Tensor
    equal_share: Tensor
    partial: Tensor
    slopes: Tensor


class ScoreSums:
    """ScoreSums has the one-pass sums behind the scores of some cells with some features of a split."""

    def __init__(self, split: Split, *, cells: int, balanced: Tensor, vocabulary: int) -> None:
        """Start with empty sums.

        balanced (features,) bool says which features are scored at equal shares, and vocabulary is the number
        of different characters.
        """
        features = len(balanced)
        self.moments = CellFeatureMoments(cells, features)
        self.balanced = balanced.nonzero().flatten()
        self.at_equal_shares = EqualShareSums(
            stretches=split.cut.streams, cells=cells, features=len(self.balanced)
        )
        self.by_character = GroupSums(vocabulary, cells + features)
        self.by_stretch = GroupSums(split.stretches, cells + features)

    def update(self, chunk: Chunk, rows: Tensor, c: Tensor, features: Tensor) -> None:
        """Add a block of a chunk.

        rows (positions,) int64 are the counted positions of chunk, c (positions, cells) float32 is roughly
        centred, and features (positions, features) float32 are the values there.
        """
        both, stretches = torch.cat((c, features), dim=1), chunk.stretches(rows)
        self.moments.update(c, features)
        self.at_equal_shares.update(stretches - chunk.stretches_before, c, features[:, self.balanced])
        self.by_character.update(chunk.characters[rows], both)
        self.by_stretch.update(stretches, both)

    def merge(self, other: "ScoreSums") -> None:
        """Add the sums of other, over another chunk of the split."""
        self.moments.merge(other.moments)
        self.at_equal_shares.merge(other.at_equal_shares)
        self.by_character.merge(other.by_character)
        self.by_stretch.merge(other.by_stretch)

    def within(self) -> CellFeatureMoments:
        """Return the moments with the mean of each stretch taken out."""
        return self.moments.within(self.by_stretch)

    def result(self) -> Scores:
        """Return the scores over all blocks that were added."""
        moments = self.within()
        correlation = moments.correlation()
        equal_share = correlation.clone()
        equal_share[:, self.balanced] = self.at_equal_shares.correlation()
        partial = partial_correlation(self.moments, self.by_character)
        return Scores(correlation, equal_share, partial, moments.slopes())


def balanced_features(features: Sequence[Feature]) -> Tensor:
    """Return which of features are scored at equal shares, (features,) bool: the switches and the depths."""
    return torch.tensor([feature.kind != "counter" for feature in features], dtype=torch.bool)


def partial_correlation(moments: CellFeatureMoments, by_character: GroupSums) -> Tensor:
    """Return r (cells, features) float64 in [-1, 1] once the mean of each current character is taken out.

    by_character sums the cells, then the features, over the positions of moments. r is 0 where a cell or a
    feature depends on the current character alone.
    """
    left = moments.within(by_character)
    cells = _root(left.cell_squares, moments.cell_squares)
    features = _root(left.feature_squares, moments.feature_squares)
    return (left.products / torch.outer(cells, features)).clamp(-1, 1)


def _root(left: Tensor, squares: Tensor) -> Tensor:
    """Return the root of left (columns,), or infinity where left is only the rounding error of squares."""
    return left.masked_fill(left <= ROUNDING_SHARE * squares, torch.inf).sqrt()
