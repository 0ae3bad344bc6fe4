"""A compiled draw follows the distribution of the sampler, and blocks of draws go on from one another."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stepped_by_hand import model_of, packed

from charlstm.config import SamplingConfig
from charlstm.model.kernels.drawing import LOWEST_TEMPERATURE, DrawRules, draw_block, pick, pick_buffers
from charlstm.model.packed_weights import for_streams
from charlstm.model.streams import sorted_holds
from charlstm.sampling.sampler import next_probabilities


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
def test_a_uniform_number_picks_the_symbol_whose_share_of_the_distribution_it_falls_in(
    row, temperature, top_k, top_p, uniform
):
    logits = np.array(row, np.float32)
    config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    shares = next_probabilities(torch.from_numpy(logits)[None], config)[0].numpy()
    symbol = pick(logits, DrawRules(temperature, top_k, top_p), uniform, pick_buffers(4))
    below = shares[:symbol].sum()
    assert below - 1e-5 <= uniform <= below + shares[symbol] + 1e-5 or len(set(row)) < 4
    assert shares[symbol] > 0 or len(set(row)) < 4


def test_temperatures_too_low_for_a_reciprocal_pick_the_likeliest():
    logits, buffers = np.array([0, 1, 3, 2], np.float32), pick_buffers(4)
    for temperature in (0.0, LOWEST_TEMPERATURE / 2, LOWEST_TEMPERATURE):
        for uniform in (0.0, 0.5, 1 - 2**-53):
            assert pick(logits, DrawRules(temperature, 0, 1.0), uniform, buffers) == 2


@pytest.mark.parametrize("streams", [1, 5])
def test_two_blocks_draw_what_one_block_draws(streams, generator):
    weights = packed(model_of(7, 2, generator))
    weights = for_streams(weights) if streams > 1 else weights
    uniforms = np.random.default_rng(0).random((30, streams))
    rules, symbols, holds = DrawRules(0.9, 0, 1.0), np.arange(streams), sorted_holds(())

    def start() -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((2, streams, 14), np.float32), np.zeros((2, streams, 7), np.float32)

    whole, in_parts = start(), start()
    expected = draw_block(weights, symbols, *whole, holds, 0, rules, uniforms)
    first = draw_block(weights, symbols, *in_parts, holds, 0, rules, uniforms[:12])
    second = draw_block(weights, first[-1], *in_parts, holds, 12, rules, uniforms[12:])
    np.testing.assert_array_equal(np.concatenate([first, second]), expected)
    for state, expected_state in zip(in_parts, whole, strict=True):
        np.testing.assert_array_equal(state, expected_state)
