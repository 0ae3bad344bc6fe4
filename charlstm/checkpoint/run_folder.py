"""A run's folder, for writing: one training at a time, every file whole or not there.

A file is written beside its place, flushed to the disk and moved there in one step. loading.py says what
each file holds.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from charlstm.checkpoint.record import CONFIG_BYTES, RunConfig, config_checksum, config_document, damaged
from charlstm.checkpoint.snapshots import Snapshot, snapshot_arrays
from charlstm.checkpoint.tensor_file import (
    UNREADABLE,
    Arrays,
    Shapes,
    load_numbers,
    load_tensors,
    save_tensors,
    whole_number,
)
from charlstm.errors import CheckpointError, DeviceError, UsageError, cannot_be_written
from charlstm.machine.files import (
    clear_partials,
    locked,
    open_regular,
    open_to_append,
    refuse_link_outside,
    whole_file,
)
from charlstm.model.char_lstm import CharLSTM
from charlstm.run_files import (
    CONFIG,
    EVALUATED,
    METRICS,
    MODEL,
    OF_ONE_RUN,
    RESUME,
    RUN_FILES,
    SNAPSHOTS,
)

# A save holds each parameter and its mean as float32.
_LEAST_BYTES_PER_PARAMETER = 8


class Resumable(Protocol):
    """A training that can be saved and resumed, by its tensors and its plain numbers."""

    def tensors(self) -> dict[str, Tensor]:
        """Return by name every tensor that `restore` needs, float32 or uint8."""

    def numbers(self) -> dict[str, float | int]:
        """Return by name every plain number that `restore` needs."""

    def fits(self, shapes: Shapes) -> bool:
        """Return whether tensors of shapes, by name, can be restored."""

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on from what `tensors` and `numbers` gave. Raises UNREADABLE or RuntimeError otherwise."""


