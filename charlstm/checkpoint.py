"""A run's folder: every file in it is whole or not there, and none of them is a pickle.

    config.json          settings of the model and its training, vocabulary, corpus, versions; of an imported
                         model the source, and neither training nor corpus
    model.safetensors    the best weights so far, what sampling and inspection read
    resume.safetensors   the last weights with all that going on needs
    metrics.jsonl        one object per measurement

A file is written beside its place, flushed to the disk and moved there in one step.
"""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from charlstm.config import GateOrder, ModelConfig, TrainingConfig, plain
from charlstm.errors import CharLSTMError, CheckpointError
from charlstm.files import whole_file
from charlstm.model import CharLSTM
from charlstm.training import Trainer
from charlstm.vocabulary import Vocabulary

FORMAT = 1
_CONFIG, _MODEL, _RESUME, _METRICS = "config.json", "model.safetensors", "resume.safetensors", "metrics.jsonl"


@dataclass(frozen=True)
class CorpusRecord:
    """Which text a run was trained on: the name it was asked for by, and what it held."""

    name: str
    sha256: str
    characters: int
    split: str
    validation: str | None = None


@dataclass(frozen=True)
class SourceRecord:
    """Which file a model was imported from, and how its weights were read."""

    name: str
    sha256: str
    layout: str
    gate_order: GateOrder
    forget_bias: float


@dataclass(frozen=True)
class RunConfig:
    """All that config.json says: training and corpus of a run, or the source of a model from elsewhere."""

    model: ModelConfig
    training: TrainingConfig | None
    vocabulary: Vocabulary
    corpus: CorpusRecord | None
    source: SourceRecord | None = None

    def to_json(self) -> dict[str, Any]:
        """As a dict of JSON values, with the versions that wrote it."""
        return {
            "format": FORMAT,
            "model": plain(self.model),
            "training": self.training and plain(self.training),
            "vocabulary": self.vocabulary.to_json(),
            "corpus": self.corpus and dict(vars(self.corpus)),
            "source": self.source and dict(vars(self.source)),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }

    @classmethod
    def from_json(cls, data: Any) -> "RunConfig":
        """The opposite of to_json. Raises CheckpointError, UsageError, KeyError or TypeError."""
        if data["format"] != FORMAT:
            raise CheckpointError(f"its format is {data['format']!r}, not {FORMAT}", "use a newer charlstm")
        training, corpus, source = data["training"], data["corpus"], data.get("source")
        config = cls(
            ModelConfig(**data["model"]),
            None if training is None else TrainingConfig(**training),
            Vocabulary.from_json(data["vocabulary"]),
            None if corpus is None else CorpusRecord(**corpus),
            None if source is None else SourceRecord(**source),
        )
        known, spelled = config.model.vocabulary_size, len(config.vocabulary)
        if known != spelled:
            raise CheckpointError(
                f"its model knows {known} symbols, its vocabulary {spelled}",
                "save the run again: config.json was changed",
            )
        return config


@dataclass(frozen=True)
class Checkpoint:
    """A run read back: its settings, its best model, and what was measured when that was saved."""

    path: Path
    config: RunConfig
    model: CharLSTM
    step: int
    validation_bits_per_character: float | None


