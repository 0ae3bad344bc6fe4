"""One-pass statistics: `update` with a block, `merge` with another part, then read.

Sums over blocks are float64; the products of a block of some thousand positions are float32.

Any way of cutting the positions into blocks gives the same result up to float64 rounding, and memory
does not grow with the text.
"""

from collections.abc import Iterator
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.reading.matrix_product import product
from charlstm.model.kernels.jit import Floats, compiled

# A column whose spread is below this share of its mean is constant: float32 resolves no less.
_CONSTANT = 1e-6
# Groups whose deviations are made at a time.
_GROUPS = 2048


class CellFeatureMoments:
    """Means and centred products of cells and features, merged after Chan, Golub and LeVeque 1979.

    Each block is centred on its own mean before anything is multiplied, so a cell that sits at 40 and
    moves by .01 loses no digits.
    """

    def __init__(self, cells: int, features: int) -> None:
        self.count = 0
        self.cell_means = torch.zeros(cells, dtype=torch.float64)
        self.feature_means = torch.zeros(features, dtype=torch.float64)
        self.cell_squares = torch.zeros(cells, dtype=torch.float64)
        self.feature_squares = torch.zeros(features, dtype=torch.float64)
        self.products = torch.zeros(cells, features, dtype=torch.float64)

    def update(self, cells: Tensor, features: Tensor) -> None:
        """Add a block: cells (positions, cells) and features (positions, features), float32."""
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
        """Add what another accumulator has seen."""
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
        """(cells, features) float64 in [-1, 1]; a constant column scores 0, never NaN."""
        cells = self.cell_squares.masked_fill(
            _constant(self.cell_squares, self.cell_means, self.count), torch.inf
        )
        features = self.feature_squares.masked_fill(
            _constant(self.feature_squares, self.feature_means, self.count), torch.inf
        )
        return (self.products / torch.outer(cells.sqrt(), features.sqrt())).clamp(-1, 1)

    def slopes(self) -> Tensor:
        """(cells, features) float64: how much c rises per unit of the feature; 0 for a constant feature.

        For a feature of 0 and 1 it is the mean of c at 1 minus the mean of c at 0.
        """
        constant = _constant(self.feature_squares, self.feature_means, self.count)
        return self.products / self.feature_squares.masked_fill(constant, torch.inf)

    def within(self, by_group: "GroupSums") -> "CellFeatureMoments":
        """The same with each group's own means taken out, so that what only differs between groups is gone.

        by_group sums the cells, then the features, over the same positions.
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
    """Which columns do not move, given their centred squares, means and count of positions."""
    return squares <= count * (_CONSTANT * means).square()


class CrossProducts:
    """Sums of cell times column over all positions, (cells, columns) float64; cells roughly centred."""

    def __init__(self, cells: int, columns: int) -> None:
        self.sums = torch.zeros(cells, columns, dtype=torch.float64)

    def update(self, cells: Tensor, columns: Tensor) -> None:
        """Add a block: cells (positions, cells) and columns (positions, columns), float32."""
        self.sums += product(cells.t(), columns)

    def merge(self, other: "CrossProducts") -> None:
        """Add what another accumulator has seen."""
        self.sums += other.sums


class GroupSums:
    """Counts and sums of values by group: by current character, or by steps since the last reset."""

    def __init__(self, groups: int, columns: int) -> None:
        self.counts = torch.zeros(groups, dtype=torch.float64)
        self.sums = torch.zeros(groups, columns, dtype=torch.float64)

    def update(self, groups: Tensor, values: Tensor) -> None:
        """Add a block: groups (positions,) int64 and values (positions, columns) float32."""
        self.counts += torch.bincount(groups, minlength=len(self.counts))
        _add_by_group(groups.numpy(), values.contiguous().numpy(), self.sums.numpy())

    def merge(self, other: "GroupSums") -> None:
        """Add what another accumulator has seen."""
        self.counts += other.counts
        self.sums += other.sums

    def means(self) -> Tensor:
        """(groups, columns) float64; an empty group has 0."""
        return self.sums / self.counts.clamp(min=1)[:, None]

    def deviations(self, means: Tensor) -> Iterator[Tensor]:
        """Yield (some groups, columns) float64: how far each group's means are from means (columns,), times
        the root of its count. Their squares add up to what lies between groups.
        """
        parts = torch.split(self.sums, _GROUPS), torch.split(self.counts, _GROUPS)
        for sums, counts in zip(*parts, strict=True):
            yield (sums / counts.clamp(min=1)[:, None] - means) * counts.sqrt()[:, None]


@compiled
def _add_by_group(groups: NDArray[np.int64], values: Floats, sums: NDArray[np.float64]) -> None:
    """Add each row of values (rows, columns) to that row of sums (groups, columns) which groups (rows,) says.

    Ten times as fast as the product with a matrix of 0 and 1, and as torch's index_add_ of float64 numbers.
    """
    for row in range(len(groups)):
        group = np.uint64(groups[row])  # a signed index could be one from the end
        for column in range(values.shape[1]):
            sums[group, column] += values[row, column]


class Saturation:
    """How often a gate of each cell is below .1 and above .9 (Karpathy, Johnson and Fei-Fei 2015)."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.low = torch.zeros(columns, dtype=torch.int64)
        self.high = torch.zeros(columns, dtype=torch.int64)

    def update(self, gates: Tensor) -> None:
        """Add a block: gates (positions, columns) float32 in [0, 1]."""
        self.count += len(gates)
        self.low += (gates < 0.1).sum(0)
        self.high += (gates > 0.9).sum(0)

    def merge(self, other: "Saturation") -> None:
        """Add what another accumulator has seen."""
        self.count += other.count
        self.low += other.low
        self.high += other.high

    def shares(self) -> tuple[Tensor, Tensor]:
        """Shares of positions below .1 and above .9, each (columns,) float64; 0 before any position."""
        return self.low.double() / max(1, self.count), self.high.double() / max(1, self.count)


