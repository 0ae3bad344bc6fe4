"""The text of the page: c and the gates of the best findings along it, and tanh(c) of all cells that fit."""

import base64
import zlib

import numpy as np
import torch
from torch import Tensor

from charlstm.findings import Excerpt, Finding, Json
from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.reading.trace import WARMUP, LayerTrace, trace
from charlstm.model.char_lstm import CharLSTM

_CHARACTERS = 2_000
# tanh(c) of all cells is kept up to so many values: 300 cells along 2,000 characters.
_GRID = 600_000


def excerpt_of(model: CharLSTM, found: Detected, findings: list[Finding]) -> Excerpt:
    """The beginning of the confirmation split, behind a warm-up, and what the findings' cells do there."""
    part = found.text.splits["confirm"].first
    ids = part.ids[: WARMUP + _CHARACTERS]
    (block,) = trace(model, ids, streams=1, window=len(ids))
    wanted = {finding.feature for finding in findings}
    return Excerpt(
        split="confirm",
        start=part.start + WARMUP,
        text=part.text[WARMUP : len(ids)],
        cells={
            f"{finding.layer}:{finding.cell}": _cell(block.layers[finding.layer], finding.cell)
            for finding in findings
        },
        features={
            name: part.signal(name).values[WARMUP : len(ids)].astype(int).tolist()
            for name in part.table.names
            if name in wanted
        },
        grid=_grid(torch.cat([layer.c[0, WARMUP:].cpu() for layer in block.layers], dim=1), found, model),
    )


def _cell(layer: LayerTrace, cell: int) -> dict[str, list[float]]:
    """tanh(c) and c to three decimals, the four gates to two, at every character behind the warm-up."""

    def along(values: Tensor, decimals: int) -> list[float]:
        return [round(value, decimals) for value in values[0, WARMUP:, cell].tolist()]

    gates = {
        "input": layer.gates.i,
        "forget": layer.gates.f,
        "candidate": layer.gates.g,
        "output": layer.gates.o,
    }
    lines = {name: along(values, 2) for name, values in gates.items()}
    return {"tanh_c": along(layer.c.tanh(), 3), "c": along(layer.c, 3), **lines}


def _grid(c: Tensor, found: Detected, model: CharLSTM) -> Json:
    """tanh(c) of all cells of c (characters, cells of all layers), or of those that move most.

    `tanh_c` is base64 of zlib of int8, cell after cell: 127 tanh(c), each less the one before it, modulo 256.
    `thresholds` lie between the two levels of each cell, as tanh(c), and split its positions on and off.
    """
    squashed = c.tanh()
    spread = squashed.std(0).nan_to_num()
    kept = spread.argsort(descending=True)[: max(1, _GRID // len(c))].sort().values
    steps = (squashed[:, kept].t() * 127).round().to(torch.int16).numpy()
    moved = np.diff(steps, axis=1, prepend=0).astype(np.uint8)
    return {
        "cells": [f"{place // model.config.cells}:{place % model.config.cells}" for place in kept.tolist()],
        "of": c.shape[1],
        "thresholds": [round(value, 3) for value in found.calibration.thresholds[kept].tanh().tolist()],
        "tanh_c": base64.b64encode(zlib.compress(moved.tobytes(), 9)).decode("ascii"),
    }
