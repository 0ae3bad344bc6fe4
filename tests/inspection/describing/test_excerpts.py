"""The page's text: what is stored of its cells equals what the model's cells do there."""

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


def detected(model: CharLSTM) -> Any:
    """What excerpt_of reads of an inspection, of a text of random ids."""
    ids = np.random.default_rng(3).integers(0, model.config.vocabulary_size, START + LENGTH).astype(np.uint8)
    signals = np.stack((np.arange(LENGTH) % 7, np.arange(LENGTH) % 5), axis=1).astype(np.uint8)
    table = FeatureTable((Feature("kept", "counter", {}), Feature("not", "counter", {})))
    symbols = [chr(97 + symbol) for symbol in range(model.config.vocabulary_size)]
    cells = model.config.layers * model.config.cells
    part = Chunk(ids[START:], symbols, START, Cut(LENGTH, 1), table, signals)
    text = SimpleNamespace(splits={"confirm": SimpleNamespace(first=part)})
    calibration = SimpleNamespace(thresholds=torch.linspace(-1, 1, cells, dtype=torch.float64))
    return SimpleNamespace(text=text, calibration=calibration)


def c_of(model: CharLSTM, found: Any) -> torch.Tensor:
    """(characters, cells of all layers) of the excerpt."""
    (block,) = trace(model, found.text.splits["confirm"].first.ids, streams=1, window=LENGTH)
    return torch.cat([layer.c[0, WARMUP:] for layer in block.layers], dim=1)


def unpacked(grid: dict[str, Any]) -> np.ndarray:
    """(cells, characters) of a grid, as the page reads it."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(grid["tanh_c"])), np.uint8).reshape(
        len(grid["cells"]), -1
    )
    return np.cumsum(steps, axis=1, dtype=np.uint8).view(np.int8) / 127


FINDINGS: list[Any] = [SimpleNamespace(layer=1, cell=4, feature="kept")]


def test_c_and_gates_are_the_models_own(small_model: CharLSTM) -> None:
    found = detected(small_model)
    excerpt = excerpt_of(small_model, found, FINDINGS)
    c = c_of(small_model, found)[:, 6 + 4]
    lines = excerpt.cells["1:4"]
    assert excerpt.start == START + WARMUP
    assert excerpt.text == found.text.splits["confirm"].first.text[WARMUP:]
    assert lines["c"] == pytest.approx(c.tolist(), abs=5.1e-4)
    assert lines["tanh_c"] == pytest.approx(c.tanh().tolist(), abs=5.1e-4)
    forget, write = (np.array(lines[name]) for name in ("forget", "input"))
    rebuilt = forget[1:] * np.array(lines["c"])[:-1] + write[1:] * np.array(lines["candidate"])[1:]
    assert rebuilt == pytest.approx(np.array(lines["c"])[1:], abs=0.03)
    assert list(excerpt.features) == ["kept"]
    assert excerpt.features["kept"] == [place % 7 for place in range(WARMUP, LENGTH)]


def test_packed_cells_are_all_cells_to_a_127th(small_model: CharLSTM) -> None:
    found = detected(small_model)
    grid = excerpt_of(small_model, found, FINDINGS).grid
    assert grid["cells"] == [f"{layer}:{cell}" for layer in range(2) for cell in range(6)]
    assert grid["of"] == 12
    assert grid["thresholds"] == pytest.approx(np.tanh(np.linspace(-1, 1, 12)), abs=5.1e-4)
    assert unpacked(grid) == pytest.approx(c_of(small_model, found).tanh().t().numpy(), abs=0.5 / 127 + 1e-6)


def test_too_many_cells_leave_those_that_move_most(
    small_model: CharLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = detected(small_model)
    monkeypatch.setattr(excerpts, "_GRID", 3 * (LENGTH - WARMUP))
    grid = excerpt_of(small_model, found, FINDINGS).grid
    spread = c_of(small_model, found).tanh().std(0)
    most = sorted(spread.argsort(descending=True)[:3].tolist())
    assert grid["cells"] == [f"{place // 6}:{place % 6}" for place in most]
    assert (grid["of"], len(unpacked(grid))) == (12, 3)