class CellHistogram:
    """Counts of c on a fixed grid: BINS equal bins of c / (1 + |c|), which reaches every value of c."""

    BINS = 512

    def __init__(self, cells: int) -> None:
        self.counts = torch.zeros(cells, self.BINS, dtype=torch.int64)

    def update(self, c: Tensor) -> None:
        """Add a block: c (positions, cells) float32."""
        place = (c / (1 + c.abs()) + 1) * (self.BINS / 2)
        bins = place.long().clamp_(0, self.BINS - 1) + torch.arange(c.shape[1]) * self.BINS
        self.counts += torch.bincount(bins.flatten(), minlength=self.counts.numel()).view_as(self.counts)

    def merge(self, other: "CellHistogram") -> None:
        """Add what another accumulator has seen."""
        self.counts += other.counts

    @classmethod
    def edges(cls) -> Tensor:
        """(BINS - 1,) float64: the values of c between neighbouring bins, rising."""
        return _unsquashed(torch.arange(1, cls.BINS, dtype=torch.float64))

    def otsu(self) -> tuple[Tensor, Tensor]:
        """The threshold that splits each cell's c best, and the share of its variance between the two sides.

        Both (cells,) float64, the share in [0, 1] and 0 for a constant cell (Otsu 1979). A tie goes to
        the middle of the best edges, so that an empty gap is cut in its middle.
        """
        counts = self.counts.double()
        total = counts.sum(1, keepdim=True).clamp(min=1)
        centres = _unsquashed(torch.arange(self.BINS, dtype=torch.float64) + 0.5)
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


def _unsquashed(place: Tensor) -> Tensor:
    """The c that falls on a place of the grid, in bins from the left."""
    share = place * (2 / CellHistogram.BINS) - 1
    return share / (1 - share.abs())
