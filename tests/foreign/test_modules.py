"""Live modules become a CharLSTM with the same scores, and those that no CharLSTM can equal are refused."""

import pytest
import torch
from foreign_models import CELLS, IDS, SIZE, CharacterModel, assert_same_logits, logits
from torch import Tensor, nn

from charlstm.errors import UsageError
from charlstm.foreign.modules import from_modules


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_model_has_the_scores_of_the_modules_and_copies_of_their_weights(layers, batch_first, bias):
    torch.manual_seed(2)
    embedding, head = nn.Embedding(SIZE, 5), nn.Linear(CELLS, SIZE, bias=bias)
    lstm = nn.LSTM(5, CELLS, layers, batch_first=batch_first, bias=bias)

    def live(ids: Tensor) -> Tensor:
        x = embedding(ids)
        return head(lstm(x)[0]) if batch_first else head(lstm(x.transpose(0, 1))[0]).transpose(0, 1)

    with torch.no_grad():
        expected = live(IDS)
        model = from_modules(lstm, embedding=embedding, head=head)
        torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=0)
        lstm.get_parameter("weight_hh_l0").zero_()
        torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=0)


def test_embedding_and_head_may_be_functions():
    torch.manual_seed(3)
    lstm = nn.LSTM(4, CELLS, batch_first=True)
    table, down, up = torch.randn(SIZE, 2), nn.Linear(CELLS, 3), nn.Linear(3, SIZE)

    def embedding(ids: Tensor) -> Tensor:
        return torch.cat([table[ids].sin(), table[ids] ** 2], dim=1)

    def head(h: Tensor) -> Tensor:
        return 3 * up(down(h)) - 1

    model = from_modules(lstm, embedding=embedding, head=head)
    with torch.no_grad():
        expected = head(lstm(embedding(IDS[0])[None])[0][0])
    torch.testing.assert_close(logits(model)[0], expected, atol=1e-5, rtol=0)


def test_no_embedding_means_one_hot_input():
    theirs = CharacterModel(embedding=0)
    assert_same_logits(from_modules(theirs.memory, embedding=None, head=theirs.answer), theirs)


def test_dropout_between_layers_is_left_out():
    torch.manual_seed(4)
    lstm, head = nn.LSTM(SIZE, CELLS, 2, dropout=0.5, batch_first=True), nn.Linear(CELLS, SIZE)
    model = from_modules(lstm.train(), embedding=None, head=head)
    lstm.eval()
    with torch.no_grad():
        expected = head(lstm(nn.functional.one_hot(IDS, SIZE).float())[0])
    torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("lstm", "embedding", "head", "words"),
    [
        (nn.LSTM(SIZE, CELLS, bidirectional=True), None, nn.Linear(12, SIZE), "bidirectional"),
        (nn.LSTM(SIZE, CELLS, proj_size=2), None, nn.Linear(2, SIZE), "projections"),
        (nn.GRU(SIZE, CELLS), None, nn.Linear(CELLS, SIZE), "GRU is not an nn.LSTM"),
        (nn.LSTM(SIZE, CELLS), None, nn.Linear(9, SIZE), "cannot be evaluated for 6 cells"),
        (nn.LSTM(SIZE, CELLS), None, nn.Linear(CELLS, 9), "one-hot input of 9 symbols"),
        (nn.LSTM(SIZE, CELLS), None, nn.Sequential(nn.Linear(CELLS, SIZE), nn.Tanh()), "not affine"),
        (nn.LSTM(SIZE, CELLS), None, nn.Sequential(nn.Dropout(0.5), nn.Linear(CELLS, SIZE)), "not affine"),
        (nn.LSTM(SIZE, CELLS), None, lambda h: h.sum(), "cannot be evaluated"),
        (nn.LSTM(SIZE, CELLS), None, lambda h: (h, h), "makes a tuple, not a tensor"),
        (nn.LSTM(5, CELLS), lambda ids: {"table": ids}, nn.Linear(CELLS, SIZE), "makes a dict, not a tensor"),
        (nn.LSTM(5, CELLS), lambda ids: None, nn.Linear(CELLS, SIZE), "makes a NoneType, not a tensor"),
        (nn.LSTM(5, CELLS), nn.Embedding(9, 5), nn.Linear(CELLS, SIZE), "for 11 symbols"),
        (nn.LSTM(5, CELLS), nn.Embedding(SIZE, 4), nn.Linear(CELLS, SIZE), "for 5 inputs"),
        (
            nn.LSTM(5, CELLS),
            nn.Sequential(nn.Embedding(SIZE, 5), nn.Dropout(0.5)),
            nn.Linear(CELLS, SIZE),
            "differs from call to call",
        ),
    ],
)
def test_modules_that_do_not_fit_are_refused(lstm, embedding, head, words):
    with pytest.raises(UsageError, match=words):
        from_modules(lstm, embedding=embedding, head=head)


def test_weights_that_are_nan_are_refused():
    theirs = CharacterModel()
    with torch.no_grad():
        theirs.memory.get_parameter("weight_hh_l0")[0, 0] = torch.nan
    with pytest.raises(UsageError, match="NaN"):
        from_modules(theirs.memory, embedding=theirs.lookup, head=theirs.answer)
