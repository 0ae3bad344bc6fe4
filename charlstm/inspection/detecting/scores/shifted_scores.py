"""Cells are scored with features that are shifted along the text: what scores are by chance.

In each shift all features are shifted alike. The score with a shifted feature is computed as the score itself
is: within stretches, and at equal shares for a switch or a depth. `null` makes p-values from these scores.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.inspection.detecting.scores.equal_share import EqualShareMoments
from charlstm.inspection.reading.matrix_product import product

# Scores with shifted features are computed from about this many positions of a split. Neighbours are much
# alike: the largest |r| of 99 shifts was .3258 from 20,000 positions and .3267 from 136,800; see
# tests/benchmarks/EXPERIMENTS.md.
_SHIFTED_POSITIONS = 10_000

# Shifts are taken together until they have about this many features: wide products are faster.
_COLUMNS_AT_ONCE = 1_000


class ShiftedScores:
    """ShiftedScores score cells with features under each of several shifts.

    They do so at a sample of about _SHIFTED_POSITIONS positions of the split, as if these were the text. A
    chunk's blocks are added, then `finish` ends the chunk; other chunks are merged. A chunk that is the whole
    split is kept until somebody asks for the scores; of several chunks only sums are kept, so that memory
    does not grow with the text.
    """

    def __init__(self, shifts: Tensor, balanced: Tensor, *, rows: int) -> None:
        """Start empty for shifts (shifts,) int64; rows is the number of counted positions in the split.

        balanced (features,) bool says which features are scored at equal shares.
        """
        self.shifts = shifts
        self.balanced = balanced.nonzero().flatten()
        self._count = rows
        self._blocks: list[tuple[Tensor, Tensor]] = []
        self._samples: list[tuple[Tensor, Tensor]] = []
        self._whole: _SampledChunk | None = None
        self._sums: list[_SeveralShifts] = []

    def update(self, rows: Tensor, c: Tensor) -> None:
        """Add a block of a chunk: rows (positions,) int64 among its counted positions, c (positions, cells)
        float32.
        """
        sampled = in_sample(rows, self._count)
        self._blocks.append((rows[sampled], c[sampled]))

    def finish(self, features: Tensor, stretches: Tensor) -> None:
        """End the chunk whose blocks were added.

        features (rows of the chunk, features) uint8 and stretches (rows of the chunk,) int64, from 0, are at
        all counted positions.
        """
        rows, c = map(torch.cat, zip(*self._blocks, strict=True))
        rows, order = rows.sort()
        stretch = stretches[rows]
        chunk = _SampledChunk(rows, stretch, _within(c[order], stretch), features)
        self._samples, self._blocks = [(chunk.c, features[rows])], []
        if len(features) == self._count:
            self._whole = chunk
        else:
            self._sums = list(self._sums_of(chunk))

    def merge(self, other: "ShiftedScores") -> None:
        """Add the chunks of other, which has the same shifts; both are finished."""
        own, others = list(self._all_sums()), list(other._all_sums())
        if own and others:
            self._sums = [first + second for first, second in zip(own, others, strict=True)]
        else:
            self._sums = own or others
        self._whole, self._samples = None, self._samples + other._samples

    def sample(self) -> tuple[Tensor, Tensor]:
        """Return c (positions, cells) float32 within stretches at the sample, and the features there, not
        shifted, (positions, features) uint8.
        """
        c, features = zip(*self._samples, strict=True)
        return torch.cat(c), torch.cat(features)

    def scores(self) -> Tensor:
        """Return the scores (shifts, cells, features) float32 in [0, 1] over all chunks."""
        scores = [sums.scores(self.balanced) for sums in self._all_sums()]
        return torch.cat(scores) if scores else torch.zeros(len(self.shifts), 0, 0)

    def _all_sums(self) -> Iterable["_SeveralShifts"]:
        """Return the sums over all chunks, those of a few shifts in each."""
        return self._sums if self._whole is None else self._sums_of(self._whole)

    def _sums_of(self, chunk: "_SampledChunk") -> Iterator["_SeveralShifts"]:
        """Yield the sums over a chunk, those of a few shifts at a time."""
        cells, columns = _SampledCells(chunk.stretch, chunk.c.t()), _Columns(chunk.features, self.balanced)
        at_once = max(1, _COLUMNS_AT_ONCE // max(1, chunk.features.shape[1]))
        for shifts in torch.split(self.shifts, at_once):
            yield cells.sums(columns.at(chunk.rows[:, None] - shifts), columns)


class _SampledChunk(NamedTuple):
    """A _SampledChunk has c at the sampled rows of a chunk, and the features at all of its counted rows.

    rows (positions,) int64, rising, are the sampled rows, and stretch (positions,) int64 their stretches; c
    (positions, cells) float32 is 0 on average over each stretch; features (rows, features) are uint8.
    """

    rows: Tensor
    stretch: Tensor
    c: Tensor
    features: Tensor


@dataclass(eq=False)
class _SeveralShifts:
    """_SeveralShifts have the sums of some shifts over sampled positions, which add up.

    products (shifts, cells, features) and feature_squares (shifts, features) are of all features within
    stretches, and moments are those of the features that are scored at equal shares.
    """

    products: Tensor
    feature_squares: Tensor
    moments: EqualShareMoments

    def __add__(self, other: "_SeveralShifts") -> "_SeveralShifts":
        return _SeveralShifts(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def scores(self, balanced: Tensor) -> Tensor:
        """Return the scores (shifts, cells, features) float32 in [0, 1]; balanced (n,) int64 are the
        features scored at equal shares.
        """
        squares = self.moments.cell_squares * self.feature_squares[:, None]
        scores = self.products / squares.masked_fill(squares <= 0, torch.inf).sqrt()
        scores[..., balanced] = self.moments.correlation().to(scores.dtype)
        return scores.abs().clamp(max=1).float()


class _Columns:
    """_Columns are features at all rows, in an order in which what is summed alike stands side by side.

    values (rows, columns) uint8 has where each depth is on, which is 1 there, else 0; then the switches; then
    the depths; then the counters. The first `on` columns say where the features scored at equal shares are
    on, and of_balanced (on,) int64 are the columns of their values, in the same order. of_features
    (features,) int64 are the columns of all features, and to_balanced (on,) int64 brings those scored at
    equal shares into their own order.
    """

    def __init__(self, features: Tensor, balanced: Tensor) -> None:
        """Take features (rows, features) uint8; balanced (n,) int64 are those scored at equal shares."""
        is_depth = (features[:, balanced] > 1).any(0)
        depths, switches = balanced[is_depth], balanced[~is_depth]
        is_counter = torch.ones(features.shape[1], dtype=torch.bool)
        is_counter[balanced] = False
        in_order = torch.cat((switches, depths, is_counter.nonzero().flatten()))
        depths_on = (features[:, depths] > 0).to(features.dtype)
        self.values = torch.cat((depths_on, features[:, in_order]), dim=1)
        self.on = len(balanced)
        columns = len(depths) + torch.arange(len(in_order))
        self.of_balanced = torch.cat((columns[len(switches) : self.on], columns[: len(switches)]))
        self.of_features = columns[in_order.argsort()]
        self.to_balanced = torch.cat((depths, switches)).argsort()

    def at(self, rows: Tensor) -> Tensor:
        """Return the columns (..., columns) float32 at rows (...) int64, in a circle."""
        return self.values[rows % len(self.values)].float()


class _SampledCells:
    """_SampledCells are cells at sampled positions, and what sums with any features need of them."""

    def __init__(self, stretch: Tensor, c: Tensor) -> None:
        """Keep c (cells, positions) float32, 0 on average over each stretch; stretch (positions,) int64,
        which does not fall, numbers the stretches.
        """
        self._lengths = torch.unique_consecutive(stretch, return_counts=True)[1].tolist()
        and_one = torch.cat((c, torch.ones(1, c.shape[1])))
        self._by_stretch = [part.contiguous() for part in torch.split(and_one, self._lengths, dim=1)]
        self._squares = c.square()

    def sums(self, values: Tensor, columns: _Columns) -> _SeveralShifts:
        """Return the sums with features whose columns are values (positions, shifts, columns) float32.

        Of c times a feature less its mean, where the feature is on, the sum is that of c times the feature
        less the mean times that of c: the products of a stretch serve both. Beside the cells stands a 1,
        whose products are the sums of the features.
        """
        on, balanced, order = columns.on, columns.of_balanced, columns.to_balanced
        of_all = torch.zeros(len(self._squares) + 1, *values.shape[1:])
        products_less = torch.zeros(len(self._squares), values.shape[1], on)
        squares_less = torch.zeros(values.shape[1:])
        features_less, squares_on_less = torch.zeros(2, values.shape[1], on)
        for c, there in zip(self._by_stretch, torch.split(values, self._lengths), strict=True):
            products = product(c, there.flatten(1)).view(of_all.shape)
            of_all += products
            sums, on_sums = products[-1], products[-1, :, :on]
            mean = sums[:, balanced] / len(there)
            products_less.addcmul_(products[:-1, :, :on], mean)
            squares_less += sums.square() / len(there)
            features_less += mean * on_sums
            squares_on_less += mean * (2 * sums[:, balanced] - mean * on_sums)
        sums, products = of_all[-1], of_all[:-1].transpose(0, 1)
        squares = torch.cat((sums[:, :on], values[..., on:].square().sum(0)), dim=1)
        squares_on = product(self._squares, values[..., :on].flatten(1).contiguous()).view_as(products_less)
        feature_squares = squares - squares_less
        moments = EqualShareMoments(
            positions=torch.tensor([float(len(values))]),
            on=sums[:, :on],
            cells_on=products[..., :on],
            cell_squares_on=squares_on.transpose(0, 1),
            products_on=products[..., balanced] - products_less.transpose(0, 1),
            features_on=sums[:, balanced] - features_less,
            feature_squares_on=squares[:, balanced] - squares_on_less,
            cell_squares=self._squares.sum(1)[:, None],
            feature_squares=feature_squares[:, balanced],
            products=products[..., balanced],
        )
        return _SeveralShifts(
            products[..., columns.of_features],
            feature_squares[:, columns.of_features],
            moments.ordered(order),
        )


def _within(values: Tensor, stretch: Tensor) -> Tensor:
    """Return values (positions, columns) float32 less the mean over each stretch (positions,) int64."""
    counts = torch.bincount(stretch).clamp(min=1)[:, None]
    sums = torch.zeros(len(counts), values.shape[1]).index_add_(0, stretch, values)
    return values - (sums / counts)[stretch]


def in_sample(rows: Tensor, count: int) -> Tensor:
    """Return (positions,) bool: which of rows (positions,) int64 are in a fixed sample of about
    _SHIFTED_POSITIONS of `count` rows.

    Multiples of the golden ratio are spread evenly over any period (Knuth's multiplicative hashing).
    """
    share = min(1.0, _SHIFTED_POSITIONS / count)
    return (rows * 2_654_435_769) % 2**32 < share * 2**32
