"""Our gates, c and h against stepping `cell.step` one character at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.errors import CorpusError
from charlstm.inspection.reading.trace import WARMUP, Cut, LayerTrace, counted_blocks, trace
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM

VOCABULARY = 11


def small_model(layers: int = 1, activation: str = "tanh", seed: int = 0) -> CharLSTM:
    config = ModelConfig(
        vocabulary_size=VOCABULARY, cells=6, layers=layers, embedding=5, dropout=0.5, activation=activation
    )
    return CharLSTM(config, generator=torch.Generator().manual_seed(seed))


def random_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, VOCABULARY, length).astype(np.uint8)


@torch.no_grad()
def stepped(model: CharLSTM, ids: np.ndarray) -> list[LayerTrace]:
    """Each layer's values (characters, cells), by the readable reference."""
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    h = [torch.zeros(1, model.config.cells) for _ in weights]
    c = [torch.zeros(1, model.config.cells) for _ in weights]
    rows: list[list[LayerTrace]] = [[] for _ in weights]
    for token in ids.tolist():
        x = model.embedding.weight[token][None]
        for layer, weight in enumerate(weights):
            projected = x @ weight.input.t() + weight.bias
            h[layer], c[layer], gates = equations.step(
                projected, h[layer], c[layer], weight.recurrent, activation=model.config.activation
            )
            rows[layer].append(LayerTrace(gates, c[layer], h[layer]))
            x = h[layer]
    return [joined(steps, 0) for steps in rows]


def joined(parts: list[LayerTrace], dimension: int) -> LayerTrace:
    gates = equations.Gates(
        *(torch.cat(gate, dimension) for gate in zip(*(p.gates for p in parts), strict=True))
    )
    return LayerTrace(
        gates, torch.cat([p.c for p in parts], dimension), torch.cat([p.h for p in parts], dimension)
    )


def traced(model: CharLSTM, ids: np.ndarray, streams: int, window: int) -> list[LayerTrace]:
    blocks = list(trace(model, ids, streams=streams, window=window))
    return [joined([block.layers[n] for block in blocks], 1) for n in range(model.config.layers)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", [1, 2])
def test_trace_equals_stepping(layers: int, activation: str) -> None:
    model, ids = small_model(layers, activation), random_ids(3 * 17 + 2)
    found = traced(model, ids, streams=3, window=5)
    for stream in range(3):
        for got, wanted in zip(found, stepped(model, ids[stream * 17 : (stream + 1) * 17]), strict=True):
            for left, right in zip(
                [*got.gates, got.c, got.h], [*wanted.gates, wanted.c, wanted.h], strict=True
            ):
                torch.testing.assert_close(left[stream], right, atol=1e-5, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(1, 60),
    streams=st.integers(1, 4),
    windows=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_any_blocking_gives_the_same_trace(length: int, streams: int, windows: tuple[int, int]) -> None:
    model, ids = small_model(2), random_ids(length * streams)
    one, other = (traced(model, ids, streams, window) for window in windows)
    for left, right in zip(one, other, strict=True):
        assert left.c.shape == (streams, length, 6)
        torch.testing.assert_close(left.c, right.c, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(left.gates.o, right.gates.o, atol=1e-5, rtol=1e-5)


def test_counted_blocks_give_every_counted_position_its_own_c() -> None:
    model, ids = small_model(2), random_ids(2 * 1500 + 1)
    cut = Cut(len(ids), 2)
    c = torch.full((len(cut.counted), 12), torch.nan)
    for block in counted_blocks(model, ids, cut):
        assert torch.isnan(c[block.rows]).all(), "a position came twice"
        c[block.rows] = block.c
    layers = stepped(model, ids[1500:3000])
    second_stream = torch.cat([layer.c for layer in layers], dim=1)
    assert cut.counted[len(cut.counted) // 2] == 1500 + WARMUP
    torch.testing.assert_close(c[len(c) // 2 :], second_stream[WARMUP:], atol=1e-5, rtol=1e-5)
    assert not torch.isnan(c).any()


def test_fewer_characters_than_streams_are_refused() -> None:
    with pytest.raises(CorpusError, match="3 characters do not fill 4 streams"):
        list(trace(small_model(), random_ids(3), streams=4, window=8))