class RunFolder:
    """The folder of one run, at path, for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._still_there: Callable[[], bool] = lambda: True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a lock on the folder, which is made where there is none, while the context is open.

        Files that a process which died left half written are removed. Raises CheckpointError when another
        process holds the lock, and when the folder cannot be made.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                self._still_there = stack.enter_context(locked(self.path))
            except BlockingIOError as error:
                raise CheckpointError(
                    f"another process is training in {self.path}", "wait for it, or name another `out`"
                ) from error
            except OSError as error:
                raise _unwritable(self.path, error) from error
            for name in RUN_FILES:
                clear_partials(self.path / name)
            yield

    def _check_still_there(self) -> None:
        """Raise CheckpointError when the held folder was removed, or another one lies at its path.

        The other one may be a run of its own, whose lock is not this one's: nothing of it is overwritten.
        """
        if not self._still_there():
            raise CheckpointError(
                f"{self.path} is not the folder that this training began in: it was removed or replaced",
                "leave a run's folder where it is while it trains, and train again with another `out`",
            )

    def create(self, config: RunConfig, *, overwrite: bool = False) -> None:
        """Write config for a new run; overwrite removes the files of a run that is there.

        Raises CheckpointError when the folder is taken (see refuse_if_taken), when the vocabulary is too
        large for config.json and when the folder cannot be written.
        """
        self.refuse_if_taken(overwrite=overwrite)
        self._check_still_there()
        text = _config_text(config)

        def write(partial: Path) -> None:
            partial.write_text(text, encoding="utf-8")
            for name in OF_ONE_RUN:  # only now: the disk had room for config.json
                (self.path / name).unlink(missing_ok=True)

        _write_whole(self.path / CONFIG, write)
        try:
            open_to_append(self.path / METRICS).close()
        except OSError as error:
            raise _unwritable(self.path / METRICS, error) from error

    def change_config(self, config: RunConfig) -> None:
        """Write config over that of the run that is here. Raises CheckpointError."""
        self._check_still_there()
        text = _config_text(config)
        _write_whole(self.path / CONFIG, lambda partial: partial.write_text(text, encoding="utf-8"))

    def refuse_to_replace(self, source: Path) -> None:
        """Raise UsageError when source, a file that is about to be read, lies in this folder.

        What is written here would take its place.
        """
        if source.resolve().is_relative_to(self.path.resolve()):
            raise UsageError(
                f"{source} lies in {self.path}, which would be overwritten", "name another folder by `out`"
            )

    def refuse_if_taken(self, *, overwrite: bool = False) -> None:
        """Raise CheckpointError when the folder holds files that are no run's, or a run and not overwrite.

        Files that have the names of a run's files are a run's only beside a config.json that charlstm wrote.
        """
        try:
            names = sorted(os.listdir(self.path)) if self.path.is_dir() else []
        except OSError as error:
            raise _unwritable(self.path, error) from error
        files = [name for name in names if not name.endswith(".partial")]
        foreign = [name for name in files if name not in RUN_FILES]
        if CONFIG in names and _is_config(self.path / CONFIG):
            if not overwrite:
                raise CheckpointError(
                    f"{self.path} holds a run already",
                    "go on with it by `charlstm train --resume`, replace it by `overwrite=True`, "
                    "or name another `out`",
                )
        elif files:
            example = CONFIG if CONFIG in files else [*foreign, *files][0]
            raise CheckpointError(
                f"{self.path} holds files that are no run's, such as {example}", "name a new folder by `out`"
            )

    def save_model(
        self, model: CharLSTM, *, step: int = 0, validation_bits_per_character: float | None
    ) -> None:
        """Write the weights of model as the run's best, with their loss, None where it was not measured.

        step is the training step that they come from, 0 for an imported model. Raises CheckpointError when
        they cannot be written.
        """
        numbers = {"step": step, "validation_bits_per_character": validation_bits_per_character}
        self._save(MODEL, model.state_dict(), numbers)

    def keep_evaluated(self) -> None:
        """Copy the best weights to evaluated.safetensors, from where `restore` brings them back.

        Call this before the weights of an interrupted training take their place. Raises CheckpointError.
        """
        self._check_still_there()
        if (self.path / MODEL).exists():
            _write_whole(self.path / EVALUATED, self._copy_model)

    def _copy_model(self, to: Path) -> None:
        """Copy the best weights to a file. Raises OSError."""
        refuse_link_outside(self.path / MODEL)
        shutil.copyfile(self.path / MODEL, to)

    def save_resume(self, training: Resumable) -> None:
        """Write what training needs to resume, and the length of metrics.jsonl. Raises CheckpointError."""
        self._check_still_there()
        metrics = self.path / METRICS
        try:
            with open_to_append(metrics) as file:
                os.fsync(file.fileno())
                numbers = training.numbers() | {"metrics_bytes": os.fstat(file.fileno()).st_size}
        except OSError as error:
            raise _unwritable(metrics, error) from error
        self._save(RESUME, training.tensors(), numbers)

    def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Write snapshots in the place of those that were saved. Raises CheckpointError or DeviceError."""
        self._save_arrays(SNAPSHOTS, *snapshot_arrays(snapshots))

    def _save(self, name: str, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Write tensors and numbers to the file called name. Raises CheckpointError or DeviceError."""
        arrays = {key: tensor.detach().cpu().contiguous().numpy() for key, tensor in tensors.items()}
        self._save_arrays(name, arrays, numbers)

    def _save_arrays(self, name: str, arrays: Arrays, numbers: Mapping[str, Any]) -> None:
        """Write arrays and numbers to the file called name. Raises CheckpointError or DeviceError."""
        self._check_still_there()
        try:
            save_tensors(self.path / name, arrays, numbers)
        except OSError as error:
            raise _unwritable(self.path / name, error) from error
        except MemoryError as error:
            raise DeviceError(
                f"out of memory while saving {self.path / name}",
                "the last save is whole: free memory, then go on with `charlstm train --resume`",
            ) from error

    def saved_numbers(self, parameters: int) -> dict[str, Any]:
        """Return the plain numbers of the last save, {} where there is none; nothing of it is believed yet.

        parameters is how many the model has that config.json describes: a save that is too small for them is
        refused here, before such a model takes memory. Raises CheckpointError when the save is damaged.
        """
        place = self.path / RESUME
        if not place.exists():
            return {}
        try:
            refuse_link_outside(place)
            with open_regular(place) as file:
                size = os.fstat(file.fileno()).st_size
            if size < _LEAST_BYTES_PER_PARAMETER * parameters:
                raise ValueError(f"its {size:,} bytes do not fit the model that config.json describes")
            return load_numbers(place)
        except UNREADABLE as error:
            raise damaged(place, error) from error

    def restore(self, training: Resumable, *, begun_from_random: bool = True) -> None:
        """Restore training, the best weights and the length of metrics.jsonl as they were at the last save.

        begun_from_random says that the weights of the run were drawn at random at first. A run that was never
        saved starts from step 0, unless it began from another run's weights. Lines that metrics.jsonl has
        lost are no error. Raises CheckpointError when the last save is damaged or gone, or does not fit
        training.
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
        elif not begun_from_random or (self.path / MODEL).exists():
            raise CheckpointError(
                f"{self.path} has no {RESUME}: what going on needs is gone", "train again with another `out`"
            )
        self._cut_back(length)

    def _cut_back(self, length: int) -> None:
        """Cut metrics.jsonl to length bytes and bring back the best weights of the last evaluation.

        Raises CheckpointError when the folder cannot be written.
        """
        try:
            with open_to_append(self.path / METRICS) as file:
                file.truncate(min(length, file.tell()))
            if (self.path / EVALUATED).exists():
                os.replace(self.path / EVALUATED, self.path / MODEL)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def log(self, measurement: dict[str, Any]) -> None:
        """Add measurement, finite numbers by name, to metrics.jsonl. Raises CheckpointError."""
        self._check_still_there()
        try:
            with open_to_append(self.path / METRICS) as file:
                file.write((json.dumps(measurement, allow_nan=False) + "\n").encode())
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _config_text(config: RunConfig) -> str:
    """Return the content of config.json. Raises CheckpointError when the vocabulary is too large for it."""
    document = config.to_json()
    sealed = document | {"crc32": config_checksum(document)}
    text = json.dumps(sealed, ensure_ascii=True, indent=1) + "\n"
    if len(text) > CONFIG_BYTES:
        raise CheckpointError(
            f"a vocabulary of {len(config.vocabulary):,} symbols is more than a run can hold",
            'train on the bytes by `level="bytes"`',
        )
    return text


def _is_config(place: Path) -> bool:
    """Return whether the file at place was once a run's config.json, even if it was changed since."""
    try:
        return {"format", "model", "vocabulary"} <= set(config_document(place))
    except UNREADABLE:
        return False


def _write_whole(place: Path, write: Callable[[Path], object]) -> None:
    """Have write fill a file that then moves to place, whole or not at all. Raises CheckpointError."""
    try:
        with whole_file(place) as partial:
            write(partial)
    except OSError as error:
        raise _unwritable(place, error) from error


def _unwritable(place: Path, error: Exception) -> CheckpointError:
    """Return the error which says that place, a file or folder, cannot be written, and why."""
    advice = "see that it may be written and has space, or name another `out`"
    return cannot_be_written(CheckpointError, place, error, advice)
