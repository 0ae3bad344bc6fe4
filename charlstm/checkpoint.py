"""A run's folder read back. Every file in it is whole or not there, and none of them is a pickle.

    config.json            settings of the model and its training, vocabulary, corpus, versions; of one that
                           was imported the source, and neither training nor corpus
    model.safetensors      the best weights so far, what sampling and inspection read
    evaluated.safetensors  model.safetensors as it was before the last weights of an interruption were better
    resume.safetensors     the last weights with all that going on needs
    metrics.jsonl          one object per measurement

Nothing is believed before it was checked: sizes first, then shapes, then checksums. runfolder writes it.
torch is loaded with the model: who only wants the weights does not wait for it.
"""

import json
import platform
import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlstm.config import GateOrder, ModelConfig, TrainingConfig, parameter_shapes, plain
from charlstm.errors import CharLSTMError, CheckpointError
from charlstm.files import CONFIG, MODEL
from charlstm.tensorfile import UNREADABLE, Arrays, finite_number, load_tensors, whole_number
from charlstm.vocabulary import Vocabulary

if TYPE_CHECKING:
    from charlstm.model import CharLSTM

FORMAT = 1
# config.json: 150,000 symbols fit. What a file of this size can hold as JSON takes 100 MB at most.
CONFIG_BYTES = 4 << 20
_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


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
            "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
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
    model: "CharLSTM"
    step: int
    validation_bits_per_character: float | None


class Weights(NamedTuple):
    """The best weights of a run by the names of a CharLSTM's parameters, and what was measured of them."""

    tensors: Arrays
    step: int
    validation_bits_per_character: float | None


def load_config(path: Path) -> RunConfig:
    """The settings of a run. Raises CheckpointError when there is none or it cannot be read."""
    place = path / CONFIG
    if not place.is_file():
        raise CheckpointError(
            f"{path} is not a run's folder: it has no {CONFIG}",
            "name a folder that `charlstm train --out` made",
        )
    try:
        return RunConfig.from_json(_unsealed(config_document(place)))
    except (*UNREADABLE, AttributeError, CharLSTMError) as error:
        raise damaged(place, error) from error


def load(path: str | Path) -> Checkpoint:
    """The best model of a run, ready for use on the CPU. Raises CheckpointError when it cannot be read."""
    import torch

    from charlstm.model import CharLSTM

    path = Path(path)
    config = load_config(path)
    weights = load_weights(path, config.model)
    model = CharLSTM(config.model)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.tensors.items()})
    model.eval()
    return Checkpoint(path, config, model, weights.step, weights.validation_bits_per_character)


def load_weights(path: Path, model: ModelConfig) -> Weights:
    """The best weights of a run with this model. Raises CheckpointError when they cannot be read."""
    if not (path / MODEL).is_file():
        raise CheckpointError(
            f"{path} has no {MODEL}: its training has not saved yet",
            "let it save, or train with --save-every",
        )
    try:
        tensors, numbers = load_tensors(path / MODEL, lambda shapes: shapes == parameter_shapes(model))
        step, bits = whole_number(numbers, "step"), numbers["validation_bits_per_character"]
        if bits is not None:
            bits = finite_number(numbers, "validation_bits_per_character")
        if _may_overflow(tensors, model.layers):
            raise ValueError("its weights are so large that their products overflow")
    except UNREADABLE as error:
        raise damaged(path / MODEL, error) from error
    return Weights(tensors, step, bits)


def _may_overflow(tensors: Arrays, layers: int) -> bool:
    """Whether weights with the largest inputs can pass what float32 holds: a symbol's embedding, h of 1."""
    reach = float(np.abs(tensors["embedding.weight"]).max())
    sums = []
    for layer in range(layers):
        part = {name: np.abs(tensors[f"layers.{layer}.{name}_l0"], dtype=np.float64) for name in _PARTS}
        inputs, recurrent = part["weight_ih"].sum(1) * reach, part["weight_hh"].sum(1)
        sums.append(inputs + recurrent + part["bias_ih"] + part["bias_hh"])
        reach = 1.0
    head, bias = (np.abs(tensors[f"head.{name}"], dtype=np.float64) for name in ("weight", "bias"))
    sums.append(head.sum(1) + bias)
    return max(float(each.max()) for each in sums) > float(np.finfo(np.float32).max) / 2


def config_document(place: Path) -> Any:
    """What a config.json holds. Raises one of UNREADABLE."""
    with open(place, "rb") as file:
        content = file.read(CONFIG_BYTES + 1)
    if len(content) > CONFIG_BYTES:
        raise ValueError(f"it has more than {CONFIG_BYTES:,} bytes")
    return json.loads(content.decode("utf-8"))


def _unsealed(document: Any) -> Any:
    """The document without its checksum. Raises ValueError when that does not agree; older ones have none."""
    if not isinstance(document, dict):
        raise ValueError("it is no object")
    rest = {name: value for name, value in document.items() if name != "crc32"}
    if "crc32" in document and document["crc32"] != config_checksum(rest):
        raise ValueError("its checksum does not agree: it was changed or damaged")
    return rest


def config_checksum(document: dict[str, Any]) -> str:
    """What config.json says as its "crc32"."""
    return f"{zlib.crc32(json.dumps(document, sort_keys=True).encode()):08x}"


def damaged(place: Path, why: object) -> CheckpointError:
    """The problem with a file of a run that cannot be believed."""
    return CheckpointError(
        f"{place} cannot be used: {why or type(why).__name__}", "train again, or restore the file from a copy"
    )
