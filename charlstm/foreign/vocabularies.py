"""The characters that a foreign model's ids stand for: in its file of weights, or in one beside it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.errors import CheckpointError, UsageError
from charlstm.foreign.reading import nodes
from charlstm.text.vocabulary import Vocabulary

_ADVICE = "give the right one by --vocabulary FILE: a JSON list or map, or a text"

Symbols = tuple[str, ...]


def vocabulary_inside(tree: Any, size: int, *, name: str) -> Vocabulary:
    """The one vocabulary of that size in a tree; name is what holds it, for problems.

    Raises CheckpointError when there is none, none of that size, or two that differ.
    """
    found: dict[Symbols, str] = {}
    for path, node in nodes(tree):
        symbols = _symbols(node, size)
        if symbols:
            found.setdefault(symbols, ".".join(path) or "the whole of it")
    fitting = {symbols: place for symbols, place in found.items() if len(symbols) == size}
    if len(fitting) == 1:
        return _checked(next(iter(fitting)), name)
    if fitting:
        raise CheckpointError(
            f"{name} holds vocabularies that differ: {' and '.join(fitting.values())}",
            "say which it is by --vocabulary FILE",
        )
    if not found:
        raise CheckpointError(f"{name} holds no vocabulary; its head has {size} outputs", _ADVICE)
    lengths = ", ".join(f"{place} has {len(symbols)} symbols" for symbols, place in found.items())
    raise CheckpointError(f"no vocabulary in {name} fits its head's {size} outputs: {lengths}", _ADVICE)


def read_vocabulary(path: Path, size: int) -> Vocabulary:
    """A vocabulary of that size from a file: JSON with a list or a map, or a text.

    A text whose characters are all different, one line feed at its end aside, is the vocabulary itself in
    its order. Any other text stands for its distinct characters sorted by code point.
    Raises CheckpointError when it cannot be read or has another size.
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
    return _of_text(text, size, path)


def _of_text(text: str, size: int, path: Path) -> Vocabulary:
    for listed in (text, text.removesuffix("\n")):
        if len(listed) == len(set(listed)) == size:
            return _checked(tuple(listed), str(path))
    distinct = tuple(sorted(set(text)))
    if len(distinct) == size:
        return _checked(distinct, str(path))
    raise CheckpointError(
        f"{path} has {len(distinct)} different characters, the model's head {size} outputs", _ADVICE
    )


def _symbols(node: Any, size: int) -> Symbols | None:
    """The symbols that a value lists, or None where it is no vocabulary.

    A string, and symbols that are not all characters, count only at the size that is looked for: names and
    settings are strings too.
    """
    if isinstance(node, str):
        return tuple(node) if 1 < len(node) == len(set(node)) == size else None
    if isinstance(node, np.ndarray) and node.dtype.kind == "U" and node.ndim == 1:
        node = node.tolist()
    symbols = _from_map(node) if isinstance(node, dict) else node
    if not isinstance(symbols, (list, tuple)) or not all(isinstance(symbol, str) for symbol in symbols):
        return None
    characters = all(len(symbol) == 1 for symbol in symbols)
    return tuple(symbols) if characters or len(symbols) == size else None


def _from_map(node: dict[Any, Any]) -> Symbols | None:
    """The symbols of a map from character to id, or from id (in JSON a string) to character."""
    pairs = list(node.items())
    if not all(isinstance(key, str) and _is_id(value) for key, value in pairs):
        pairs = [(value, int(key)) for key, value in pairs if isinstance(value, str) and _is_number(key)]
    by_id = {number: symbol for symbol, number in pairs}
    if sorted(by_id) != list(range(len(node))):
        return None
    return tuple(by_id[number] for number in range(len(node)))


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(key: Any) -> bool:
    return _is_id(key) or (isinstance(key, str) and len(key) < 10 and key.isascii() and key.isdigit())


def _checked(symbols: Symbols, name: str) -> Vocabulary:
    try:
        return Vocabulary("characters", symbols)
    except UsageError as error:
        raise CheckpointError(
            f"the vocabulary of {name} cannot be used: {error.problem}",
            "give one of distinct single characters by --vocabulary FILE; "
            "for a symbol such as <pad> put a character that no text has",
        ) from error
