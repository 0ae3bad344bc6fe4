"""A trace with held cells has the numbers of the equations, and differs from one without only by them."""

import numpy as np
import pytest
import torch
from torch import nn

import charlstm
from charlstm.config import Hold, ModelConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.session.held_trace import held_numbers

TEXT = "abcabca" * 6
ARRAYS = ("i", "f", "g", "o", "c", "h", "probabilities")


@pytest.fixture(scope="module")
def modules() -> tuple[nn.LSTM, nn.Linear]:
    torch.manual_seed(0)
    return nn.LSTM(3, 5, 2, batch_first=True), nn.Linear(5, 3)


def traced(modules: tuple[nn.LSTM, nn.Linear], **options) -> charlstm.Trace:
    lstm, head = modules
    return charlstm.trace(lstm, TEXT, "abc", head=head, **options)


def test_a_held_cell_has_its_value_and_all_else_follows_the_equations(modules):
    held = traced(modules, hold={"0:2": "-1.5@10", "1:4": 0.75})
    assert np.allclose(held.c[10:, 0, 2], -1.5)
    assert np.allclose(held.c[:, 1, 4], 0.75)
    before = np.concatenate([np.zeros_like(held.c[:1]), held.c[:-1]])
    free = np.ones((2, 5), bool)
    free[0, 2] = free[1, 4] = False
    updated = held.f * before + held.i * held.g
    assert np.allclose(held.c[:, free], updated[:, free], atol=1e-5)
    assert np.allclose(held.h, held.o * np.tanh(held.c), atol=1e-5)


def test_nothing_changes_before_a_hold_begins_and_the_layer_below_never_does(modules):
    plain, held = traced(modules), traced(modules, hold={"1:4": "2@20"})
    for name in ARRAYS:
        assert np.allclose(getattr(held, name)[:20], getattr(plain, name)[:20], atol=1e-5), name
    for name in ARRAYS[:-1]:
        assert np.allclose(getattr(held, name)[:, 0], getattr(plain, name)[:, 0], atol=1e-5), name
    assert np.abs(held.probabilities[20:] - plain.probabilities[20:]).max() > 1e-3
    assert np.allclose(held.o[20, 1, 4], plain.o[20, 1, 4], atol=1e-5), "it is set after its update"


def test_a_cell_that_is_set_once_goes_on_by_itself(modules):
    plain, once = traced(modules), traced(modules, hold={"0:2": "1.5@20"}, once=True)
    assert once.c[20, 0, 2] == 1.5
    assert np.allclose(once.c[21, 0, 2], once.f[21, 0, 2] * 1.5 + once.i[21, 0, 2] * once.g[21, 0, 2])
    far = np.abs(once.c[-1] - plain.c[-1]).max()
    assert 0 < far < np.abs(once.c[21] - plain.c[21]).max(), "what is left of the change fades"


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_cell_held_at_its_own_states_changes_nothing(activation):
    config = ModelConfig(vocabulary_size=7, layers=2, cells=6, activation=activation)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).eval()
    ids = np.arange(30, dtype=np.uint8) % 7
    plain = held_numbers(model, ids, [], once=False)
    own = [Hold(0, 3, float(value), start=number) for number, value in enumerate(plain[4][:, 0, 3])]
    for name, one, other in zip(ARRAYS, held_numbers(model, ids, own, once=False), plain, strict=False):
        assert np.allclose(one, other, atol=1e-6), name
