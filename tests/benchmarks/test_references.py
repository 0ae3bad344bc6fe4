"""The references of the benchmarks compute the same as charlstm, and ratios and shares mean what they say."""

import numpy as np
import pytest
import torch
from comparisons import Limits, Row, compare
from references import SYMBOLS, CellLSTM, PlainLSTM, TrainingLoop

from charlstm.config import ModelConfig
from charlstm.inspection.reading.trace import trace
from charlstm.model.char_lstm import CharLSTM
from charlstm.training.evaluation import evaluate


@torch.no_grad()
def test_the_loop_of_lstm_cells_gives_the_gates_and_states_of_trace(generator):
    config = ModelConfig(vocabulary_size=SYMBOLS, cells=7, layers=2, embedding=7)
    model, loop = CharLSTM(config, generator=generator), CellLSTM(7, 2)
    loop.embedding.weight.copy_(model.embedding.weight)
    for ours, theirs in zip(model.layers, loop.layers, strict=True):
        for name, parameter in theirs.named_parameters():
            parameter.copy_(ours.get_parameter(f"{name}_l0"))
    ids = torch.randint(0, SYMBOLS, (3, 20), generator=generator)
    (block,) = trace(model, ids.numpy().astype(np.uint8).ravel(), streams=3, window=20)
    for layer, expected in zip(block.layers, loop.gates(ids), strict=True):
        for left, right in zip([*layer.gates, layer.c, layer.h], expected, strict=True):
            torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-5)


def test_a_ratio_above_one_means_that_ours_is_faster():
    def work(size: int) -> None:
        sum(range(size))

    ours, theirs, ratio = compare(lambda: work(200_000), lambda: work(2_000_000))
    assert ratio > 3
    assert theirs > ours


def test_a_share_is_relative_to_the_limit_that_the_row_names():
    row = Row("sampling", "1 x 1", "none", 1.0, 1.0, 1.0, limit="bandwidth", used=5.0)
    assert row.share(Limits(1.0, 2.0, 10.0)) == pytest.approx(0.5)


def test_the_plain_model_has_an_embedding_as_wide_as_its_layer():
    assert PlainLSTM(9, 1).embedding.weight.shape == (SYMBOLS, 9)


@torch.no_grad()
def test_the_plain_loop_and_evaluate_give_the_same_loss(generator):
    config = ModelConfig(vocabulary_size=9, cells=6, layers=2, embedding=6)
    model, loop = CharLSTM(config, generator=generator), TrainingLoop(6, 2, 9)
    loop.model.embedding.load_state_dict(model.embedding.state_dict())
    loop.model.head.load_state_dict(model.head.state_dict())
    for number, layer in enumerate(model.layers):
        for name, parameter in layer.named_parameters():
            loop.model.lstm.get_parameter(name.replace("_l0", f"_l{number}")).copy_(parameter)
    ids = torch.randint(0, 9, (300,), generator=generator)
    expected = evaluate(model, ids.numpy().astype(np.uint8)).loss_nats
    assert loop.loss(ids, window=70) == pytest.approx(expected, abs=1e-5)
