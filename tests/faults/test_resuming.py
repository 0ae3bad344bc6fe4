"""A training that is interrupted and resumed ends with the weights of an uninterrupted one, bit for bit.

A finished run says so and can be trained further, and a new run can begin with the weights of another.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from command_line import run as run_command
from small_run import TEXT, measurements, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.errors import CheckpointError, UnknownCharacterError, UsageError
from charlstm.tasks import train
from charlstm.tasks.training_plan import TrainRequest
from charlstm.training.evaluation import Evaluation

SETTINGS = [
    {},
    {"optimizer": "adamw", "save_every": 3},
    {"optimizer": "muon", "patience": 1, "learning_rate": 3.0},
    {"evaluate_every": 11, "save_every": 5, "clip_norm": 0.1},
    {"precision": "bfloat16", "save_every": 3},
]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Train with each of SETTINGS to the end without an interruption, and return the outcomes."""
    outcomes = []
    for number, settings in enumerate(SETTINGS):
        out = tmp_path_factory.mktemp(f"whole{number}") / "run"
        train_small(request(out, **settings))
        outcomes.append(outcome(out))
    assert len({resume_state for _, resume_state, _ in outcomes}) == len(SETTINGS)
    return outcomes


@pytest.mark.parametrize("draw", range(20))
def test_interrupting_once_at_a_random_step_changes_nothing(tmp_path, unbroken, draw):
    number, step = draw % len(SETTINGS), random.Random(draw).randrange(60)
    train_small(request(tmp_path / "run", **SETTINGS[number]), stop_after=step)
    train_small(request(tmp_path / "run", resume=True))
    assert outcome(tmp_path / "run") == unbroken[number], f"interrupted after step {step}"


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_interrupting_five_times_changes_nothing(tmp_path, unbroken, number):
    steps = sorted(random.Random(number).sample(range(60), 5))
    train_small(request(tmp_path / "run", **SETTINGS[number]), stop_after=steps[0])
    for step in steps[1:]:
        train_small(request(tmp_path / "run", resume=True), stop_after=step)
    train_small(request(tmp_path / "run", resume=True))
    assert outcome(tmp_path / "run") == unbroken[number], f"interrupted after steps {steps}"


def test_weights_saved_at_an_interruption_do_not_stay_the_best_of_the_resumed_run(
    tmp_path, unbroken, monkeypatch
):
    """An interrupted run saves its last weights if they are the best so far.

    An uninterrupted run evaluates no weights at that step, so the resumed run must not keep them as its best.
    """
    best = Evaluation(loss_nats=0.001, characters=1)
    with monkeypatch.context() as patch:
        patch.setattr("charlstm.tasks.train.evaluate", lambda model, ids, processes: best)
        train_small(request(tmp_path / "run", **SETTINGS[2]), stop_after=10)
    assert load(tmp_path / "run").step == 10
    train_small(request(tmp_path / "run", resume=True))
    evaluated = [line for line in measurements(tmp_path / "run") if "validation_bits_per_character" in line]
    best_of_all = min(evaluated, key=lambda line: line["validation_bits_per_character"])
    assert load(tmp_path / "run").step == best_of_all["step"] != 10
    assert outcome(tmp_path / "run") == unbroken[2]


def test_a_run_that_ended_before_its_first_save_begins_again(tmp_path, unbroken):
    training = train.train_run(request(tmp_path / "run"))
    next(training)
    training.close()
    train_small(request(tmp_path / "run", resume=True))
    assert outcome(tmp_path / "run") == unbroken[0]


def test_a_run_that_ended_between_writing_its_first_files_begins_again(tmp_path, unbroken, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train.RunFolder, "save_resume", lambda folder, training: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_small(request(tmp_path / "run"))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"config.json", "metrics.jsonl"}
    train_small(request(tmp_path / "run", resume=True))
    assert outcome(tmp_path / "run") == unbroken[0]


def test_resuming_a_run_without_its_resume_state_is_an_error(tmp_path):
    train_small(request(tmp_path / "run"), stop_after=10)
    (tmp_path / "run" / "resume.safetensors").unlink()
    with pytest.raises(CheckpointError, match="what going on needs is gone"):
        train_small(request(tmp_path / "run", resume=True))


def test_resuming_a_run_that_is_over_changes_nothing(tmp_path, monkeypatch):
    worse = (Evaluation(loss_nats=float(number), characters=1) for number in range(1, 100))
    monkeypatch.setattr("charlstm.training.loop.evaluate", lambda model, ids, processes: next(worse))
    assert train_small(request(tmp_path / "run", patience=1)).reason == "early"
    before = outcome(tmp_path / "run")
    ended = train_small(request(tmp_path / "run", resume=True))
    assert ended.reason == "early"
    assert outcome(tmp_path / "run") == before


