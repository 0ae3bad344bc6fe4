"""This module measures what is left of a correlation when other facts about a position are known.

The facts are the last characters (the context), the column and the characters since the last space (the
nuisance features). The mean of c and of the feature in each context is taken out, and with it all that
depends on the last few characters alone, such as how likely they make a closer. Then the linear part of the
nuisance features is taken out of both (Frisch and Waugh 1933).
"""

import torch
from torch import Tensor

from charlstm.inspection.detecting.scores.scoring import ROUNDING_SHARE
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums

# A nuisance feature that correlates with the tested feature by more than this is the same feature.
_SAME_FEATURE_CORRELATION = 0.95

# This share of the mean of the diagonal of the normal equations is added to the diagonal, so that they can be
# solved where nuisance features depend on one another.
_RIDGE_SHARE = 1e-9


class ContextSums:
    """ContextSums has the one-pass sums behind the correlations of cells with features given the context."""

    def __init__(self, *, contexts: int, cells: int, features: int, nuisances: int) -> None:
        """Start with empty sums for some numbers of contexts, cells, features and nuisance features."""
        self._cells = cells
        self._first_nuisance = cells + features
        columns = cells + features + nuisances
        self._moments = CellFeatureMoments(columns, columns)
        self._by_context = GroupSums(contexts, columns)

    def update(self, contexts: Tensor, c: Tensor, features: Tensor, nuisances: Tensor) -> None:
        """Add a block.

        contexts (positions,) int64 are the numbers of the contexts; c (positions, cells), features
        (positions, features) and nuisances (positions, nuisances) are float32.
        """
        columns = torch.cat((c, features, nuisances), dim=1)
        self._moments.update(columns, columns)
        self._by_context.update(contexts, columns)

    def merge(self, other: "ContextSums") -> None:
        """Add the sums of other, of the same columns over another chunk."""
        self._moments.merge(other._moments)
        self._by_context.merge(other._by_context)

    def partial(self, feature: Tensor) -> Tensor:
        """Return r of each cell with its feature given the context, (cells,) float64 in [-1, 1].

        feature (cells,) int64 is the number of each cell's feature. r is 0 where nothing is left of the cell
        or of the feature.
        """
        within = self._within()
        partial = torch.zeros(self._cells, dtype=torch.float64)
        for cell, column in enumerate((self._cells + feature).tolist()):
            nuisances = range(self._first_nuisance, len(within))
            given = [nuisance for nuisance in nuisances if not self._same(nuisance, column)]
            partial[cell] = _partial(within, cell, column, given)
        return partial

    def _within(self) -> Tensor:
        """Return the centred products within contexts, (columns, columns) float64."""
        within = self._moments.products.clone()
        for deviations in self._by_context.deviations(self._moments.cell_means):
            within -= deviations.t() @ deviations
        return within

    def _same(self, nuisance: int, column: int) -> bool:
        """Return whether the nuisance feature in a column is the feature in another column, or almost."""
        return abs(float(self._moments.correlation()[nuisance, column])) > _SAME_FEATURE_CORRELATION


def _partial(products: Tensor, first: int, second: int, given: list[int]) -> float:
    """Return r of two columns given others, from centred products (columns, columns) float64.

    first, second and given are numbers of columns. r is 0 where nothing is left of one of the two.
    """
    pair = [first, second]
    left = products[pair][:, pair]
    if given:
        cross, between = products[given][:, pair], products[given][:, given]
        ridge = between.diagonal().mean() * _RIDGE_SHARE
        solved = torch.linalg.solve(between + ridge * torch.eye(len(given), dtype=torch.float64), cross)
        left = left - cross.t() @ solved
    squares = left.diagonal()
    if (squares <= ROUNDING_SHARE * products.diagonal()[pair]).any():
        return 0.0
    return float((left[0, 1] / squares.prod().sqrt()).clamp(-1, 1))
