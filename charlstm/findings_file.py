"""A file of findings is read, checked against the dataclasses that it should hold, and written.

A document may come from anybody: its size, its number of values and its depth are limited, and every field is
checked before anything else reads it. This module imports no torch.
"""

import json
import sys
import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.files import open_regular, refuse_link_outside, whole_file
from charlstm.run_files import FINDINGS

# The largest findings.json: its size, its values, and how deeply they are nested. That of 512 cells has
# 1.7 MB, 200,000 values and 8 levels; at these limits reading takes 400 MB of memory.
MOST_BYTES, MOST_VALUES, MOST_LEVELS = 64 << 20, 3_000_000, 40
WRITE_AGAIN = "write the findings again with `charlstm inspect`"
_GIVE_A_PATH = "give the path of a findings.json"
# Whole numbers of JSON may have thousands of digits; a larger one than this is no float.
_LARGEST = sys.float_info.max
# Most values are of these types, which are looked at first.
_PLAIN = frozenset((str, float, int, bool, type(None)))

_Wanted = TypeVar("_Wanted")


def write_document(path: str | Path, document: Any) -> None:
    """Write JSON values to the file path, creating its folder; the file is written whole or not at all.

    Raises UsageError where the file cannot be written.
    """
    content = json.dumps(document, allow_nan=False, separators=(",", ":"))
    try:
        with whole_file(Path(path)) as partial:
            partial.write_text(content, encoding="utf-8")
    except OSError as error:
        raise cannot_be_written(UsageError, path, error, "choose another folder") from error


def json_values(value: Any) -> Any:
    """Return value, in which dataclasses may stand among JSON values, as JSON values in new lists and dicts.

    It does what `dataclasses.asdict` does; that one also makes a deep copy of every number, which takes most
    of the time that a page is drawn in.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {name: json_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([json_values(item) for item in value])
    if is_dataclass(value):
        return {field.name: json_values(getattr(value, field.name)) for field in fields(value)}
    return value


def document_in_folder(folder: Path) -> Any:
    """Return the JSON values in the findings.json of a run's folder.

    Raises UsageError where `read_document` does, and for a link that leads out of the folder.
    """
    try:
        refuse_link_outside(folder / FINDINGS)
    except OSError as error:
        raise UsageError(f"cannot read {folder / FINDINGS}: {error.strerror}", _GIVE_A_PATH) from error
    return read_document(folder / FINDINGS)


def read_document(path: str | Path) -> Any:
    """Return the JSON values in the file path, in which every number is finite.

    Raises UsageError where the file is missing, is not JSON, or is larger than findings can be.
    """
    try:
        return _document(Path(path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", _GIVE_A_PATH) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", _GIVE_A_PATH) from error


def checked(wanted: type[_Wanted], document: Any) -> _Wanted:
    """Return the JSON values of a findings.json as the dataclass `wanted`, which may hold other dataclasses.

    Keys that are no fields of it are ignored. Raises UsageError with the path of the first field that is
    missing or has a wrong type.
    """
    return _checked_dataclass(wanted, document, "findings.json")


def _document(path: Path) -> Any:
    """Return the JSON in the file at path, in which every number is finite.

    Raises OSError when it cannot be read, ValueError or RecursionError when it is larger than a findings.json
    can be, or not JSON.
    """
    with open_regular(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    # Each value but the first of a list or an object stands behind a comma, the first behind a bracket.
    values = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if values > MOST_VALUES:
        raise ValueError(f"it has {values:,} values, more than {MOST_VALUES:,}")
    document = json.loads(content.decode("utf-8"))
    _check_values(document)
    return document


def _check_values(document: Any) -> None:
    """Raise ValueError when a JSON value is nested too deeply or holds a number that is NaN or infinite."""
    level = [document]
    for _ in range(MOST_LEVELS):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, (int, float)) and not abs(value) <= _LARGEST:
                raise ValueError("it holds a number that is NaN or infinite, or of more than 308 digits")
        level = inner
        if not level:
            return
    raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _checked(wanted: Any, value: Any, name: str) -> Any:
    """Return the JSON value `value` as the type `wanted`; in an error `name` is the path of the field.

    Raises UsageError where `value` does not fit the type.
    """
    if wanted is Any or (wanted in _PLAIN and _has_plain_type(wanted, value)):
        return value
    if is_dataclass(wanted):
        return _checked_dataclass(cast(type, wanted), value, name)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        (other_type,) = (argument for argument in arguments if argument is not type(None))
        return None if value is None else _checked(other_type, value, name)
    if origin is Literal:
        if value in arguments:
            return value
        raise _wrong_type(name, f"one of {', '.join(map(repr, arguments))}", value)
    if origin in (list, dict) and isinstance(value, origin) and arguments[-1] is Any:
        return value.copy()
    if origin is list and isinstance(value, list):
        return [_checked(arguments[0], item, f"{name}[{place}]") for place, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _checked(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    raise _wrong_type(name, "a list" if origin is list else "an object" if origin else wanted.__name__, value)


def _has_plain_type(wanted: Any, value: Any) -> bool:
    """Return whether `value` has the type `wanted`, such as str or int; a float must be finite.

    An int counts as a float, and a bool as neither.
    """
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
    return (
        isinstance(wanted, type) and isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)
    )


def _checked_dataclass(wanted: type[_Wanted], value: Any, name: str) -> _Wanted:
    """Return the JSON object `value` as the dataclass `wanted`; keys that are no fields of it are ignored.

    Raises UsageError, with the path `name`, where `value` is no object, lacks a field without a default, or
    has one of a wrong type.
    """
    if not isinstance(value, dict):
        raise _wrong_type(name, "an object", value)
    known = _field_types(cast(Any, wanted))
    for needed in fields(cast(Any, wanted)):
        if needed.name not in value and needed.default is MISSING and needed.default_factory is MISSING:
            raise UsageError(f"{name} lacks the field {needed.name!r}", WRITE_AGAIN)
    present = [key for key in known if key in value]
    return wanted(**{key: _checked(known[key], value[key], f"{name}.{key}") for key in present})


@cache
def _field_types(wanted: Any) -> dict[str, Any]:
    """Return the types of the fields of a dataclass by their names."""
    return get_type_hints(wanted)


def _wrong_type(name: str, wanted: str, value: Any) -> UsageError:
    """Return the error for the field at the path `name`: it must be `wanted`, and it is `value`."""
    return UsageError(f"{name} must be {wanted}, not {value!r:.60}", WRITE_AGAIN)
