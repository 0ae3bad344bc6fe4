"""An accumulator sums a statistic over the positions of a text in one pass, block after block.

`update` adds a block, `merge` adds what another accumulator has summed, and the other methods give results.
Any way of cutting the positions into blocks gives the same result up to rounding, and memory does not grow
with the text. Products within a block, of some thousand positions, are float32; sums over blocks are float64.
"""

from collections.abc import Iterator
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.matrix_product import product
from charlstm.model.kernels.jit import Floats, compiled

# A column whose standard deviation is at most this share of its mean is constant: float32 resolves no less.
_CONSTANT_DEVIATION_SHARE = 1e-6
# The deviations of this many groups are computed at once, which bounds the memory for them.
_GROUPS_AT_ONCE = 2048


class CellFeatureMoments:
    """CellFeatureMoments sums the means and the centred products of cells and features over positions.

    All sums are float64. Blocks are merged by the formula of Chan, Golub and LeVeque (1979, "Updating
    formulae and a pairwise algorithm for computing sample variances"). Each block is centred on its own mean
    before anything is multiplied, so that a cell that stays near 40 and moves by 0.01 loses no digits.
    """

    def __init__(self, cells: int, features: int) -> None:
        self.count = 0
        self.cell_means = torch.zeros(cells, dtype=torch.float64)
        self.feature_means = torch.zeros(features, dtype=torch.float64)
        self.cell_squares = torch.zeros(cells, dtype=torch.float64)
        self.feature_squares = torch.zeros(features, dtype=torch.float64)
        self.products = torch.zeros(cells, features, dtype=torch.float64)

    def update(self, cells: Tensor, features: Tensor) -> None:
        """Add a block of cells (positions, cells) and features (positions, features), both float32."""
        block = CellFeatureMoments(cells.shape[1], features.shape[1])
        block.count = len(cells)
        block.cell_means = cells.mean(0, dtype=torch.float64)
        block.feature_means = features.mean(0, dtype=torch.float64)
        cells = cells - block.cell_means.float()
        features = features - block.feature_means.float()
        block.cell_squares = cells.square().sum(0, dtype=torch.float64)
        block.feature_squares = features.square().sum(0, dtype=torch.float64)
        block.products = product(cells.t(), features).double()
        self.merge(block)

    def merge(self, other: "CellFeatureMoments") -> None:
        """Add the positions that other has summed."""
        if other.count == 0:
            return
        total = self.count + other.count
        weight = self.count * other.count / total
        cells = other.cell_means - self.cell_means
        features = other.feature_means - self.feature_means
        self.products += other.products + weight * torch.outer(cells, features)
        self.cell_squares += other.cell_squares + weight * cells.square()
        self.feature_squares += other.feature_squares + weight * features.square()
        self.cell_means += cells * (other.count / total)
        self.feature_means += features * (other.count / total)
        self.count = total

    def correlation(self) -> Tensor:
        """Return the correlation of each cell with each feature: (cells, features) float64 in [-1, 1].

        It is 0 where the cell or the feature is constant.
        """
        cells = self.cell_squares.masked_fill(
            _constant(self.cell_squares, self.cell_means, self.count), torch.inf
        )
        features = self.feature_squares.masked_fill(
            _constant(self.feature_squares, self.feature_means, self.count), torch.inf
        )
        return (self.products / torch.outer(cells.sqrt(), features.sqrt())).clamp(-1, 1)

    def slopes(self) -> Tensor:
        """Return (cells, features) float64: the rise of the cell per unit of the feature (least squares).

        For a feature of 0 and 1 the slope is the cell's mean at 1 minus its mean at 0; for a constant feature
        it is 0.
        """
        constant = _constant(self.feature_squares, self.feature_means, self.count)
        return self.products / self.feature_squares.masked_fill(constant, torch.inf)

    def within(self, by_group: "GroupSums") -> "CellFeatureMoments":
        """Return the moments of what is left when each group's means are subtracted at its positions.

        Differences between groups no longer contribute. `by_group` has the groups; its columns are
        the cells, then the features, and which has summed the same positions as this accumulator.
        """
        left = copy(self)
        for deviations in by_group.deviations(torch.cat((self.cell_means, self.feature_means))):
            cells, features = torch.split(deviations, [len(self.cell_means), len(self.feature_means)], dim=1)
            left.products = left.products - cells.t() @ features
            left.cell_squares = left.cell_squares - cells.square().sum(0)
            left.feature_squares = left.feature_squares - features.square().sum(0)
        left.cell_squares, left.feature_squares = (
            left.cell_squares.clamp(min=0),
            left.feature_squares.clamp(min=0),
        )
        return left


