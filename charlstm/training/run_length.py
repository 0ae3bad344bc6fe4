"""How long a training is and how much of it is done, for a new run and for one that was extended.

A finished run may go on: it is extended by steps, minutes or epochs. Its length is then that of all its
parts together, and the last part, which begins after extended_after_step, has a schedule of its own: the
learning rate rises from 0 again and falls until the end.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from charlstm.config import TrainingConfig
from charlstm.training.training_progress import TrainingProgress

# The settings of which exactly one says how long a training is.
LENGTHS = ("minutes", "steps", "epochs")
# Decimals of a number of steps: the epochs of an extended run are a sum that was rounded.
_STEP_DECIMALS = 6


def total_steps(config: TrainingConfig, stream_characters: int) -> int | None:
    """Return the number of steps that a run has with all its parts; None when its length is in minutes.

    stream_characters is the number of characters in each stream.
    """
    if config.epochs is None:
        return config.steps
    steps = config.epochs * (stream_characters // config.window)
    return max(1, math.ceil(round(steps, _STEP_DECIMALS) if config.extended_after_step else steps))


def fraction_done(config: TrainingConfig, progress: TrainingProgress, stream_characters: int) -> float:
    """Return the fraction of the run's last part that is done, in [0, 1].

    It goes by steps, or by time when the length is in minutes. stream_characters is the number of characters
    in each stream.
    """
    total = total_steps(config, stream_characters)
    if total is not None:
        done: float = progress.step - config.extended_after_step
        length: float = total - config.extended_after_step
    else:
        assert config.minutes is not None
        done = progress.elapsed_seconds - config.extended_after_seconds
        length = 60 * config.minutes - config.extended_after_seconds
    return max(0.0, min(1.0, done / length)) if length > 0 else 1.0


def is_over(config: TrainingConfig, progress: TrainingProgress, stream_characters: int) -> bool:
    """Return whether a run has reached its length, or its patience ran out."""
    impatient = 0 < config.patience <= progress.evaluations_since_best
    return impatient or fraction_done(config, progress, stream_characters) >= 1


def extended(
    config: TrainingConfig, progress: TrainingProgress, stream_characters: int, more: Mapping[str, Any]
) -> TrainingConfig:
    """Return config, that of a run that is over, with a last part as long as more says.

    more has one of LENGTHS by name, which may be another one than config has. Raises UsageError when it has
    several, or a length out of range.
    """
    TrainingConfig(**more)
    done = _amounts(config, progress.step, progress.elapsed_seconds, stream_characters)
    lengths: dict[str, Any] = {name: done[name] + more[name] if name in more else None for name in LENGTHS}
    return replace(
        config,
        **lengths,
        extended_after_step=progress.step,
        extended_after_seconds=progress.elapsed_seconds,
    )


def _amounts(
    config: TrainingConfig, steps: int, seconds: float, stream_characters: int
) -> dict[str, int | float]:
    """Return by the names of LENGTHS how much of a run was done after a number of steps and of seconds."""
    windows = max(1, stream_characters // config.window)
    return {"minutes": seconds / 60, "steps": steps, "epochs": steps / windows}


def is_length_of(config: TrainingConfig, length: Mapping[str, Any], stream_characters: int) -> bool:
    """Return whether length, one of LENGTHS by name, is that of the whole run or that of its last part.

    stream_characters is the number of characters in each stream.
    """
    (name, value), *more = length.items()
    whole = getattr(config, name)
    if more or whole is None:
        return False
    steps, seconds = config.extended_after_step, config.extended_after_seconds
    before = _amounts(config, steps, seconds, stream_characters)
    return whole == value or math.isclose(whole - before[name], value)
