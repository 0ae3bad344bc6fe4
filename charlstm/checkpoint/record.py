"""config.json: what a run is, as it is written, read back and checked."""

import json
import platform
import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from charlstm.checkpoint.tensor_file import UNREADABLE, finite_number, whole_number
from charlstm.config import GateOrder, ModelConfig, TrainingConfig, parse_split, plain
from charlstm.errors import CharLSTMError, CheckpointError
from charlstm.machine.files import open_regular, refuse_link_outside
from charlstm.run_files import CONFIG
from charlstm.text.vocabulary import Vocabulary

FORMAT = 1

# The largest config.json: room for 150,000 symbols. JSON of this size takes 100 MB of memory at most.
CONFIG_BYTES = 4 << 20


@dataclass(frozen=True)
class CorpusRecord:
    """The text that a run was trained on.

    name is what the user called it, sha256 that of its content. characters is its length in tokens, split
    the shares for training, validation and testing. validation names the text that was validated on instead,
    and validation_sha256 is that of its content; None where there is none, or an older charlstm trained.
    newlines says that line ends of \\r\\n and \\r were read as \\n: the SHA-256 are of the converted texts.
    Raises TypeError or ValueError for a value that no such field has, UsageError for a split that is none.
    """

    name: str
    sha256: str
    characters: int
    split: str
    validation: str | None = None
    validation_sha256: str | None = None
    newlines: bool = False

    def __post_init__(self) -> None:
        _check_types(self, str, "name", "sha256", "split")
        _check_types(self, str | None, "validation", "validation_sha256")
        _check_types(self, bool, "newlines")
        whole_number(vars(self), "characters")
        parse_split(self.split)


@dataclass(frozen=True)
class SourceRecord:
    """The file that a model was imported from, and how its weights were read.

    name is the file's name, sha256 that of its content. layout names the framework's arrangement of weights,
    gate_order the order of the gates in their rows, forget_bias what was added to the forget gates' biases.
    Raises TypeError or ValueError for a value that no such field has.
    """

    name: str
    sha256: str
    layout: str
    gate_order: GateOrder
    forget_bias: float

    def __post_init__(self) -> None:
        _check_types(self, str, "name", "sha256", "layout")
        if self.gate_order not in get_args(GateOrder):
            raise ValueError(f"its gate_order is {self.gate_order!r:.60}")
        finite_number(vars(self), "forget_bias")


@dataclass(frozen=True)
class RunConfig:
    """What config.json says of a run.

    training and corpus are None for an imported model, source is None for one that was trained here.
    begun_from names the run whose weights it began with, None where they were drawn at random. Raises
    TypeError when it is neither text nor None.
    """

    model: ModelConfig
    training: TrainingConfig | None
    vocabulary: Vocabulary
    corpus: CorpusRecord | None
    source: SourceRecord | None = None
    begun_from: str | None = None

    def __post_init__(self) -> None:
        _check_types(self, str | None, "begun_from")

    def to_json(self) -> dict[str, Any]:
        """Return what config.json holds beside its checksum, with the versions of Python and torch."""
        return {
            "format": FORMAT,
            "model": plain(self.model),
            "training": self.training and plain(self.training),
            "vocabulary": self.vocabulary.to_json(),
            "corpus": self.corpus and dict(vars(self.corpus)),
            "source": self.source and dict(vars(self.source)),
            "begun_from": self.begun_from,
            "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
        }

    @classmethod
    def from_json(cls, data: Any) -> "RunConfig":
        """Return the config whose to_json gave data.

        Raises CheckpointError, UsageError or one of KeyError, TypeError, ValueError and AttributeError for
        anything else.
        """
        if data["format"] != FORMAT:
            raise CheckpointError(
                f"its format is {data['format']!r:.60}, not {FORMAT}", "use a newer charlstm"
            )
        training, corpus, source = data["training"], data["corpus"], data.get("source")
        config = cls(
            ModelConfig(**data["model"]),
            None if training is None else TrainingConfig(**training),
            Vocabulary.from_json(data["vocabulary"]),
            None if corpus is None else CorpusRecord(**corpus),
            None if source is None else SourceRecord(**source),
            data.get("begun_from"),
        )
        scored, spelled = config.model.vocabulary_size, len(config.vocabulary)
        if scored != spelled:
            raise CheckpointError(
                f"its model knows {scored} symbols, its vocabulary {spelled}",
                "restore the file from a copy: it was changed",
            )
        return config


def _check_types(record: object, wanted: type | UnionType, *fields: str) -> None:
    """Raise TypeError that names the first of some fields of record whose value is not of the wanted type."""
    for name in fields:
        value = getattr(record, name)
        if not isinstance(value, wanted):
            raise TypeError(f"its {name} is {value!r:.60}")


def config_document(place: Path) -> Any:
    """Return the JSON in the config.json at place.

    Raises ValueError when it is larger than CONFIG_BYTES or no JSON, OSError when it cannot be read or is a
    link out of its folder, RecursionError when it is nested too deeply.
    """
    refuse_link_outside(place)
    with open_regular(place) as file:
        content = file.read(CONFIG_BYTES + 1)
    if len(content) > CONFIG_BYTES:
        raise ValueError(f"it has more than {CONFIG_BYTES:,} bytes")
    return json.loads(content.decode("utf-8"))


def _without_checksum(document: Any) -> Any:
    """Return document, that of a config.json, without its checksum; a document may have none.

    Raises ValueError when the checksum does not agree.
    """
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    rest = {name: value for name, value in document.items() if name != "crc32"}
    if "crc32" in document and document["crc32"] != config_checksum(rest):
        raise ValueError("its checksum does not agree: it was changed or damaged")
    return rest


def config_checksum(document: dict[str, Any]) -> str:
    """Return the CRC-32 of document, which config.json holds as "crc32", as eight hexadecimal digits."""
    return f"{zlib.crc32(json.dumps(document, sort_keys=True).encode()):08x}"


def damaged(place: Path, why: object) -> CheckpointError:
    """Return the error which says that the file at place, one of a run's, cannot be used, and why.

    The advice of a CheckpointError is kept; a KeyError is said to be a field that the file lacks.
    """
    advice = "train again, or restore the file from a copy"
    reason = str(why) or type(why).__name__
    if isinstance(why, KeyError) and why.args:
        reason = f"it has no field {why.args[0]!r:.60}"
    elif isinstance(why, CharLSTMError):
        reason, advice = why.problem, why.advice if isinstance(why, CheckpointError) else advice
    return CheckpointError(f"{place} cannot be used: {reason}", advice)


def load_config(path: Path) -> RunConfig:
    """Return the config of the run in the folder path.

    Raises CheckpointError when there is no run or its config.json cannot be used.
    """
    place = path / CONFIG
    if not place.exists():
        raise CheckpointError(
            f"{path} is not a run's folder: it has no {CONFIG}",
            "name the folder of a run, as a training or an import makes it",
        )
    try:
        return RunConfig.from_json(_without_checksum(config_document(place)))
    except (*UNREADABLE, AttributeError, CharLSTMError) as error:
        raise damaged(place, error) from error
