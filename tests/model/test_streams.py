"""Streams read, drawn and traced by the compiled loops follow the model and its equations."""

import itertools
from typing import get_args

import numpy as np
import pytest
import torch
from stepped_by_hand import model_of, packed, random_ids, step_by_equations

from charlstm.config import Hold, SamplingConfig, StepPrecision, TracePrecision
from charlstm.inspection.reading.trace import trace
from charlstm.model.kernels.drawing import DrawRules, draw_block
from charlstm.model.kernels.steps import step_layer, trace_block
from charlstm.model.stepper import Stepper
from charlstm.model.streams import Streams, sorted_holds, warm_up_drawing, warm_up_tracing
from charlstm.sampling.sampler import draw


@pytest.mark.parametrize(("cells", "layers"), [(1, 1), (6, 2), (67, 3)])
@torch.no_grad()
def test_reading_equals_the_model(cells, layers, generator):
    model = model_of(cells, layers, generator)
    for parameter in model.parameters():
        parameter.mul_(3)  # gates that saturate
    ids = random_ids(200, generator)
    expected = model(ids[None], model.initial_state(1))[0][0].softmax(1)
    logits = torch.from_numpy(Streams(packed(model)).read(ids.numpy(), first=0))
    torch.testing.assert_close(logits.softmax(1), expected, atol=1e-5, rtol=0)


def rounded_to_8_bits(model):
    """Return the weights of the large matrices by name, each row in 127 steps of its largest number."""
    of_layers = [model.weights(layer) for layer in range(model.config.layers)]
    rows = [of_layers[0].recurrent, *(torch.cat([w.input, w.recurrent], 1) for w in of_layers[1:])]
    steps = [row.abs().amax(1, keepdim=True) / 127 for row in rows]
    rounded = [torch.round(row / step) * step for row, step in zip(rows, steps, strict=True)]
    names = {"layers.0.weight_hh_l0": rounded[0]}
    for layer, row in enumerate(rounded[1:], start=1):
        names[f"layers.{layer}.weight_ih_l0"], names[f"layers.{layer}.weight_hh_l0"] = row.chunk(2, dim=1)
    return names


def rounded_to_bfloat16(model):
    """Return the weights of the large matrices by name, each the nearest bfloat16 number."""
    return {
        name: parameter.bfloat16().float()
        for name, parameter in model.named_parameters()
        if "weight_hh" in name or ("weight_ih" in name and "layers.0" not in name)
    }


@pytest.mark.parametrize(
    ("precision", "rounded"), [("bfloat16", rounded_to_bfloat16), ("int8", rounded_to_8_bits)]
)
@torch.no_grad()
def test_reading_with_fewer_bits_equals_the_model_with_rounded_weights(precision, rounded, generator):
    model = model_of(67, 2, generator)
    for parameter in model.parameters():
        parameter.mul_(3)  # so that rounding shows
    ids = random_ids(100, generator)
    weights = packed(model, precision)
    logits = torch.from_numpy(Streams(weights).read(ids.numpy(), first=0))
    unrounded = model(ids[None], model.initial_state(1))[0][0]
    for name, numbers in rounded(model).items():
        model.get_parameter(name).copy_(numbers)
    expected = model(ids[None], model.initial_state(1))[0][0]
    apart = (logits - expected).abs().max()
    assert apart < 1e-3
    assert apart < (unrounded - expected).abs().max() / 20


@torch.no_grad()
def test_holds_act_on_a_read_text_as_the_equations_say(small_model, generator):
    holds = (Hold(0, 2, 3.0, 5), Hold(1, 1, -3.0, 0), Hold(0, 2, -3.0, 9), Hold(0, 4, 1.0, 9))
    ids = random_ids(20, generator)
    expected = [logits for _, logits in step_by_equations(small_model, ids.tolist(), holds, first=4)]
    logits = Streams(packed(small_model), holds).read(ids.numpy(), first=-4)
    torch.testing.assert_close(torch.from_numpy(logits), torch.cat(expected), atol=1e-5, rtol=1e-5)


