"""Symbols and their ids. A symbol is a character of a text (a Unicode code point) or a byte.

decode(encode(text)) == text for every text: nothing is translated, neither line ends nor byte order marks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from charlstm.config import TextLevel, Unknown
from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError

Ids = NDArray[np.unsignedinteger]

# The symbol that unknown="replace" writes: the first of these that the vocabulary has, else its first symbol.
REPLACEMENTS = ("?", " ")
# The unknown symbols that a note names.
_SYMBOLS_IN_A_NOTE = 5
# The number of Unicode code points.
_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Vocabulary:
    """Distinct symbols of one character each; the id of a symbol is its place. A byte b is the symbol chr(b).

    Raises UsageError for an unknown level, and for symbols that are not distinct single characters.
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
        """Return the vocabulary of the symbols of a text, sorted.

        Raises CorpusError for what UTF-8 cannot hold.
        """
        finder = SymbolFinder(level)
        finder.update(text)
        return finder.result()

    @property
    def token_dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    def index(self, symbol: str) -> int | None:
        """Return the id of a symbol, or None where the vocabulary does not have it."""
        return self._ids.get(symbol)

    def encode(
        self,
        text: str | bytes,
        *,
        unknown: Unknown = "error",
        position: int = 0,
        unseen: "Counter[str] | None" = None,
    ) -> Ids:
        """Return the ids of a text's characters, or of its bytes at level bytes: (symbols,) in token_dtype.

        A symbol that the vocabulary does not have is an error, or is left out (unknown="skip"), or becomes
        "?", else a space, else the first symbol (unknown="replace"). position is that of the text's first
        symbol, for messages; unseen counts the symbols that are left out or replaced. Raises
        UnknownCharacterError, and CorpusError for bytes that are not UTF-8 at level characters and for lone
        surrogates.
        """
        codes = symbol_codes(text, self.level)
        ids = self._table.take(codes, mode="clip")
        missing = ids == len(self)
        if missing.any():
            if unknown == "error" or not self.symbols:
                first = int(missing.argmax())
                raise self._unknown(int(codes[first]), position + first)
            if unseen is not None:
                symbols, counts = np.unique(codes[missing], return_counts=True)
                unseen.update(dict(zip(map(chr, symbols.tolist()), counts.tolist(), strict=True)))
            ids = ids[~missing] if unknown == "skip" else np.where(missing, self._replacement, ids)
        return ids.astype(self.token_dtype, copy=False)

    def decode(self, ids: ArrayLike) -> str:
        """Return the text of ids (characters,) of any integer type.

        At level bytes, bytes that are not UTF-8 become U+FFFD. Raises UsageError for ids outside the
        vocabulary.
        """
        if self.level == "bytes":
            return self.decode_bytes(ids).decode("utf-8", "replace")
        return bytes(self._codes[self._checked(ids)]).decode("utf-32-le")

    def decode_bytes(self, ids: ArrayLike) -> bytes:
        """Return the exact bytes of ids (characters,); at level characters the text as UTF-8."""
        if self.level == "characters":
            return self.decode(ids).encode("utf-8")
        return bytes(self._codes[self._checked(ids)].astype(np.uint8))

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as a dict of JSON values."""
        return {"level": self.level, "symbols": list(self.symbols)}

    @classmethod
    def from_json(cls, data: object) -> "Vocabulary":
        """Read what to_json gave. Raises CheckpointError for anything that is no usable vocabulary."""
        advice = "restore the file that holds it from a copy, or train again"
        if not isinstance(data, dict) or not isinstance(data.get("symbols"), list):
            raise CheckpointError("a vocabulary needs a level and a list of symbols", advice)
        if len(data["symbols"]) > _CODE_POINTS:
            raise CheckpointError(_too_many(len(data["symbols"])), advice)
        if not data["symbols"]:
            raise CheckpointError("the vocabulary has no symbols", advice)
        try:
            return cls(data.get("level"), tuple(data["symbols"]))  # type: ignore[arg-type]
        except UsageError as error:
            raise CheckpointError(error.problem, advice) from error

    @cached_property
    def _ids(self) -> dict[str, int]:
        """The id of each symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        """The code point of each id, (symbols,)."""
        return np.array([ord(symbol) for symbol in self.symbols], "<u4")

    @cached_property
    def _table(self) -> Ids:
        """The id of each code point up to one past the highest symbol; len(self) where there is no symbol."""
        size = int(self._codes.max(initial=0)) + 2
        table = np.full(size, len(self), np.min_scalar_type(len(self)))
        table[self._codes] = np.arange(len(self))
        return table

    @property
    def _replacement(self) -> int:
        """The id that unknown="replace" writes."""
        return next((self._ids[symbol] for symbol in REPLACEMENTS if symbol in self._ids), 0)

    def _checked(self, ids: ArrayLike) -> NDArray[np.integer]:
        """Return ids as an array. Raises UsageError unless all are integers from 0 to len(self) - 1."""
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
        """Return the problem with a symbol that the vocabulary does not have."""
        what = f"byte 0x{code:02X}" if self.level == "bytes" else f"{chr(code)!r} (U+{code:04X})"
        return UnknownCharacterError(
            f"{what} at position {position:,} is not among the {len(self)} symbols of the vocabulary",
            'leave such characters out by `unknown="skip"` or replace them by `unknown="replace"`',
        )


