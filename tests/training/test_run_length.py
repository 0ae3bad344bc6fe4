"""How much of a run is done, when it is over, and what extending it does to its length."""

import pytest

from charlstm.config import TrainingConfig
from charlstm.errors import UsageError
from charlstm.training.run_length import extended, fraction_done, is_length_of, is_over, total_steps
from charlstm.training.training_progress import TrainingProgress

CHARACTERS = 640  # of each stream: ten windows


def config_of(**settings: object) -> TrainingConfig:
    return TrainingConfig(streams=2, window=64, **settings)


@pytest.mark.parametrize(
    ("length", "progress", "done"),
    [
        ({"steps": 40}, TrainingProgress(step=10), 0.25),
        ({"epochs": 2.0}, TrainingProgress(step=10), 0.5),
        ({"minutes": 2.0}, TrainingProgress(elapsed_seconds=90.0), 0.75),
        ({"steps": 40}, TrainingProgress(step=50), 1.0),
    ],
)
def test_a_run_is_done_by_its_steps_or_by_its_minutes(length, progress, done):
    config = config_of(**length)
    assert fraction_done(config, progress, CHARACTERS) == done
    assert is_over(config, progress, CHARACTERS) == (done == 1)


def test_a_run_whose_patience_ran_out_is_over():
    config = config_of(steps=40, patience=2)
    assert not is_over(config, TrainingProgress(step=5, evaluations_since_best=1), CHARACTERS)
    assert is_over(config, TrainingProgress(step=5, evaluations_since_best=2), CHARACTERS)
    unlimited = config_of(steps=40)
    assert not is_over(unlimited, TrainingProgress(step=5, evaluations_since_best=9), CHARACTERS)


@pytest.mark.parametrize("length", [{"steps": 30}, {"epochs": 3.0}, {"minutes": 1.0}])
@pytest.mark.parametrize("more", [{"steps": 7}, {"epochs": 0.7}, {"minutes": 0.5}])
def test_an_extended_run_has_a_last_part_of_the_length_that_was_given(length, more):
    progress = TrainingProgress(step=30, elapsed_seconds=60.0)
    assert is_over(config_of(**length), progress, CHARACTERS)
    config = extended(config_of(**length), progress, CHARACTERS, more)
    assert fraction_done(config, progress, CHARACTERS) == 0
    halfway = TrainingProgress(step=30 + 3, elapsed_seconds=60.0 + 15)
    assert fraction_done(config, halfway, CHARACTERS) == pytest.approx(0.5 if "minutes" in more else 3 / 7)
    assert total_steps(config, CHARACTERS) == (None if "minutes" in more else 37)
    end = TrainingProgress(step=37, elapsed_seconds=90.0)
    assert is_over(config, end, CHARACTERS)
    assert config.streams == 2


@pytest.mark.parametrize("more", [{"steps": 0}, {"minutes": -1.0}, {"steps": 5, "epochs": 1.0}])
def test_a_length_that_cannot_be_is_refused(more):
    with pytest.raises(UsageError):
        extended(config_of(steps=3), TrainingProgress(step=3), CHARACTERS, more)


def test_the_length_of_an_extended_run_is_known_by_its_whole_and_by_its_last_part():
    config = extended(config_of(steps=30), TrainingProgress(step=30), CHARACTERS, {"steps": 7})
    assert is_length_of(config, {"steps": 37}, CHARACTERS)
    assert is_length_of(config, {"steps": 7}, CHARACTERS)
    assert not is_length_of(config, {"steps": 30}, CHARACTERS)
    assert not is_length_of(config, {"minutes": 7.0}, CHARACTERS)
    assert not is_length_of(config, {"steps": 7, "minutes": 7.0}, CHARACTERS)


@pytest.mark.parametrize("length", [{"steps": 20}, {"epochs": 2.0}, {"minutes": 1.3}])
@pytest.mark.parametrize("more", [{"steps": 7}, {"epochs": 1.0}, {"epochs": 0.1}, {"minutes": 0.7}])
def test_a_run_that_is_being_extended_knows_the_length_that_extended_it(length, more):
    progress = TrainingProgress(step=20, elapsed_seconds=78.0)
    config = extended(config_of(**length), progress, CHARACTERS, more)
    (name, value), *_ = more.items()
    assert is_length_of(config, more, CHARACTERS)
    assert is_length_of(config, {name: getattr(config, name)}, CHARACTERS)
    assert not is_length_of(config, {name: 2 * value}, CHARACTERS)


def test_a_made_up_length_before_the_last_part_leaves_nothing_to_do():
    config = config_of(steps=3, extended_after_step=5)
    assert fraction_done(config, TrainingProgress(step=5), CHARACTERS) == 1
