"""The token ids of a text as a file that is made once and kept.

A text is one or more files, joined with a line feed between two files. It is read in pieces and never held in
memory: once for its fingerprint and, where no ids are cached under the fingerprint, once for its symbols and
once to encode it.

    tokens/FINGERPRINT.bin    the ids, little-endian, in the smallest unsigned type that holds them
    tokens/FINGERPRINT.json   name and fingerprint of the text, its vocabulary, number and checksum of the ids

Both files are written whole or not at all, the .json last. Each load compares the number of ids and the
CRC-32 of vocabulary and ids with the record, looks for ids outside the vocabulary, and compares ids with the
text itself at places that nobody can foresee; a cache that fails in any of this is made again.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from charlstm.config import TextLevel, Unknown
from charlstm.errors import CharLSTMError, CorpusError, UnknownCharacterError
from charlstm.machine.files import open_regular
from charlstm.text.cache_folder import cache_file, unwritable
from charlstm.text.line_ends import refuse_line_ends
from charlstm.text.mapped_ids import checked_ids
from charlstm.text.spot_check import agrees
from charlstm.text.text_file import Text, pieces
from charlstm.text.vocabulary import Ids, SymbolFinder, Vocabulary

FORMAT = 2
# The exceptions that reading a damaged record can raise.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, CharLSTMError)
# A record of all symbols that there are, each spelled as JSON spells it at worst, is smaller.
_LARGEST_RECORD_BYTES = 32 << 20
# The most frequent unknown symbols that a record counts by themselves.
_MOST_UNKNOWN_SYMBOLS = 20


@dataclass(frozen=True)
class Fingerprint:
    """The SHA-256 of a text's bytes in hexadecimal digits, and their number.

    Both are of the text as it is read: of the converted one where its line ends become line feeds, which
    line_ends counts.
    """

    sha256: str
    bytes: int
    line_ends: int = 0


@dataclass(frozen=True)
class TokenRecord:
    """What the cache records of a text's ids: name and fingerprint of the text, vocabulary, number and
    CRC-32.

    unknown_characters is the number of the text's characters that the vocabulary does not have, and
    unknown_symbols the most frequent of them with the number of each. line_ends is the number of line ends
    that became line feeds when the text was read this time: it is not kept, since the text may as well have
    had these line feeds.
    """

    name: str
    sha256: str
    bytes: int
    characters: int
    crc32: int
    vocabulary: Vocabulary
    unknown_characters: int = 0
    unknown_symbols: dict[str, int] = field(default_factory=dict)
    line_ends: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the record as a dict of JSON values."""
        kept = {name: value for name, value in vars(self).items() if name != "line_ends"}
        return {"format": FORMAT, **kept, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TokenRecord":
        """Read what to_json gave. Raises KeyError, TypeError, ValueError or CheckpointError."""
        fields = {**data, "vocabulary": Vocabulary.from_json(data["vocabulary"])}
        if fields.pop("format") != FORMAT:
            raise ValueError("another format")
        record = cls(**fields)
        numbers = (record.bytes, record.characters, record.crc32, record.unknown_characters)
        counted = record.unknown_symbols.items()
        if not all(type(number) is int and number >= 0 for number in (*numbers, *dict(counted).values())):
            raise ValueError("a number that is none")
        if not (isinstance(record.name, str) and isinstance(record.sha256, str)):
            raise ValueError("a name that is none")
        return record


def load_tokens(
    text: Text, *, level: TextLevel, vocabulary: Vocabulary | None, unknown: Unknown, folder: Path
) -> tuple[TokenRecord, Ids]:
    """Return the ids of a text, (characters,) memory-mapped and read-only, with their record.

    They come from the cache in folder, or are encoded into it. They are ids of the text's own symbols unless
    a vocabulary is given; unknown says what happens to characters that it does not have. Raises CorpusError
    when the text is empty, unreadable, not UTF-8 at level characters, or changes while it is read, and when
    folder cannot be written; UnknownCharacterError for a character that the vocabulary does not have.
    """
    fingerprint = _fingerprint(text)
    if fingerprint.bytes == 0:
        raise CorpusError(f"{text.name} is empty", "give a text with something in it")
    own = _place(folder, fingerprint, level, None, "error")
    place = _place(folder, fingerprint, level, vocabulary, unknown) if vocabulary else own
    for known, rule in {own: "error", place: unknown}.items():
        cached = _read(known, fingerprint)
        if cached and vocabulary in (None, cached[0].vocabulary) and agrees(text, *cached, unknown=rule):
            return cached
    if vocabulary is None:
        # A character missing from its own symbols means that the text changed, which the fingerprint shows.
        vocabulary, unknown = _symbols(text, level), "skip"
    _write(place, text, vocabulary, unknown, fingerprint)
    written = _read(place, fingerprint)
    if written is None:
        raise unwritable(place, "it reads back as something else")
    return written


def cached_records(folder: Path) -> Iterator[tuple[TokenRecord, int]]:
    """Yield each readable record in the cache, by file name, with the bytes that it takes on the disk."""
    for place in sorted((folder / "tokens").glob("*.json")):
        with suppress(*_UNREADABLE):
            size = place.stat().st_size + place.with_suffix(".bin").stat().st_size
            yield _read_record(place), size


def _fingerprint(text: Text) -> Fingerprint:
    """Return the fingerprint of a text, which reads all of it."""
    digest = sha256()
    line_ends: list[int] = []
    size = sum(map(len, pieces(text, "bytes", each=digest.update, told=line_ends.append)))
    return Fingerprint(digest.hexdigest(), size, sum(line_ends))


def _symbols(text: Text, level: TextLevel) -> Vocabulary:
    """Return the vocabulary of all symbols that occur in a text, which reads all of it."""
    finder = SymbolFinder(level)
    for piece in pieces(text, level, each=lambda chunk: None):
        finder.update(piece)
    return finder.result()


def _place(
    folder: Path, fingerprint: Fingerprint, level: TextLevel, vocabulary: Vocabulary | None, unknown: Unknown
) -> Path:
    """Return the path, without its suffix, of a text's ids under the given settings."""
    symbols = vocabulary.symbols if vocabulary else None
    settings = json.dumps([FORMAT, fingerprint.sha256, level, symbols, unknown])
    return folder / "tokens" / sha256(settings.encode()).hexdigest()[:32]


def _write(
    place: Path, text: Text, vocabulary: Vocabulary, unknown: Unknown, fingerprint: Fingerprint
) -> None:
    """Encode a text into the cache. Raises CorpusError when the text no longer has the fingerprint."""
    digest, unseen = sha256(), Counter[str]()
    parts = pieces(text, vocabulary.level, each=digest.update)
    encoded = _encoded(text.name, parts, vocabulary, unknown, unseen)
    with cache_file(place.with_suffix(".bin")) as file:
        characters, crc32 = _encode(encoded, vocabulary, file)
        if digest.hexdigest() != fingerprint.sha256:
            raise CorpusError(f"{text.name} changed while it was read", "run again when nothing writes to it")
        if characters == 0:
            raise CorpusError(f"{text.name} has no character of the vocabulary", "give another text")
    record = TokenRecord(
        text.name,
        fingerprint.sha256,
        fingerprint.bytes,
        characters,
        crc32,
        vocabulary,
        unseen.total(),
        dict(unseen.most_common(_MOST_UNKNOWN_SYMBOLS)),
    )
    with cache_file(place.with_suffix(".json")) as file:
        file.write(json.dumps(record.to_json()).encode())


def _encoded(
    name: str,
    parts: Iterator[str | bytes],
    vocabulary: Vocabulary,
    unknown: Unknown,
    unseen: Counter[str],
) -> Iterator[Ids]:
    """Yield the ids of each part of the text called name.

    unseen counts the symbols that the vocabulary does not have.
    """
    position = 0
    for part in parts:
        try:
            yield vocabulary.encode(part, unknown=unknown, position=position, unseen=unseen)
        except UnknownCharacterError:
            refuse_line_ends(name, part, vocabulary, position)
            raise
        position += len(part)


def _encode(encoded: Iterator[Ids], vocabulary: Vocabulary, file: BinaryIO) -> tuple[int, int]:
    """Write all ids to a file; return their number and their CRC-32."""
    characters, crc32 = 0, _vocabulary_crc32(vocabulary)
    for ids in encoded:
        data = ids.astype(_stored(vocabulary), copy=False).tobytes()
        file.write(data)
        crc32 = zlib.crc32(data, crc32)
        characters += len(ids)
    return characters, crc32


def _read(place: Path, fingerprint: Fingerprint) -> tuple[TokenRecord, Ids] | None:
    """Return the record and the ids of the text with a fingerprint, or None where there are none.

    A record and ids that do not agree with each other, or a record that is of another text, are none.
    """
    with suppress(*_UNREADABLE):
        record = replace(_read_record(place.with_suffix(".json")), line_ends=fingerprint.line_ends)
        vocabulary = record.vocabulary
        if (record.sha256, record.bytes) != (fingerprint.sha256, fingerprint.bytes):
            return None
        return record, checked_ids(
            place.with_suffix(".bin"),
            _stored(vocabulary),
            characters=record.characters,
            symbols=len(vocabulary),
            crc32=(_vocabulary_crc32(vocabulary), record.crc32),
        )
    return None


def _read_record(file: Path) -> TokenRecord:
    """Read a record. Raises one of _UNREADABLE."""
    with open_regular(file) as opened:
        data = opened.read(_LARGEST_RECORD_BYTES + 1)
    if len(data) > _LARGEST_RECORD_BYTES:
        raise ValueError("no record is so large")
    return TokenRecord.from_json(json.loads(data))


def _vocabulary_crc32(vocabulary: Vocabulary) -> int:
    """Return the CRC-32 of the symbols, from which that of the ids is continued so that it covers both."""
    return zlib.crc32("".join(vocabulary.symbols).encode("utf-8"))


def _stored(vocabulary: Vocabulary) -> np.dtype[np.unsignedinteger]:
    """Return the type of the ids on the disk: little-endian, as small as the vocabulary allows."""
    return vocabulary.token_dtype.newbyteorder("<")
