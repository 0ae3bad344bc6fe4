"""The null is the scores that features reach by chance: cells are correlated with shifted features.

A circular shift within a chunk keeps how a feature varies and breaks its relation to the cells. In each shift
all features are shifted alike, so that the largest score of any pair in the shift stands for all pairs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.inspection.features.feature import CAP
from charlstm.inspection.reading.accumulators import CellFeatureMoments, CrossProducts, GroupSums
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup

# A circular shift moves a feature at least this many characters, and at least this many autocorrelation
# times.
LEAST_SHIFT_CHARACTERS = 1_000
_AUTOCORRELATION_TIMES_PER_SHIFT = 10

# A shift at which the autocorrelation of some feature is above this is avoided.
_LARGEST_AUTOCORRELATION = 0.5

# Shifted features are multiplied with c at about this many positions of a split. Measured: the largest |r| of
# 99 shifts is .3258 from 20,000 positions, .3267 from 136,800; see tests/benchmarks/EXPERIMENTS.md.
_SHIFTED_POSITIONS = 20_000

# This many features are Fourier transformed at a time: faster than one by one, and memory stays small.
_FEATURES_PER_TRANSFORM = 8

# A feature or a cell whose standard deviation is below this is constant.
_LEAST_DEVIATION = 1e-6


def p_values(scores: Tensor, null: Tensor) -> Tensor:
    """Return the p-values (n,) float64 of scores (n,) against null (shifts,): (1 + k) / (1 + shifts).

    k is the number of shifts whose null score reaches the score.
    """
    return (1 + (null[None, :] >= scores[:, None]).sum(1)).double() / (1 + len(null))


class Autocorrelations:
    """Autocorrelations has the circular autocorrelations of features over chunks of equal length.

    longest_time is the longest autocorrelation time of any feature, in rows: the first shift at which the
    autocorrelation is at most 1/e. largest (rows,) float32 is the largest absolute autocorrelation of any
    feature at each shift, in [0, 1].
    """

    def __init__(self, rows: int) -> None:
        """Start with no feature; rows is the number of counted positions in a chunk."""
        self.longest_time = 0
        self.largest = torch.zeros(rows)

    def update(self, features: Tensor) -> None:
        """Add the features (rows, features) of one chunk, of any numeric dtype."""
        for columns in torch.split(features, _FEATURES_PER_TRANSFORM, dim=1):
            correlations = autocorrelation(columns.t().float())
            self.longest_time = max(self.longest_time, *map(_time, correlations.unbind()))
            self.largest = torch.maximum(self.largest, correlations.abs().amax(0))

    def merge(self, other: "Autocorrelations") -> None:
        """Add the autocorrelations of other, over another chunk of equal length."""
        self.longest_time = max(self.longest_time, other.longest_time)
        self.largest = torch.maximum(self.largest, other.largest)


def measure_autocorrelations(split: Split, processes: ProcessGroup = ALONE) -> Autocorrelations:
    """Return the autocorrelations of all features of split within its chunks."""

    def read(chunk: Chunk) -> tuple[Autocorrelations]:
        autocorrelations = Autocorrelations(chunk.cut.rows)
        autocorrelations.update(chunk.columns(torch.arange(len(chunk.table.features))))
        return (autocorrelations,)

    return read_chunks(split, read, processes)[0]


def draw_shifts(autocorrelations: Autocorrelations, shifts: int, generator: torch.Generator) -> Tensor:
    """Draw circular shifts (shifts,) int64 within a chunk, so far that no feature resembles itself there.

    `shifts` of them are drawn. In both directions a shift goes at least LEAST_SHIFT_CHARACTERS and ten times
    the longest autocorrelation time, or a quarter of the rows if that is less. Shifts at which some feature
    correlates with itself again are left out where enough others remain: the column does so in a text whose
    lines all have one length.
    """
    rows = len(autocorrelations.largest)
    wanted = max(LEAST_SHIFT_CHARACTERS, _AUTOCORRELATION_TIMES_PER_SHIFT * autocorrelations.longest_time)
    least = min(wanted, rows // 4)
    allowed = torch.arange(least, rows - least + 1)
    uncorrelated = allowed[autocorrelations.largest[allowed] <= _LARGEST_AUTOCORRELATION]
    candidates = uncorrelated if len(uncorrelated) >= shifts else allowed
    return candidates[torch.randint(len(candidates), (shifts,), generator=generator)]


def autocorrelation(values: Tensor) -> Tensor:
    """Return the circular autocorrelation (..., rows) float32 of values (..., rows) float32 at every shift.

    It is in [-1, 1], and 0 everywhere for constant values. It is computed from the power spectrum
    (Wiener-Khinchin theorem).
    """
    centred = values - values.mean(-1, keepdim=True, dtype=torch.float64).float()
    spectrum = torch.fft.rfft(centred)
    power = spectrum.real.square() + spectrum.imag.square()
    correlation: Tensor = torch.fft.irfft(power, n=values.shape[-1])
    constant = centred.square().sum(-1, keepdim=True) == 0
    return correlation / correlation[..., :1].masked_fill(constant, torch.inf)


def _time(correlation: Tensor) -> int:
    """Return the first shift at which correlation (rows,) is at most 1/e, or rows if there is none."""
    below = (correlation <= 1 / torch.e).nonzero()
    return int(below[0]) if len(below) else len(correlation)


class Standardization(NamedTuple):
    """A Standardization scales features to mean 0 and variance 1: value -> (value - mean) * scale.

    mean and scale are (features,) float64. scale is one over the standard deviation, 0 for a constant
    feature.
    """

    mean: Tensor
    scale: Tensor


class ShiftedProducts:
    """ShiftedProducts sums c times standardized features, under every shift of the features within a chunk.

    The sums are over a sample of about 20,000 positions of the split.
    """

    def __init__(self, standardization: Standardization, shifts: Tensor, *, cells: int, rows: int) -> None:
        """Start with empty sums for shifts (shifts,) int64; rows is the number of counted positions in the
        split.
        """
        self.standardization = standardization
        self.shifts = shifts
        self.products = CrossProducts(cells, len(shifts) * len(standardization.mean))
        self.sums = torch.zeros(cells, dtype=torch.float64)
        self.count = 0
        self._rows = rows

    def update(self, features: Tensor, rows: Tensor, c: Tensor) -> None:
        """Add a block of a chunk.

        features (rows of the chunk, features) uint8 are the values at all counted positions of the chunk,
        rows (positions,) int64 are the block's rows among these, and c (positions, cells) float32 is roughly
        centred.
        """
        sampled = _sampled(rows, min(1.0, _SHIFTED_POSITIONS / self._rows))
        rows, c = rows[sampled], c[sampled]
        shifted = (rows[:, None] - self.shifts) % len(features)
        columns = features.index_select(0, shifted.flatten())
        self.products.update(c, columns.float().view(len(rows), -1))
        self.sums += c.sum(0, dtype=torch.float64)
        self.count += len(rows)

    def merge(self, other: "ShiftedProducts") -> None:
        """Add the sums of other, with the same standardization and shifts, over another chunk."""
        self.products.merge(other.products)
        self.sums += other.sums
        self.count += other.count

    def scores(self, moments: CellFeatureMoments) -> Tensor:
        """Return the scores |r| (cells, shifts, features) float64 over all blocks that were added.

        moments are the moments of the cells, whose variance scales the products.
        """
        squares = moments.cell_squares / max(1, moments.count) * max(1, self.count) ** 2
        constant = moments.cell_squares <= moments.count * _LEAST_DEVIATION**2
        norms = squares.sqrt().masked_fill(constant, torch.inf)
        mean, scale = self.standardization
        products = self.products.sums.view(len(norms), len(self.shifts), len(mean))
        return (products - torch.outer(self.sums, mean)[:, None]).mul_(scale).abs_() / norms[:, None, None]


def _sampled(rows: Tensor, share: float) -> Tensor:
    """Return (positions,) bool: which of rows (positions,) int64 are in a fixed sample of about the share
    `share`.

    Multiples of the golden ratio are spread evenly over any period (Knuth's multiplicative hashing).
    """
    return (rows * 2_654_435_769) % 2**32 < share * 2**32


def measure_standardization(
    split: Split, features: Tensor, processes: ProcessGroup = ALONE
) -> Standardization:
    """Return the standardization of the features of split with the numbers `features` (n,) int64."""

    def read(chunk: Chunk) -> tuple[GroupSums]:
        sums = GroupSums(len(features) * (CAP + 1), 0)
        for index, column in enumerate(chunk.columns(features).unbind(1)):
            sums.update(column.long() + index * (CAP + 1), torch.empty(len(column), 0))
        return (sums,)

    (sums,) = read_chunks(split, read, processes)
    counts = sums.counts.view(len(features), CAP + 1)
    values = torch.arange(CAP + 1, dtype=torch.float64)
    mean = counts @ values / split.rows
    deviation = (counts * (values - mean[:, None]).square()).sum(1).div(split.rows).sqrt()
    return Standardization(mean, 1 / deviation.masked_fill(deviation <= _LEAST_DEVIATION, torch.inf))
