"""The null shifts features circularly along the text: so far that a feature no longer resembles itself.

A circular shift within a chunk keeps how a feature varies and breaks its relation to the cells.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup

# A circular shift moves a feature at least this many characters, and at least this many autocorrelation
# times.
LEAST_SHIFT_CHARACTERS = 1_000
_AUTOCORRELATION_TIMES_PER_SHIFT = 10

# A shift at which the autocorrelation of some feature is above this is avoided.
_LARGEST_AUTOCORRELATION = 0.5

# This many features are Fourier transformed at a time: faster than one by one, and memory stays small.
_FEATURES_PER_TRANSFORM = 8


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts are different circular shifts (shifts,) int64 of the features of a split, ascending.

    independent is how many of them can be called independent: the length over which they spread, in
    autocorrelation times of the slowest feature, and never more than there are.
    """

    values: Tensor
    independent: int

    def __len__(self) -> int:
        return len(self.values)


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


def spread_shifts(autocorrelations: Autocorrelations, count: int) -> Shifts:
    """Return `count` circular shifts within a chunk, spread evenly, where no feature resembles itself.

    In both directions a shift goes at least LEAST_SHIFT_CHARACTERS and ten times the longest autocorrelation
    time, or a quarter of the rows if that is less. Shifts at which some feature correlates with itself again
    are left out where enough others remain: the column does so in a text whose lines all have one length. No
    shift comes twice, and none is drawn by lot: the same text always gives the same shifts.
    """
    rows = len(autocorrelations.largest)
    wanted = max(LEAST_SHIFT_CHARACTERS, _AUTOCORRELATION_TIMES_PER_SHIFT * autocorrelations.longest_time)
    least = min(wanted, rows // 4)
    allowed = torch.arange(least, rows - least + 1)
    uncorrelated = allowed[autocorrelations.largest[allowed] <= _LARGEST_AUTOCORRELATION]
    candidates = uncorrelated if len(uncorrelated) >= count else allowed
    spread = torch.linspace(0, len(candidates) - 1, count, dtype=torch.float64).round().long()
    independent = max(1, min(count, len(candidates) // max(1, autocorrelations.longest_time)))
    return Shifts(candidates[spread], independent)


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
