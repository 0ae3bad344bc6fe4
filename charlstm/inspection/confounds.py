"""What is left of a correlation once the context is known: the last characters, the column, the word.

Whatever depends on the run of the last three characters alone, such as how likely they make a closer, goes
with the means by run. What is left is freed of its linear part in the nuisances (Frisch and Waugh 1933).
"""

import torch
from torch import Tensor

from charlstm.inspection.accumulators import CellFeatureMoments, GroupSums

_ROUNDING = 1e-6


class Confounds:
    """Sums behind the partial correlations of pairs' cells with features."""

    def __init__(self, contexts: Tensor, nuisances: Tensor, cells: int, features: int) -> None:
        """contexts (rows,) int64 numbers of runs; nuisances (rows, n) uint8."""
        self._contexts = contexts
        self._nuisances = nuisances
        self._cells = cells
        columns = cells + features + nuisances.shape[1]
        self._moments = CellFeatureMoments(columns, columns)
        self._by_context = GroupSums(int(contexts.max()) + 1, columns)

    def update(self, rows: Tensor, c: Tensor, features: Tensor) -> None:
        """Add a block: c (positions, cells) and features (positions, features) float32 at rows."""
        columns = torch.cat((c, features, self._nuisances[rows].float()), dim=1)
        self._moments.update(columns, columns)
        self._by_context.update(self._contexts[rows], columns)

    def partial(self, feature: Tensor) -> Tensor:
        """(cells,) float64 r of each cell with its feature (cells,) int64, given the context."""
        within = self._within()
        first = within.shape[0] - self._nuisances.shape[1]
        found = torch.zeros(self._cells, dtype=torch.float64)
        for cell, column in enumerate((self._cells + feature).tolist()):
            others = [n for n in range(first, len(within)) if not self._same(n, column)]
            found[cell] = _partial(within, cell, column, others)
        return found

    def _within(self) -> Tensor:
        """(columns, columns) products left within contexts."""
        means = self._by_context.means() - self._moments.cell_means
        weighted = means * self._by_context.counts.sqrt()[:, None]
        return self._moments.products - weighted.t() @ weighted

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
