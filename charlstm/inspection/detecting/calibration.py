"""Calibration measures the mean of every cell and the threshold between its two levels.

Both come from one pass over the calibration split.

Cells of all layers stand side by side: cell k of layer l is number l * cells per layer + k.
"""

from dataclasses import dataclass

from torch import Tensor

from charlstm.inspection.reading.accumulators import CellFeatureMoments, CellHistogram
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class Calibration:
    """A Calibration has the levels of all cells of a model; every field is (cells,) float64.

    means is the mean of c. thresholds is the value of c that splits a cell's positions into its two levels
    best, and level_shares is the share of the variance of c between these two levels, in [0, 1] (Otsu 1979).
    """

    means: Tensor
    thresholds: Tensor
    level_shares: Tensor


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
    return Calibration(moments.cell_means, *histogram.otsu())
