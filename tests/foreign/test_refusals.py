"""Tensors that are not an LSTM language model are refused with the reason."""

import re

import pytest
import torch
from foreign_models import CELLS, SIZE, module_tensors
from torch import nn

from charlstm.foreign.assignment import best_assignment
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.refusals import why_no_model


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (module_tensors(rnn=nn.GRU(SIZE, CELLS), fc=nn.Linear(CELLS, SIZE)), "holds a GRU"),
        (module_tensors(a=nn.GRU(4, 8), fc=nn.Linear(8, 32), emb=nn.Embedding(32, 4)), "holds a GRU"),
        (module_tensors(rnn=nn.RNN(SIZE, CELLS), fc=nn.Linear(CELLS, SIZE)), "plain recurrent network"),
        (module_tensors(a=nn.LSTM(SIZE, CELLS, bidirectional=True), b=nn.Linear(12, SIZE)), "bidirectional"),
        (module_tensors(rnn=nn.LSTM(SIZE, CELLS, proj_size=3), fc=nn.Linear(3, SIZE)), "projections"),
        (module_tensors(rnn=nn.LSTM(SIZE, CELLS)), "no head that takes 6 inputs"),
        (module_tensors(rnn=nn.LSTM(SIZE, CELLS), fc=nn.Linear(9, SIZE)), "no head that takes 6 inputs"),
        (module_tensors(a=nn.LSTM(SIZE, CELLS), fc=nn.Linear(12, SIZE)), "as a bidirectional LSTM has"),
        (module_tensors(rnn=nn.LSTM(9, CELLS), fc=nn.Linear(CELLS, SIZE)), "do not fit together"),
        (
            module_tensors(rnn=nn.LSTM(SIZE, CELLS), n=nn.LayerNorm(CELLS), fc=nn.Linear(CELLS, SIZE)),
            r"do not fit together.*n\.weight \(6,\)",
        ),
        (
            module_tensors(a=nn.LSTM(SIZE, CELLS), b=nn.LSTM(CELLS, 4), fc=nn.Linear(4, SIZE)),
            r"different sizes \(6, 4 cells\)",
        ),
        (module_tensors(conv=nn.Conv1d(3, 3, 3)), "holds no LSTM"),
        ({}, "holds no weights"),
    ],
)  # fmt: skip
def test_the_reason_says_what_the_tensors_are(tensors, words):
    assert best_assignment(tensors, Budget(0)) is None
    assert re.search(words, why_no_model(tensors))


def test_a_gru_is_known_by_its_shapes_when_names_say_nothing():
    tensors = {
        "p0": torch.ones(3 * CELLS, 4),
        "p1": torch.ones(3 * CELLS, CELLS),
        "p2": torch.ones(SIZE, CELLS),
    }
    assert why_no_model(tensors).startswith("holds a GRU")


def test_eight_tensors_are_listed_and_the_others_are_counted():
    tensors = {f"w{number}": torch.ones(2, 3) for number in range(11)}
    reason = why_no_model(tensors)
    assert "w7 (2, 3)" in reason
    assert "w8" not in reason
    assert reason.endswith("and 3 more")
