"""A run's folder, for writing: one training at a time, every file whole or not there.

A file is written beside its place, flushed to the disk and moved there in one step. What each is, see
checkpoint.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from charlstm.checkpoint.record import CONFIG_BYTES, RunConfig, config_checksum, config_document, damaged
from charlstm.checkpoint.tensor_file import UNREADABLE, Shapes, load_tensors, save_tensors, whole_number
from charlstm.errors import CheckpointError, cannot_be_written
from charlstm.machine.files import clear_partials, flush_to_disk, locked, whole_file
from charlstm.model.char_lstm import CharLSTM
from charlstm.run_files import CONFIG, EVALUATED, METRICS, MODEL, RESUME, RUN_FILES


class Resumable(Protocol):
    """A training that can be saved and gone on with: its tensors by name, and its plain numbers."""

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that going on needs."""

    def numbers(self) -> dict[str, float | int]:
        """All plain numbers that going on needs."""

    def fits(self, shapes: Shapes) -> bool:
        """Whether tensors of these shapes can be restored."""

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, float | int]) -> None:
        """Go on from what `tensors` and `numbers` gave. Raises an exception for anything else."""


class RunFolder:
    """The folder of one run, for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder where there is none and keep other trainings out of it meanwhile.

        Raises CheckpointError when another has it, and when it cannot be made.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.path))
            except BlockingIOError as error:
                raise CheckpointError(
                    f"another process is training in {self.path}", "wait for it, or name another --out"
                ) from error
            except OSError as error:
                raise _unwritable(self.path, error) from error
            for name in RUN_FILES:
                clear_partials(self.path / name)
            yield

    def create(self, config: RunConfig, *, overwrite: bool = False) -> None:
        """Make the folder and its config.json. Raises CheckpointError where a run is, or nothing can be."""
        self.refuse_if_taken(overwrite=overwrite)
        document = config.to_json()
        sealed = document | {"crc32": config_checksum(document)}
        text = json.dumps(sealed, ensure_ascii=True, indent=1) + "\n"
        if len(text) > CONFIG_BYTES:
            raise CheckpointError(
                f"a vocabulary of {len(config.vocabulary):,} symbols is more than a run can hold",
                "train on the bytes by --level bytes",
            )

        def write(partial: Path) -> None:
            partial.write_text(text, encoding="utf-8")
            for name in (RESUME, MODEL, EVALUATED, METRICS):  # only now: the disk had room for config.json
                (self.path / name).unlink(missing_ok=True)
            (self.path / METRICS).touch()

        _write_whole(self.path / CONFIG, write)

    def refuse_if_taken(self, *, overwrite: bool = False) -> None:
        """Raise CheckpointError when a run is there already, and when what is there is no run's."""
        try:
            found = sorted(os.listdir(self.path)) if self.path.is_dir() else []
        except OSError as error:
            raise _unwritable(self.path, error) from error
        strange = [name for name in found if name not in RUN_FILES and not name.endswith(".partial")]
        if CONFIG in found and _is_config(self.path / CONFIG):
            if not overwrite:
                raise CheckpointError(
                    f"{self.path} holds a run already",
                    "go on with it by `train --resume`, replace it by --overwrite, or name another --out",
                )
        elif CONFIG in found or strange:
            one = CONFIG if CONFIG in found else strange[0]
            raise CheckpointError(
                f"{self.path} holds files that are no run's, such as {one}", "name a new folder by --out"
            )

    def save_model(
        self, model: CharLSTM, *, step: int = 0, validation_bits_per_character: float | None
    ) -> None:
        """Write the weights as they are now as the run's best; step is 0 for a model from elsewhere."""
        numbers = {"step": step, "validation_bits_per_character": validation_bits_per_character}
        self._save(MODEL, model.state_dict(), numbers)

    def keep_evaluated(self) -> None:
        """Keep the best weights for `restore`, before those of an interrupted run take their place."""
        if (self.path / MODEL).exists():
            _write_whole(self.path / EVALUATED, lambda partial: shutil.copyfile(self.path / MODEL, partial))

    def save_resume(self, training: Resumable) -> None:
        """Write all that going on needs, with how far metrics.jsonl had come."""
        metrics = self.path / METRICS
        try:
            metrics.touch()
            flush_to_disk(metrics)
            numbers = training.numbers() | {"metrics_bytes": metrics.stat().st_size}
        except OSError as error:
            raise _unwritable(metrics, error) from error
        self._save(RESUME, training.tensors(), numbers)

    def _save(self, name: str, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        try:
            arrays = {key: tensor.detach().cpu().contiguous().numpy() for key, tensor in tensors.items()}
            save_tensors(self.path / name, arrays, numbers)
        except OSError as error:
            raise _unwritable(self.path / name, error) from error

    def restore(self, training: Resumable) -> None:
        """Put a training and the best weights back to the last save, and cut metrics.jsonl to where it was.

        A run that was ended before its first save begins again. Measurements that are missing are no
        obstacle: what counts is the training. Raises CheckpointError.
        """
        place = self.path / RESUME
        length = 0
        if place.exists():
            try:
                arrays, numbers = load_tensors(place, training.fits)
                length = whole_number(numbers, "metrics_bytes")
                tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
                training.restore(tensors, numbers)
            except (*UNREADABLE, RuntimeError) as error:
                raise damaged(place, error) from error
        elif (self.path / MODEL).exists():
            raise CheckpointError(
                f"{self.path} has no {RESUME}: what going on needs is gone", "train again with another --out"
            )
        self._cut_back(length)

    def _cut_back(self, length: int) -> None:
        """Take back what was written after the last save: measurements, and weights of an interruption."""
        try:
            with open(self.path / METRICS, "ab") as file:
                file.truncate(min(length, file.tell()))
            if (self.path / EVALUATED).exists():
                os.replace(self.path / EVALUATED, self.path / MODEL)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def log(self, measurement: dict[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        try:
            with open(self.path / METRICS, "a", encoding="utf-8") as file:
                file.write(json.dumps(measurement, allow_nan=False) + "\n")
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _is_config(place: Path) -> bool:
    """Whether a config.json was written here, whatever became of it since."""
    try:
        return {"format", "model", "vocabulary"} <= set(config_document(place))
    except UNREADABLE:
        return False


def _write_whole(place: Path, write: Callable[[Path], object]) -> None:
    """Have a file written whole or not at all. Raises CheckpointError when it cannot be."""
    try:
        with whole_file(place) as partial:
            write(partial)
    except OSError as error:
        raise _unwritable(place, error) from error


def _unwritable(place: Path, error: Exception) -> CheckpointError:
    advice = "see that it may be written and has space, or name another --out"
    return cannot_be_written(CheckpointError, place, error, advice)
