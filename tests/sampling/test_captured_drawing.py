"""Captured drawing, whose steps run eagerly on the CPU: its texts are those of the ordinary steps."""

import pytest
import torch
from host_reads import host_reads

from charlstm.config import ModelConfig, SamplingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.stepper import Stepper
from charlstm.sampling import sampler
from charlstm.sampling.captured_drawing import CapturedDrawing

PROMPT = torch.tensor([3, 1, 4])


def small_model() -> CharLSTM:
    config = ModelConfig(vocabulary_size=9, cells=8, layers=2, activation="softsign")
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).eval()


def captured(model: CharLSTM, config: SamplingConfig, generator: torch.Generator) -> CapturedDrawing:
    state, ids = sampler._read(model, PROMPT[:-1], config.count), PROMPT[-1:].repeat(config.count)
    drawing = sampler._captured(Stepper(model), state, ids, config, generator)
    assert drawing is not None
    return drawing


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("rules", [{}, {"temperature": 0.0}, {"top_k": 3, "top_p": 0.8, "temperature": 0.7}])
def test_the_texts_are_those_of_the_ordinary_steps(count, rules, monkeypatch):
    """On a GPU one generator draws for all streams; so it does here."""
    monkeypatch.setattr(sampler, "text_generators", lambda generator, count: [generator])
    model, config = small_model(), SamplingConfig(length=150, count=count, **rules)
    ordinary = torch.Generator().manual_seed(7)
    expected = list(sampler._draw_in_steps(model, PROMPT, config, ordinary))
    generator = torch.Generator().manual_seed(7)
    assert list(captured(model, config, generator).draw(config.length)) == expected
    assert torch.equal(generator.get_state(), ordinary.get_state())
    if not rules.get("top_k"):
        assert len({tuple(ids) for ids in expected}) > 1


def test_only_the_characters_that_are_asked_for_are_drawn():
    model, config = small_model(), SamplingConfig(length=3, count=2)
    drawing = captured(model, config, torch.Generator().manual_seed(0))
    assert [len(list(drawing.draw(length))) for length in (0, 1, 3, 64, 131)] == [0, 1, 3, 64, 131]


def test_a_step_asks_the_host_for_nothing():
    config = SamplingConfig(length=1, top_k=3, top_p=0.8)
    drawing = captured(small_model(), config, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert host_reads(drawing._body) == []
        assert host_reads(lambda: torch.multinomial(torch.ones(1, 2), 1))


def test_a_step_that_cannot_be_captured_is_left_out_and_the_generator_stays(monkeypatch):
    def failing(body, device, generator) -> None:
        torch.rand(1, generator=generator)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("charlstm.sampling.captured_drawing.as_graph", failing)
    model, generator = small_model(), torch.Generator().manual_seed(0)
    before = generator.get_state()
    state = model.initial_state(1)
    assert sampler._captured(Stepper(model), state, PROMPT[:1], SamplingConfig(length=1), generator) is None
    assert torch.equal(generator.get_state(), before)
