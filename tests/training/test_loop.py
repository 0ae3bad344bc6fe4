import math

import numpy as np
import pytest
import torch

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.errors import CorpusError, DivergedError
from charlstm.model.char_lstm import CharLSTM
from charlstm.training import loop
from charlstm.training.loop import Evaluated, Finished, Logged, Stepped, train
from charlstm.training.text_windows import stream_length, stream_window
from charlstm.training.trainer import AVERAGING_POWER, Trainer, use_bfloat16

TEXT = np.frombuffer(b"the quick brown fox jumps over the lazy dog. " * 60, np.uint8) % 30


def trainer(*, model: dict | None = None, ids: np.ndarray = TEXT, **settings) -> Trainer:
    config = TrainingConfig(**({"steps": 30, "streams": 4, "window": 16, "precision": "float32"} | settings))
    generator = torch.Generator().manual_seed(config.seed)
    shape = {"vocabulary_size": 30, "cells": 16, "embedding": 8, "dropout": 0.2} | (model or {})
    return Trainer(CharLSTM(ModelConfig(**shape), generator=generator), ids, config)


def test_streams_cover_the_text_in_order_and_targets_are_the_next_characters():
    ids = np.arange(101, dtype=np.uint8)
    length = stream_length(101, streams=4, window=5)
    assert length == 25
    rows = [stream_window(ids, position, streams=4, window=5) for position in range(0, 25, 5)]
    inputs = torch.cat([window[0] for window in rows], 1)
    targets = torch.cat([window[1] for window in rows], 1)
    assert inputs.flatten().tolist() == list(range(100))
    assert torch.equal(targets, inputs + 1)


def test_a_text_too_short_for_a_window():
    with pytest.raises(CorpusError, match="lower --streams"):
        trainer(ids=TEXT[:40])


def test_the_state_is_carried_and_starts_again_with_the_streams():
    run = trainer(model={"dropout": 0.0}, ids=TEXT[: 4 * 40 + 1])
    run.advance()
    assert run._state.h.abs().sum() > 0
    run.advance()
    carried = run._state.h.clone()
    run.advance()  # 40 characters hold two windows of 16: this one starts the streams again
    model, state = run.model, run.model.initial_state(4)
    assert run.progress.position == 16
    assert not torch.equal(carried, run._state.h)
    with torch.no_grad():
        inputs, _ = stream_window(TEXT[: 4 * 40 + 1], 0, streams=4, window=16)
        assert model(inputs, state)[1].h.shape == run._state.h.shape


def test_events_of_a_run_given_in_steps():
    events = list(train(trainer(), TEXT[:300]))
    steps = [event.step for event in events if isinstance(event, Stepped)]
    assert steps == list(range(1, 31))
    assert [event.step for event in events if isinstance(event, Logged)] == [20]
    assert [event.step for event in events if isinstance(event, Evaluated)] == list(range(3, 31, 3))
    assert events[-1] == Finished(30, "done")


def test_training_learns():
    run = trainer(steps=300, model={"cells": 32, "dropout": 0.0})
    values = [e.validation_bits_per_character for e in train(run, TEXT[:600]) if isinstance(e, Evaluated)]
    assert values[-1] < 0.2 < values[0] < math.log2(30)
    assert run.progress.best_bits == min(values)


def test_what_is_evaluated_is_the_mean_of_the_last_weights():
    run = trainer(steps=400)
    before, seen = run.average.head.weight.clone(), []
    for _ in range(200):
        run.advance()
        seen.append(run.model.head.weight.detach().clone())
    weighed = torch.arange(1, 201.0) ** AVERAGING_POWER
    expected = torch.einsum("t,txy->xy", weighed / weighed.sum(), torch.stack(seen))
    near = (run.average.head.weight - expected).norm()
    assert near < 0.1 * (seen[-1] - expected).norm() < 0.1 * (seen[-1] - before).norm()
    assert not any(parameter.requires_grad for parameter in run.average.parameters())


def test_epochs_give_the_number_of_steps():
    assert trainer(steps=None, epochs=2.0).total_steps == 2 * ((len(TEXT) - 1) // 4 // 16)


def test_minutes_follow_the_clock():
    run = trainer(steps=None, minutes=1.0 / 60)
    events = list(train(run, TEXT[:300]))
    assert run.progress.elapsed_seconds == pytest.approx(1.0, abs=0.6)
    fractions = [event.fraction for event in events if isinstance(event, Stepped)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert isinstance(events[-2], Evaluated)


@pytest.mark.parametrize(("validation", "evaluated"), [(10, True), (10_000, False)])
def test_what_takes_long_is_evaluated_at_the_end_alone(validation, evaluated):
    run = trainer(steps=None, minutes=10.0)
    run.advance()
    run.progress.elapsed_seconds = 120.0
    schedule = loop._EvaluationSchedule(run, validation)
    run.progress.elapsed_seconds = 300.0
    assert schedule.is_due() is evaluated
    schedule.record(0.1)  # now it is known, and short
    run.progress.elapsed_seconds = 400.0
    assert schedule.is_due()


def test_no_validation_split_evaluates_nothing():
    events = list(train(trainer(), TEXT[:0]))
    assert not any(isinstance(event, Evaluated) for event in events)


def test_should_stop_ends_after_the_step():
    run = trainer()
    events = list(train(run, TEXT[:0], should_stop=lambda: run.progress.step >= 4))
    assert events[-1] == Finished(4, "interrupted")


def test_patience_stops_a_run_that_gets_no_better():
    run = trainer(steps=400, evaluate_every=1, patience=3, learning_rate=1e-12)
    run.progress.best_bits = 0.0
    assert list(train(run, TEXT[:300]))[-1] == Finished(3, "early")


def test_a_loss_that_is_not_finite_is_reported_with_what_to_do():
    run = trainer(steps=400)
    with torch.no_grad():
        run.model.head.bias[0] = math.nan
    with pytest.raises(DivergedError, match="--learning-rate"):
        list(train(run, TEXT[:300]))


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
@pytest.mark.parametrize("stop_at", [1, 6, 20, 29])
def test_saved_and_restored_training_goes_on_bit_for_bit(optimizer, stop_at):
    whole = trainer(optimizer=optimizer)
    expected = [event for event in train(whole, TEXT[:300]) if isinstance(event, Evaluated | Logged)]
    first = trainer(optimizer=optimizer)
    before = list(train(first, TEXT[:300], should_stop=lambda: first.progress.step >= stop_at))
    tensors = {name: tensor.clone() for name, tensor in first.tensors().items()}
    second = trainer(optimizer=optimizer)
    second.restore(tensors, first.numbers())
    events = [
        event for event in before + list(train(second, TEXT[:300])) if isinstance(event, Evaluated | Logged)
    ]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    assert [measured(event) for event in events] == [measured(event) for event in expected]


def measured(event: Evaluated | Logged) -> tuple:
    """All of an event but the times."""
    if isinstance(event, Logged):
        return event.step, event.characters, event.train_bits_per_character, event.learning_rate
    return event.step, event.validation_bits_per_character, event.best


def test_precision_can_be_forced():
    assert use_bfloat16("bfloat16", torch.device("cpu"))
    assert not use_bfloat16("float32", torch.device("cpu"))
    run = trainer(precision="bfloat16", steps=3)
    assert list(train(run, TEXT[:0]))[-1].reason == "done"