def test_a_run_whose_measurements_were_lost_resumes(tmp_path):
    train_small(request(tmp_path / "run"), stop_after=30)
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 7}\n')
    train_small(request(tmp_path / "run", resume=True))
    assert [line["step"] for line in measurements(tmp_path / "run")][:2] == [7, 35]


def going_on(out: Path, **length: object) -> TrainRequest:
    return TrainRequest(**{**vars(request(out, resume=True)), "training": length})


@pytest.mark.parametrize("length", [{"steps": 40}, {"epochs": 1.9}])
def test_a_finished_run_is_trained_for_as_much_more_as_was_asked(tmp_path, length):
    out = tmp_path / "run"
    train_small(request(out))
    before = measurements(out)
    ended = train_small(going_on(out, **length))
    assert (ended.reason, ended.step) == ("done", 100)  # a pass over the text has 21 windows
    config = load_config(out).training
    assert (config.extended_after_step, config.steps) == (60, 100 if "steps" in length else None)
    lines = measurements(out)
    assert lines[: len(before)] == before
    rates = {line["step"]: line["learning_rate"] for line in lines if "learning_rate" in line}
    assert rates[100] == rates[60] == 0
    assert rates[80] > 0, "the schedule begins again"
    assert ended.validation_bits_per_character <= min(
        line["validation_bits_per_character"] for line in before if "validation_bits_per_character" in line
    )


def test_a_finished_run_is_trained_for_minutes_more(tmp_path):
    out = tmp_path / "run"
    before = train_small(request(out))
    ended = train_small(going_on(out, minutes=0.01))
    assert ended.step > 60
    assert ended.elapsed_seconds == pytest.approx(before.elapsed_seconds + 0.6, abs=0.5)


def test_an_extended_run_that_was_interrupted_is_the_one_that_never_was(tmp_path):
    whole, broken = tmp_path / "whole" / "run", tmp_path / "broken" / "run"
    for out in (whole, broken):
        out.parent.mkdir()
        train_small(request(out))
    train_small(going_on(whole, steps=30))
    train_small(going_on(broken, steps=30), stop_after=73)
    train_small(going_on(broken, steps=30), stop_after=80)  # goes on, and extends nothing
    train_small(request(broken, resume=True))
    assert outcome(whole) == outcome(broken)
    train_small(going_on(broken, steps=5))
    assert load_config(broken).training.steps == 95


def test_the_command_that_extends_a_run_in_epochs_can_be_given_again(tmp_path):
    out = tmp_path / "run"
    train_small(request(out))
    train_small(going_on(out, epochs=1.0), stop_after=70)
    assert train_small(going_on(out, epochs=1.0)).step == 60 + 21  # a pass over the text has 21 windows


def test_a_run_that_was_extended_and_killed_before_its_first_save_goes_on(tmp_path, monkeypatch):
    out = tmp_path / "run"
    worse = (Evaluation(loss_nats=float(number), characters=1) for number in range(1, 100))
    with monkeypatch.context() as patch:
        patch.setattr("charlstm.training.loop.evaluate", lambda model, ids, processes: next(worse))
        ended = train_small(request(out, patience=1))
    training = train.train_run(going_on(out, steps=10))
    assert not next(training).finished
    training.close()
    assert train_small(request(out, resume=True)).step > ended.step, "it has all its patience again"


def test_a_length_that_differs_is_refused_while_a_run_is_not_finished(tmp_path):
    train_small(request(tmp_path / "run"), stop_after=10)
    with pytest.raises(UsageError, match="begun with steps 60, not 70"):
        train_small(going_on(tmp_path / "run", steps=70))
    assert train_small(going_on(tmp_path / "run", steps=60)).step == 60


