"""How far a training is, as plain numbers that are saved with it and read back."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# Counts are 64-bit numbers: nothing that trained can have counted further.
_COUNT_LIMIT = 2**63


@dataclass
class TrainingProgress:
    """The plain numbers of a training; as created here, those of a training before its first step.

    step: optimiser steps that were taken.
    characters: characters that were read, over all streams and processes.
    elapsed_seconds: time spent, interruptions left out.
    best_bits: the lowest validation loss so far in bits per character, infinite before the first evaluation.
    best_step: the step whose weights are saved as the best ones.
    evaluated_step: the step of the last evaluation, 0 before the first.
    evaluations_since_best: evaluations after the one that gave best_bits.
    position: the character of every stream at which the next window starts, from 0.
    summed_steps: steps whose losses are summed up and not reported yet.
    """

    step: int = 0
    characters: int = 0
    elapsed_seconds: float = 0.0
    best_bits: float = math.inf
    best_step: int = 0
    evaluated_step: int = 0
    evaluations_since_best: int = 0
    position: int = 0
    summed_steps: int = 0

    def to_json(self) -> dict[str, float | int]:
        """Return the numbers by name, in the order of the fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, numbers: Mapping[str, Any]) -> "TrainingProgress":
        """Return the progress whose to_json gave numbers; other names in numbers are ignored.

        Raises KeyError for a missing number, ValueError for one that no training can have.
        """
        values: dict[str, Any] = {
            field.name: _count(numbers, field.name) if field.type is int else _amount(numbers, field.name)
            for field in fields(cls)
        }
        progress = cls(**values)
        if math.isinf(progress.elapsed_seconds):
            raise ValueError("its elapsed_seconds are infinite")
        return progress


def _count(numbers: Mapping[str, Any], name: str) -> int:
    """Return a whole number of steps, characters or evaluations. Raises ValueError for anything else."""
    value = numbers[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _COUNT_LIMIT:
        raise ValueError(f"its {name} is {value!r:.60}")
    return value


def _amount(numbers: Mapping[str, Any], name: str) -> float:
    """Return a number from 0 to infinity. Raises ValueError for anything else, NaN among it."""
    value = numbers[name]
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise ValueError(f"its {name} is {value!r:.60}")
    return float(value)