def _constant(squares: Tensor, means: Tensor, count: int) -> Tensor:
    """Return (columns,) bool: which columns are constant over `count` positions.

    squares (columns,) are the sums of squared deviations from the columns' means, `means` (columns,).
    """
    return squares <= count * (_CONSTANT_DEVIATION_SHARE * means).square()


class CrossProducts:
    """CrossProducts sums cell times column over positions, in sums (cells, columns) float64.

    The products of a block are float32: cells should be roughly centred, or digits are lost.
    """

    def __init__(self, cells: int, columns: int) -> None:
        self.sums = torch.zeros(cells, columns, dtype=torch.float64)

    def update(self, cells: Tensor, columns: Tensor) -> None:
        """Add a block of cells (positions, cells) and columns (positions, columns), both float32."""
        self.sums += product(cells.t(), columns)

    def merge(self, other: "CrossProducts") -> None:
        """Add the positions that other has summed."""
        self.sums += other.sums


class GroupSums:
    """GroupSums counts the positions of each group and sums the values of several columns over them.

    A group is, for example, all positions of one character, of one context, or of one value of a counter.
    counts (groups,) and sums (groups, columns) are float64.
    """

    def __init__(self, groups: int, columns: int) -> None:
        self.counts = torch.zeros(groups, dtype=torch.float64)
        self.sums = torch.zeros(groups, columns, dtype=torch.float64)

    def update(self, groups: Tensor, values: Tensor) -> None:
        """Add a block of values (positions, columns) float32; groups (positions,) int64 says their groups."""
        self.counts += torch.bincount(groups, minlength=len(self.counts))
        _add_by_group(groups.numpy(), values.contiguous().numpy(), self.sums.numpy())

    def merge(self, other: "GroupSums") -> None:
        """Add the positions that other has summed."""
        self.counts += other.counts
        self.sums += other.sums

    def means(self) -> Tensor:
        """Return (groups, columns) float64: the mean of each column over each group, 0 for an empty group."""
        return self.sums / self.counts.clamp(min=1)[:, None]

    def deviations(self, means: Tensor) -> Iterator[Tensor]:
        """Yield (at most _GROUPS_AT_ONCE, columns) float64: how far the means of groups are from `means`.

        means (columns,) float64 are the means over all positions. Each deviation is multiplied by the root of
        the group's count, so that their squares add up to the squared deviations between groups.
        """
        splits = torch.split(self.sums, _GROUPS_AT_ONCE), torch.split(self.counts, _GROUPS_AT_ONCE)
        for sums, counts in zip(*splits, strict=True):
            yield (sums / counts.clamp(min=1)[:, None] - means) * counts.sqrt()[:, None]


@compiled
def _add_by_group(groups: NDArray[np.int64], values: Floats, sums: NDArray[np.float64]) -> None:
    """Add row r of values (rows, columns) float32 to row groups[r] of sums (groups, columns) float64.

    A compiled loop is faster than a product with a matrix of 0 and 1 and than torch's index_add_ (see
    tests/benchmarks/EXPERIMENTS.md).
    """
    for row in range(len(groups)):
        group = np.uint64(groups[row])  # a signed index would be tested for counting from the end
        for column in range(values.shape[1]):
            sums[group, column] += values[row, column]


