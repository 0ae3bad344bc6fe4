"""Find which character each id of a model trained elsewhere stands for."""

import codecs
import json
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.config import TextLevel
from charlstm.errors import CheckpointError, UsageError
from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.other_formats import HEAD_BYTES, format_of
from charlstm.foreign.files.tree import objects_in, walk
from charlstm.foreign.files.weights_file import over_budget, read_weights
from charlstm.foreign.refusals import listed_names
from charlstm.text.vocabulary import Vocabulary

_ADVICE = "give the right one by `vocabulary=FILE`: a JSON list or map, or a text"
_TREE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".npz")
_LARGEST_JSON_BYTES = 8 << 20  # larger files are texts
_LARGEST_TEXT_BYTES = 4 << 30
_BLOCK_BYTES = 1 << 20
_BYTES_PER_SYMBOL = 8
_MOST_PLACES_SHOWN = 5
_MOST_ID_DIGITS = 9  # int() of a text with very many digits is slow or fails

Symbols = tuple[str, ...]  # one symbol for each id, in the order of the ids
_Found = tuple[TextLevel, Symbols]  # a vocabulary that has not been checked yet


def vocabulary_inside(tree: Any, size: int, budget: Budget, *, name: str) -> Vocabulary:
    """Return the one vocabulary of size symbols in tree; name is the file that holds it, for error messages.

    What objects of unknown classes hold is looked through, too, as plain data. Raises CheckpointError when
    tree holds no vocabulary, none of size symbols, or two that differ, and when its symbols are not distinct
    single characters; OverBudgetError when budget is used up.
    """
    places = _places(tree, size, budget)
    fitting = {found: place for found, place in places.items() if len(found[1]) == size}
    if len(fitting) == 1:
        [(level, symbols)] = fitting
        return _checked(symbols, name, level)
    if fitting:
        shown = " and ".join(listed_names([place]) for place in [*fitting.values()][:_MOST_PLACES_SHOWN])
        raise CheckpointError(
            f"{name} holds vocabularies that differ: {shown}", "say which it is by `vocabulary=FILE`"
        )
    if not places:
        objects = objects_in(tree, budget)
        besides = f" outside of its object of {objects[0].name}" if objects else ""
        raise CheckpointError(f"{name} holds no vocabulary{besides}; its head has {size} outputs", _ADVICE)
    lengths = ", ".join(
        f"{listed_names([place])} has {len(symbols)} symbols"
        for (_, symbols), place in [*places.items()][:_MOST_PLACES_SHOWN]
    )
    raise CheckpointError(f"no vocabulary in {name} fits its head's {size} outputs: {lengths}", _ADVICE)


def _places(tree: Any, size: int, budget: Budget) -> dict[_Found, str]:
    """Return every vocabulary in tree with the dotted path of its first place. Raises OverBudgetError.

    Symbols are characters, or bytes where a dict has the level "bytes" beside its symbols, as in what
    `charlstm export` writes.
    """
    places: dict[_Found, str] = {}
    seen_texts: set[int] = set()
    of_bytes: set[int] = set()
    for path, value in walk(tree, budget, into_objects=True):
        if isinstance(value, str):
            if id(value) in seen_texts:
                continue
            seen_texts.add(id(value))
        if isinstance(value, dict) and _is_of_bytes(value):  # it comes before what it holds
            of_bytes.add(id(value["symbols"]))
        symbols = _symbols(value, size)
        if symbols:
            budget.take_bytes(_BYTES_PER_SYMBOL * len(symbols))
            level: TextLevel = "bytes" if id(value) in of_bytes else "characters"
            places.setdefault((level, symbols), ".".join(path) or "the whole of it")
    return places


def _is_of_bytes(mapping: dict[Any, Any]) -> bool:
    """Tell whether a dict has a list of symbols, and beside it the level "bytes"."""
    level = mapping.get("level")
    return isinstance(level, str) and level == "bytes" and isinstance(mapping.get("symbols"), (list, tuple))


