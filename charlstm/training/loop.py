"""The training loop: a generator of plain events over a Trainer, which takes the steps."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from charlstm.text.vocabulary import Ids
from charlstm.training.evaluation import evaluate
from charlstm.training.trainer import Trainer

# Steps between two lines of metrics. The loss is read off the device only then.
LOG_EVERY_STEPS = 20
# Evaluations in a run; fewer in a run of minutes where they would take more than this share of its time.
_EVALUATIONS_PER_RUN = 10
_LARGEST_EVALUATION_SHARE = 0.04
# How long the first evaluation takes is not known before it is made. It is expected to read characters this
# many times as fast as training does, and is left out when it would take more than this share of the run.
_EVALUATION_SPEEDUP, _LARGEST_FIRST_EVALUATION_SHARE = 3.0, 0.1

# A process was stopped between two readings of the clock that are at least _LONGEST_STEADY_SECONDS apart and
# between which it took less than this share of its usual processor time, or of one processor's.
_LONGEST_STEADY_SECONDS, _LEAST_PROCESSOR_SHARE = 2.0, 0.25

Reason = Literal["done", "interrupted", "early"]


@dataclass(frozen=True)
class Stepped:
    """One optimiser step was taken; fraction of the run, 0 to 1, is done."""

    step: int
    fraction: float
    elapsed_seconds: float


@dataclass(frozen=True)
class Logged:
    """Speed and training loss, both means over the steps since the last Logged event."""

    step: int
    characters: int
    elapsed_seconds: float
    characters_per_second: float
    learning_rate: float
    train_bits_per_character: float


@dataclass(frozen=True)
class Evaluated:
    """The loss on the whole validation split; best is true when no earlier value was as low."""

    step: int
    characters: int
    elapsed_seconds: float
    validation_bits_per_character: float
    best: bool


@dataclass(frozen=True)
class Finished:
    """The training ended: its length was reached ("done"), should_stop asked for it ("interrupted"), or its
    patience ran out ("early").
    """

    step: int
    reason: Reason


Event = Stepped | Logged | Evaluated | Finished


def train(
    trainer: Trainer, validation: Ids, *, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train until the length of the run is reached, yielding an event after each step and measurement.

    validation (characters,) is the validation split in token ids; nothing is evaluated when it has fewer
    than two. should_stop is asked before each step, and ends the training when it returns true in any of
    the processes. Raises DivergedError when a loss or gradient becomes NaN or infinite.
    """
    clock = _Clock(trainer)
    schedule = _EvaluationSchedule(trainer, len(validation))
    evaluates = len(validation) > 1
    progress = trainer.progress
    logged_step, logged_seconds = progress.step, clock.read()
    reason: Reason = "done"
    while trainer.fraction < 1:
        if trainer.processes.any(should_stop()):
            reason = "interrupted"
            break
        if evaluates and schedule.is_due():
            started = clock.read()
            yield _evaluated(trainer, validation)
            schedule.record(clock.read() - started)
        if 0 < trainer.config.patience <= progress.evaluations_since_best:
            reason = "early"
            break
        trainer.advance()
        clock.read()
        if progress.step % LOG_EVERY_STEPS == 0:
            yield _logged(trainer, progress.step - logged_step, progress.elapsed_seconds - logged_seconds)
            logged_step, logged_seconds = progress.step, clock.read()
        yield Stepped(progress.step, trainer.fraction, progress.elapsed_seconds)
    if reason == "done" and evaluates and progress.evaluated_step < progress.step:
        yield _evaluated(trainer, validation)
        clock.read()
    trainer.check_finite()
    yield Finished(progress.step, reason)


