"""A training as the command runs it: its events, what is saved when, interruptions, and resuming."""

import json
import math
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_run import TEXT

from charlstm.checkpoint.loading import load
from charlstm.errors import CheckpointError, UsageError
from charlstm.tasks import train
from charlstm.tasks.training_plan import TrainRequest
from charlstm.training.evaluation import evaluate
from charlstm.training.loop import Evaluated, Finished, Logged, Stepped

SETTINGS = {"steps": 24, "streams": 2, "window": 8, "evaluate_every": 10, "precision": "float32"}


@pytest.fixture(autouse=True)
def no_samples(monkeypatch) -> None:
    """Texts that are drawn on the way take most of the time, and are left out but where a test says so."""
    monkeypatch.setattr(train, "_sample_text", lambda model, config, seed: f"drawn at {seed}")


def request(folder: Path, *, resume: bool = False, **settings: object) -> TrainRequest:
    """A training of two dozen steps on folder/text.txt, saved in folder/run."""
    (folder / "text.txt").write_text(TEXT)
    return TrainRequest(
        corpus=str(folder / "text.txt"),
        out=folder / "run",
        model={} if resume else {"cells": 8, "embedding": 4},
        training={} if resume else SETTINGS | settings,
        split="80/20",
        resume=resume,
    )


def events_of(wanted: TrainRequest, *, stop_after: int | None = None) -> list[train.RunEvent]:
    """The events of a training that is asked to stop after stop_after steps."""
    events: list[train.RunEvent] = []

    def should_stop() -> bool:
        steps = sum(isinstance(event, Stepped) for event in events)
        return stop_after is not None and steps >= stop_after

    for event in train.train_run(wanted, should_stop=should_stop):
        events.append(event)
    return events


def test_the_events_of_a_run_in_their_order(tmp_path):
    events = events_of(request(tmp_path))
    names = [type(event).__name__ for event in events if not isinstance(event, Stepped)]
    assert names == [
        "Prepared",
        *["Evaluated", "Sampled"],
        "Logged",
        *["Evaluated", "Sampled"],
        *["Evaluated", "Sampled"],
        "Finished",
        "Trained",
    ]
    assert [event.step for event in events if isinstance(event, Evaluated)] == [10, 20, 24]
    assert next(event.text for event in events if isinstance(event, train.Sampled)) == "drawn at 10"


def test_the_first_event_describes_the_training(tmp_path):
    prepared = events_of(request(tmp_path))[0]
    assert prepared.train_characters == len(TEXT) * 8 // 10
    assert prepared.validation_characters == len(TEXT) - len(TEXT) * 8 // 10
    assert prepared.parameters == load(tmp_path / "run").model.parameter_count()
    assert (prepared.device, prepared.bfloat16, prepared.step) == ("cpu", False, 0)
    assert prepared.config == load(tmp_path / "run").config


