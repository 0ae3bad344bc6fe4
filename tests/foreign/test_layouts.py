"""Names of tensors give their roles, and gates of every order are put in the order i, f, g, o."""

from typing import get_args

import pytest
import torch

from charlstm.config import GateOrder
from charlstm.foreign.layouts import KERAS, LAYOUTS, PYTORCH, TENSORFLOW, parent_name, reorder_gates, role


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("encoder.weight", "embedding"),
        ("decoder.weight", "head"),
        ("decoder.lstm.weight_ih_l0", "input"),
        ("rnn.weight_hh_l0", "recurrent"),
        ("lstm_1/recurrent_kernel", "recurrent"),
        ("lstm_1/kernel", "input"),
        ("layers.0.U", "recurrent"),
        ("layers.0.W_1", "input"),
        ("weight", None),
    ],
)
def test_the_last_two_parts_of_a_name_give_the_role(name, expected):
    assert role(name) == expected


@pytest.mark.parametrize(("name", "parent"), [("a.b.weight", "a.b"), ("dense/kernel", "dense"), ("w", "")])
def test_a_parent_name_lacks_the_last_part(name, parent):
    assert parent_name(name) == parent


@pytest.mark.parametrize("order", get_args(GateOrder))
def test_gates_of_every_order_are_put_in_the_order_of_charlstm(order):
    numbers = {"i": 1.0, "f": 2.0, "g": 3.0, "c": 3.0, "j": 3.0, "o": 4.0}
    rows = torch.cat([torch.full((2, 3), numbers[gate], dtype=torch.float64) for gate in order])
    reordered = reorder_gates(rows, order)
    assert reordered.dtype == torch.float32
    assert reordered[:, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_only_tensorflow_adds_a_forget_bias_and_only_pytorch_is_not_transposed():
    assert [layout.forget_bias for layout in LAYOUTS] == [0, 0, 1]
    matrix = torch.zeros(8, 3)
    assert PYTORCH.as_rows(matrix).shape == (8, 3)
    assert KERAS.as_rows(matrix).shape == TENSORFLOW.as_rows(matrix).shape == (3, 8)
