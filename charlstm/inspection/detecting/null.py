"""What scores reach by chance: cells against features that were shifted along the text."""

from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.inspection.features.feature import CAP
from charlstm.inspection.reading.accumulators import (
    CellFeatureMoments,
    CrossProducts,
    GroupSums,
)
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup

# A circular shift goes at least this far, and at least this many autocorrelation times.
LEAST_SHIFT = 1_000

_TIMES = 10

# And not to where a feature's correlation with itself is above this again.
_ALIKE = 0.5

# Positions, drawn by lot, at which shifted features are multiplied with c. Neighbours are much alike: the
# largest |r| of 99 shifts was .3267 from 136,800 of stdlib (128 cells), .3258 from 20,000 of them.
_SHIFTED_POSITIONS = 20_000

# Features whose autocorrelation is made at a time: a few together take a quarter of the time of one by one.
_TRANSFORMED = 8

# What is left of a variance below this share is rounding.
ROUNDING = 1e-6


def p_values(scores: Tensor, null: Tensor) -> Tensor:
    """(1 + shifts that reach the score) / (1 + shifts) for scores (n,) against null (shifts,)."""
    return (1 + (null[None, :] >= scores[:, None]).sum(1)).double() / (1 + len(null))


class SelfLikeness:
    """How features follow themselves: the longest autocorrelation time of any, and of their correlations with
    themselves the largest |r| of any at every circular shift, (rows,) float32.
    """

    def __init__(self, rows: int) -> None:
        self.longest = 0
        self.alike = torch.zeros(rows)

    def update(self, features: Tensor) -> None:
        """Add a part, (rows, features) of any numbers."""
        for columns in torch.split(features, _TRANSFORMED, dim=1):
            correlations = autocorrelation(columns.t().float())
            self.longest = max(self.longest, *map(_time, correlations.unbind()))
            self.alike = torch.maximum(self.alike, correlations.abs().amax(0))

    def merge(self, other: "SelfLikeness") -> None:
        """Add what another one of as many rows has seen."""
        self.longest = max(self.longest, other.longest)
        self.alike = torch.maximum(self.alike, other.alike)


def self_likeness(split: Split, processes: ProcessGroup = ALONE) -> SelfLikeness:
    """How the features of a split follow themselves within its parts."""

    def read(part: Chunk) -> tuple[SelfLikeness]:
        seen = SelfLikeness(part.cut.rows)
        seen.update(part.columns(torch.arange(len(part.table.features))))
        return (seen,)

    return read_chunks(split, read, processes)[0]


def draw_shifts(seen: SelfLikeness, shifts: int, generator: torch.Generator) -> Tensor:
    """(shifts,) int64 circular shifts within parts of a text, too far for a feature to follow itself.

    At least ten of the longest autocorrelation time, but never more than a quarter of the rows; and where
    there are enough others, none at which some feature is like itself again, as the column is in a text
    whose lines are all of one length.
    """
    rows = len(seen.alike)
    least = min(max(LEAST_SHIFT, _TIMES * seen.longest), rows // 4)
    reach = torch.arange(least, rows - least + 1)
    unlike = reach[seen.alike[reach] <= _ALIKE]
    among = unlike if len(unlike) >= shifts else reach
    return among[torch.randint(len(among), (shifts,), generator=generator)]


def autocorrelation(values: Tensor) -> Tensor:
    """(..., rows) float32 circular autocorrelation of values (..., rows) float32 at every shift; 0 for
    constant ones.
    """
    centred = values - values.mean(-1, keepdim=True, dtype=torch.float64).float()
    spectrum = torch.fft.rfft(centred)
    power = spectrum.real.square() + spectrum.imag.square()
    correlation: Tensor = torch.fft.irfft(power, n=values.shape[-1])
    still = centred.square().sum(-1, keepdim=True) == 0
    return correlation / correlation[..., :1].masked_fill(still, torch.inf)


def autocorrelation_time(values: Tensor) -> int:
    """Positions until the circular autocorrelation of values (rows,) falls to 1/e; all if it never does."""
    return _time(autocorrelation(values))


def _time(correlation: Tensor) -> int:
    below = (correlation <= 1 / torch.e).nonzero()
    return int(below[0]) if len(below) else len(correlation)


class Standards(NamedTuple):
    """Mean of some features of a split, and one over their deviation, 0 for a constant one; (n,) float64."""

    mean: Tensor
    scale: Tensor


class ShiftedProducts:
    """Products of c with features, scaled to mean 0 and variance 1, under every shift (shifts,) of a part.

    They are summed at some of a split's positions, in number rows in all.
    """

    def __init__(self, standards: Standards, shifts: Tensor, *, cells: int, rows: int) -> None:
        self.standards = standards
        self.shifts = shifts
        self.products = CrossProducts(cells, len(shifts) * len(standards.mean))
        self.sums = torch.zeros(cells, dtype=torch.float64)
        self.count = 0
        self._rows = rows

    def update(self, features: Tensor, rows: Tensor, c: Tensor) -> None:
        """Add c (positions, cells) float32, roughly centred, at rows (positions,) of a part whose features
        that count are (rows of the part, n) uint8.
        """
        kept = _by_lot(rows, min(1.0, _SHIFTED_POSITIONS / self._rows))
        rows, c = rows[kept], c[kept]
        shifted = (rows[:, None] - self.shifts) % len(features)
        columns = features.index_select(0, shifted.flatten())
        self.products.update(c, columns.float().view(len(rows), -1))
        self.sums += c.sum(0, dtype=torch.float64)
        self.count += len(rows)

    def merge(self, other: "ShiftedProducts") -> None:
        """Add what another one of the same standards and shifts has seen."""
        self.products.merge(other.products)
        self.sums += other.sums
        self.count += other.count

    def scores(self, moments: CellFeatureMoments) -> Tensor:
        """(cells, shifts, features) float64 |r| once every row is added; moments of the same c."""
        squares = moments.cell_squares / max(1, moments.count) * max(1, self.count) ** 2
        still = moments.cell_squares <= moments.count * ROUNDING**2
        norms = squares.sqrt().masked_fill(still, torch.inf)
        mean, scale = self.standards
        products = self.products.sums.view(len(norms), len(self.shifts), len(mean))
        return (products - torch.outer(self.sums, mean)[:, None]).mul_(scale).abs_() / norms[:, None, None]


def _by_lot(rows: Tensor, share: float) -> Tensor:
    """(positions,) bool: about that share of rows (positions,) int64, always the same ones.

    Multiples of the golden ratio are spread evenly over any period.
    """
    return (rows * 2_654_435_769) % 2**32 < share * 2**32


def measure_standards(split: Split, features: Tensor, processes: ProcessGroup = ALONE) -> Standards:
    """Those of some features (n,) int64 of a split."""

    def read(part: Chunk) -> tuple[GroupSums]:
        sums = GroupSums(len(features) * (CAP + 1), 0)
        for place, column in enumerate(part.columns(features).unbind(1)):
            sums.update(column.long() + place * (CAP + 1), torch.empty(len(column), 0))
        return (sums,)

    (sums,) = read_chunks(split, read, processes)
    counts = sums.counts.view(len(features), CAP + 1)
    values = torch.arange(CAP + 1, dtype=torch.float64)
    mean = counts @ values / split.rows
    deviation = (counts * (values - mean[:, None]).square()).sum(1).div(split.rows).sqrt()
    return Standards(mean, 1 / deviation.masked_fill(deviation <= ROUNDING, torch.inf))