def read_vocabulary(path: Path, size: int) -> Vocabulary:
    """Read a vocabulary of size symbols from the file at path: JSON with a list or a map, a text or a pickle.

    A text whose characters are all different is the vocabulary itself, in the order of the ids; one line feed
    at its end does not count unless the size needs it. Any other text stands for its distinct characters,
    sorted by code point. A pickle, a file of torch.save and an .npz file are searched like a file of weights.
    Raises CheckpointError when the file cannot be read or does not give size symbols.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path} is not a file", _ADVICE)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
        length = path.stat().st_size
        if path.suffix in _TREE_SUFFIXES or head.startswith((b"\x80", b"PK\x03\x04")):
            return _from_tree(path, size)
        if known := format_of(head):
            raise CheckpointError(f"{path} is {known.name}, not a vocabulary", known.advice)
        if length > _LARGEST_TEXT_BYTES:
            raise CheckpointError(f"{path} has {length:,} bytes, too many for a vocabulary", _ADVICE)
        return _from_text_file(path, length, size)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read as a vocabulary: {error.strerror}", _ADVICE) from error


def _from_tree(path: Path, size: int) -> Vocabulary:
    """Return the vocabulary of size symbols in the pickle or archive at path. Raises CheckpointError."""
    file = read_weights(path)
    try:
        return vocabulary_inside(file.tree, size, file.budget, name=str(path))
    except OverBudgetError as error:
        raise over_budget(path, error) from error


def _from_text_file(path: Path, length: int, size: int) -> Vocabulary:
    """Return the vocabulary of size symbols in the text or JSON at path, which has length bytes.

    Raises CheckpointError, OSError.
    """
    try:
        if length > _LARGEST_JSON_BYTES:
            return _of_characters(_characters(path), size, path)
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{path} is neither a text in UTF-8 nor a pickle, so it is no vocabulary", "save it as UTF-8"
        ) from error
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, (dict, list)):
        return _from_text(text, size, path)
    try:
        return vocabulary_inside(tree, size, Budget(length), name=str(path))
    except OverBudgetError as error:
        raise over_budget(path, error) from error


def _characters(path: Path) -> set[str]:
    """Return the distinct characters of the UTF-8 text at path. Raises OSError, UnicodeDecodeError."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    characters: set[str] = set()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            characters |= set(decoder.decode(block))
    decoder.decode(b"", final=True)
    return characters


def _from_text(text: str, size: int, path: Path) -> Vocabulary:
    """Return the vocabulary of size symbols that text, the content of the file at path, gives."""
    for listed in (text, text.removesuffix("\n")):
        if len(listed) == size == len(set(listed)):
            return _checked(tuple(listed), str(path))
    return _of_characters(set(text), size, path)


def _of_characters(characters: set[str], size: int, path: Path) -> Vocabulary:
    """Return the vocabulary of the characters of the text at path, of which there must be size."""
    if len(characters) == size:
        return _checked(tuple(sorted(characters)), str(path))
    raise CheckpointError(
        f"{path} has {len(characters)} different characters, the model's head {size} outputs", _ADVICE
    )


def _symbols(value: Any, size: int) -> Symbols | None:
    """Return the symbols that value lists, or None when value is not a vocabulary.

    A string, and a list of texts that are not all single characters, are a vocabulary only when they have
    size symbols: names and settings in a file are strings, too.
    """
    if isinstance(value, str):
        return tuple(value) if 1 < len(value) == size == len(set(value)) else None
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
    # A number of very many digits takes long to hash, so it is compared first.
    by_id = {number: symbol for symbol, number in pairs if 0 <= number < len(mapping)}
    if len(by_id) != len(mapping):
        return None
    return tuple(by_id[number] for number in range(len(mapping)))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(key: Any) -> bool:
    """Tell whether key is an integer or a short string of ASCII digits."""
    if isinstance(key, str):
        return len(key) <= _MOST_ID_DIGITS and key.isascii() and key.isdecimal()
    return _is_integer(key)


def _checked(symbols: Symbols, name: str, level: TextLevel = "characters") -> Vocabulary:
    """Return symbols as a vocabulary of a level; name is their file.

    Raises CheckpointError unless they are distinct single characters, or bytes.
    """
    try:
        return Vocabulary(level, symbols)
    except UsageError as error:
        raise CheckpointError(
            f"the vocabulary of {name} cannot be used: {error.problem}",
            "give one of distinct single characters by `vocabulary=FILE`; "
            "for a symbol such as <pad> put a character that no text has",
        ) from error
