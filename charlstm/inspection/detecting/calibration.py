"""Calibration measures the mean of every cell and the threshold between its two levels.

Both come from one pass over the calibration split.

Cells of all layers stand side by side: cell k of layer l is number l * cells per layer + k.
"""

from dataclasses import dataclass

from torch import Tensor

from charlstm.inspection.detecting.levels import Levels, measure_levels
from charlstm.inspection.reading.accumulators import CellFeatureMoments, CellHistogram
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class Calibration:
    """A Calibration has the levels of all cells of a model; every field is (cells,) float64.

    means and deviations are the mean of c and its standard deviation. levels says how well a cell falls into
    two levels. level_shares is the share of the variance of c between the levels that split c best, in [0, 1]
    (Otsu 1979).
    """

    means: Tensor
    deviations: Tensor
    levels: Levels
    level_shares: Tensor

    @property
    def thresholds(self) -> Tensor:
        """Return the value of c that splits a cell's positions into its two levels, (cells,) float64."""
        return self.levels.thresholds


def calibrate(model: CharLSTM, split: Split, processes: ProcessGroup = ALONE) -> Calibration:
    """Read split once and measure the levels of every cell of model."""
    cells = model.config.layers * model.config.cells

    def read(chunk: Chunk) -> tuple[CellFeatureMoments, CellHistogram]:
        moments, histogram = CellFeatureMoments(cells, 0), CellHistogram(cells)
        for block in chunk.blocks(model):
            moments.update(block.c, block.c[:, :0])
            histogram.update(block.c)
        return moments, histogram

    moments, histogram = read_chunks(split, read, processes)
    deviations = (moments.cell_squares / max(1, moments.count)).sqrt()
    return Calibration(moments.cell_means, deviations, measure_levels(histogram), histogram.otsu()[1])
