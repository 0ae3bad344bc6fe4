"""A training that is interrupted and resumed ends with the weights of an uninterrupted one, bit for bit."""

import random

import pytest
from small_run import measurements, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.errors import CheckpointError
from charlstm.tasks import train
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
