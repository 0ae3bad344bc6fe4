"""What an inspection found, as plain data, and findings.json: the contract with everyone who reads it.

Fields are only ever added: reading ignores what it does not know and refuses what lacks a field or has
one of the wrong type. Imports no torch, because the report page reads this.
"""

import json
import math
import types
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.files import open_regular, whole_file

SCHEMA_VERSION = 1
# The largest findings.json: its size, its values, and how deeply they are nested. That of 512 cells has
# 1.7 MB, 200,000 values and 8 levels; at these limits reading takes 400 MB of memory.
_MOST_BYTES, _MOST_VALUES, _MOST_LEVELS = 64 << 20, 3_000_000, 40
_ADVICE = "write the findings again with `charlstm inspect`"

Kind = Literal["toggle", "latch", "counter", "depth_counter"]
Verdict = Literal["verified", "redundant", "correlate"]
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """The model that was read; bits_per_character is None where nobody measured it."""

    layers: int
    cells: int
    activation: str
    vocabulary_size: int
    parameters: int
    bits_per_character: float | None = None
    checkpoint: str | None = None


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """The text that was read; splits are [first, one past the last] positions in it."""

    name: str
    sha256: str
    characters: int
    splits: dict[str, list[int]]


@dataclass(frozen=True, kw_only=True)
class Method:
    """What was tested and against what; dropped features varied too little, aliases were the same signal.

    share is of the cells that have a finding, in the model and above its control networks, with intervals.
    """

    features: list[str]
    dropped_features: list[str]
    aliases: dict[str, str]
    null: Json
    rules: dict[str, float]
    controls: dict[str, Json]
    seed: int
    share: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How well a cell follows its feature. Scores are |r| in [0, 1].

    score and discovery_p_value are of the discovery split, null_max is the largest null score there;
    everything held out, and all below it but memory, are of the confirmation split. held_out_partial is the
    score left given the current character, held_out_context_partial given the last three characters, the
    column and the characters since a space. Of a switch: levels are mean c off and on, held is the share
    of positions without a change of the feature where the cell keeps its side, survival the share of
    cells still on so many characters after it went on. Of what counts: straightness is R^2 of the
    staircase, reset_spread the share of variance left at 0, leak how much is lost over a segment, and
    staircase the mean of c by value less the mean of c. What does not apply is None.
    """

    score: float
    discovery_p_value: float
    null_max: float
    held_out_score: float
    held_out_partial: float
    held_out_null_max: float
    p_value: float
    untrained_score: float
    memory: float
    level_share: float
    threshold: float
    slope: float
    accuracy: float | None
    balanced_accuracy: float | None
    straightness: float | None
    held_out_context_partial: float | None = None
    levels: dict[str, float] | None = None
    held: float | None = None
    survival: list[float] | None = None
    reset_spread: float | None = None
    leak: float | None = None
    shape: str | None = None
    staircase: list[float] | None = None
    levels_told_apart: int | None = None


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """Mean gates of the cell, at its drivers and elsewhere, the share of positions with |tanh c| > .9, and
    the weights that do it: see mechanism.weights_of.
    """

    input_gate: float
    input_gate_at_drivers: float
    forget_gate: float
    forget_gate_at_drivers: float
    output_gate: float
    output_saturation: float
    weights: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cell and the feature it follows; polarity is the sign of their correlation.

    causal and verdict are None where the cell was not intervened on: too few closers in the text, or too
    many better findings. portrait says what it looks like, see portraits; only the best have one.
    """

    layer: int
    cell: int
    kind: Kind
    feature: str
    drivers: dict[str, list[str]]
    polarity: int
    detection: Detection
    mechanism: Mechanism
    causal: Json | None = None
    verdict: Verdict | None = None
    portrait: Json | None = None


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A stretch of text; features hold one value per character, and so do cells ("layer:cell"): tanh_c in
    [-1, 1], c, and the gates input, forget, candidate and output. grid has tanh_c of many cells, packed: see
    excerpts.
    """

    split: str
    start: int
    text: str
    cells: dict[str, dict[str, list[float]]]
    features: dict[str, list[int]]
    grid: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything an inspection says; findings with the best held-out score first."""

    schema_version: int = SCHEMA_VERSION
    model: ModelFacts
    corpus: CorpusFacts
    method: Method
    findings: list[Finding]
    gates: Json
    credit: Json = field(default_factory=dict)
    excerpts: list[Excerpt] = field(default_factory=list)
    provenance: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """The document as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> "Findings":
        """Read a document. Raises UsageError naming the first field that is missing or of a wrong type."""
        found = cast(Findings, _read(cls, document, "findings.json"))
        if found.schema_version != SCHEMA_VERSION:
            raise UsageError(
                f"findings.json has schema_version {found.schema_version}, not {SCHEMA_VERSION}",
                _ADVICE,
            )
        return found

    def save(self, path: Path) -> None:
        """Write findings.json whole or not at all. Raises UsageError where it cannot be written."""
        content = json.dumps(self.to_json(), allow_nan=False, separators=(",", ":"))
        try:
            with whole_file(path) as partial:
                partial.write_text(content, encoding="utf-8")
        except OSError as error:
            raise cannot_be_written(UsageError, path, error, "choose another --out") from error

    @classmethod
    def load(cls, path: Path) -> "Findings":
        """Read findings.json. Raises UsageError when it is missing, not JSON, too large or not findings."""
        try:
            document = _document(path)
        except OSError as error:
            raise UsageError(
                f"cannot read {path}: {error.strerror}", "give the path of a findings.json"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path} is not JSON: {error}", "give the path of a findings.json") from error
        return cls.from_json(document)


def _document(path: Path) -> Any:
    """Return the JSON in the file at path, in which every number is finite.

    Raises OSError when it cannot be read, ValueError or RecursionError when it is larger than a findings.json
    can be, or not JSON.
    """
    with open_regular(path) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
    # Each value but the first of a list or an object stands behind a comma, the first behind a bracket.
    values = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if values > _MOST_VALUES:
        raise ValueError(f"it has {values:,} values, more than {_MOST_VALUES:,}")
    document = json.loads(content.decode("utf-8"))
    _check_values(document)
    return document


def _check_values(document: Any) -> None:
    """Raise ValueError when a JSON value is nested too deeply or holds a number that is NaN or infinite."""
    level = [document]
    for _ in range(_MOST_LEVELS):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, float) and not math.isfinite(value):
                raise ValueError("it holds a number that is NaN or infinite")
        level = inner
        if not level:
            return
    raise ValueError(f"it is nested more than {_MOST_LEVELS} levels deep")


def _read(wanted: Any, value: Any, name: str) -> Any:
    """value as the wanted type, the names of fields leading to it in name."""
    if is_dataclass(wanted):
        return _read_fields(cast(type, wanted), value, name)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _read(rest[0], value, name)
    if origin is Literal:
        return (
            value if value in arguments else _refuse(name, f"one of {', '.join(map(repr, arguments))}", value)
        )
    if origin is list and isinstance(value, list):
        return [_read(arguments[0], item, f"{name}[{place}]") for place, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if wanted is Any or _is_plain(wanted, value):
        return value
    return _refuse(
        name, f"{'a list' if origin is list else 'an object' if origin else wanted.__name__}", value
    )


def _is_plain(wanted: Any, value: Any) -> bool:
    """Whether value is a finite number, a string or whatever plain type is wanted."""
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(wanted, type) and isinstance(value, wanted) and not isinstance(value, bool)


Read = TypeVar("Read")


def _read_fields(wanted: type[Read], value: Any, name: str) -> Read:
    """A dataclass from an object; fields it does not have are ignored."""
    if not isinstance(value, dict):
        _refuse(name, "an object", value)
    known = get_type_hints(wanted)
    for needed in fields(cast(Any, wanted)):
        if needed.name not in value and needed.default is MISSING and needed.default_factory is MISSING:
            raise UsageError(f"{name} lacks the field {needed.name!r}", _ADVICE)
    return wanted(**{key: _read(known[key], value[key], f"{name}.{key}") for key in known if key in value})


def _refuse(name: str, wanted: str, value: Any) -> Any:
    raise UsageError(f"{name} must be {wanted}, not {value!r:.60}", _ADVICE)
