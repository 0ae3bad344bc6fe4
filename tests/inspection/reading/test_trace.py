"""A trace equals `equations.step` applied to one character after the other, however it is cut into blocks."""

from itertools import pairwise

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


def small_model(layers: int = 1, activation: str = "tanh", seed: int = 0, gates: str = "sigmoid") -> CharLSTM:
    config = ModelConfig(
        vocabulary_size=VOCABULARY,
        cells=6,
        layers=layers,
        embedding=5,
        dropout=0.5,
        activation=activation,
        gate_activation=gates,
    )
    return CharLSTM(config, generator=torch.Generator().manual_seed(seed))


def random_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, VOCABULARY, length).astype(np.uint8)


@torch.no_grad()
def stepped(model: CharLSTM, ids: np.ndarray) -> list[LayerTrace]:
    """Return for each layer the trace (characters, cells) by the equations, one character at a time."""
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    h = [torch.zeros(1, model.config.cells) for _ in weights]
    c = [torch.zeros(1, model.config.cells) for _ in weights]
    rows: list[list[LayerTrace]] = [[] for _ in weights]
    for token in ids.tolist():
        x = model.embedding.weight[token][None]
        for layer, weight in enumerate(weights):
            projected = x @ weight.input.t() + weight.bias
            h[layer], c[layer], gates = equations.step(
                projected, h[layer], c[layer], weight.recurrent, functions=model.config.functions
            )
            rows[layer].append(LayerTrace(gates, c[layer], h[layer]))
            x = h[layer]
    return [joined(steps, 0) for steps in rows]


def joined(traces: list[LayerTrace], dimension: int) -> LayerTrace:
    gates = zip(*(trace.gates for trace in traces), strict=True)
    return LayerTrace(
        equations.Gates(*(torch.cat(gate, dimension) for gate in gates)),
        torch.cat([trace.c for trace in traces], dimension),
        torch.cat([trace.h for trace in traces], dimension),
    )


def traced(model: CharLSTM, ids: np.ndarray, streams: int, window: int) -> list[LayerTrace]:
    blocks = list(trace(model, ids, streams=streams, window=window))
    return [joined([block.layers[n] for block in blocks], 1) for n in range(model.config.layers)]


@pytest.mark.parametrize(
    ("activation", "gates"), [*((name, "sigmoid") for name in ACTIVATIONS), ("tanh", "hard_sigmoid")]
)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("gain", [1, 20])
def test_a_trace_equals_one_step_after_the_other(layers: int, activation: str, gates: str, gain: int) -> None:
    model, ids = small_model(layers, activation, gates=gates), random_ids(3 * 17 + 2)
    with torch.no_grad():
        model.embedding.weight *= gain  # a large one opens gates fully and takes c to its limit
    layers_traced = traced(model, ids, streams=3, window=5)
    for stream in range(3):
        layers_stepped = stepped(model, ids[stream * 17 : (stream + 1) * 17])
        for layer, expected in zip(layers_traced, layers_stepped, strict=True):
            values, references = [*layer.gates, layer.c, layer.h], [*expected.gates, expected.c, expected.h]
            for value, reference in zip(values, references, strict=True):
                torch.testing.assert_close(value[stream], reference, atol=1e-5, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(1, 60),
    streams=st.integers(1, 4),
    windows=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_blocks_of_any_length_give_one_trace(length: int, streams: int, windows: tuple[int, int]) -> None:
    model, ids = small_model(2), random_ids(length * streams)
    first, second = (traced(model, ids, streams, window) for window in windows)
    for left, right in zip(first, second, strict=True):
        assert left.c.shape == (streams, length, 6)
        torch.testing.assert_close(left.c, right.c, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(left.gates.o, right.gates.o, atol=1e-5, rtol=1e-5)


def test_counted_blocks_give_every_counted_position_once_with_its_cell_state() -> None:
    model, ids = small_model(2), random_ids(2 * 1500 + 1)
    cut = Cut(len(ids), 2)
    c = torch.full((len(cut.counted), 12), torch.nan)
    c_before = c.clone()
    for block in counted_blocks(model, ids, cut):
        assert torch.isnan(c[block.rows]).all(), "a position came twice"
        c[block.rows], c_before[block.rows] = block.c, block.c_before
    layers = stepped(model, ids[1500:3000])
    second_stream = torch.cat([layer.c for layer in layers], dim=1)
    assert cut.counted[len(cut.counted) // 2] == 1500 + WARMUP
    half = len(c) // 2
    torch.testing.assert_close(c[half:], second_stream[WARMUP:], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(c_before[half:], second_stream[WARMUP - 1 : -1], atol=1e-5, rtol=1e-5)
    assert not torch.isnan(c).any()


@given(characters=st.integers(1, 3_000), streams=st.integers(1, 12))
def test_a_cut_counts_what_is_behind_the_warm_up_of_each_stretch(characters: int, streams: int) -> None:
    if characters < streams:
        return
    cut = Cut(characters, streams)
    stretches = [range(start, start + cut.length) for start in cut.starts]
    assert all(before.stop == after.start for before, after in pairwise(stretches))
    assert 0 <= characters - stretches[-1].stop < streams
    assert cut.counted.tolist() == [position for stretch in stretches for position in stretch[WARMUP:]]
    assert cut.rows == len(cut.counted)


def test_fewer_characters_than_streams_are_refused() -> None:
    with pytest.raises(CorpusError, match="3 characters do not fill 4 streams"):
        list(trace(small_model(), random_ids(3), streams=4, window=8))


@pytest.mark.parametrize("streams", [1, 3])
def test_products_in_bfloat16_change_a_trace_by_their_rounding(streams):
    model, ids = small_model(2), random_ids(60)
    exact, lowered = (
        next(trace(model, ids, streams=streams, window=60, precision=precision)).layers[-1]
        for precision in ("float32", "bfloat16")
    )
    for values, expected in zip((*lowered.gates, lowered.c), (*exact.gates, exact.c), strict=True):
        assert 0 < (values - expected).abs().max() < 0.02


def test_a_copy_of_the_model_reads_the_counted_blocks_on_another_device():
    """ "cpu:0" is the only other name of a device that every machine has."""
    model, ids, cut = small_model(2), random_ids(2 * (WARMUP + 30)), Cut(2 * (WARMUP + 30), 2)
    here = list(counted_blocks(model, ids, cut))
    there = counted_blocks(model, ids, cut, device=torch.device("cpu", 0))
    first = next(there)
    with torch.no_grad():
        model.embedding.weight.zero_()
    for block, expected in zip([first, *there], here, strict=True):
        assert torch.equal(block.rows, expected.rows)
        assert torch.equal(block.c, expected.c)
        assert torch.equal(block.f, expected.f)