def test_holds_are_sorted_by_start_and_equal_starts_keep_their_order():
    holds = sorted_holds((Hold(1, 2, 3.0, 9), Hold(0, 4, 1.0, 2), Hold(1, 2, -3.0, 2)))
    assert holds.starts.tolist() == [2, 2, 9]
    assert holds.values.tolist() == [1.0, -3.0, 3.0]
    assert (holds.layers.tolist(), holds.cells.tolist()) == ([0, 1, 1], [4, 2, 2])
    assert (holds.layers.dtype, holds.values.dtype) == (np.int64, np.float32)


@torch.no_grad()
def test_the_state_is_that_of_the_model_and_can_be_given_to_all_streams(small_model, generator):
    ids = random_ids(30, generator)
    _, expected = small_model(ids[None], small_model.initial_state(1))
    reader = Streams(packed(small_model))
    reader.read(ids.numpy(), first=0)
    streams = Streams(packed(small_model), count=9, threads=2)
    streams.start_as(reader)
    for array, tensor in zip(streams.state, expected, strict=True):
        assert array.shape == (2, 9, 6)
        np.testing.assert_allclose(array, tensor.expand(-1, 9, -1), atol=1e-5)


@pytest.mark.parametrize("count", [2, 9, 13])
def test_drawn_symbols_and_states_do_not_depend_on_the_number_of_threads(small_model, count):
    uniforms, holds = np.random.default_rng(0).random((40, count)), (Hold(0, 2, 3.0, 20),)
    results = []
    for threads in (1, 2, 5):
        streams = Streams(packed(small_model), holds, count=count, threads=threads)
        drawn = streams.draw(np.arange(count) % 11, uniforms, first=0, rules=DrawRules(0.9, 7, 0.95))
        results.append((drawn, *streams.state))
    for other in results[1:]:
        for array, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (3, 1), (9, 2)])
@torch.no_grad()
def test_a_trace_has_what_the_equations_compute_at_every_position(small_model, generator, count, threads):
    texts = torch.stack([random_ids(12, generator) for _ in range(count)]).numpy()
    streams = Streams(packed(small_model), count=count, threads=threads)
    blocks = []
    for symbols in (texts[:, :5], texts[:, 5:]):  # the second block goes on from the first
        gates, c, h = (np.empty((2, symbols.shape[1], count, width), np.float32) for width in (24, 6, 6))
        streams.trace(symbols, (gates, c, h))
        blocks.append((gates, c, h))
    gates, c, h = (np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
    i, f, g, o = np.split(gates, 4, axis=3)
    for stream in range(count):
        expected = torch.stack([c for c, _ in step_by_equations(small_model, texts[stream].tolist())], dim=1)
        np.testing.assert_allclose(c[:, :, stream], expected, atol=1e-5)
    np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-5)
    np.testing.assert_allclose(f[:, 1:] * c[:, :-1] + i[:, 1:] * g[:, 1:], c[:, 1:], atol=1e-5)


def test_the_warm_up_compiles_all_that_drawing_and_tracing_run(small_model, generator):
    for each in get_args(StepPrecision):
        warm_up_drawing(each)
    for each in get_args(TracePrecision):
        warm_up_tracing(each)
    for count, precision in itertools.product((1, 3), get_args(StepPrecision)):
        config = SamplingConfig(length=5, count=count, precision=precision)
        list(draw(small_model, torch.tensor([1, 2]), config=config, generator=generator))
        Stepper(small_model, precision)(
            torch.zeros(count, dtype=torch.long), small_model.initial_state(count)
        )
    for streams, precision in itertools.product((1, 2), get_args(TracePrecision)):
        for _ in trace(small_model, np.zeros(20, np.uint8), streams=streams, window=4, precision=precision):
            pass
    # A kernel has one signature for each combination of types it was called with: no others than in warm_up.
    kernels = (draw_block, step_layer, trace_block)
    assert [len(kernel.signatures) for kernel in kernels] == [5, 2, 4]