class Saturation:
    """Saturation counts at how many positions each gate is below 0.1 and above 0.9.

    The limits are from Karpathy, Johnson and Fei-Fei (2015), "Visualizing and understanding recurrent
    networks".
    """

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.low = torch.zeros(columns, dtype=torch.int64)
        self.high = torch.zeros(columns, dtype=torch.int64)

    def update(self, gates: Tensor) -> None:
        """Add a block of gates (positions, columns) float32 in [0, 1]."""
        self.count += len(gates)
        self.low += (gates < 0.1).sum(0)
        self.high += (gates > 0.9).sum(0)

    def merge(self, other: "Saturation") -> None:
        """Add the positions that other has counted."""
        self.count += other.count
        self.low += other.low
        self.high += other.high

    def shares(self) -> tuple[Tensor, Tensor]:
        """Return the shares of positions below 0.1 and above 0.9, each (columns,) float64 in [0, 1].

        Both are 0 before any position is added.
        """
        return self.low.double() / max(1, self.count), self.high.double() / max(1, self.count)


class CellHistogram:
    """CellHistogram counts the values of each cell state c in BINS bins.

    The bins divide the values of c / (1 + |c|), which are in [-1, 1] for every c, into equal pieces.
    """

    BINS = 512

    def __init__(self, cells: int) -> None:
        self.counts = torch.zeros(cells, self.BINS, dtype=torch.int64)

    def update(self, c: Tensor) -> None:
        """Add a block of cell states c (positions, cells) float32."""
        bins_from_left = (c / (1 + c.abs()) + 1) * (self.BINS / 2)
        bins = bins_from_left.long().clamp_(0, self.BINS - 1) + torch.arange(c.shape[1]) * self.BINS
        self.counts += torch.bincount(bins.flatten(), minlength=self.counts.numel()).view_as(self.counts)

    def merge(self, other: "CellHistogram") -> None:
        """Add the positions that other has counted."""
        self.counts += other.counts

    @classmethod
    def edges(cls) -> Tensor:
        """Return (BINS - 1,) float64: the values of c between neighbouring bins, ascending."""
        return _c_at(torch.arange(1, cls.BINS, dtype=torch.float64))

    @classmethod
    def centres(cls) -> Tensor:
        """Return (BINS,) float64: the value of c in the middle of each bin, ascending."""
        return _c_at(torch.arange(cls.BINS, dtype=torch.float64) + 0.5)

    def otsu(self, values: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return for each cell the threshold of c that splits its values best, and how well: both (cells,).

        values (BINS,) float64, ascending, stand for the bins; None stands for their centres. The best
        threshold (Otsu 1979, "A threshold selection method from gray-level histograms") has the largest
        variance between the values below and above. The second result is the share of that variance in the
        whole variance, in [0, 1], 0 for a constant cell. Of several best edges of bins the mean is taken, so
        that an empty gap is cut in its middle.
        """
        counts = self.counts.double()
        total = counts.sum(1, keepdim=True).clamp(min=1)
        centres = self.centres() if values is None else values
        mean = (counts * centres).sum(1, keepdim=True) / total
        below = counts.cumsum(1)[:, :-1] / total
        moment = (counts * (centres - mean)).cumsum(1)[:, :-1] / total
        between = (moment.square() / (below * (1 - below)).clamp(min=1e-12)).masked_fill(
            (below <= 0) | (below >= 1), 0
        )
        variance = (counts * (centres - mean).square()).sum(1) / total.squeeze(1)
        best = between.amax(1)
        ties = (between >= best[:, None] * (1 - 1e-9)).double()
        threshold = (ties * self.edges()).sum(1) / ties.sum(1)
        return threshold, (best / variance.clamp(min=1e-12)).clamp(0, 1)


def _c_at(bins_from_left: Tensor) -> Tensor:
    """Return the value of c that is `bins_from_left` bins, whole or not, from the histogram's left end."""
    share = bins_from_left * (2 / CellHistogram.BINS) - 1
    return share / (1 - share.abs())
