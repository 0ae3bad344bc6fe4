"""The plain numbers of a training: what is saved, and what is refused when it is read back."""

import json
import math

import pytest

from charlstm.training.training_progress import TrainingProgress

NAMES = [
    "step",
    "characters",
    "elapsed_seconds",
    "best_bits",
    "best_step",
    "evaluated_step",
    "evaluations_since_best",
    "position",
    "summed_steps",
]


def test_the_saved_names_and_their_order_stay_what_they_are():
    assert list(TrainingProgress().to_json()) == NAMES


def test_numbers_come_back_from_json_as_they_were():
    progress = TrainingProgress(step=7, characters=448, elapsed_seconds=0.5, best_bits=2.25, position=32)
    saved = json.loads(json.dumps(progress.to_json()))
    assert TrainingProgress.from_json(saved) == progress
    assert saved["best_bits"] == 2.25


def test_an_infinite_best_loss_comes_back_before_the_first_evaluation():
    saved = json.loads(json.dumps(TrainingProgress().to_json()))
    assert TrainingProgress.from_json(saved).best_bits == math.inf


def test_other_numbers_beside_them_are_ignored():
    numbers = TrainingProgress(step=3).to_json()
    assert TrainingProgress.from_json(numbers | {"metrics_bytes": -1}) == TrainingProgress(step=3)


def test_a_later_change_does_not_reach_what_was_saved():
    progress = TrainingProgress(step=1)
    saved = progress.to_json()
    progress.step = 2
    assert saved["step"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_number_is_named(name):
    numbers = TrainingProgress().to_json()
    del numbers[name]
    with pytest.raises(KeyError, match=name):
        TrainingProgress.from_json(numbers)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("elapsed_seconds", "best_bits")])
@pytest.mark.parametrize("value", [-1, 2**63, 1.5, math.nan, "3", None, True, [1]])
def test_a_count_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"its {name} is"):
        TrainingProgress.from_json(TrainingProgress().to_json() | {name: value})


@pytest.mark.parametrize("name", ["elapsed_seconds", "best_bits"])
@pytest.mark.parametrize("value", [-0.5, math.nan, "low", None, True])
def test_a_time_or_loss_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"its {name} is"):
        TrainingProgress.from_json(TrainingProgress().to_json() | {name: value})


def test_an_infinite_time_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        TrainingProgress.from_json(TrainingProgress().to_json() | {"elapsed_seconds": math.inf})
