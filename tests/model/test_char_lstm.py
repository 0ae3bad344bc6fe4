"""The network: its initial weights, its state between windows, and its dropout."""

import pytest
import torch

from charlstm.config import ACTIVATIONS, ModelConfig, TrainingConfig
from charlstm.machine.processes import Shard
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, runs_compiled
from charlstm.training.optimizers import Optimizers


def test_equal_generators_give_equal_weights():
    config = ModelConfig(vocabulary_size=9, cells=5, layers=2, embedding=3)
    first, second = (CharLSTM(config, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_making_a_model_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    CharLSTM(ModelConfig(vocabulary_size=9), generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_initial_recurrent_weights_are_orthogonal_and_input_biases_mirror_forget_biases(small_model):
    cells = small_model.config.cells
    for lstm in small_model.layers:
        for gate in lstm.weight_hh_l0.split(cells):
            torch.testing.assert_close(gate @ gate.t(), torch.eye(cells), atol=1e-5, rtol=0)
        i, f, g, o = (lstm.bias_ih_l0 + lstm.bias_hh_l0).split(cells)
        assert torch.equal(i, -f)
        assert not g.any()
        assert not o.any()


def test_initial_memories_are_uniform_in_their_logarithm_up_to_the_longest():
    model = CharLSTM(ModelConfig(vocabulary_size=9, cells=1000), generator=torch.Generator().manual_seed(3))
    forget = model.weights(0).bias[1000:2000].sigmoid()
    memories = 1 / (1 - forget)
    assert memories.min() >= 2
    assert memories.max() <= 65
    assert (memories < 9).float().mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    "functions", [*({"activation": name} for name in ACTIVATIONS), {"gate_activation": "hard_sigmoid"}]
)
def test_two_windows_with_the_state_carried_over_equal_one_long_window(functions, generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, **functions)
    model = CharLSTM(config, generator=generator).eval()
    ids = torch.randint(0, 11, (3, 20), generator=generator)
    whole, end = model(ids, model.initial_state(3))
    first, state = model(ids[:, :7], model.initial_state(3))
    second, state = model(ids[:, 7:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(state.c, end.c, atol=1e-5, rtol=1e-5)


def test_dropout_leaves_cells_out_for_a_whole_window_and_follows_its_generator():
    config = ModelConfig(vocabulary_size=11, cells=40, embedding=4, dropout=0.5)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0))
    x = torch.ones(2, 9, 40)
    dropped = model._dropped(x, torch.Generator().manual_seed(1), None)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(dropped[:, 0], dropped[:, -1])
    assert torch.equal(dropped, model._dropped(x, torch.Generator().manual_seed(1), None))
    assert torch.equal(model.eval()._dropped(x, None, None), x)


def test_dropout_masks_of_a_shard_are_rows_of_those_of_all_streams():
    config = ModelConfig(vocabulary_size=11, cells=40, embedding=4, dropout=0.5)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0))
    x = torch.ones(6, 9, 40)
    whole = model._dropped(x, torch.Generator().manual_seed(1), None)
    part = model._dropped(x[2:5], torch.Generator().manual_seed(1), Shard(2, 5, 6))
    assert torch.equal(part, whole[2:5])


@pytest.mark.parametrize(
    ("functions", "dtype", "expected"),
    [
        ({}, torch.float32, True),
        ({"activation": "relu"}, torch.float32, False),
        ({"gate_activation": "hard_sigmoid"}, torch.float32, False),
        ({}, torch.float64, False),
    ],
)
def test_only_float32_models_of_tanh_and_sigmoids_run_compiled(functions, dtype, expected):
    model = CharLSTM(ModelConfig(vocabulary_size=3, cells=2, embedding=2, **functions))
    assert runs_compiled(model.to(dtype)) is expected


def test_the_parameter_count_is_that_of_the_formula(small_model):
    gates = 4 * 6
    expected = 11 * 4 + gates * (4 + 6 + 2) + gates * (6 + 6 + 2) + 11 * 6 + 11
    assert small_model.parameter_count() == expected


def test_new_gates_of_hard_sigmoids_are_as_open_as_those_of_sigmoids():
    shape = {"vocabulary_size": 3, "cells": 500, "embedding": 2}
    hard, soft = (
        CharLSTM(ModelConfig(**shape, gate_activation=gates), generator=torch.Generator().manual_seed(0))
        for gates in ("hard_sigmoid", "sigmoid")
    )
    functions = hard.config.functions, soft.config.functions
    (i, f, _, _), expected = (
        equations.gates_from(model.weights(0).bias, of_model)
        for model, of_model in zip((hard, soft), functions, strict=True)
    )
    torch.testing.assert_close(i, expected.i)
    torch.testing.assert_close(f, expected.f)
    assert f.max() < 1, "and none is cut, where no gradient would reach it"
    assert i.min() > 0


def test_a_window_of_hard_sigmoids_sends_gradient_to_every_weight(generator):
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4, gate_activation="hard_sigmoid")
    model = CharLSTM(config, generator=generator)
    ids = torch.randint(11, (8, 20), generator=generator)
    model(ids, model.initial_state(8))[0].square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())
    assert (model.layers[0].weight_hh_l0.grad != 0).all()


@pytest.mark.parametrize("activation", sorted(equations.UNBOUNDED_ACTIVATIONS))
def test_a_model_with_an_unbounded_activation_learns(activation):
    """Its cell states are clipped: without that, the loss becomes NaN within a few steps."""
    model = CharLSTM(
        ModelConfig(vocabulary_size=9, cells=32, embedding=16, activation=activation),
        generator=torch.Generator().manual_seed(0),
    )
    optimizers = Optimizers(model, TrainingConfig(steps=30, learning_rate=0.003))
    ids = torch.arange(64 * 9).view(9, 64) * torch.arange(1, 10)[:, None] % 9
    state, losses = model.initial_state(9), []
    for number in range(30):
        logits, state = model(ids, state.detach())
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.roll(-1, 1).flatten())
        loss.backward()
        optimizers.step(optimizers.rates(number / 30))
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("training", [False, True])
def test_a_gpu_shortens_float32_in_training_alone(training, small_model, monkeypatch):
    """The model is on the CPU and only says that it is on a GPU: what cuDNN would read is looked at."""
    seen, x = [], torch.zeros(1, 2, small_model.config.embedding)
    small_model.train(training).layers[0].register_forward_pre_hook(
        lambda *_: seen.append(torch.backends.cudnn.allow_tf32)
    )
    state = small_model.initial_state(1)
    monkeypatch.setattr(CharLSTM, "device", torch.device("cuda"))
    small_model.run_layer(0, x, state.h[0], state.c[0])
    assert seen == [training]
    assert torch.backends.cudnn.allow_tf32
