"""Scores say how cells correlate with features, and what is left of that once the current character is known.

The score of a cell and a feature is |r|, the absolute Pearson correlation of the cell state c with the
feature within stretches: the mean of each stretch is taken out of both. Every stretch starts from a zero
state, so a cell may be off by a constant all along it. Such a cell is a depth counter in a stretch that
starts inside two brackets.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.model.char_lstm import CharLSTM

# The rest of a sum of squares counts as rounding error where it is below this share of the whole sum.
ROUNDING_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores has the scores of cells with features; every field is (cells, features) float64.

    correlation is r within stretches, in [-1, 1]. partial is r once the mean of each current character is
    taken out, in [-1, 1]. slopes is the change of c per unit of the feature.
    """

    correlation: Tensor
    partial: Tensor
    slopes: Tensor


class ScoreSums:
    """ScoreSums has the one-pass sums behind the scores of some cells with some features of a split."""

    def __init__(self, split: Split, *, cells: int, features: int, vocabulary: int) -> None:
        """Start with empty sums; vocabulary is the number of different characters."""
        self.moments = CellFeatureMoments(cells, features)
        self.by_character = GroupSums(vocabulary, cells + features)
        self.by_stretch = GroupSums(split.stretches, cells + features)

    def update(self, chunk: Chunk, rows: Tensor, c: Tensor, features: Tensor) -> None:
        """Add a block of a chunk.

        rows (positions,) int64 are the counted positions of chunk, c (positions, cells) float32 is roughly
        centred, and features (positions, features) float32 are the values there.
        """
        both = torch.cat((c, features), dim=1)
        self.moments.update(c, features)
        self.by_character.update(chunk.characters[rows], both)
        self.by_stretch.update(chunk.stretches(rows), both)

    def merge(self, other: "ScoreSums") -> None:
        """Add the sums of other, over another chunk of the split."""
        self.moments.merge(other.moments)
        self.by_character.merge(other.by_character)
        self.by_stretch.merge(other.by_stretch)

    def within(self) -> CellFeatureMoments:
        """Return the moments with the mean of each stretch taken out."""
        return self.moments.within(self.by_stretch)

    def result(self) -> Scores:
        """Return the scores over all blocks that were added."""
        moments = self.within()
        partial = partial_correlation(self.moments, self.by_character)
        return Scores(moments.correlation(), partial, moments.slopes())


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


def strongest_scores(model: CharLSTM, chunk: Chunk) -> Tensor:
    """Return the largest score of any cell of model with each feature of chunk, (features,) float64."""
    columns = model.config.layers * model.config.cells, len(chunk.table.features)
    moments, by_stretch = CellFeatureMoments(*columns), GroupSums(chunk.cut.streams, sum(columns))
    for block in chunk.blocks(model):
        features = chunk.features(block.rows)
        moments.update(block.c, features)
        by_stretch.update(chunk.stretches(block.rows), torch.cat((block.c, features), dim=1))
    return moments.within(by_stretch).correlation().abs().amax(0)
