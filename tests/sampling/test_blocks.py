"""Texts drawn block by block do not depend on blocks or threads, and follow the sampler's distribution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stepped_by_hand import packed, step_by_equations

from charlstm.config import Hold, SamplingConfig
from charlstm.model.streams import Streams
from charlstm.sampling import blocks
from charlstm.sampling.blocks import (
    LONGEST_BLOCK_CHARACTERS,
    block_lengths,
    draw_after,
    draw_rules,
    draw_streams,
    further_seeds,
    seeded_uniforms,
)
from charlstm.sampling.sampler import next_probabilities, text_generators


@pytest.mark.parametrize("count", [1, 2, 4, 9, 13])
def test_texts_are_the_same_to_the_bit_for_any_number_of_threads(small_model, count):
    config = SamplingConfig(length=70, count=count, temperature=1.0, hold=(Hold(0, 2, 3.0, 30),))
    weights, prompt = packed(small_model), np.array([1, 2, 3])
    expected = None
    for threads in (1, 2, 5):
        reader = Streams(weights)
        reader.read(prompt[:-1], first=-2)
        streams = Streams(weights, config.hold, count=count, threads=threads)
        streams.start_as(reader)
        drawn = list(draw_streams(streams, 3, config=config, uniforms=seeded_uniforms(7, count)))
        state = streams.state
        expected = expected or (drawn, state)
        assert drawn == expected[0]
        np.testing.assert_array_equal(state, expected[1])
    after_prompt = draw_after(weights, prompt, config=config, uniforms=seeded_uniforms(7, count), threads=2)
    assert list(after_prompt) == expected[0]


@torch.no_grad()
def test_blocks_draw_what_single_steps_draw(small_model):
    uniforms = np.random.default_rng(0).random(300)
    position = 0

    def give(count: int) -> np.ndarray:
        nonlocal position
        position += count
        return uniforms[position - count : position, None]

    config = SamplingConfig(length=300, temperature=0.9, top_k=7, top_p=0.95)
    streams = Streams(packed(small_model))
    drawn = [symbol for (symbol,) in draw_streams(streams, 3, config=config, uniforms=give)]
    stream, symbol, one_by_one = Streams(packed(small_model)), 3, []
    for uniform in uniforms:
        logits = stream.read(np.array([symbol]), first=0)[0]
        shares = next_probabilities(torch.from_numpy(logits)[None], config)[0].numpy()
        symbol = int(np.searchsorted(shares.cumsum(), uniform, side="right"))
        one_by_one.append(symbol)
    assert drawn == one_by_one


# Holds at the first drawn character of most cells, so that holds in the prompt would change the text.
HOLDS = (*(Hold(0, cell, (-1) ** cell * 5.0, 0) for cell in range(5)), Hold(1, 4, -3.0, 6))


@pytest.mark.parametrize("characters", [4096, 3, 1])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
@torch.no_grad()
def test_texts_after_a_prompt_follow_the_equations_with_holds_from_their_character_on(
    small_model, length, characters, monkeypatch
):
    monkeypatch.setattr(blocks, "_PROMPT_BLOCK_CHARACTERS", characters)
    for parameter in small_model.parameters():
        parameter.mul_(3)  # so that a hold that begins too early changes the text
    config = SamplingConfig(length=40, temperature=1.0, hold=HOLDS)
    prompt = np.arange(length) % 11
    drawn = draw_after(packed(small_model), prompt, config=config, uniforms=seeded_uniforms(0), threads=1)
    ids = [*prompt.tolist(), *(symbol for (symbol,) in drawn)]
    steps = step_by_equations(small_model, ids[:-1], HOLDS, first=length - 1)[length - 1 :]
    for symbol, (_, logits), uniform in zip(ids[length:], steps, seeded_uniforms(0)(40), strict=True):
        shares = next_probabilities(logits, config)[0].numpy()
        assert symbol == np.searchsorted(shares.cumsum(), uniform, side="right")


def test_a_block_is_twice_as_long_as_the_one_before_up_to_the_longest(small_model):
    asked, source = [], seeded_uniforms(0, 2)

    def uniforms(count: int) -> np.ndarray:
        asked.append(count)
        return source(count)

    config = SamplingConfig(length=200, count=2)
    drawn = draw_after(packed(small_model), np.array([1]), config=config, uniforms=uniforms, threads=1)
    assert len(next(drawn)) == 2
    assert asked == [1]
    assert len(list(drawn)) == 199
    assert asked == [1, 2, 4, 8, 16, 32, 64, 64, 200 - 191]


def test_no_characters_are_drawn_for_a_length_of_0(small_model):
    config = SamplingConfig(length=0)
    uniforms = seeded_uniforms(0)
    drawn = draw_after(packed(small_model), np.array([1, 2]), config=config, uniforms=uniforms, threads=1)
    assert list(drawn) == []


def test_whole_numbers_in_a_config_become_the_types_that_the_loops_are_compiled_for():
    rules = draw_rules(SamplingConfig(temperature=0, top_p=1))
    assert [type(rule) for rule in rules] == [float, int, float]
    assert rules == (0.0, 0, 1.0)


@pytest.mark.parametrize("seed", [0, 1, 2**31 + 7, 2**32 + 5])
def test_the_random_numbers_of_a_seed_are_those_of_torch(seed):
    generator, uniforms = torch.Generator().manual_seed(seed), seeded_uniforms(seed)
    for count in (1, 2, 64, 1000):
        expected = torch.rand(count, dtype=torch.float64, generator=generator).numpy()
        np.testing.assert_array_equal(uniforms(count), expected[:, None])


@pytest.mark.parametrize("seed", [0, 1, 2**32 + 5])
def test_several_texts_have_the_random_numbers_that_torch_gives_them(seed):
    generators = text_generators(torch.Generator().manual_seed(seed), 9)
    numbers = np.concatenate([(uniforms := seeded_uniforms(seed, 9))(5), uniforms(70)])
    for column, generator in zip(numbers.T, generators, strict=True):
        expected = torch.rand(75, dtype=torch.float64, generator=generator).numpy()
        np.testing.assert_array_equal(column, expected)


def test_the_numbers_of_the_first_text_are_those_of_one_text_alone_and_all_others_differ():
    numbers = seeded_uniforms(3, 2_000)(4)
    np.testing.assert_array_equal(numbers[:, 0], seeded_uniforms(3)(4)[:, 0])
    np.testing.assert_array_equal(numbers[:, :5], seeded_uniforms(3, 5)(4))
    assert len(np.unique(numbers)) == numbers.size
    assert abs(np.corrcoef(numbers)[np.triu_indices(4, 1)]).max() < 0.1


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 5_000))
def test_the_seeds_of_further_texts_are_all_different(first_number, count):
    seeds = further_seeds(first_number, count)
    assert len(set(seeds)) == count - 1
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(("length", "blocks"), [(0, []), (1, [1]), (6, [1, 2, 3]), (7, [1, 2, 4])])
def test_blocks_double_from_one_character_on(length, blocks):
    assert list(block_lengths(length)) == blocks


def test_blocks_sum_to_the_length_and_stay_short():
    for length in range(400):
        lengths = list(block_lengths(length))
        assert sum(lengths) == length
        assert max(lengths, default=0) <= LONGEST_BLOCK_CHARACTERS
