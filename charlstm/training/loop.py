"""Training: a generator of plain events over a Trainer, which takes the steps."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from charlstm.text.vocabulary import Ids
from charlstm.training.evaluation import evaluate
from charlstm.training.trainer import Trainer

# Steps between two lines of metrics. The loss is read off the device only then.
LOG_EVERY = 20
_EVALUATIONS = 10  # in a run, or fewer where its length is given in minutes and they would take
_EVALUATION_SHARE = 0.04  # more than this share of it
# Nobody knows what the first one takes: reading is about so many times as fast as learning, and none is begun
# that would take more than this share. Of 100 MB one in twenty characters is read for it.
_READING, _FIRST_SHARE = 3.0, 0.1


@dataclass(frozen=True)
class Stepped:
    """One optimiser step is done; fraction of the run is behind, 0 to 1."""

    step: int
    fraction: float
    elapsed_seconds: float


@dataclass(frozen=True)
class Logged:
    """Means over the steps since the last one of these."""

    step: int
    characters: int
    elapsed_seconds: float
    characters_per_second: float
    learning_rate: float
    train_bits_per_character: float


@dataclass(frozen=True)
class Evaluated:
    """The whole validation split was read; best is true when no earlier value was as low."""

    step: int
    characters: int
    elapsed_seconds: float
    validation_bits_per_character: float
    best: bool


@dataclass(frozen=True)
class Finished:
    """Training is over: its length was reached, it was told to stop, or it got no better."""

    step: int
    reason: Literal["done", "interrupted", "early"]


Event = Stepped | Logged | Evaluated | Finished


def train(
    trainer: Trainer, validation: Ids, *, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train until the run's length is reached, yielding after every step and every measurement.

    should_stop is asked before each step. With an empty validation split nothing is evaluated.
    Raises DivergedError when the loss or a gradient stops being a finite number.
    """
    clock = _Clock(trainer)
    due = _EvaluationSchedule(trainer, len(validation))
    evaluating = len(validation) > 1
    reason: Literal["done", "interrupted", "early"] = "done"
    logged_step, logged_seconds = trainer.step, clock.read()
    while trainer.fraction < 1:
        if trainer.processes.any(should_stop()):
            reason = "interrupted"
            break
        if evaluating and due.now():
            started = clock.read()
            yield _evaluated(trainer, validation)
            due.took(clock.read() - started)
        if 0 < trainer.config.patience <= trainer.evaluations_since_best:
            reason = "early"
            break
        trainer.advance()
        clock.read()
        if trainer.step % LOG_EVERY == 0:
            yield _logged(trainer, trainer.step - logged_step, trainer.elapsed_seconds - logged_seconds)
            logged_step, logged_seconds = trainer.step, clock.read()
        yield Stepped(trainer.step, trainer.fraction, trainer.elapsed_seconds)
    if reason == "done" and evaluating and trainer.evaluated_step < trainer.step:
        yield _evaluated(trainer, validation)
        clock.read()
    trainer.check_finite()
    yield Finished(trainer.step, reason)


class _Clock:
    """Keeps trainer.elapsed_seconds going from where it was restored, on the watch of process 0."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._zero = time.monotonic() - trainer.elapsed_seconds

    def read(self) -> float:
        self._trainer.elapsed_seconds = self._trainer.processes.first(time.monotonic() - self._zero)
        return self._trainer.elapsed_seconds


class _EvaluationSchedule:
    """When to evaluate: at given steps, or by the clock so that it costs a small share of the time.

    By the clock nothing is due shortly before the end, where a run is evaluated anyway.
    """

    def __init__(self, trainer: Trainer, validation_characters: int) -> None:
        self._trainer = trainer
        self._validation_characters = validation_characters
        self._measured = False
        total = trainer.total_steps
        self._every = trainer.config.evaluate_every or (total and max(1, total // _EVALUATIONS))
        self._end_seconds = 60 * (trainer.config.minutes or 0.0)
        self._pause_seconds = self._end_seconds / _EVALUATIONS
        self._next_seconds = trainer.elapsed_seconds + self._pause_seconds

    def now(self) -> bool:
        if self._every:
            step = self._trainer.step
            return step % self._every == 0 and step > self._trainer.evaluated_step
        seconds = self._trainer.elapsed_seconds
        in_time = self._next_seconds <= seconds < self._end_seconds - self._pause_seconds / 2
        return in_time and (self._measured or self._expected_seconds() <= _FIRST_SHARE * self._end_seconds)

    def _expected_seconds(self) -> float:
        rate = _READING * self._trainer.characters / max(self._trainer.elapsed_seconds, 1e-9)
        return self._validation_characters / max(rate, 1e-9)

    def took(self, seconds: float) -> None:
        self._measured = True
        self._pause_seconds = max(self._pause_seconds, seconds / _EVALUATION_SHARE)
        self._next_seconds = self._trainer.elapsed_seconds + self._pause_seconds


def _logged(trainer: Trainer, steps: int, seconds: float) -> Logged:
    return Logged(
        step=trainer.step,
        characters=trainer.characters,
        elapsed_seconds=trainer.elapsed_seconds,
        characters_per_second=steps * trainer.config.streams * trainer.config.window / max(seconds, 1e-9),
        learning_rate=trainer.learning_rate,
        train_bits_per_character=trainer.mean_bits(),
    )


def _evaluated(trainer: Trainer, validation: Ids) -> Evaluated:
    trainer.check_finite()
    bits = evaluate(trainer.average, validation, processes=trainer.processes).bits_per_character
    if not math.isfinite(bits):
        raise trainer.diverged("the validation loss")
    best = bits < trainer.best_bits
    trainer.evaluated_step = trainer.step
    if best:
        trainer.best_bits, trainer.best_step = bits, trainer.step
    trainer.evaluations_since_best = 0 if best else trainer.evaluations_since_best + 1
    return Evaluated(trainer.step, trainer.characters, trainer.elapsed_seconds, bits, best)
