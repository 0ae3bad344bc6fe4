import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stepped_by_hand import natural

from charlstm.config import ACTIVATIONS, Hold, ModelConfig, SamplingConfig
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.stepper import Stepper
from charlstm.sampling.sampler import draw, next_probabilities, sample
from charlstm.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of_text("\nabcdefghij")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def written(
    model: CharLSTM, prompt: str = "ab", seed: int = 0, vocabulary: Vocabulary = LETTERS, **settings
) -> list[str]:
    config = SamplingConfig(**settings)
    texts = [""] * config.count
    for pieces in sample(model, vocabulary, prompt, config=config, generator=seeded(seed)):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
    return texts


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_stepping_equals_the_model(activation, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, activation=activation)
    model = CharLSTM(config, generator=generator).eval()
    ids = torch.randint(0, 11, (3, 25), generator=generator)
    expected, end = model(ids, model.initial_state(3))
    stepper, state, logits = Stepper(model), model.initial_state(3), []
    for position in range(25):
        step_logits, state = stepper(ids[:, position], state)
        logits.append(step_logits)
    torch.testing.assert_close(torch.stack(logits, 1), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(state.c, end.c, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_stepping_in_bfloat16_is_close(activation, generator):
    """Its text's nats under the float32 model change by less than half a percent."""
    config = ModelConfig(vocabulary_size=11, cells=64, layers=2, embedding=4, activation=activation)
    model = CharLSTM(config, generator=generator).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    exact, close = Stepper(model), Stepper(model, "bfloat16")
    states = [model.initial_state(16)] * 2
    own = under = 0.0
    for ids in torch.randint(0, 11, (60, 16), generator=generator):
        (logits, states[0]), (others, states[1]) = exact(ids, states[0]), close(ids, states[1])
        assert logits.dtype == others.dtype == torch.float32
        own -= float((logits.softmax(1) * logits.log_softmax(1)).sum())
        under -= float((others.softmax(1) * logits.log_softmax(1)).sum())
        assert not torch.equal(logits, others)
    assert under == pytest.approx(own, rel=0.005)


def test_the_same_seed_gives_the_same_text_and_another_seed_another(small_model):
    assert written(small_model, seed=3) == written(small_model, seed=3)
    assert written(small_model, seed=3) != written(small_model, seed=4)


def test_length_and_count(small_model):
    texts = written(small_model, count=5, length=40)
    assert [len(text) for text in texts] == [40] * 5
    assert len(set(texts)) == 5
    assert written(small_model, length=0) == [""]


def test_temperature_0_is_greedy(small_model):
    text = written(small_model, temperature=0, length=30)[0]
    ids = LETTERS.encode("ab" + text).astype(np.int64)
    logits, _ = small_model(torch.from_numpy(ids)[None], small_model.initial_state(1))
    assert logits[0, 1:-1].argmax(1).tolist() == ids[2:].tolist()
    assert written(small_model, temperature=0, length=30, seed=9)[0] == text


def test_draws_follow_the_distribution(small_model):
    prompt = torch.tensor([1, 2, 3])
    logits, _ = small_model(prompt[None], small_model.initial_state(1))
    config = SamplingConfig(length=1, temperature=1.0, count=20_000)
    ids = next(draw(small_model, prompt, config=config, generator=seeded()))
    shares = torch.bincount(torch.tensor(ids), minlength=11) / 20_000
    torch.testing.assert_close(shares, logits[0, -1].softmax(0), atol=0.015, rtol=0)


def test_stop_ends_each_stream_by_itself(small_model):
    texts = written(small_model, count=4, length=300, stop="a", temperature=2.0)
    assert all(text.count("a") == 1 and text.endswith("a") for text in texts)
    assert len({len(text) for text in texts}) > 1


def test_an_empty_prompt_starts_as_after_a_line_break(small_model):
    assert written(small_model, prompt="") == written(small_model, prompt="\n")


def test_a_prompt_that_the_vocabulary_cannot_spell(small_model):
    with pytest.raises(UnknownCharacterError, match=r"U\+00E9"):
        written(small_model, prompt="é")
    pieces = sample(small_model, LETTERS, "aéb", config=SamplingConfig(), generator=seeded(), unknown="skip")
    assert "".join(piece for (piece,) in pieces) == written(small_model, prompt="ab")[0]


def test_bytes_are_shown_as_whole_characters(generator):
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
def test_the_distribution_is_one(logits, temperature, top_k, top_p):
    config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    probabilities = next_probabilities(logits, config)
    assert probabilities.sum().item() == pytest.approx(1.0)
    assert (probabilities >= 0).all()
    assert probabilities[0, logits[0].argmax()] == probabilities.max()


def test_top_k_and_top_p_keep_the_likeliest():
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log()
    kept = next_probabilities(logits, SamplingConfig(temperature=1.0, top_k=2))
    torch.testing.assert_close(kept, torch.tensor([[0, 0, 3 / 7, 4 / 7]], dtype=torch.double))
    kept = next_probabilities(logits, SamplingConfig(temperature=1.0, top_p=0.6))
    torch.testing.assert_close(kept, torch.tensor([[0, 0, 3 / 7, 4 / 7]], dtype=torch.double))
    kept = next_probabilities(logits, SamplingConfig(temperature=1.0, top_p=1e-9))
    assert kept[0].tolist() == [0, 0, 0, 1]


def drawn_with_logits(
    model: CharLSTM, prompt: list[int], monkeypatch: pytest.MonkeyPatch, **settings
) -> tuple[torch.Tensor, torch.Tensor]:
    """What is drawn by steps, (length, count), and the logits behind it, (length, count, vocabulary)."""
    monkeypatch.setattr("charlstm.sampling.sampler.runs_compiled", lambda *_: False)
    logits, step = [], Stepper.__call__

    def kept(stepper: Stepper, *arguments: object) -> tuple[torch.Tensor, State]:
        given, state = step(stepper, *arguments)
        logits.append(given)
        return given, state

    monkeypatch.setattr(Stepper, "__call__", kept)
    config = SamplingConfig(**settings)
    ids = torch.tensor(list(draw(model, torch.tensor(prompt), config=config, generator=seeded())))
    return ids, torch.stack(logits)


@pytest.mark.parametrize("prompt", [[3], [1, 2, 3]])
@torch.no_grad()
def test_a_cell_held_at_what_it_is_anyway_changes_nothing(small_model, monkeypatch, prompt):
    ids, logits = drawn_with_logits(small_model, prompt, monkeypatch, length=40, count=2)
    states = natural(small_model, prompt + ids[:, 0].tolist())[len(prompt) - 1 : -1]
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
        expected = natural(small_model, [1, 2, *ids[:-1, stream].tolist()], holds, first=1)[1:]
        told = torch.cat([each for _, each in expected])
        torch.testing.assert_close(logits[:, stream], told, atol=1e-5, rtol=1e-5)
    begun = min(start, 3)
    assert ids[:begun].tolist() == plain_ids[:begun].tolist()
    assert (logits[begun] - plain[begun]).abs().max() > 1e-3


def test_a_held_cell_has_its_value(small_model, generator):
    held = [None, equations.Held(torch.tensor([4, 1]), torch.tensor([0.5, -7.0]))]
    ids = torch.randint(0, 11, (3,), generator=generator)
    stepper, state = Stepper(small_model), small_model.initial_state(3)
    _, plain = stepper(ids, state)
    _, after = stepper(ids, state, held)
    assert after.c[1, :, [4, 1]].tolist() == [[0.5, -7.0]] * 3
    assert torch.equal(after.c[0], plain.c[0])
    assert torch.equal(after.c[1][:, [0, 2, 3, 5]], plain.c[1][:, [0, 2, 3, 5]])


def test_of_two_holds_of_one_cell_the_later_start_counts(small_model, monkeypatch):
    on, off = Hold(0, 2, 3.0, 0), Hold(0, 2, -3.0, 5)
    settings = {"length": 10, "temperature": 0.0, "count": 2}
    _, logits = drawn_with_logits(small_model, [1], monkeypatch, hold=(off, on), **settings)
    ids, same = drawn_with_logits(small_model, [1], monkeypatch, hold=(on, off), **settings)
    assert torch.equal(logits, same)
    expected = natural(small_model, [1, *ids[:-1, 0].tolist()], (on, off))
    told = torch.cat([each for _, each in expected])
    torch.testing.assert_close(logits[:, 0], told, atol=1e-5, rtol=1e-5)


def by_uniform_numbers(shares: torch.Tensor, _: int, *, generator: torch.Generator) -> torch.Tensor:
    """A symbol of each row by the numbers that blocks draw by."""
    numbers = torch.rand(len(shares), 1, dtype=torch.float64, generator=generator)
    return (shares.double().cumsum(1) <= numbers).sum(1, keepdim=True)


@pytest.mark.parametrize("count", [1, 2, 9])
@torch.no_grad()
def test_blocks_hold_what_steps_hold(small_model, monkeypatch, count):
    """There are two ways to draw: both draw what the equations say."""
    settings = {"length": 15, "temperature": 1.0, "count": count}
    settings["hold"] = (Hold(0, 2, 3.0, 4), Hold(1, 1, -3.0, 0))
    config = SamplingConfig(**settings)
    blocks = list(draw(small_model, torch.tensor([1, 2]), config=config, generator=seeded()))
    monkeypatch.setattr(torch, "multinomial", by_uniform_numbers)
    ids, _ = drawn_with_logits(small_model, [1, 2], monkeypatch, **settings)
    assert blocks == ids.tolist()


@pytest.mark.parametrize(("activation", "expected"), [("tanh", True), ("relu", False)])
def test_which_way_a_drawing_goes(activation, expected):
    assert ModelConfig(vocabulary_size=2, activation=activation).has_compiled_steps is expected


@pytest.mark.parametrize("hold", [Hold(2, 0, 1.0), Hold(0, 6, 1.0)])
def test_a_cell_that_is_not_there_cannot_be_held(small_model, hold):
    with pytest.raises(UsageError, match="layer from 0 to 1 and a cell from 0 to 5"):
        written(small_model, hold=(hold,))
