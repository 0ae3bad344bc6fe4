"""The text that is recoloured over time: chosen by features alone, and read behind the text before it."""

import base64
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from charlstm.inspection.describing import text_over_time as module
from charlstm.inspection.describing.text_over_time import text_over_time
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import WARMUP, Cut, trace
from charlstm.model.char_lstm import CharLSTM

START, STREAMS, STRETCH, LINE = 1_000, 2, 2_200, 40
# Where two switches are on, as the first character and the one behind the last, in the chunk.
COMMON = [(place, place + 5) for place in range(210, 700, 20)]
VERIFIED = (STRETCH + 1_500, STRETCH + 1_510)


@pytest.fixture
def chunk(small_model: CharLSTM) -> Chunk:
    """Return two stretches of lines; a switch goes on often in the first, another once in the second."""
    ids = np.random.default_rng(5).integers(1, small_model.config.vocabulary_size, STREAMS * STRETCH)
    ids[::LINE] = 0
    signals = np.zeros((len(ids), 2), np.uint8)
    for begin, end in COMMON:
        signals[begin:end, 0] = 1
    signals[slice(*VERIFIED), 1] = 1
    symbols = ["\n", *(chr(96 + symbol) for symbol in range(1, small_model.config.vocabulary_size))]
    features = (Feature("common", "switch", {}), Feature("rare", "switch", {}))
    cut = Cut(len(ids), STREAMS)
    return Chunk(ids.astype(np.uint8), symbols, START, cut, FeatureTable(features), signals)


def studied(chunk: Chunk, *pairs: tuple[int, str, str]) -> Any:
    """Return the parts of a study that are read; pairs are (cell, feature, verdict), the best first."""
    return SimpleNamespace(
        found=SimpleNamespace(text=SimpleNamespace(splits={"confirm": SimpleNamespace(first=chunk)})),
        confirmed_pairs=[
            SimpleNamespace(
                cell=cell, feature=SimpleNamespace(name=feature), proof=SimpleNamespace(verdict=verdict)
            )
            for cell, feature, verdict in pairs
        ],
    )


def unpacked(described: dict[str, Any], moments: int) -> np.ndarray:
    """Return (cells, moments, characters): tanh(c), unpacked as the page does it."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(described["tanh_c"])), np.uint8)
    rows = steps.reshape(len(described["cells"]), moments, len(described["text"]))
    return rows.cumsum(axis=2, dtype=np.uint8).view(np.int8) / 127


def test_the_text_has_the_features_of_verified_cells_and_else_many_beginnings(chunk: Chunk) -> None:
    often = text_over_time(studied(chunk, (1, "common", "correlate"), (7, "rare", "undecided")), 3)
    verified = text_over_time(studied(chunk, (1, "common", "correlate"), (7, "rare", "verified")), 3)
    assert often
    assert verified
    assert (often.place.stretch, often.cells, often.features) == (0, [1, 7], ["common", "rare"])
    assert (verified.place.stretch, verified.cells, verified.features) == (1, [7, 1], ["rare", "common"])
    begin = VERIFIED[0] - STRETCH - WARMUP
    assert verified.place.first < begin < verified.place.first + verified.place.length


def test_the_states_are_those_of_the_model_that_reads_the_stretch_from_its_beginning(
    chunk: Chunk, small_model: CharLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_CHARACTERS", 300)
    text = text_over_time(studied(chunk, (1, "common", "verified"), (7, "rare", "verified")), 2)
    assert text
    described = text.described([text.states(small_model), np.zeros((2, 400), np.uint8)], 6)
    first = described["start"] - START
    ids = chunk.ids[text.place.stretch * STRETCH : first + 400]
    (block,) = trace(small_model, ids, streams=1, window=len(ids))
    expected = [layer.c[0, -400:, 1].tanh() for layer in block.layers]
    states = unpacked(described, 2)
    assert described["cells"] == ["0:1", "1:1"]
    assert described["text"] == chunk.text[first : first + 400]
    assert states[:, 0] == pytest.approx(torch.stack(expected).numpy(), abs=0.5 / 127 + 1e-6)
    assert not states[:, 1].any()
    assert {name: sum(values) for name, values in described["features"].items()} == {
        name: int(chunk.signal(name).values[first : first + 400].sum()) for name in ("common", "rare")
    }


def test_many_moments_leave_room_for_the_first_cells_only(
    chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_VALUES", 2 * 5 * 400)
    request = studied(chunk, *((cell, "common", "correlate") for cell in range(4)))
    for moments, cells in ((5, [0, 1]), (100, [0])):
        text = text_over_time(request, moments)
        assert text
        assert text.cells == cells


def test_without_a_found_cell_there_is_no_text(chunk: Chunk) -> None:
    assert text_over_time(studied(chunk), 5) is None
