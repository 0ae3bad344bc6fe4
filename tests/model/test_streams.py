"""Compiled steps of streams against the model, the equations and the distribution."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stepped_by_hand import natural, weights_of

from charlstm.config import Hold, ModelConfig, SamplingConfig
from charlstm.inspection.reading.trace import trace
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.kernels.drawing import Draw, chances_for, draw_block, pick
from charlstm.model.kernels.jit import compiled
from charlstm.model.kernels.matrix_tiles import rows_apart
from charlstm.model.kernels.steps import add_all, in_panels, step_rows, trace_block
from charlstm.model.packed_weights import panels_of
from charlstm.model.stepper import Stepper
from charlstm.model.streams import Streams, warm_up
from charlstm.sampling.blocks import draw_after, draw_streams, seeded_uniforms, usual_threads
from charlstm.sampling.sampler import draw, next_probabilities


def random_ids(count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 11, (count,), generator=generator)


@pytest.mark.parametrize(("cells", "layers"), [(1, 1), (6, 2), (67, 3)])
@torch.no_grad()
def test_reading_equals_the_model(cells, layers, generator):
    config = ModelConfig(vocabulary_size=11, cells=cells, layers=layers, embedding=4)
    model = CharLSTM(config, generator=generator).eval()
    for parameter in model.parameters():
        parameter.mul_(3)  # gates that saturate
    ids = random_ids(200, generator)
    expected = model(ids[None], model.initial_state(1))[0][0].softmax(1)
    found = torch.from_numpy(Streams(weights_of(model)).read(ids.numpy(), first=0)).softmax(1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", [1, 3, 4, 11])
@pytest.mark.parametrize(("outputs", "inputs", "first"), [(4, 1, 0), (10, 7, 0), (33, 33, 5)])
def test_products_with_panels_are_those_of_numpy(rows, outputs, inputs, first):
    random = np.random.default_rng(0)
    weights = random.normal(size=(outputs, inputs)).astype(np.float32)
    x = random.normal(size=(rows, first + inputs)).astype(np.float32)
    lowered = torch.from_numpy(weights).bfloat16()
    halves = lowered.view(torch.int16).numpy().view(np.uint16)
    for rows_of, near, expected in ((weights, 1e-5, weights), (halves, 0.05, lowered.float().numpy())):
        found = np.ones((rows, in_panels(outputs)), np.float32)
        short = rows_apart(rows, inputs + 1)
        multiplied(panels_of(rows_of), x, first, inputs, short, found)
        np.testing.assert_allclose(found[:, :outputs] - 1, x[:, first:] @ expected.T, atol=near)


@compiled
def multiplied(weights, x, first, inputs, short, y):
    add_all(weights, x, first, inputs, short, y)


@pytest.mark.parametrize("count", [1, 2, 4, 9, 13])
def test_texts_do_not_depend_on_how_many_threads_draw_them(small_model, count):
    """To the bit, and so do those that are drawn one character at a time."""
    config = SamplingConfig(length=70, count=count, temperature=1.0, hold=(Hold(0, 2, 3.0, 30),))
    weights, prompt = weights_of(small_model), np.array([1, 2, 3])
    expected = None
    for threads in (1, 2, 5):
        one = Streams(weights)
        one.read(prompt[:-1], first=-2)
        streams = Streams(weights, config.hold, count=count, threads=threads)
        streams.start_as(one)
        drawn = list(draw_streams(streams, 3, config=config, uniforms=seeded_uniforms(7)))
        state = streams.state
        expected = expected or (drawn, state)
        assert drawn == expected[0]
        np.testing.assert_array_equal(state, expected[1])
    again = draw_after(weights, prompt, config=config, uniforms=seeded_uniforms(7), threads=2)
    assert list(again) == expected[0]


def test_as_many_threads_as_the_environment_says(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usual_threads() == 3
    for nonsense in ("", "0", "two"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert usual_threads() >= 1


@torch.no_grad()
def test_in_bfloat16_it_is_the_model_with_rounded_weights(generator):
    config = ModelConfig(vocabulary_size=11, cells=67, layers=2, embedding=4)
    model = CharLSTM(config, generator=generator).eval()
    ids = random_ids(100, generator)
    found = torch.from_numpy(Streams(weights_of(model, "bfloat16")).read(ids.numpy(), first=0))
    for name, parameter in model.named_parameters():
        if "weight_hh" in name or ("weight_ih" in name and "layers.0" not in name):
            parameter.copy_(parameter.bfloat16())
    expected = model(ids[None], model.initial_state(1))[0][0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_holds_act_as_the_equations_say(small_model, generator):
    holds = (Hold(0, 2, 3.0, 5), Hold(1, 1, -3.0, 0), Hold(0, 2, -3.0, 9), Hold(0, 4, 1.0, 9))
    ids = random_ids(20, generator)
    expected = torch.cat([logits for _, logits in natural(small_model, ids.tolist(), holds, first=4)])
    found = Streams(weights_of(small_model), holds).read(ids.numpy(), first=-4)
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_blocks_draw_what_single_steps_draw(small_model):
    uniforms = np.random.default_rng(0).random(300)
    position = 0

    def give(count: int) -> np.ndarray:
        nonlocal position
        position += count
        return uniforms[position - count : position]

    config = SamplingConfig(length=300, temperature=0.9, top_k=7, top_p=0.95)
    streams = Streams(weights_of(small_model))
    drawn = [symbol for (symbol,) in draw_streams(streams, 3, config=config, uniforms=give)]
    stream, symbol, one_by_one = Streams(weights_of(small_model)), 3, []
    for uniform in uniforms:
        logits = stream.read(np.array([symbol]), first=0)[0]
        shares = next_probabilities(torch.from_numpy(logits)[None], config)[0].numpy()
        symbol = int(np.searchsorted(shares.cumsum(), uniform, side="right"))
        one_by_one.append(symbol)
    assert drawn == one_by_one


@pytest.mark.parametrize("size", [1e20, 3e38, float("nan")])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("count", [1, 3])
@torch.no_grad()
def test_weights_of_a_training_that_diverged_still_draw_symbols(
    small_model, generator, size, count, precision
):
    for parameter in small_model.parameters():
        parameter.fill_(size)
    config = SamplingConfig(length=20, count=count, top_k=3, top_p=0.9, precision=precision)
    drawn = list(draw(small_model, torch.tensor([1, 2]), config=config, generator=generator))
    assert all(0 <= symbol < 11 for symbols in drawn for symbol in symbols)


@settings(deadline=None)  # the first call compiles
@example([0.0, 1.0, 0.5, 1.1754943508222875e-38], 0.3, 3, 1.0, 0.0)
@example([0.0, 1.0, 0.5, 0.25], 1e-9, 0, 1.0, 0.0)
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=4),
    st.sampled_from([0.0, 1e-9, 0.3, 1.0, 50.0]),
    st.integers(0, 6),
    st.floats(1e-9, 1.0),
    st.floats(0, 1, exclude_max=True),
)
def test_what_is_picked_has_the_share_that_next_probabilities_gives(row, temperature, top_k, top_p, uniform):
    logits = np.array(row, np.float32)
    config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    shares = next_probabilities(torch.from_numpy(logits)[None], config)[0].numpy()
    symbol = pick(logits, Draw(temperature, top_k, top_p), uniform, chances_for(4))
    below = shares[:symbol].sum()
    assert below - 1e-6 <= uniform <= below + shares[symbol] + 1e-6 or len(set(row)) < 4
    assert shares[symbol] > 0 or len(set(row)) < 4


@pytest.mark.parametrize("seed", [0, 1, 2**31 + 7, 2**32 + 5])
def test_the_numbers_of_a_seed_are_those_of_torch(seed):
    torchs, ours = torch.Generator().manual_seed(seed), seeded_uniforms(seed)
    for count in (1, 2, 64, 1000):
        np.testing.assert_array_equal(
            ours(count), torch.rand(count, dtype=torch.float64, generator=torchs).numpy()
        )


def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same():
    namespace: dict = {}
    exec("def double(x):\n    return 2 * x", namespace)  # no file, so no folder beside it
    assert compiled(namespace["double"])(21) == 42


def test_the_warm_up_compiles_what_a_draw_runs(small_model, generator):
    warm_up()
    for count, precision in itertools.product((1, 3), ("float32", "bfloat16")):
        config = SamplingConfig(length=5, count=count, precision=precision)
        list(draw(small_model, torch.tensor([1, 2]), config=config, generator=generator))
        Stepper(small_model, precision)(
            torch.zeros(count, dtype=torch.long), small_model.initial_state(count)
        )
    for streams in (1, 2):
        for _ in trace(small_model, np.zeros(20, np.uint8), streams=streams, window=4):
            pass
    # No other forms of arguments than those of the warm-up.
    kernels = (draw_block, step_rows, trace_block)
    assert [len(kernel.signatures) for kernel in kernels] == [4, 2, 2]