class SymbolFinder:
    """Finds the symbols of a text that comes in pieces."""

    def __init__(self, level: TextLevel) -> None:
        self._level = level
        self._seen = np.zeros(_CODE_POINTS, np.bool_)

    def update(self, text: str | bytes) -> None:
        """Add a piece of the text. Raises CorpusError for what UTF-8 cannot hold."""
        codes = symbol_codes(text, self._level)
        known = self._seen.take(codes, mode="clip")
        if not known.all():
            self._seen[codes[~known]] = True

    def result(self) -> Vocabulary:
        """Return the vocabulary of all pieces, sorted by code point."""
        return Vocabulary(self._level, tuple(map(chr, np.flatnonzero(self._seen).tolist())))


def symbol_codes(text: str | bytes, level: TextLevel) -> NDArray[np.uint8 | np.uint32]:
    """Return the code points (characters,) of a text, or its byte values (bytes,) at level bytes.

    The type is uint8 for bytes and for code points that are all below 128, else uint32. Raises CorpusError
    for bytes that are not UTF-8 at level characters, and for lone surrogates.
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
    """Return the problem with a text, called name, that is not UTF-8 from a byte at an offset on."""
    return CorpusError(
        f"{name} is not UTF-8: byte 0x{byte:02X} at offset {offset:,}",
        'read it by `level="bytes"`, or save it as UTF-8',
    )


def unknown_note(characters: int, symbols: Mapping[str, int], what: str) -> str:
    """Return a line that says how many unknown characters were left out or replaced, as what says, and which.

    symbols has the most frequent of them with the number of each.
    """
    shown = ", ".join(
        f"{symbol!a} ({count:,})" for symbol, count in list(symbols.items())[:_SYMBOLS_IN_A_NOTE]
    )
    more = ", ..." if len(symbols) > _SYMBOLS_IN_A_NOTE else ""
    return f"{characters:,} characters that the run does not know are {what}: {shown}{more}"


def _faults(level: object, symbols: Sequence[object]) -> list[str]:
    """Return everything that is wrong with a vocabulary."""
    if len(symbols) > _CODE_POINTS:  # before a set of ten million, or of a text that was taken for symbols
        return [_too_many(len(symbols))]
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


def _too_many(symbols: int) -> str:
    """Return what is wrong with a vocabulary of more symbols than there are characters."""
    return f"{symbols:,} symbols are more than the {_CODE_POINTS:,} characters of Unicode"


def _is_symbol(symbol: object, highest: int) -> bool:
    """Return whether symbol is one character that a text can hold, and no higher than a code point."""
    if not isinstance(symbol, str) or len(symbol) != 1:
        return False
    return ord(symbol) <= highest and not 0xD800 <= ord(symbol) <= 0xDFFF
