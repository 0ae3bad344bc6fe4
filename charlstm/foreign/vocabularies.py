"""Find which character each id of a model trained elsewhere stands for."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.errors import CheckpointError, UsageError
from charlstm.foreign.weights_file import walk
from charlstm.text.vocabulary import Vocabulary

_ADVICE = "give the right one by --vocabulary FILE: a JSON list or map, or a text"
_MOST_ID_DIGITS = 9  # int() of a text with very many digits is slow or fails

Symbols = tuple[str, ...]  # one symbol for each id, in the order of the ids


def vocabulary_inside(tree: Any, size: int, *, name: str) -> Vocabulary:
    """Return the one vocabulary of size symbols in tree; name is the file that holds it, for error messages.

    Raises CheckpointError when tree holds no vocabulary, none of size symbols, or two that differ, and when
    its symbols are not distinct single characters.
    """
    places: dict[Symbols, str] = {}
    for path, value in walk(tree):
        symbols = _symbols(value, size)
        if symbols:
            places.setdefault(symbols, ".".join(path) or "the whole of it")
    fitting = {symbols: place for symbols, place in places.items() if len(symbols) == size}
    if len(fitting) == 1:
        return _checked(next(iter(fitting)), name)
    if fitting:
        raise CheckpointError(
            f"{name} holds vocabularies that differ: {' and '.join(fitting.values())}",
            "say which it is by --vocabulary FILE",
        )
    if not places:
        raise CheckpointError(f"{name} holds no vocabulary; its head has {size} outputs", _ADVICE)
    lengths = ", ".join(f"{place} has {len(symbols)} symbols" for symbols, place in places.items())
    raise CheckpointError(f"no vocabulary in {name} fits its head's {size} outputs: {lengths}", _ADVICE)


def read_vocabulary(path: Path, size: int) -> Vocabulary:
    """Read a vocabulary of size symbols from the file at path: JSON with a list or a map, or a text.

    A text whose characters are all different is the vocabulary itself, in the order of the ids; one line feed
    at its end does not count unless the size needs it. Any other text stands for its distinct characters,
    sorted by code point. Raises CheckpointError when the file cannot be read or does not give size symbols.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read as a vocabulary: {error}", _ADVICE) from error
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    if isinstance(tree, (dict, list)):
        return vocabulary_inside(tree, size, name=str(path))
    return _from_text(text, size, path)


def _from_text(text: str, size: int, path: Path) -> Vocabulary:
    """Return the vocabulary of size symbols that text, the content of the file at path, gives."""
    for listed in (text, text.removesuffix("\n")):
        if len(listed) == len(set(listed)) == size:
            return _checked(tuple(listed), str(path))
    distinct = tuple(sorted(set(text)))
    if len(distinct) == size:
        return _checked(distinct, str(path))
    raise CheckpointError(
        f"{path} has {len(distinct)} different characters, the model's head {size} outputs", _ADVICE
    )


def _symbols(value: Any, size: int) -> Symbols | None:
    """Return the symbols that value lists, or None when value is not a vocabulary.

    A string, and a list of texts that are not all single characters, are a vocabulary only when they have
    size symbols: names and settings in a file are strings, too.
    """
    if isinstance(value, str):
        return tuple(value) if 1 < len(value) == len(set(value)) == size else None
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.ndim == 1:
        value = value.tolist()
    symbols = _from_map(value) if isinstance(value, dict) else value
    if not isinstance(symbols, (list, tuple)) or not all(isinstance(symbol, str) for symbol in symbols):
        return None
    all_characters = all(len(symbol) == 1 for symbol in symbols)
    return tuple(symbols) if all_characters or len(symbols) == size else None


def _from_map(mapping: dict[Any, Any]) -> Symbols | None:
    """Return the symbols of a map from symbol to id, or from id (in JSON a string of digits) to symbol.

    Returns None when the ids are not 0, 1, 2 and so on, each once.
    """
    pairs = list(mapping.items())
    if not all(isinstance(key, str) and _is_integer(value) for key, value in pairs):
        pairs = [(value, int(key)) for key, value in pairs if isinstance(value, str) and _is_id(key)]
    by_id = {number: symbol for symbol, number in pairs}
    if sorted(by_id) != list(range(len(mapping))):
        return None
    return tuple(by_id[number] for number in range(len(mapping)))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(key: Any) -> bool:
    """Tell whether key is an integer or a short string of ASCII digits."""
    if isinstance(key, str):
        return len(key) <= _MOST_ID_DIGITS and key.isascii() and key.isdigit()
    return _is_integer(key)


def _checked(symbols: Symbols, name: str) -> Vocabulary:
    """Return symbols as a vocabulary; name is their file.

    Raises CheckpointError unless they are distinct single characters.
    """
    try:
        return Vocabulary("characters", symbols)
    except UsageError as error:
        raise CheckpointError(
            f"the vocabulary of {name} cannot be used: {error.problem}",
            "give one of distinct single characters by --vocabulary FILE; "
            "for a symbol such as <pad> put a character that no text has",
        ) from error
