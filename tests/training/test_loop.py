"""The training loop: which events it yields, when it evaluates, when it stops, and that training learns."""

import math

import pytest
import torch
from small_trainer import TEXT, small_trainer

from charlstm.errors import DivergedError
from charlstm.training import loop
from charlstm.training.evaluation import Evaluation
from charlstm.training.loop import Evaluated, Finished, Logged, Stepped, train


def test_a_run_in_steps_is_evaluated_ten_times():
    events = list(train(small_trainer(), TEXT[:300]))
    steps = [event.step for event in events if isinstance(event, Stepped)]
    assert steps == list(range(1, 31))
    assert [event.step for event in events if isinstance(event, Logged)] == [20]
    assert [event.step for event in events if isinstance(event, Evaluated)] == list(range(3, 31, 3))
    assert events[-1] == Finished(30, "done")


def test_training_learns_a_text_that_repeats():
    trainer = small_trainer(steps=300, model={"cells": 32, "dropout": 0.0})
    values = [e.validation_bits_per_character for e in train(trainer, TEXT[:600]) if isinstance(e, Evaluated)]
    assert values[-1] < 0.2 < values[0] < math.log2(30)
    assert trainer.progress.best_bits == min(values)


def test_the_best_value_and_the_evaluations_since_are_noted(monkeypatch):
    values = iter([3.0, 2.0, 2.5, 2.5])
    monkeypatch.setattr(
        loop, "evaluate", lambda model, ids, processes: Evaluation(next(values) * math.log(2), 299)
    )
    trainer = small_trainer(steps=4, evaluate_every=1)
    events = [event for event in train(trainer, TEXT[:300]) if isinstance(event, Evaluated)]
    assert [event.best for event in events] == [True, True, False, False]
    progress = trainer.progress
    assert (progress.best_bits, progress.best_step) == (pytest.approx(2.0), 2)
    assert (progress.evaluated_step, progress.evaluations_since_best) == (4, 2)


def test_minutes_follow_the_clock():
    trainer = small_trainer(steps=None, minutes=1.0 / 60)
    events = list(train(trainer, TEXT[:300]))
    assert trainer.progress.elapsed_seconds == pytest.approx(1.0, abs=0.6)
    fractions = [event.fraction for event in events if isinstance(event, Stepped)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert isinstance(events[-2], Evaluated)


@pytest.mark.parametrize(
    ("seconds", "processor_seconds", "counted"),
    [
        (0.5, 0.0, 0.5),  # too short to tell
        (60.0, 60.0, 60.0),  # one processor computes where two do otherwise, as in an evaluation
        (60.0, 30.0, 60.0),  # a machine that others use too
        (60.0, 1.0, 0.5),  # the process was stopped, and ran half a second on two processors
        (60.0, 0.0, 0.0),
    ],
)
def test_the_clock_counts_the_time_in_which_the_process_ran(monkeypatch, seconds, processor_seconds, counted):
    now = [100.0, 10.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(loop.time, "process_time", lambda: now[1])
    trainer = small_trainer()
    trainer.progress.elapsed_seconds = 7.0
    clock = loop._Clock(trainer)
    now[:] = 105.0, 20.0
    assert clock.read() == 12.0
    now[:] = 105.0 + seconds, 20.0 + processor_seconds
    assert clock.read() == pytest.approx(12.0 + counted)
    assert trainer.progress.elapsed_seconds == pytest.approx(12.0 + counted)


@pytest.mark.parametrize(("validation", "evaluated"), [(10, True), (10_000, False)])
def test_a_first_evaluation_that_would_take_too_long_waits_for_the_end(validation, evaluated):
    trainer = small_trainer(steps=None, minutes=10.0)
    trainer.advance()
    trainer.progress.elapsed_seconds = 120.0
    schedule = loop._EvaluationSchedule(trainer, validation)
    trainer.progress.elapsed_seconds = 300.0
    assert schedule.is_due() is evaluated
    schedule.record(0.1)  # its length is known from now on, and short
    trainer.progress.elapsed_seconds = 400.0
    assert schedule.is_due()


def test_evaluations_take_a_small_share_of_the_time():
    trainer = small_trainer(steps=None, minutes=10.0)
    schedule = loop._EvaluationSchedule(trainer, 10)
    schedule.record(6.0)
    trainer.progress.elapsed_seconds = 140.0
    assert not schedule.is_due(), "6 seconds are more than 4% of 140"
    trainer.progress.elapsed_seconds = 151.0
    assert schedule.is_due()
    trainer.progress.elapsed_seconds = 540.0
    assert not schedule.is_due(), "the end of the run is near, where it is evaluated anyway"


def test_nothing_is_evaluated_without_a_validation_split():
    events = list(train(small_trainer(), TEXT[:0]))
    assert not any(isinstance(event, Evaluated) for event in events)


def test_should_stop_ends_the_training_after_the_step():
    trainer = small_trainer()
    events = list(train(trainer, TEXT[:0], should_stop=lambda: trainer.progress.step >= 4))
    assert events[-1] == Finished(4, "interrupted")


def test_patience_ends_a_training_that_gets_no_better():
    trainer = small_trainer(steps=400, evaluate_every=1, patience=3, learning_rate=1e-12)
    trainer.progress.best_bits = 0.0
    assert list(train(trainer, TEXT[:300]))[-1] == Finished(3, "early")


def test_a_loss_that_is_not_finite_is_reported_with_what_to_do():
    trainer = small_trainer(steps=400)
    with torch.no_grad():
        trainer.model.head.bias[0] = math.nan
    with pytest.raises(DivergedError, match="`learning_rate`"):
        list(train(trainer, TEXT[:300]))


@pytest.mark.parametrize("stop_at", [1, 6, 20, 29])
def test_an_interrupted_and_restored_training_has_the_events_of_an_unbroken_one(stop_at):
    whole = small_trainer()
    expected = [measured(event) for event in train(whole, TEXT[:300])]
    first = small_trainer()
    before = list(train(first, TEXT[:300], should_stop=lambda: first.progress.step >= stop_at))
    second = small_trainer()
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()}, first.numbers())
    events = [measured(event) for event in before[:-1] + list(train(second, TEXT[:300]))]
    assert events == expected


def measured(event: loop.Event) -> tuple:
    """All of an event but the times."""
    if isinstance(event, Logged):
        return event.step, event.characters, event.train_bits_per_character, event.learning_rate
    if isinstance(event, Evaluated):
        return event.step, event.validation_bits_per_character, event.best
    return type(event).__name__, event.step
