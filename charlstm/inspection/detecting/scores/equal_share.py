"""The correlation at equal shares: of a cell with a switch or a depth, as if it were on half of the time.

Plain r falls with how often a feature is on: a cell that tells a quotation from other text without a mistake
in 500 has |r| near .5 where 2% of the text is quoted. Here each position is weighted, so that the positions
where the feature is on (above 0) and those where it is off count half each. With d, the distance between the
means of c on and off in standard deviations, this correlation with a switch is (d / 2) / sqrt(1 + d^2 / 4).

Means of stretches are taken out of the cell and of the feature before anything is weighted: a stretch starts
from a zero state, so a cell may be off by a constant all along it.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from charlstm.inspection.reading.matrix_product import product

# A variance that is below this share of what it was computed from is rounding error.
_ROUNDING_SHARE = 1e-6


@dataclass(eq=False)
class EqualShareMoments:
    """EqualShareMoments are sums over positions, behind the correlations at equal shares; they add up.

    Cells and features stand for what is left of them when the mean of each stretch is taken out. With any
    leading dimensions in front: on (features,) is the number of positions where each feature is on; cells_on,
    cell_squares_on and products_on (cells, features) are the sums of c, c^2 and c f over them; features_on
    and feature_squares_on (features,) the sums of f and f^2 over them. cell_squares (cells, 1),
    feature_squares (features,) and products (cells, features) are sums over all positions, whose number is
    `positions` (1,).
    """

    positions: Tensor
    on: Tensor
    cells_on: Tensor
    cell_squares_on: Tensor
    products_on: Tensor
    features_on: Tensor
    feature_squares_on: Tensor
    cell_squares: Tensor
    feature_squares: Tensor
    products: Tensor

    def __add__(self, other: "EqualShareMoments") -> "EqualShareMoments":
        return EqualShareMoments(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def ordered(self, order: Tensor) -> "EqualShareMoments":
        """Return the moments with the features in another order; order (features,) int64 numbers them."""
        per_feature = {each.name: getattr(self, each.name) for each in fields(self)}
        alike = {name: per_feature.pop(name) for name in ("positions", "cell_squares")}
        return EqualShareMoments(
            **alike, **{name: values[..., order] for name, values in per_feature.items()}
        )

    def correlation(self) -> Tensor:
        """Return the correlations at equal shares (..., cells, features) in [-1, 1].

        They are 0 where a cell or a feature is constant, or a feature is never on or never off.
        """
        off = self.positions - self.on
        usable = (self.on > 0) & (off > 0)
        on_weight, off_weight = 0.5 / self.on.clamp(min=1), 0.5 / off.clamp(min=1)

        def mean(over_on: Tensor, over_all: Tensor | float) -> Tensor:
            weights = (on_weight, off_weight)
            if over_on.dim() == self.products.dim():
                weights = (on_weight.unsqueeze(-2), off_weight.unsqueeze(-2))
            return weights[0] * over_on + weights[1] * (over_all - over_on)

        cells, features = mean(self.cells_on, 0.0), mean(self.features_on, 0.0).unsqueeze(-2)
        squares = mean(self.cell_squares_on, self.cell_squares)
        feature_squares = mean(self.feature_squares_on, self.feature_squares).unsqueeze(-2)
        covariance = mean(self.products_on, self.products) - cells * features
        variance, feature_variance = squares - cells.square(), feature_squares - features.square()
        constant = (variance <= _ROUNDING_SHARE * squares) | (
            feature_variance <= _ROUNDING_SHARE * feature_squares
        )
        constant |= ~usable.unsqueeze(-2)
        scale = (variance.clamp(min=0) * feature_variance.clamp(min=0)).masked_fill(constant, torch.inf)
        return (covariance / scale.sqrt()).clamp(-1, 1)


class EqualShareSums:
    """EqualShareSums sums c by stretch where each feature is on, over a chunk, and then over a split.

    Of another chunk that is merged only the moments are kept, so that memory does not grow with the text.
    """

    def __init__(self, *, stretches: int, cells: int, features: int) -> None:
        """Start with empty sums over a chunk of `stretches` stretches."""
        self._counts = torch.zeros(stretches, dtype=torch.float64)
        self._on = torch.zeros(stretches, features, dtype=torch.float64)
        self._cells = torch.zeros(stretches, cells, dtype=torch.float64)
        self._features = torch.zeros(stretches, features, dtype=torch.float64)
        self._cells_on = torch.zeros(stretches, cells, features, dtype=torch.float64)
        self._cell_squares = torch.zeros(cells, dtype=torch.float64)
        self._feature_squares = torch.zeros(features, dtype=torch.float64)
        self._cell_squares_on = torch.zeros(cells, features, dtype=torch.float64)
        self._products = torch.zeros(cells, features, dtype=torch.float64)
        self._merged: EqualShareMoments | None = None

    def update(self, stretch: Tensor, c: Tensor, features: Tensor) -> None:
        """Add a block of the chunk.

        stretch (positions,) int64 is the number of the stretch in the chunk, from 0; c (positions, cells)
        float32 is roughly centred, and features (positions, features) float32 are switches or depths.
        """
        on = (features > 0).float()
        numbers, lengths = torch.unique_consecutive(stretch, return_counts=True)
        start = 0
        for number, length in zip(numbers.tolist(), lengths.tolist(), strict=True):
            there = slice(start, start := start + length)
            self._cells_on[number] += product(c[there].t(), on[there])
            self._counts[number] += length
            for sums, values in ((self._on, on), (self._cells, c), (self._features, features)):
                sums[number] += values[there].sum(0, dtype=torch.float64)
        self._cell_squares += c.square().sum(0, dtype=torch.float64)
        self._feature_squares += features.square().sum(0, dtype=torch.float64)
        self._cell_squares_on += product(c.square().t(), on)
        self._products += product(c.t(), features)

    def merge(self, other: "EqualShareSums") -> None:
        """Add the sums of other, over another chunk."""
        added = other.moments()
        self._merged = added if self._merged is None else self._merged + added

    def moments(self) -> EqualShareMoments:
        """Return the moments over all blocks and merged chunks."""
        own = self._own_moments()
        return own if self._merged is None else own + self._merged

    def _own_moments(self) -> EqualShareMoments:
        """Return the moments over the blocks of this chunk, with the mean of each stretch taken out."""
        counts = self._counts.clamp(min=1)[:, None]
        c, f, on = self._cells / counts, self._features / counts, self._on
        cells_on = self._cells_on.sum(0) - c.t() @ on
        squares_on = self._cell_squares_on - 2 * torch.einsum("sc,scf->cf", c, self._cells_on)
        products_on = self._products - c.t() @ self._features + c.t() @ (f * on)
        return EqualShareMoments(
            positions=self._counts.sum()[None],
            on=on.sum(0),
            cells_on=cells_on,
            cell_squares_on=squares_on + c.square().t() @ on,
            products_on=products_on - torch.einsum("sf,scf->cf", f, self._cells_on),
            features_on=(self._features - f * on).sum(0),
            feature_squares_on=self._feature_squares
            - 2 * (f * self._features).sum(0)
            + (f.square() * on).sum(0),
            cell_squares=(self._cell_squares - (counts * c.square()).sum(0))[:, None],
            feature_squares=self._feature_squares - (counts * f.square()).sum(0),
            products=self._products - c.t() @ (counts * f),
        )

    def correlation(self) -> Tensor:
        """Return the correlations at equal shares, (cells, features) float64 in [-1, 1]."""
        return self.moments().correlation()