def test_the_last_event_says_what_is_saved(tmp_path):
    events = events_of(request(tmp_path))
    trained = events[-1]
    checkpoint = load(tmp_path / "run")
    assert (trained.path, trained.reason, trained.step) == (tmp_path / "run", "done", 24)
    assert trained.characters == 24 * 2 * 8
    assert trained.best_step == checkpoint.step
    assert trained.validation_bits_per_character == checkpoint.validation_bits_per_character
    best = min(e.validation_bits_per_character for e in events if isinstance(e, Evaluated))
    assert trained.validation_bits_per_character == best
    vocabulary = checkpoint.config.vocabulary
    validation = vocabulary.encode(TEXT[len(TEXT) * 8 // 10 :])
    assert evaluate(checkpoint.model, validation).bits_per_character == pytest.approx(best)


def test_metrics_have_a_line_for_each_measurement(tmp_path):
    events = events_of(request(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    measured = [event for event in events if isinstance(event, Logged | Evaluated)]
    assert [line["step"] for line in lines] == [event.step for event in measured]
    assert all("best" not in line for line in lines)
    evaluated = [line for line in lines if "validation_bits_per_character" in line]
    assert len(evaluated) == 3


def test_without_a_validation_split_the_last_weights_are_the_saved_ones(tmp_path):
    wanted = request(tmp_path)
    events = events_of(TrainRequest(**vars(wanted) | {"split": "100/0"}))
    assert not any(isinstance(event, Evaluated) for event in events)
    assert events[-1].validation_bits_per_character is None
    assert events[-1].best_step == load(tmp_path / "run").step == 24


def test_save_every_saves_between_evaluations(tmp_path):
    events = train.train_run(request(tmp_path, save_every=3, evaluate_every=1000))
    for event in events:
        if isinstance(event, Stepped) and event.step == 7:
            assert load(tmp_path / "run").step == 6
    assert load(tmp_path / "run").step == 24


def test_an_interrupted_run_is_saved_evaluated_and_resumed_to_the_same_end(tmp_path):
    (tmp_path / "whole").mkdir()
    whole = events_of(request(tmp_path / "whole"))
    events = events_of(request(tmp_path), stop_after=13)
    assert [type(event).__name__ for event in events[-4:]] == [
        "Finished",
        "Interrupted",
        "Evaluated",
        "Trained",
    ]
    assert events[-4] == Finished(13, "interrupted")
    assert events[-1].validation_bits_per_character == load(tmp_path / "run").validation_bits_per_character
    resumed = events_of(request(tmp_path, resume=True))
    assert resumed[0].step == 13
    bits = [event.validation_bits_per_character for event in whole if isinstance(event, Evaluated)]
    assert [event.validation_bits_per_character for event in resumed if isinstance(event, Evaluated)] == bits[
        1:
    ]
    assert resumed[-1].best_step == whole[-1].best_step


def test_an_interruption_before_the_first_step_keeps_the_weights_that_it_began_with(tmp_path):
    trained = events_of(request(tmp_path), stop_after=0)[-1]
    assert (trained.reason, trained.step, trained.validation_bits_per_character) == ("interrupted", 0, None)
    assert load(tmp_path / "run").step == 0


def test_a_run_that_is_over_can_be_resumed_without_a_step(tmp_path):
    first = events_of(request(tmp_path))[-1]
    events = events_of(request(tmp_path, resume=True))
    assert not any(isinstance(event, Stepped) for event in events)
    assert events[-1].best_step == first.best_step
    assert events[-1].validation_bits_per_character == first.validation_bits_per_character


def test_another_training_in_the_same_folder_is_refused(tmp_path):
    training = train.train_run(request(tmp_path))
    next(training)
    with pytest.raises(CheckpointError, match="holds a run already"):
        events_of(request(tmp_path))
    with pytest.raises(CheckpointError, match="another process is training"):
        events_of(request(tmp_path, resume=True))
    training.close()
    events_of(request(tmp_path, resume=True))


def test_tensorboard_that_is_not_installed_is_an_error_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="TensorBoard is not installed"):
        events_of(TrainRequest(**vars(request(tmp_path)) | {"tensorboard": True}))
    assert not (tmp_path / "run").exists()


class Writer:
    """Stands for TensorBoard's SummaryWriter, which an extra installs."""

    def __init__(self, seen: list, place: str, *, purge_step: int) -> None:
        self._seen = seen
        seen.append((place, purge_step))

    def add_scalar(self, name: str, value: float, step: int) -> None:
        assert math.isfinite(value)
        self._seen.append((name, step))

    def close(self) -> None:
        self._seen.append("closed")


def test_tensorboard_gets_every_measurement(tmp_path, monkeypatch):
    seen: list = []
    monkeypatch.setattr(train, "_tensorboard_writer", lambda: partial(Writer, seen))
    events_of(replace(request(tmp_path), tensorboard=True))
    assert seen[0] == (str(tmp_path / "run" / "tensorboard"), 1)
    assert ("train_bits_per_character", 20) in seen
    assert ("validation_bits_per_character", 24) in seen
    assert seen[-1] == "closed"


def test_of_a_resumed_run_tensorboard_shows_what_came_after_the_save_once(tmp_path, monkeypatch):
    seen: list = []
    monkeypatch.setattr(train, "_tensorboard_writer", lambda: partial(Writer, seen))
    events_of(request(tmp_path), stop_after=13)
    events_of(replace(request(tmp_path, resume=True), tensorboard=True))
    assert seen[0] == (str(tmp_path / "run" / "tensorboard"), 14)


def test_a_run_that_is_replaced_leaves_no_events_for_tensorboard(tmp_path):
    events_of(request(tmp_path), stop_after=1)
    place, elsewhere = tmp_path / "run" / "tensorboard", tmp_path / "elsewhere"
    for folder in (place, elsewhere):
        folder.mkdir()
        for name in ("events.out.tfevents.1.host", "notes.txt"):
            (folder / name).touch()
    again = replace(request(tmp_path), overwrite=True)
    events_of(again, stop_after=1)
    assert [path.name for path in place.iterdir()] == ["notes.txt"]
    shutil.rmtree(place)
    place.symlink_to(elsewhere)
    events_of(again, stop_after=1)
    assert len(list(elsewhere.iterdir())) == 2


def test_a_sample_is_drawn_from_the_weights_as_they_are(tmp_path, monkeypatch):
    events_of(request(tmp_path))
    checkpoint = load(tmp_path / "run")
    monkeypatch.undo()
    text = train._sample_text(checkpoint.model, checkpoint.config, 3)
    assert len(text) == 400
    assert set(text) <= set(TEXT)
    assert text == train._sample_text(checkpoint.model, checkpoint.config, 3)
    assert text != train._sample_text(checkpoint.model, checkpoint.config, 4)


def test_a_run_that_was_saved_on_another_kind_of_device_goes_on_with_a_note(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        state = torch.zeros(16, dtype=torch.uint8)
        tensors = train.Trainer.tensors
        patch.setattr(train.Trainer, "tensors", lambda trainer: tensors(trainer) | {"generator": state})
        events_of(request(tmp_path), stop_after=10)
    prepared, *_, trained = events_of(request(tmp_path, resume=True))
    assert (prepared.step, trained.step, trained.reason) == (10, 24, "done")
    assert any("saved on another kind of device" in note for note in prepared.notes)
    assert not events_of(request(tmp_path, resume=True))[0].notes


@pytest.mark.parametrize(
    ("device", "problem", "notes"),
    [
        ("cpu", "unasked", ()),
        ("cuda", None, ()),
        (
            "cuda",
            "no memory",
            ("training is slower: the step could not be captured as a CUDA graph: no memory",),
        ),
    ],
)
def test_steps_are_captured_on_a_gpu_and_a_note_says_why_where_they_are_not(device, problem, notes):
    model = SimpleNamespace(device=SimpleNamespace(type=device))
    assert train._captured(SimpleNamespace(model=model, capture=lambda: problem)) == notes


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"resume": True, "overwrite": True, "split": None}, "cannot be both gone on with and replaced"),
        ({"validation": "other.txt"}, "the split '80/20' has no part to validate on"),
        ({"validation_text": TEXT}, "the split '80/20' has no part to validate on"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_before_anything_is_read(tmp_path, settings, words):
    wanted = replace(request(tmp_path), corpus="nowhere.txt", **settings)
    with pytest.raises(UsageError, match=words):
        next(train.train_run(wanted))
    assert not wanted.out.exists()
