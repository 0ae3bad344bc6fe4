"""The layer that training runs in bfloat16 is `nn.LSTM`, forward and backward."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from charlstm.config import ModelConfig
from charlstm.model import bfloat16_layer
from charlstm.model.bfloat16_layer import Before, run_inputs, run_table
from charlstm.model.char_lstm import CharLSTM

SYMBOLS = 7


class Case:
    """An `nn.LSTM` over embeddings, what it reads, and what its loss looks at."""

    def __init__(self, cells, streams, window, width, generator):
        self.lstm = nn.LSTM(width, cells, batch_first=True)
        self.embedding = nn.Embedding(SYMBOLS, width)
        for parameter in self.parameters:
            parameter.data.normal_(std=0.25, generator=generator)
        self.ids = torch.randint(0, SYMBOLS, (streams, window), generator=generator)
        self.before = Before(*(torch.randn(streams, cells, generator=generator) * 0.5 for _ in range(2)))
        self.wanted = torch.randn(streams, window, cells, generator=generator)

    @property
    def parameters(self):
        return [*self.lstm.parameters(), *self.embedding.parameters()]

    def library(self, lowered):
        with torch.autocast("cpu", torch.bfloat16, enabled=lowered):
            outputs, (_, c) = self.lstm(self.embedding(self.ids), tuple(each[None] for each in self.before))
        return outputs, c[0]

    def ours(self, table):
        recurrent, weights = self.lstm.weight_hh_l0, self.lstm.weight_ih_l0
        bias = self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0
        if table:
            added = functional.linear(self.embedding.weight, weights, bias)
            return run_table(added, self.ids, self.before, recurrent)
        return run_inputs(self.embedding(self.ids), self.before, weights, recurrent, bias)

    def results(self, outputs, c):
        """outputs, c and all gradients, float32."""
        for parameter in self.parameters:
            parameter.grad = None
        (outputs.float() * self.wanted).sum().backward()
        return [outputs.detach().float(), c.detach().float(), *(each.grad for each in self.parameters)]


def distance(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize(
    ("cells", "streams", "window", "width"),
    [(32, 8, 5, 32), (20, 3, 9, 5), (96, 17, 4, 64), (33, 1, 12, 33), (1, 2, 1, 1), (64, 64, 30, 16)],
)
def test_it_is_the_library_s_layer(cells, streams, window, width, table, generator):
    case = Case(cells, streams, window, width, generator)
    expected = case.results(*case.library(lowered=False))
    found = case.results(*case.ours(table))
    assert [each.shape for each in found] == [each.shape for each in expected]
    assert max(map(distance, found, expected)) < 0.02


@pytest.mark.skipif(not bfloat16_layer.MULTIPLIES_PAIRS, reason="the library lowers nothing here")
@pytest.mark.parametrize("table", [True, False])
def test_it_is_nearer_to_float32_than_the_library_in_bfloat16(table, generator):
    case = Case(64, 32, 50, 32, generator)
    exact = case.results(*case.library(lowered=False))
    library = case.results(*case.library(lowered=True))
    ours = case.results(*case.ours(table))
    for mine, theirs, true in zip(ours, library, exact, strict=True):
        assert distance(mine, true) < distance(theirs, true)


def test_the_outputs_do_not_depend_on_threads(generator):
    case = Case(40, 30, 6, 8, generator)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(case.results(*case.ours(table=False)))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, same, atol=1e-4, rtol=1e-4)
        assert torch.equal(found[0][0], other[0])
        assert torch.equal(found[0][1], other[1])


def test_hard_gates_keep_their_gradients(generator):
    case = Case(32, 4, 20, 8, generator)
    for parameter in case.parameters:
        parameter.data.mul_(4)  # gates at 0 and 1
    expected = case.results(*case.library(lowered=False))
    found = case.results(*case.ours(table=True))
    assert max(map(distance, found, expected)) < 0.1


def test_a_window_has_one_way_back(generator):
    case = Case(32, 2, 3, 8, generator)
    outputs, c = case.ours(table=True)
    assert not c.requires_grad
    outputs.float().sum().backward(retain_graph=True)
    with pytest.raises((RuntimeError, AttributeError)):
        outputs.float().sum().backward()


def test_what_does_not_fit_is_refused(generator):
    case = Case(32, 2, 3, 8, generator)
    case.ids[1, 2] = SYMBOLS
    with pytest.raises(IndexError, match="to 7 for a table of 7"):
        case.ours(table=True)
    case = Case(32, 2, 3, 8, generator)
    case.before = Before(case.before.h[:1], case.before.c[:1])
    with pytest.raises(ValueError, match=r"a state of \(1, 32\) for 2 streams and 32 cells"):
        case.ours(table=False)


def test_what_is_not_a_number_stays_so(generator):
    case = Case(32, 2, 3, 8, generator)
    outputs, _ = case.ours(table=True)
    case.wanted[0, 1, 5] = float("nan")
    grads = case.results(outputs, case.before.c)[2:]
    assert any(not grad.isfinite().all() for grad in grads)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("symbols", [11, 500])  # too many for a table of so few positions
def test_a_model_trains_by_it(layers, symbols, generator, monkeypatch):
    config = ModelConfig(vocabulary_size=symbols, cells=48, layers=layers, embedding=16, dropout=0.2)
    model = CharLSTM(config, generator=generator)
    ids = torch.randint(0, symbols, (8, 20), generator=generator)

    def gradients(fast):
        monkeypatch.setattr(bfloat16_layer, "IS_FAST", fast)
        masks = torch.Generator().manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16):
            logits, state = model(ids, model.initial_state(8), generator=masks)
        model.zero_grad()
        functional.cross_entropy(logits.float().flatten(0, 1), ids.roll(-1, 1).flatten()).backward()
        return [state.h.float(), state.c.float(), *(each.grad.clone() for each in model.parameters())]

    for found, expected in zip(gradients(fast=True), gradients(fast=False), strict=True):
        assert distance(found, expected) < 0.03


def test_only_training_in_bfloat16_runs_it(generator, monkeypatch):
    monkeypatch.setattr(bfloat16_layer, "IS_FAST", True)
    monkeypatch.setattr(bfloat16_layer, "run_table", lambda *_: pytest.fail("it ran"))
    model = CharLSTM(ModelConfig(vocabulary_size=5, cells=8, embedding=4), generator=generator)
    ids = torch.zeros(2, 3, dtype=torch.long)
    model(ids, model.initial_state(2))
    with torch.autocast("cpu", torch.bfloat16):
        model.eval()(ids, model.initial_state(2))
