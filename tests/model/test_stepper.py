"""A model read one character at a time gives what it gives by windows, with its cells held or free."""

import pytest
import torch

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.equations import LayerState
from charlstm.model.stepper import Stepper, step_layers


@pytest.mark.parametrize(
    "functions", [*({"activation": name} for name in ACTIVATIONS), {"gate_activation": "hard_sigmoid"}]
)
def test_stepping_equals_the_model(functions, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, **functions)
    model = CharLSTM(config, generator=generator).eval()
    ids = torch.randint(0, 11, (3, 25), generator=generator)
    expected, end = model(ids, model.initial_state(3))
    stepper, state, logits = Stepper(model), model.initial_state(3), []
    for position in range(25):
        step_logits, state = stepper(ids[:, position], state)
        logits.append(step_logits)
    torch.testing.assert_close(torch.stack(logits, 1), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(state.c, end.c, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_the_nats_of_a_text_change_by_less_than_half_a_percent_with_fewer_bits(
    activation, precision, generator
):
    config = ModelConfig(vocabulary_size=11, cells=64, layers=2, embedding=4, activation=activation)
    model = CharLSTM(config, generator=generator).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    exact, close = Stepper(model), Stepper(model, precision)
    states = [model.initial_state(16)] * 2
    entropy_nats = cross_entropy_nats = 0.0
    for ids in torch.randint(0, 11, (60, 16), generator=generator):
        (logits, states[0]), (others, states[1]) = exact(ids, states[0]), close(ids, states[1])
        assert logits.dtype == others.dtype == torch.float32
        entropy_nats -= float((logits.softmax(1) * logits.log_softmax(1)).sum())
        cross_entropy_nats -= float((others.softmax(1) * logits.log_softmax(1)).sum())
        assert not torch.equal(logits, others)
    assert cross_entropy_nats == pytest.approx(entropy_nats, rel=0.005)


@pytest.mark.parametrize("activation", ["tanh", "softsign"])
@torch.no_grad()
def test_later_changes_of_the_model_do_not_change_the_stepper(activation, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, activation=activation)
    model = CharLSTM(config, generator=generator).eval()
    stepper, ids = Stepper(model), torch.tensor([1, 2])
    state = State(*(torch.randn(2, 2, 6, generator=generator) for _ in range(2)))
    expected = stepper(ids, state)
    for parameter in model.parameters():
        parameter.add_(1)
    logits, after = stepper(ids, state)
    assert torch.equal(logits, expected[0])
    assert torch.equal(after.c, expected[1].c)


def test_a_held_cell_has_its_value_and_the_others_of_its_step_are_untouched(small_model, generator):
    held = [None, equations.Held(torch.tensor([4, 1]), torch.tensor([0.5, -7.0]))]
    ids = torch.randint(0, 11, (3,), generator=generator)
    stepper, state = Stepper(small_model), small_model.initial_state(3)
    _, free = stepper(ids, state)
    _, after = stepper(ids, state, held)
    assert after.c[1, :, [4, 1]].tolist() == [[0.5, -7.0]] * 3
    assert torch.equal(after.c[0], free.c[0])
    assert torch.equal(after.c[1][:, [0, 2, 3, 5]], free.c[1][:, [0, 2, 3, 5]])


@pytest.mark.parametrize("activation", ["tanh", "softsign"])
@torch.no_grad()
def test_a_layer_returns_the_output_gate_that_makes_h_from_c(activation, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, activation=activation)
    layers = step_layers(CharLSTM(config, generator=generator).eval())
    inputs = torch.tensor([3, 1, 4])
    for layer in layers:
        before = LayerState(torch.randn(3, 6, generator=generator), torch.randn(3, 6, generator=generator))
        now = LayerState(torch.empty(3, 6), torch.empty(3, 6))
        output_gate = layer.step(inputs, before, now, None)
        phi = equations.activation_function(activation)
        torch.testing.assert_close(now.h, output_gate * phi(now.c), atol=1e-5, rtol=0)
        inputs = now.h