class RunFolder:
    """The folder of one run, for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, config: RunConfig, *, overwrite: bool = False) -> None:
        """Make the folder and its config.json. Raises CheckpointError where a run is, or nothing can be."""
        if not overwrite:
            self.refuse_if_taken()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in (_RESUME, _MODEL, _METRICS):
                (self.path / name).unlink(missing_ok=True)
            (self.path / _METRICS).touch()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        text = json.dumps(config.to_json(), ensure_ascii=True, indent=1)
        _write_whole(self.path / _CONFIG, lambda place: place.write_text(text + "\n", encoding="utf-8"))

    def refuse_if_taken(self) -> None:
        """Raise CheckpointError when a run is there already."""
        if (self.path / _CONFIG).exists():
            raise CheckpointError(
                f"{self.path} holds a run already",
                "go on with it by `train --resume`, replace it by --overwrite, or name another --out",
            )

    def save_model(
        self, model: CharLSTM, *, step: int = 0, validation_bits_per_character: float | None
    ) -> None:
        """Write the weights as they are now as the run's best; step is 0 for a model from elsewhere."""
        numbers = {"step": step, "validation_bits_per_character": validation_bits_per_character}
        _save_tensors(self.path / _MODEL, model.state_dict(), numbers)

    def save_resume(self, trainer: Trainer) -> None:
        """Write all that going on needs, with how far metrics.jsonl had come."""
        numbers = trainer.numbers() | {"metrics_bytes": (self.path / _METRICS).stat().st_size}
        _save_tensors(self.path / _RESUME, trainer.tensors(), numbers)

    def restore(self, trainer: Trainer) -> None:
        """Put the trainer back to the last save and cut metrics.jsonl to where it was then."""
        tensors, numbers = _load_tensors(self.path / _RESUME)
        try:
            trainer.restore(tensors, numbers)
            os.truncate(self.path / _METRICS, int(numbers["metrics_bytes"]))
        except (KeyError, ValueError, RuntimeError, OSError) as error:
            raise _damaged(self.path / _RESUME, error) from error

    def log(self, measurement: dict[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        try:
            with open(self.path / _METRICS, "a", encoding="utf-8") as file:
                file.write(json.dumps(measurement) + "\n")
        except OSError as error:
            raise _unwritable(self.path, error) from error


def load_config(path: Path) -> RunConfig:
    """The settings of a run. Raises CheckpointError when there is none or it cannot be read."""
    place = path / _CONFIG
    if not place.is_file():
        raise CheckpointError(
            f"{path} is not a run's folder: it has no {_CONFIG}",
            "name a folder that `charlstm train --out` made",
        )
    try:
        return RunConfig.from_json(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, CharLSTMError) as error:
        raise _damaged(place, error) from error


def load(path: str | Path) -> Checkpoint:
    """The best model of a run, ready for use on the CPU. Raises CheckpointError when it cannot be read."""
    path = Path(path)
    config = load_config(path)
    if not (path / _MODEL).is_file():
        raise CheckpointError(
            f"{path} has no {_MODEL}: its training has not saved yet",
            "let it save, or train with --save-every",
        )
    tensors, numbers = _load_tensors(path / _MODEL)
    model = CharLSTM(config.model)
    expected = {name: value.shape for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in tensors.items()} != expected:
        raise _damaged(path / _MODEL, "its tensors do not fit the model that config.json describes")
    if not all(value.isfinite().all() for value in tensors.values()):
        raise _damaged(path / _MODEL, "it holds weights that are NaN or infinite")
    model.load_state_dict(tensors)
    model.eval()
    return Checkpoint(path, config, model, int(numbers["step"]), numbers["validation_bits_per_character"])


def _save_tensors(place: Path, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"numbers": json.dumps(numbers)}
    # Not save_file, which makes files that only their owner can read.
    _write_whole(place, lambda partial: partial.write_bytes(save(whole, metadata)))


def _load_tensors(place: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(place, framework="pt") as file:
            numbers = json.loads((file.metadata() or {})["numbers"])
            return {name: file.get_tensor(name) for name in file.keys()}, numbers  # noqa: SIM118
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _damaged(place, error) from error


def _write_whole(place: Path, write: Callable[[Path], object]) -> None:
    """Have a file written whole or not at all. Raises CheckpointError when it cannot be."""
    try:
        with whole_file(place) as partial:
            write(partial)
    except OSError as error:
        raise _unwritable(place, error) from error


def _unwritable(place: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{place} cannot be written: {error}",
        "see that it may be written and has space, or name another --out",
    )


def _damaged(place: Path, why: object) -> CheckpointError:
    return CheckpointError(f"{place} cannot be used: {why}", "train again, or restore the file from a copy")
