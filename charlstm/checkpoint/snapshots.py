"""snapshots.safetensors: the weights at several points of a training, read and checked without torch.

Each is about what the model would have been had training ended there: the mean weights, which are evaluated
and saved elsewhere, too. They are float16, so that many take little space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.checkpoint.record import damaged
from charlstm.checkpoint.tensor_file import (
    HALF_PRECISION,
    UNREADABLE,
    Arrays,
    Shapes,
    load_tensors,
    whole_number,
)
from charlstm.config import ModelConfig, parameter_shapes
from charlstm.errors import CheckpointError
from charlstm.run_files import SNAPSHOTS

_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A Snapshot has the weights of a model after a number of training steps.

    tensors are float16, by the names of a CharLSTM's parameters; characters were read by then.
    """

    step: int
    characters: int
    tensors: Arrays

    @classmethod
    def of(cls, weights: Arrays, *, step: int, characters: int) -> "Snapshot":
        """Return a snapshot of weights, float32 by name; what float16 cannot hold becomes its largest."""
        tensors = {
            name: values.clip(-_LARGEST, _LARGEST).astype(np.float16) for name, values in weights.items()
        }
        return cls(step, characters, tensors)

    def weights(self) -> Arrays:
        """Return the weights as float32, by name."""
        return {name: values.astype(np.float32) for name, values in self.tensors.items()}


def snapshot_arrays(snapshots: Sequence[Snapshot]) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the numbers of the file that has snapshots, in their order."""
    arrays = {
        _name(number, name): values
        for number, snapshot in enumerate(snapshots)
        for name, values in snapshot.tensors.items()
    }
    taken = [{"step": snapshot.step, "characters": snapshot.characters} for snapshot in snapshots]
    return arrays, {"snapshots": taken}


def load_snapshots(path: Path, model: ModelConfig) -> list[Snapshot]:
    """Return the snapshots of the run in the folder path, whose config.json describes model, in their order.

    The list is empty where the run has none. Raises CheckpointError when their file is damaged or does not
    fit model.
    """
    if not (path / SNAPSHOTS).exists():
        return []
    shapes = parameter_shapes(model)
    try:
        arrays, numbers = load_tensors(
            path / SNAPSHOTS, lambda found: _fits(found, shapes), types=HALF_PRECISION
        )
        taken = numbers["snapshots"]
        if not isinstance(taken, list) or len(taken) * len(shapes) != len(arrays):
            raise ValueError("its numbers do not fit its tensors")
        return [
            Snapshot(
                whole_number(one, "step"),
                whole_number(one, "characters"),
                {name: arrays[_name(number, name)] for name in shapes},
            )
            for number, one in enumerate(taken)
        ]
    except UNREADABLE as error:
        raise damaged(path / SNAPSHOTS, error) from error


def require_snapshots(path: Path, model: ModelConfig) -> list[Snapshot]:
    """Return what `load_snapshots` returns. Raises CheckpointError also where the run has no snapshots."""
    snapshots = load_snapshots(path, model)
    if not snapshots:
        raise CheckpointError(f"{path} has no snapshots of its training", "train one with `snapshots=16`")
    return snapshots


def _name(number: int, name: str) -> str:
    """Return the name of a parameter's array in the snapshot of this number, from 0."""
    return f"{number}/{name}"


def _fits(found: Shapes, shapes: Shapes) -> bool:
    """Return whether the arrays found are those of some number of snapshots of a model with shapes."""
    count = len(found) // len(shapes)
    return found == {_name(number, name): shape for number in range(count) for name, shape in shapes.items()}