class _Clock:
    """Keeps elapsed_seconds of a trainer's progress going, by the clock of process 0.

    The clock stands still while the process does: stopped by SIGSTOP, frozen with its container, or waiting
    for such a process or for a disk. A run of minutes would otherwise find its time over, with its learning
    rate still high.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._clocks = time.monotonic(), time.process_time()
        self._ran_seconds, self._processor_seconds = 0.0, 0.0

    def read(self) -> float:
        """Set elapsed_seconds to what they are now, in seconds, and return them."""
        now = time.monotonic(), time.process_time()
        seconds, processor_seconds = (after - before for after, before in zip(now, self._clocks, strict=True))
        seconds = self._running(seconds, processor_seconds)
        self._clocks = now
        self._ran_seconds += seconds
        self._processor_seconds += processor_seconds
        progress = self._trainer.progress
        progress.elapsed_seconds = self._trainer.processes.first(progress.elapsed_seconds + seconds)
        return progress.elapsed_seconds

    def _running(self, seconds: float, processor_seconds: float) -> float:
        """Return for how many of the seconds the process ran, judged by the processor time that it took."""
        if seconds < _LONGEST_STEADY_SECONDS:
            return seconds
        usual = self._processor_seconds / self._ran_seconds if self._ran_seconds else 1.0
        if processor_seconds >= _LEAST_PROCESSOR_SHARE * min(usual, 1.0) * seconds:
            return seconds
        return processor_seconds / max(usual, 1e-9)


class _EvaluationSchedule:
    """When to evaluate: at multiples of a number of steps, or by the clock in a run of minutes.

    By the clock evaluations take a small share of the time, and none is due shortly before the end, where
    the run is evaluated anyway.
    """

    def __init__(self, trainer: Trainer, validation_characters: int) -> None:
        self._trainer = trainer
        self._validation_characters = validation_characters
        self._measured = False
        config, total = trainer.config, trainer.total_steps
        steps = total and total - config.extended_after_step
        self._every_steps = config.evaluate_every or (steps and max(1, steps // _EVALUATIONS_PER_RUN))
        self._end_seconds = 60 * (config.minutes or 0.0)
        self._part_seconds = self._end_seconds - config.extended_after_seconds
        self._pause_seconds = self._part_seconds / _EVALUATIONS_PER_RUN
        self._next_seconds = trainer.progress.elapsed_seconds + self._pause_seconds

    def is_due(self) -> bool:
        """Return whether to evaluate before the next step."""
        progress = self._trainer.progress
        if self._every_steps:
            return progress.step % self._every_steps == 0 and progress.step > progress.evaluated_step
        last_seconds = self._end_seconds - self._pause_seconds / 2
        if not self._next_seconds <= progress.elapsed_seconds < last_seconds:
            return False
        longest_seconds = _LARGEST_FIRST_EVALUATION_SHARE * self._part_seconds
        return self._measured or self._expected_seconds() <= longest_seconds

    def _expected_seconds(self) -> float:
        """Return how long the first evaluation will take, judged by the speed of the training."""
        progress = self._trainer.progress
        rate = _EVALUATION_SPEEDUP * progress.characters / max(progress.elapsed_seconds, 1e-9)
        return self._validation_characters / max(rate, 1e-9)

    def record(self, seconds: float) -> None:
        """Plan the next evaluation, after one that just ended and took seconds."""
        self._measured = True
        self._pause_seconds = max(self._pause_seconds, seconds / _LARGEST_EVALUATION_SHARE)
        self._next_seconds = self._trainer.progress.elapsed_seconds + self._pause_seconds


def _logged(trainer: Trainer, steps: int, seconds: float) -> Logged:
    """Return the event for the last `steps` steps, which took `seconds` seconds."""
    progress = trainer.progress
    return Logged(
        step=progress.step,
        characters=progress.characters,
        elapsed_seconds=progress.elapsed_seconds,
        characters_per_second=steps * trainer.config.streams * trainer.config.window / max(seconds, 1e-9),
        learning_rate=trainer.learning_rate,
        train_bits_per_character=trainer.take_mean_bits(),
    )


def _evaluated(trainer: Trainer, validation: Ids) -> Evaluated:
    """Evaluate the mean weights and note the value in the trainer's progress. Raises DivergedError."""
    trainer.check_finite()
    bits = evaluate(trainer.average, validation, processes=trainer.processes).bits_per_character
    if not math.isfinite(bits):
        raise trainer.diverged_error("the validation loss")
    progress = trainer.progress
    best = bits < progress.best_bits
    progress.evaluated_step = progress.step
    if best:
        progress.best_bits, progress.best_step = bits, progress.step
    progress.evaluations_since_best = 0 if best else progress.evaluations_since_best + 1
    return Evaluated(progress.step, progress.characters, progress.elapsed_seconds, bits, best)
