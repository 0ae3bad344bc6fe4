"""Sampling draws from the stated distribution, holds cells as told, and both ways of drawing agree."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stepped_by_hand import step_by_equations

from charlstm.config import Hold, ModelConfig, SamplingConfig
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.stepper import Stepper
from charlstm.sampling.sampler import draw, next_probabilities, sample
from charlstm.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of_text("\nabcdefghij")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sampled(
    model: CharLSTM, prompt: str = "ab", seed: int = 0, vocabulary: Vocabulary = LETTERS, **settings
) -> list[str]:
    config = SamplingConfig(**settings)
    texts = [""] * config.count
    for pieces in sample(model, vocabulary, prompt, config=config, generator=seeded(seed)):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
    return texts


def test_the_same_seed_gives_the_same_text_and_another_seed_another(small_model):
    assert sampled(small_model, seed=3) == sampled(small_model, seed=3)
    assert sampled(small_model, seed=3) != sampled(small_model, seed=4)


def test_each_of_count_streams_has_length_characters_of_its_own(small_model):
    texts = sampled(small_model, count=5, length=40)
    assert [len(text) for text in texts] == [40] * 5
    assert len(set(texts)) == 5
    assert sampled(small_model, length=0) == [""]


def test_temperature_0_takes_the_likeliest_symbol_each_time(small_model):
    text = sampled(small_model, temperature=0, length=30)[0]
    ids = LETTERS.encode("ab" + text).astype(np.int64)
    logits, _ = small_model(torch.from_numpy(ids)[None], small_model.initial_state(1))
    assert logits[0, 1:-1].argmax(1).tolist() == ids[2:].tolist()
    assert sampled(small_model, temperature=0, length=30, seed=9)[0] == text


def test_draws_follow_the_distribution(small_model):
    prompt = torch.tensor([1, 2, 3])
    logits, _ = small_model(prompt[None], small_model.initial_state(1))
    config = SamplingConfig(length=1, temperature=1.0, count=20_000)
    ids = next(draw(small_model, prompt, config=config, generator=seeded()))
    shares = torch.bincount(torch.tensor(ids), minlength=11) / 20_000
    torch.testing.assert_close(shares, logits[0, -1].softmax(0), atol=0.015, rtol=0)


def test_the_stop_text_ends_each_stream_by_itself(small_model):
    texts = sampled(small_model, count=4, length=300, stop="a", temperature=2.0)
    assert all(text.count("a") == 1 and text.endswith("a") for text in texts)
    assert len({len(text) for text in texts}) > 1


def test_an_empty_prompt_starts_as_after_a_line_break(small_model):
    assert sampled(small_model, prompt="") == sampled(small_model, prompt="\n")


def test_unknown_characters_of_a_prompt_are_refused_or_skipped(small_model):
    with pytest.raises(UnknownCharacterError, match=r"U\+00E9"):
        sampled(small_model, prompt="é")
    pieces = sample(small_model, LETTERS, "aéb", config=SamplingConfig(), generator=seeded(), unknown="skip")
    assert "".join(piece for (piece,) in pieces) == sampled(small_model, prompt="ab")[0]


def test_a_model_of_bytes_adds_whole_characters(generator):
    vocabulary = Vocabulary.of_text("é".encode(), level="bytes")
    model = CharLSTM(ModelConfig(vocabulary_size=2, cells=3, embedding=2), generator=generator)
    with torch.no_grad():  # the head now writes the two bytes of é in turn
        model.head.weight.zero_()
    pieces = [
        p for (p,) in sample(model, vocabulary, "é", config=SamplingConfig(length=50), generator=seeded())
    ]
    assert "".join(pieces)
    assert all(character in "é\ufffd" for character in "".join(pieces))


logit_rows = st.lists(st.floats(-30, 30), min_size=4, max_size=4).map(lambda row: torch.tensor([row]))


@settings(deadline=None)
@given(logit_rows, st.sampled_from([0.0, 1e-9, 0.3, 1.0, 50.0]), st.integers(0, 6), st.floats(1e-9, 1.0))
def test_probabilities_sum_to_1_and_the_likeliest_symbol_stays_so(logits, temperature, top_k, top_p):
    config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    probabilities = next_probabilities(logits, config)
    assert probabilities.sum().item() == pytest.approx(1.0)
    assert (probabilities >= 0).all()
    assert probabilities[0, logits[0].argmax()] == probabilities.max()


def test_top_k_and_top_p_keep_the_likeliest_symbols():
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log()
    probabilities = next_probabilities(logits, SamplingConfig(temperature=1.0, top_k=2))
    torch.testing.assert_close(probabilities, torch.tensor([[0, 0, 3 / 7, 4 / 7]], dtype=torch.double))
    probabilities = next_probabilities(logits, SamplingConfig(temperature=1.0, top_p=0.6))
    torch.testing.assert_close(probabilities, torch.tensor([[0, 0, 3 / 7, 4 / 7]], dtype=torch.double))
    probabilities = next_probabilities(logits, SamplingConfig(temperature=1.0, top_p=1e-9))
    assert probabilities[0].tolist() == [0, 0, 0, 1]


def drawn_with_logits(
    model: CharLSTM, prompt: list[int], monkeypatch: pytest.MonkeyPatch, **settings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw by single steps; return the ids (length, count) and their logits (length, count, vocabulary)."""
    monkeypatch.setattr("charlstm.sampling.sampler.runs_compiled", lambda *_: False)
    logits, step = [], Stepper.__call__

    def recorded(stepper: Stepper, *arguments: object) -> tuple[torch.Tensor, State]:
        step_logits, state = step(stepper, *arguments)
        logits.append(step_logits)
        return step_logits, state

    monkeypatch.setattr(Stepper, "__call__", recorded)
    config = SamplingConfig(**settings)
    ids = torch.tensor(list(draw(model, torch.tensor(prompt), config=config, generator=seeded())))
    return ids, torch.stack(logits)


