"""An excerpt holds the text that the report page shows, and what the model's cells do along it."""

import torch
from torch import Tensor

from charlstm.findings import Excerpt, Finding, Json
from charlstm.inspection.describing.packing import packed, whole_127ths
from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.reading.trace import WARMUP, LayerTrace, trace
from charlstm.model.char_lstm import CharLSTM

# The excerpt of the page has at most this many characters.
_EXCERPT_CHARACTERS = 2_000
# The grid has at most this many values of tanh(c), since the size of the page grows with it. This admits 300
# cells along 2,000 characters.
_LARGEST_GRID_VALUES = 600_000


def excerpt_of(model: CharLSTM, detected: Detected, findings: list[Finding]) -> Excerpt:
    """Return the beginning of the split "confirm" with what the cells of findings do along it.

    The excerpt begins WARMUP characters into the split and has at most _EXCERPT_CHARACTERS characters. It has
    the features that findings name. model is the model that detected was computed from.
    """
    chunk = detected.text.splits["confirm"].first
    ids = chunk.ids[: WARMUP + _EXCERPT_CHARACTERS]
    (block,) = trace(model, ids, streams=1, window=len(ids))
    named = {finding.feature for finding in findings}
    return Excerpt(
        split="confirm",
        start=chunk.start + WARMUP,
        text=chunk.text[WARMUP : len(ids)],
        cells={
            f"{finding.layer}:{finding.cell}": _cell_lines(block.layers[finding.layer], finding.cell)
            for finding in findings
        },
        features={
            name: chunk.signal(name).values[WARMUP : len(ids)].astype(int).tolist()
            for name in chunk.table.names
            if name in named
        },
        grid=_grid(
            torch.cat([layer.c[0, WARMUP:].cpu() for layer in block.layers], dim=1),
            detected.calibration.thresholds,
            model.config.cells,
        ),
    )


def _cell_lines(layer: LayerTrace, cell: int) -> dict[str, list[float]]:
    """Return tanh(c), c and the four gates of one cell at every character behind the warm-up.

    tanh(c) and c are rounded to three decimals, the gates to two. layer is a trace of a single stream.
    """

    def rounded(values: Tensor, decimals: int) -> list[float]:
        return [round(value, decimals) for value in values[0, WARMUP:, cell].tolist()]

    gates = {
        "input": layer.gates.i,
        "forget": layer.gates.f,
        "candidate": layer.gates.g,
        "output": layer.gates.o,
    }
    gate_lines = {name: rounded(values, 2) for name, values in gates.items()}
    return {"tanh_c": rounded(layer.c.tanh(), 3), "c": rounded(layer.c, 3), **gate_lines}


def _grid(c: Tensor, thresholds: Tensor, cells_per_layer: int) -> Json:
    """Return tanh(c) of all cells, or of the cells that move most where all are too many, as JSON values.

    c (characters, cells of all layers) float32 are cell states; thresholds (cells of all layers) float64 lie
    between the two levels of each cell's c. The result has these entries:

    cells: names "layer:cell" of the cells in the grid, in order.
    of: number of cells in all layers together.
    thresholds: tanh of each threshold, in [-1, 1]; it divides the positions of a cell into on and off.
    tanh_c: tanh(c), rounded to whole 127ths from -127 to 127, one cell after the other, packed as
        `packing.packed` does it.
    """
    tanh_c = c.tanh()
    spread = tanh_c.std(0).nan_to_num()
    # Sorted, so that the cells of the grid are in the order of their numbers.
    cells = spread.argsort(descending=True)[: max(1, _LARGEST_GRID_VALUES // len(c))].sort().values
    return {
        "cells": [f"{cell // cells_per_layer}:{cell % cells_per_layer}" for cell in cells.tolist()],
        "of": c.shape[1],
        "thresholds": [round(value, 3) for value in thresholds[cells].tanh().tolist()],
        "tanh_c": packed(whole_127ths(tanh_c[:, cells].t().numpy())),
    }
