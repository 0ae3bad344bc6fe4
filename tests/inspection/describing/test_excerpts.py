"""excerpt_of stores what the model's cells do along the excerpt, and packs tanh(c) of all of them."""

import base64
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from charlstm.inspection.describing import excerpts
from charlstm.inspection.describing.excerpts import excerpt_of
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import WARMUP, Cut, trace
from charlstm.model.char_lstm import CharLSTM

START, LENGTH = 40, 900


def detected_in(model: CharLSTM) -> Any:
    """Return those parts of a Detected that excerpt_of reads, for a text of random ids."""
    ids = np.random.default_rng(3).integers(0, model.config.vocabulary_size, START + LENGTH).astype(np.uint8)
    signals = np.stack((np.arange(LENGTH) % 7, np.arange(LENGTH) % 5), axis=1).astype(np.uint8)
    table = FeatureTable((Feature("followed", "counter", {}), Feature("not_followed", "counter", {})))
    symbols = [chr(97 + symbol) for symbol in range(model.config.vocabulary_size)]
    cells = model.config.layers * model.config.cells
    chunk = Chunk(ids[START:], symbols, START, Cut(LENGTH, 1), table, signals)
    text = SimpleNamespace(splits={"confirm": SimpleNamespace(first=chunk)})
    calibration = SimpleNamespace(thresholds=torch.linspace(-1, 1, cells, dtype=torch.float64))
    return SimpleNamespace(text=text, calibration=calibration)


def c_along(model: CharLSTM, detected: Any) -> torch.Tensor:
    """Return (characters, cells of all layers): c at every character of the excerpt."""
    (block,) = trace(model, detected.text.splits["confirm"].first.ids, streams=1, window=LENGTH)
    return torch.cat([layer.c[0, WARMUP:] for layer in block.layers], dim=1)


def unpacked(grid: dict[str, Any]) -> np.ndarray:
    """Return (cells, characters): tanh(c) in a grid, unpacked as the page does it."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(grid["tanh_c"])), np.uint8).reshape(
        len(grid["cells"]), -1
    )
    return np.cumsum(steps, axis=1, dtype=np.uint8).view(np.int8) / 127


FINDINGS: list[Any] = [SimpleNamespace(layer=1, cell=4, feature="followed")]


def test_c_and_the_gates_are_those_of_the_model_at_the_excerpts_characters(small_model: CharLSTM) -> None:
    detected = detected_in(small_model)
    excerpt = excerpt_of(small_model, detected, FINDINGS)
    c = c_along(small_model, detected)[:, 6 + 4]
    lines = excerpt.cells["1:4"]
    assert excerpt.start == START + WARMUP
    assert excerpt.text == detected.text.splits["confirm"].first.text[WARMUP:]
    assert lines["c"] == pytest.approx(c.tolist(), abs=5.1e-4)
    assert lines["tanh_c"] == pytest.approx(c.tanh().tolist(), abs=5.1e-4)
    forget, admitted = (np.array(lines[name]) for name in ("forget", "input"))
    rebuilt = forget[1:] * np.array(lines["c"])[:-1] + admitted[1:] * np.array(lines["candidate"])[1:]
    assert rebuilt == pytest.approx(np.array(lines["c"])[1:], abs=0.03)
    assert list(excerpt.features) == ["followed"]
    assert excerpt.features["followed"] == [place % 7 for place in range(WARMUP, LENGTH)]


def test_the_grid_has_tanh_c_of_all_cells_to_the_nearest_127th(small_model: CharLSTM) -> None:
    detected = detected_in(small_model)
    grid = excerpt_of(small_model, detected, FINDINGS).grid
    assert grid["cells"] == [f"{layer}:{cell}" for layer in range(2) for cell in range(6)]
    assert grid["of"] == 12
    assert grid["thresholds"] == pytest.approx(np.tanh(np.linspace(-1, 1, 12)), abs=5.1e-4)
    assert unpacked(grid) == pytest.approx(
        c_along(small_model, detected).tanh().t().numpy(), abs=0.5 / 127 + 1e-6
    )


def test_a_grid_too_small_for_all_cells_has_those_with_the_largest_deviation(
    small_model: CharLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected = detected_in(small_model)
    monkeypatch.setattr(excerpts, "_LARGEST_GRID_VALUES", 3 * (LENGTH - WARMUP))
    grid = excerpt_of(small_model, detected, FINDINGS).grid
    spread = c_along(small_model, detected).tanh().std(0)
    most_moving = sorted(spread.argsort(descending=True)[:3].tolist())
    assert grid["cells"] == [f"{place // 6}:{place % 6}" for place in most_moving]
    assert (grid["of"], len(unpacked(grid))) == (12, 3)