def test_a_finished_run_says_that_it_is_finished_and_how_to_go_on(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    train_small(request(out))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run_command(monkeypatch, "train", "--resume", "--out", out) == 0
    shown = capsys.readouterr().err
    assert "the run is finished, after step 60" in shown
    assert "--resume --steps 1000" in shown
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_text_with_a_new_first_character_is_said_to_have_changed(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    train_small(request(out), stop_after=10)
    (tmp_path / "text.txt").write_text("\N{SNOWMAN}" + TEXT)
    assert run_command(monkeypatch, "train", "--resume", "--out", out) == 4
    shown = capsys.readouterr().err
    assert "text.txt has changed since" in shown
    assert "--unknown" not in shown


@pytest.mark.parametrize(
    "options", [["--split", "50/50"], ["--level", "bytes"], ["--validation", "text.txt"], ["--cells", "9"]]
)
def test_settings_that_differ_are_refused(tmp_path, monkeypatch, capsys, options):
    out = tmp_path / "run"
    train_small(request(out), stop_after=10)
    monkeypatch.chdir(tmp_path)
    assert run_command(monkeypatch, "train", "--resume", "--out", out, *options) == 2
    assert f"was begun with {options[0][2:]}" in capsys.readouterr().err


def test_another_text_to_validate_on_is_refused_and_the_same_may_be_moved(tmp_path):
    out = tmp_path / "run"
    (tmp_path / "check.txt").write_text(TEXT[::-1])
    wanted = replace(request(out), split=None, validation=str(tmp_path / "check.txt"))
    train_small(wanted, stop_after=10)
    (tmp_path / "other.txt").write_text(TEXT[::-1] + "to")
    resumed = replace(request(out, resume=True), split=None)
    with pytest.raises(CheckpointError, match=r"other\.txt is another text than the one that"):
        train_small(replace(resumed, validation=str(tmp_path / "other.txt")))
    (tmp_path / "check.txt").rename(tmp_path / "moved.txt")
    train_small(replace(resumed, validation=str(tmp_path / "moved.txt")), stop_after=12)
    assert load_config(out).corpus.validation == str(tmp_path / "moved.txt")
    (tmp_path / "moved.txt").write_text(TEXT)
    with pytest.raises(CheckpointError, match="is another text"):
        train_small(resumed)


def beginning_from(run: Path, out: Path, text: str, **more: object) -> TrainRequest:
    (out.parent / "other.txt").write_text(text)
    fields = vars(request(out)) | {"model": {}, "begin_from": run, "corpus": str(out.parent / "other.txt")}
    return TrainRequest(**fields | more)


OTHER = TEXT.replace("door", "road").replace("come", "door")


def test_a_run_begins_with_the_weights_of_another_on_another_text(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train_small(request(first))
    training = train.train_run(beginning_from(first, second, OTHER))
    prepared = next(training)
    assert prepared.step == 0
    training.close()
    train_small(beginning_from(first, second, OTHER, overwrite=True), stop_after=0)
    ours, theirs = load(second).model.state_dict(), load(first).model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    config = load_config(second)
    assert config.vocabulary == load_config(first).vocabulary
    assert config.begun_from == str(first)
    assert config.corpus.name.endswith("other.txt")
    resumed = {**vars(request(second, resume=True)), "corpus": None}
    assert train_small(TrainRequest(**resumed)).step == 60


def test_a_run_that_began_from_another_is_as_repeatable_and_resumable(tmp_path):
    train_small(request(tmp_path / "first"), stop_after=20)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for out in (whole, broken):
        train_small(beginning_from(tmp_path / "first", out, OTHER), stop_after=31 if out == broken else None)
    train_small(TrainRequest(**{**vars(request(broken, resume=True)), "corpus": None}))
    assert outcome(whole) == outcome(broken)


def test_characters_and_sizes_that_the_other_run_does_not_have_are_refused(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train_small(request(first), stop_after=5)
    with pytest.raises(UnknownCharacterError, match=r"other\.txt.*vocabulary.*which is that of") as raised:
        train_small(beginning_from(first, second, OTHER + "\N{SNOWMAN}"))
    assert "`unknown" not in raised.value.advice
    for more in ({"model": {"cells": 9}}, {"level": "bytes"}, {"model": {"activation": "relu"}}):
        with pytest.raises(UsageError, match=r"has (cells 8|level characters|activation tanh), not"):
            train_small(beginning_from(first, second, OTHER, **more))
    with pytest.raises(CheckpointError, match="is not a run's folder"):
        train_small(beginning_from(tmp_path / "nothing", second, OTHER))
    assert not second.exists()
    train_small(beginning_from(first, second, OTHER, model={"dropout": 0.5}), stop_after=1)
    assert load_config(second).model.dropout == 0.5


def test_a_run_that_began_from_another_and_never_saved_does_not_begin_at_random(tmp_path, monkeypatch):
    train_small(request(tmp_path / "first"), stop_after=5)
    with monkeypatch.context() as patch:
        patch.setattr(train.RunFolder, "save_resume", lambda folder, training: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_small(beginning_from(tmp_path / "first", tmp_path / "second", OTHER))
    with pytest.raises(CheckpointError, match="what going on needs is gone"):
        train_small(TrainRequest(**{**vars(request(tmp_path / "second", resume=True)), "corpus": None}))


def test_resuming_and_beginning_from_a_run_contradict_each_other(tmp_path, monkeypatch, capsys):
    assert run_command(monkeypatch, "train", "--resume", "--from", tmp_path, "--out", tmp_path) == 2
    assert "contradict each other" in capsys.readouterr().err
