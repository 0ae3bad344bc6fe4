"""What config.json says of a run, and how it is read and checked."""

import json
import platform
import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from charlstm.checkpoint.tensor_file import UNREADABLE
from charlstm.config import GateOrder, ModelConfig, TrainingConfig, plain
from charlstm.errors import CharLSTMError, CheckpointError
from charlstm.run_files import CONFIG
from charlstm.text.vocabulary import Vocabulary

FORMAT = 1

# config.json: 150,000 symbols fit. What a file of this size can hold as JSON takes 100 MB at most.
CONFIG_BYTES = 4 << 20


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