@pytest.mark.parametrize("prompt", [[3], [1, 2, 3]])
@torch.no_grad()
def test_a_cell_held_at_the_cell_state_that_it_has_anyway_changes_nothing(small_model, monkeypatch, prompt):
    ids, logits = drawn_with_logits(small_model, prompt, monkeypatch, length=40, count=2)
    states = step_by_equations(small_model, prompt + ids[:, 0].tolist())[len(prompt) - 1 : -1]
    holds = tuple(
        Hold(layer, number, c[layer, number].item(), start)
        for start, (c, _) in enumerate(states)
        for layer, number in ((0, 2), (1, 0), (1, 5))
    )
    held_ids, held_logits = drawn_with_logits(
        small_model, prompt, monkeypatch, length=40, count=2, hold=holds
    )
    assert held_ids[:, 0].tolist() == ids[:, 0].tolist()
    torch.testing.assert_close(held_logits[:, 0], logits[:, 0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("start", [0, 7])
@torch.no_grad()
def test_holds_act_as_the_equations_say_from_their_character_on(small_model, monkeypatch, start):
    holds = (Hold(0, 2, 3.0, start), Hold(0, 4, -2.0, 3), Hold(1, 1, -3.0, start))
    plain_ids, plain = drawn_with_logits(small_model, [1, 2], monkeypatch, length=20, count=3)
    ids, logits = drawn_with_logits(small_model, [1, 2], monkeypatch, length=20, count=3, hold=holds)
    for stream in range(3):
        expected = step_by_equations(small_model, [1, 2, *ids[:-1, stream].tolist()], holds, first=1)[1:]
        expected_logits = torch.cat([step_logits for _, step_logits in expected])
        torch.testing.assert_close(logits[:, stream], expected_logits, atol=1e-5, rtol=1e-5)
    begun = min(start, 3)
    assert ids[:begun].tolist() == plain_ids[:begun].tolist()
    assert (logits[begun] - plain[begun]).abs().max() > 1e-3


def test_of_two_holds_of_one_cell_the_later_start_counts(small_model, monkeypatch):
    on, off = Hold(0, 2, 3.0, 0), Hold(0, 2, -3.0, 5)
    settings = {"length": 10, "temperature": 0.0, "count": 2}
    _, logits = drawn_with_logits(small_model, [1], monkeypatch, hold=(off, on), **settings)
    ids, same_logits = drawn_with_logits(small_model, [1], monkeypatch, hold=(on, off), **settings)
    assert torch.equal(logits, same_logits)
    expected = step_by_equations(small_model, [1, *ids[:-1, 0].tolist()], (on, off))
    expected_logits = torch.cat([step_logits for _, step_logits in expected])
    torch.testing.assert_close(logits[:, 0], expected_logits, atol=1e-5, rtol=1e-5)


def by_uniform_numbers(shares: torch.Tensor, _: int, *, generator: torch.Generator) -> torch.Tensor:
    """Replace torch.multinomial: draw a symbol of each row by the uniform numbers that blocks draw by."""
    numbers = torch.rand(len(shares), 1, dtype=torch.float64, generator=generator)
    return (shares.double().cumsum(1) <= numbers).sum(1, keepdim=True)


@pytest.mark.parametrize("count", [1, 2, 9])
@torch.no_grad()
def test_drawing_in_blocks_and_in_single_steps_gives_the_same_text_with_cells_held(
    small_model, monkeypatch, count
):
    settings = {"length": 15, "temperature": 1.0, "count": count}
    settings["hold"] = (Hold(0, 2, 3.0, 4), Hold(1, 1, -3.0, 0))
    config = SamplingConfig(**settings)
    blocks = list(draw(small_model, torch.tensor([1, 2]), config=config, generator=seeded()))
    monkeypatch.setattr(torch, "multinomial", by_uniform_numbers)
    ids, _ = drawn_with_logits(small_model, [1, 2], monkeypatch, **settings)
    assert blocks == ids.tolist()


@pytest.mark.parametrize(
    ("functions", "expected"),
    [({}, True), ({"activation": "relu"}, False), ({"gate_activation": "hard_sigmoid"}, False)],
)
def test_only_tanh_cells_with_sigmoid_gates_have_compiled_steps(functions, expected):
    assert ModelConfig(vocabulary_size=2, **functions).has_compiled_steps is expected


@pytest.mark.parametrize("hold", [Hold(2, 0, 1.0), Hold(0, 6, 1.0)])
def test_a_cell_that_the_model_does_not_have_cannot_be_held(small_model, hold):
    with pytest.raises(UsageError, match="layer from 0 to 1 and a cell from 0 to 5"):
        sampled(small_model, hold=(hold,))


@pytest.mark.parametrize("size", [1e20, 3e38, float("nan")])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("count", [1, 3])
@torch.no_grad()
def test_a_model_whose_training_diverged_still_draws_symbols(small_model, generator, size, count, precision):
    for parameter in small_model.parameters():
        parameter.fill_(size)
    config = SamplingConfig(length=20, count=count, top_k=3, top_p=0.9, precision=precision)
    drawn = list(draw(small_model, torch.tensor([1, 2]), config=config, generator=generator))
    assert all(0 <= symbol < 11 for symbols in drawn for symbol in symbols)


@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_the_first_of_several_texts_is_the_one_that_is_drawn_alone(activation, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, activation=activation)
    model = CharLSTM(config, generator=generator).eval()
    alone = sampled(model, length=200, seed=1)
    few, many = (sampled(model, length=200, seed=1, count=count) for count in (3, 9))
    assert few[:1] == alone
    assert many[:3] == few
    assert len(set(many)) == 9


def test_a_generator_that_goes_on_gives_new_texts_beside_the_first_one(small_model):
    config, generator = SamplingConfig(length=50, count=3), seeded()
    texts = []
    for _ in range(2):
        drawn = draw(small_model, torch.tensor([1]), config=config, generator=generator)
        texts += map(tuple, zip(*drawn, strict=True))
    assert len(set(texts)) == 6
