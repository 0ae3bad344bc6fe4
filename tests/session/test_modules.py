"""Live modules become one model with a vocabulary, and what does not belong together is refused."""

import pytest
import torch
from tiny_run import TEXT, saved_run
from torch import nn

from charlstm.errors import UsageError
from charlstm.session.modules import model_in_hand
from charlstm.session.run import load


def test_modules_compute_what_they_did_and_are_not_changed():
    torch.manual_seed(0)
    embedding, lstm, head = nn.Embedding(3, 4), nn.LSTM(4, 5, 2, batch_first=True), nn.Linear(5, 3)
    model, vocabulary = model_in_hand(lstm, "abc", embedding, head)
    ids = torch.tensor(vocabulary.encode("abcacb").astype("int64"))[None]
    assert torch.allclose(model(ids, model.initial_state(1))[0], head(lstm(embedding(ids))[0]), atol=1e-5)
    with torch.no_grad():
        model.head.weight.zero_()
    assert head.weight.abs().sum() > 0


def test_a_run_brings_all_that_it_needs(tmp_path):
    run = load(saved_run(tmp_path))
    assert model_in_hand(run, None, None, None) == (run.model, run.vocabulary)
    with pytest.raises(UsageError, match="a run has symbols"):
        model_in_hand(run, sorted(set(TEXT)), None, None)


def test_symbols_that_do_not_fit_the_head_are_refused():
    with pytest.raises(UsageError, match="3 outputs for 4 symbols"):
        model_in_hand(nn.LSTM(3, 5), "abcd", None, nn.Linear(5, 3))
