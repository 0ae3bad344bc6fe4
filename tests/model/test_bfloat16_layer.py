"""The layer for training in bfloat16 equals nn.LSTM, forward and backward, to bfloat16 rounding."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from charlstm.config import ModelConfig
from charlstm.model import bfloat16_layer, char_lstm
from charlstm.model.bfloat16_layer import run_inputs, run_table
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import LayerState, layer_weights
from charlstm.model.kernels.llvm_vectors import MULTIPLIES_PAIRS

SYMBOLS = 7


class Case:
    """An nn.LSTM over embeddings, the ids that it reads, and the gradient of its loss by its outputs."""

    def __init__(self, cells, streams, window, width, generator):
        self.lstm = nn.LSTM(width, cells, batch_first=True)
        self.embedding = nn.Embedding(SYMBOLS, width)
        for parameter in self.parameters:
            parameter.data.normal_(std=0.25, generator=generator)
        self.ids = torch.randint(0, SYMBOLS, (streams, window), generator=generator)
        self.before = LayerState(*(torch.randn(streams, cells, generator=generator) * 0.5 for _ in range(2)))
        self.d_outputs = torch.randn(streams, window, cells, generator=generator)

    @property
    def parameters(self):
        return [*self.lstm.parameters(), *self.embedding.parameters()]

    def library(self, lowered):
        with torch.autocast("cpu", torch.bfloat16, enabled=lowered):
            outputs, (_, c) = self.lstm(self.embedding(self.ids), tuple(state[None] for state in self.before))
        return outputs, c[0]

    def ours(self, table):
        weights = layer_weights(self.lstm)
        if table:
            added = functional.linear(self.embedding.weight, weights.input, weights.bias)
            return run_table(added, self.ids, self.before, weights.recurrent)
        return run_inputs(self.embedding(self.ids), self.before, weights)

    def results(self, outputs, c):
        """Return outputs, c and the gradients of all parameters, float32."""
        for parameter in self.parameters:
            parameter.grad = None
        (outputs.float() * self.d_outputs).sum().backward()
        return [
            outputs.detach().float(),
            c.detach().float(),
            *(parameter.grad for parameter in self.parameters),
        ]


def distance(result, expected):
    """Return the norm of the difference as a share of the expected norm."""
    return ((result - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize(
    ("cells", "streams", "window", "width"),
    [(32, 8, 5, 32), (20, 3, 9, 5), (96, 17, 4, 64), (33, 1, 12, 33), (1, 2, 1, 1), (64, 64, 30, 16)],
)
def test_outputs_and_gradients_are_those_of_nn_lstm(cells, streams, window, width, table, generator):
    case = Case(cells, streams, window, width, generator)
    expected = case.results(*case.library(lowered=False))
    results = case.results(*case.ours(table))
    assert [result.shape for result in results] == [result.shape for result in expected]
    assert max(map(distance, results, expected)) < 0.02


@pytest.mark.skipif(not MULTIPLIES_PAIRS, reason="torch computes in float32 here")
@pytest.mark.parametrize("table", [True, False])
def test_it_is_closer_to_float32_than_nn_lstm_under_autocast(table, generator):
    case = Case(64, 32, 50, 32, generator)
    exact = case.results(*case.library(lowered=False))
    library = case.results(*case.library(lowered=True))
    ours = case.results(*case.ours(table))
    for by_us, by_library, truth in zip(ours, library, exact, strict=True):
        assert distance(by_us, truth) < distance(by_library, truth)


def test_outputs_do_not_depend_on_the_number_of_threads(generator):
    case = Case(40, 30, 6, 8, generator)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(case.results(*case.ours(table=False)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for first, same in zip(results[0], other, strict=True):
            torch.testing.assert_close(first, same, atol=1e-4, rtol=1e-4)
        assert torch.equal(results[0][0], other[0])
        assert torch.equal(results[0][1], other[1])


def test_gates_near_0_and_1_keep_their_gradients(generator):
    case = Case(32, 4, 20, 8, generator)
    for parameter in case.parameters:
        parameter.data.mul_(4)  # gates at 0 and 1
    expected = case.results(*case.library(lowered=False))
    results = case.results(*case.ours(table=True))
    assert max(map(distance, results, expected)) < 0.1


def test_a_window_can_be_propagated_back_once_only(generator):
    case = Case(32, 2, 3, 8, generator)
    outputs, c = case.ours(table=True)
    assert not c.requires_grad
    outputs.float().sum().backward(retain_graph=True)
    with pytest.raises((RuntimeError, AttributeError)):
        outputs.float().sum().backward()


def test_ids_beyond_the_table_and_states_of_another_shape_are_refused(generator):
    case = Case(32, 2, 3, 8, generator)
    case.ids[1, 2] = SYMBOLS
    with pytest.raises(IndexError, match="to 7 for a table of 7"):
        case.ours(table=True)
    case = Case(32, 2, 3, 8, generator)
    case.before = LayerState(case.before.h[:1], case.before.c[:1])
    with pytest.raises(ValueError, match=r"a state of \(1, 32\) for 2 streams and 32 cells"):
        case.ours(table=False)


def test_a_gradient_that_is_not_a_number_reaches_the_weights(generator):
    case = Case(32, 2, 3, 8, generator)
    outputs, _ = case.ours(table=True)
    case.d_outputs[0, 1, 5] = float("nan")
    grads = case.results(outputs, case.before.c)[2:]
    assert any(not grad.isfinite().all() for grad in grads)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("symbols", [11, 500])  # 500 are too many for a table: a window has 160 positions
def test_a_model_trains_by_it_with_the_gradients_of_nn_lstm(layers, symbols, generator, monkeypatch):
    config = ModelConfig(vocabulary_size=symbols, cells=48, layers=layers, embedding=16, dropout=0.2)
    model = CharLSTM(config, generator=generator)
    ids = torch.randint(0, symbols, (8, 20), generator=generator)

    def gradients(fast):
        monkeypatch.setattr(char_lstm, "trains_compiled", lambda: fast)
        masks = torch.Generator().manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16):
            logits, state = model(ids, model.initial_state(8), generator=masks)
        model.zero_grad()
        functional.cross_entropy(logits.float().flatten(0, 1), ids.roll(-1, 1).flatten()).backward()
        return [
            state.h.float(),
            state.c.float(),
            *(parameter.grad.clone() for parameter in model.parameters()),
        ]

    for result, expected in zip(gradients(fast=True), gradients(fast=False), strict=True):
        assert distance(result, expected) < 0.03


def test_neither_float32_training_nor_evaluation_runs_it(generator, monkeypatch):
    monkeypatch.setattr(char_lstm, "trains_compiled", lambda: True)
    monkeypatch.setattr(bfloat16_layer, "run_table", lambda *_: pytest.fail("it ran"))
    model = CharLSTM(ModelConfig(vocabulary_size=5, cells=8, embedding=4), generator=generator)
    ids = torch.zeros(2, 3, dtype=torch.long)
    model(ids, model.initial_state(2))
    with torch.autocast("cpu", torch.bfloat16):
        model.eval()(ids, model.initial_state(2))
