"""Symbols and their ids: the characters of a text (Unicode code points), or its bytes.

decode(encode(text)) == text for every text: nothing is translated, not a line end and not a byte order mark.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from charlstm.config import TextLevel, Unknown
from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError

Ids = NDArray[np.unsignedinteger]

# What unknown="replace" writes, the first of these that the vocabulary has; its first symbol if none.
REPLACEMENTS = ("?", " ")
_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Vocabulary:
    """Distinct symbols, one character each; a symbol's id is its place. At level bytes, chr(byte value).

    Raises UsageError for another level, and for symbols that are not distinct single characters.
    """

    level: TextLevel
    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        faults = _faults(self.level, self.symbols)
        if faults:
            raise UsageError(f"not a vocabulary: {'; '.join(faults)}", "give distinct single characters")

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def of_text(cls, text: str | bytes, *, level: TextLevel = "characters") -> "Vocabulary":
        """The symbols that occur in a text, by code point. Raises CorpusError for what UTF-8 cannot hold."""
        finder = SymbolFinder(level)
        finder.update(text)
        return finder.result()

    @property
    def token_dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    def index(self, symbol: str) -> int | None:
        """The id of a symbol, or None where the vocabulary does not have it."""
        return self._ids.get(symbol)

    def encode(self, text: str | bytes, *, unknown: Unknown = "error", position: int = 0) -> Ids:
        """The ids of a text, (characters,) in token_dtype; its bytes' ids at level bytes.

        A symbol that is not in the vocabulary is an error, or is left out by unknown="skip", or
        becomes "?" by unknown="replace": where there is no "?" a space, and else the first symbol.
        Raises UnknownCharacterError, which counts positions from position, and CorpusError for bytes
        that are not UTF-8 at level characters and for lone surrogates.
        """
        codes = symbol_codes(text, self.level)
        ids = self._table.take(codes, mode="clip")
        missing = ids == len(self)
        if missing.any():
            if unknown == "error" or not self.symbols:
                first = int(missing.argmax())
                raise self._unknown(int(codes[first]), position + first)
            ids = ids[~missing] if unknown == "skip" else np.where(missing, self._replacement, ids)
        return ids.astype(self.token_dtype, copy=False)

    def decode(self, ids: ArrayLike) -> str:
        """The text of ids (characters,), any integers; at level bytes what is not UTF-8 becomes U+FFFD.

        Raises UsageError for ids that are not of this vocabulary.
        """
        if self.level == "bytes":
            return self.decode_bytes(ids).decode("utf-8", "replace")
        return bytes(self._codes[self._checked(ids)]).decode("utf-32-le")

    def decode_bytes(self, ids: ArrayLike) -> bytes:
        """The exact bytes of ids (characters,): the text as UTF-8 at level characters."""
        if self.level == "characters":
            return self.decode(ids).encode("utf-8")
        return bytes(self._codes[self._checked(ids)].astype(np.uint8))

    def to_json(self) -> dict[str, Any]:
        """As a dict of JSON values."""
        return {"level": self.level, "symbols": list(self.symbols)}

    @classmethod
    def from_json(cls, data: object) -> "Vocabulary":
        """The opposite of to_json. Raises CheckpointError for anything that is not a usable vocabulary."""
        advice = "restore the file that holds it from a copy, or train again"
        if not isinstance(data, dict) or not isinstance(data.get("symbols"), list):
            raise CheckpointError("a vocabulary needs a level and a list of symbols", advice)
        if not data["symbols"]:
            raise CheckpointError("the vocabulary has no symbols", advice)
        try:
            return cls(data.get("level"), tuple(data["symbols"]))  # type: ignore[arg-type]
        except UsageError as error:
            raise CheckpointError(error.problem, advice) from error

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        """The code point of each id, (symbols,)."""
        return np.array([ord(symbol) for symbol in self.symbols], "<u4")

    @cached_property
    def _table(self) -> Ids:
        """The id of each code point, len(self) where there is none: up to the highest symbol and one more."""
        size = int(self._codes.max(initial=0)) + 2
        table = np.full(size, len(self), np.min_scalar_type(len(self)))
        table[self._codes] = np.arange(len(self))
        return table

    @property
    def _replacement(self) -> int:
        return next((self._ids[symbol] for symbol in REPLACEMENTS if symbol in self._ids), 0)

    def _checked(self, ids: ArrayLike) -> NDArray[np.integer]:
        """Ids as an array. Raises UsageError unless all are integers from 0 to len(self) - 1."""
        array = np.asarray(ids)
        if array.size == 0:
            return np.zeros(0, np.int64)
        if array.dtype.kind not in "iu":
            raise UsageError(f"ids of type {array.dtype} cannot be decoded", "give integers")
        lowest, highest = int(array.min()), int(array.max())
        if lowest < 0 or highest >= len(self):
            wrong = lowest if lowest < 0 else highest
            raise UsageError(f"id {wrong} is outside 0..{len(self) - 1}", "use the vocabulary of the ids")
        return array

    def _unknown(self, code: int, position: int) -> UnknownCharacterError:
        what = f"byte 0x{code:02X}" if self.level == "bytes" else f"{chr(code)!r} (U+{code:04X})"
        return UnknownCharacterError(
            f"{what} at position {position:,} is not among the {len(self)} symbols of the vocabulary",
            "leave such characters out by --unknown skip or replace them by --unknown replace",
        )


class SymbolFinder:
    """Which symbols occur in a text that comes in pieces."""

    def __init__(self, level: TextLevel) -> None:
        self._level = level
        self._seen = np.zeros(_CODE_POINTS, np.bool_)

    def update(self, text: str | bytes) -> None:
        """Add a piece. Raises CorpusError for what UTF-8 cannot hold."""
        codes = symbol_codes(text, self._level)
        known = self._seen.take(codes, mode="clip")
        if not known.all():
            self._seen[codes[~known]] = True

    def result(self) -> Vocabulary:
        """The vocabulary of all pieces, by code point."""
        return Vocabulary(self._level, tuple(map(chr, np.flatnonzero(self._seen).tolist())))


def symbol_codes(text: str | bytes, level: TextLevel) -> NDArray[np.uint8 | np.uint32]:
    """Code points (characters,) or byte values (bytes,), uint8 where all are below 128 or bytes, else uint32.

    Raises CorpusError for bytes that are not UTF-8 at level characters, and for lone surrogates.
    """
    if isinstance(text, bytes) and level == "characters":
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise not_utf8("the text", error.object[error.start], error.start) from error
    if isinstance(text, bytes):
        return np.frombuffer(text, np.uint8)
    try:
        if level == "bytes" or text.isascii():
            return np.frombuffer(text.encode("utf-8"), np.uint8)
        return np.frombuffer(text.encode("utf-32-le"), "<u4")
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"the text has a lone surrogate, U+{ord(text[error.start]):04X}, at position {error.start:,}",
            "take it out: it is half of a character and no file can hold it as UTF-8",
        ) from error


def not_utf8(name: str, byte: int, offset: int) -> CorpusError:
    """The problem with a text that is not UTF-8 from this byte on."""
    return CorpusError(
        f"{name} is not UTF-8: byte 0x{byte:02X} at offset {offset:,}",
        "read it by --level bytes, or save it as UTF-8",
    )


def _faults(level: object, symbols: Sequence[object]) -> list[str]:
    """What is wrong with a vocabulary, all of it."""
    faults = []
    if level not in get_args(TextLevel):
        faults.append(f"its level is {level!r}, not {' or '.join(get_args(TextLevel))}")
    highest = 0xFF if level == "bytes" else _CODE_POINTS
    wrong = [symbol for symbol in symbols if not _is_symbol(symbol, highest)]
    if wrong:
        faults.append(f"{wrong[0]!r} is not one {'byte' if level == 'bytes' else 'character'}")
    elif len(set(symbols)) < len(symbols):
        [(twice, _)] = Counter(symbols).most_common(1)
        faults.append(f"{twice!r} is in it twice")
    return faults


def _is_symbol(symbol: object, highest: int) -> bool:
    """Whether it is one character that a text can hold, up to a code point."""
    if not isinstance(symbol, str) or len(symbol) != 1:
        return False
    return ord(symbol) <= highest and not 0xD800 <= ord(symbol) <= 0xDFFF
