"""What is left of a correlation once the context is known: the last characters, the column, the word.

Whatever depends on the run of the last three characters alone, such as how likely they make a closer, goes
with the means by run. What is left is freed of its linear part in the nuisances (Frisch and Waugh 1933).
"""

import torch
from torch import Tensor

from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums

_ROUNDING = 1e-6


class Confounds:
    """Sums behind the partial correlations of pairs' cells with features."""

    def __init__(self, *, contexts: int, cells: int, features: int, nuisances: int) -> None:
        """contexts is how many runs there are."""
        self._cells = cells
        self._first = cells + features
        columns = cells + features + nuisances
        self._moments = CellFeatureMoments(columns, columns)
        self._by_context = GroupSums(contexts, columns)

    def update(self, contexts: Tensor, c: Tensor, features: Tensor, nuisances: Tensor) -> None:
        """Add a block: contexts (positions,) int64 numbers of runs; c (positions, cells), features
        (positions, features) and nuisances (positions, n), all float32.
        """
        columns = torch.cat((c, features, nuisances), dim=1)
        self._moments.update(columns, columns)
        self._by_context.update(contexts, columns)

    def merge(self, other: "Confounds") -> None:
        """Add what another one of the same columns has seen."""
        self._moments.merge(other._moments)
        self._by_context.merge(other._by_context)

    def partial(self, feature: Tensor) -> Tensor:
        """(cells,) float64 r of each cell with its feature (cells,) int64, given the context."""
        within = self._within()
        found = torch.zeros(self._cells, dtype=torch.float64)
        for cell, column in enumerate((self._cells + feature).tolist()):
            others = [n for n in range(self._first, len(within)) if not self._same(n, column)]
            found[cell] = _partial(within, cell, column, others)
        return found

    def _within(self) -> Tensor:
        """(columns, columns) products left within contexts."""
        within = self._moments.products.clone()
        for deviations in self._by_context.deviations(self._moments.cell_means):
            within -= deviations.t() @ deviations
        return within

    def _same(self, nuisance: int, column: int) -> bool:
        """Whether a nuisance is the feature itself, or as good as that."""
        return abs(float(self._moments.correlation()[nuisance, column])) > 0.95


def _partial(products: Tensor, one: int, other: int, given: list[int]) -> float:
    """r of two columns given others, from products (columns, columns); 0 where nothing is left."""
    chosen = products[[one, other]][:, [one, other]]
    if given:
        cross, between = products[given][:, [one, other]], products[given][:, given]
        ridge = between.diagonal().mean() * 1e-9
        solved = torch.linalg.solve(between + ridge * torch.eye(len(given), dtype=torch.float64), cross)
        chosen = chosen - cross.t() @ solved
    squares = chosen.diagonal()
    if (squares <= _ROUNDING * products.diagonal()[[one, other]]).any():
        return 0.0
    return float((chosen[0, 1] / squares.prod().sqrt()).clamp(-1, 1))
