"""The token ids of a text as a memory-mapped file that is made once and kept.

A text is one or more files, joined with a line feed between two files. It is read in pieces and never held in
memory: once for its fingerprint and, where no ids are cached under the fingerprint, once for its symbols and
once to encode it.

    tokens/FINGERPRINT.bin    the ids, little-endian, in the smallest unsigned type that holds them
    tokens/FINGERPRINT.json   the text's name, its vocabulary, the number of ids, and their checksum

Both files are written whole or not at all, the .json last. Each load compares the number of ids and the
CRC-32 of vocabulary and ids with the record; a cache that does not agree with its record is made again.
"""

import codecs
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from charlstm.config import TextLevel, Unknown
from charlstm.errors import CharLSTMError, CorpusError, cannot_be_written
from charlstm.machine.files import whole_file
from charlstm.text.vocabulary import Ids, SymbolFinder, Vocabulary, not_utf8

FORMAT = 1
# Bytes that are read and encoded at once: few enough for the arrays to stay in the processor's cache.
CHUNK_BYTES = 1 << 17
# The exceptions that reading a damaged record can raise.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, CharLSTMError)


@dataclass(frozen=True)
class Text:
    """The files of a text in order; left_out are files of its folder that are not text."""

    name: str
    files: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Fingerprint:
    """The SHA-256 of a text's bytes in hexadecimal digits, and their number."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class TokenRecord:
    """What the cache records of a text's ids: name and fingerprint of the text, vocabulary, number and
    CRC-32.
    """

    name: str
    sha256: str
    bytes: int
    characters: int
    crc32: int
    vocabulary: Vocabulary

    def to_json(self) -> dict[str, Any]:
        """Return the record as a dict of JSON values."""
        return {"format": FORMAT, **vars(self), "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TokenRecord":
        """Read what to_json gave. Raises KeyError, TypeError, ValueError or CheckpointError."""
        fields = {**data, "vocabulary": Vocabulary.from_json(data["vocabulary"])}
        if fields.pop("format") != FORMAT:
            raise ValueError("another format")
        return cls(**fields)


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
    for known in dict.fromkeys((own, place)):
        cached = _read(known)
        if cached and cached[0].sha256 == fingerprint.sha256 and vocabulary in (None, cached[0].vocabulary):
            return cached
    if vocabulary is None:
        # A character missing from its own symbols means that the text changed, which the fingerprint shows.
        vocabulary, unknown = _symbols(text, level), "skip"
    _write(place, text, vocabulary, unknown, fingerprint)
    written = _read(place)
    if written is None:
        raise _unwritable(place, "it reads back as something else")
    return written


def cached_records(folder: Path) -> Iterator[tuple[TokenRecord, int]]:
    """Yield each readable record in the cache, by file name, with the bytes that it takes on the disk."""
    for place in sorted((folder / "tokens").glob("*.json")):
        with suppress(*_UNREADABLE):
            size = place.stat().st_size + place.with_suffix(".bin").stat().st_size
            yield _read_record(place), size


@contextmanager
def cache_file(place: Path) -> Iterator[BinaryIO]:
    """Give a file of the cache to write; it is there whole or not at all.

    It is not flushed to the disk, since a cache that a power cut damages is noticed and made again.
    Raises CorpusError when the file cannot be written.
    """
    try:
        with whole_file(place, flush=False) as partial, open(partial, "wb") as file:
            yield file
    except OSError as error:
        raise _unwritable(place, error) from error


def unreadable(error: OSError) -> CorpusError:
    """Return the problem with a file or folder that the system does not let us read."""
    return CorpusError(
        f"{error.filename} cannot be read: {error.strerror}",
        "see that it stays there and that you may read it",
    )


def _unwritable(place: Path, why: object) -> CorpusError:
    """Return the problem with a file of the cache that cannot be written."""
    advice = "free some space there, or name another folder by CHARLSTM_DATA"
    return cannot_be_written(CorpusError, place, why, advice)


def _pieces(text: Text, level: TextLevel, *, each: Callable[[bytes], object]) -> Iterator[str | bytes]:
    """Yield the text piece by piece: as bytes at level bytes, else as whole characters.

    each is called with all bytes of the text, in order.
    """
    for number, file in enumerate(text.files):
        if number:
            each(b"\n")
            yield b"\n"
        chunks = _chunks(file, each)
        yield from chunks if level == "bytes" else _decoded(file, chunks)


def _chunks(file: Path, each: Callable[[bytes], object]) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks, and b"" at its end. Raises CorpusError when it cannot be read."""
    try:
        with open(file, "rb", buffering=0) as opened:
            chunk = b"."
            while chunk:
                chunk = opened.read(CHUNK_BYTES)
                each(chunk)
                yield chunk
    except OSError as error:
        raise unreadable(error) from error


def _decoded(file: Path, chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield the characters of a file's chunks; a character that a chunk cuts is completed by the next one.

    Raises CorpusError with the offset of the first byte that is not UTF-8.
    """
    rest, offset = b"", 0
    for chunk in chunks:
        data = rest + chunk
        try:
            piece, used = codecs.utf_8_decode(data, "strict", not chunk)
        except UnicodeDecodeError as error:
            raise not_utf8(str(file), data[error.start], offset + error.start) from error
        yield piece
        rest, offset = data[used:], offset + used


def _fingerprint(text: Text) -> Fingerprint:
    """Return the fingerprint of a text, which reads all of it."""
    digest = sha256()
    size = sum(map(len, _pieces(text, "bytes", each=digest.update)))
    return Fingerprint(digest.hexdigest(), size)


def _symbols(text: Text, level: TextLevel) -> Vocabulary:
    """Return the vocabulary of all symbols that occur in a text, which reads all of it."""
    finder = SymbolFinder(level)
    for piece in _pieces(text, level, each=lambda chunk: None):
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
    digest = sha256()
    pieces = _pieces(text, vocabulary.level, each=digest.update)
    with cache_file(place.with_suffix(".bin")) as file:
        characters, crc32 = _encode(pieces, vocabulary, unknown, file)
        if digest.hexdigest() != fingerprint.sha256:
            raise CorpusError(f"{text.name} changed while it was read", "run again when nothing writes to it")
        if characters == 0:
            raise CorpusError(f"{text.name} has no character of the vocabulary", "give another text")
    record = TokenRecord(text.name, fingerprint.sha256, fingerprint.bytes, characters, crc32, vocabulary)
    with cache_file(place.with_suffix(".json")) as file:
        file.write(json.dumps(record.to_json()).encode())


def _encode(
    pieces: Iterator[str | bytes], vocabulary: Vocabulary, unknown: Unknown, file: BinaryIO
) -> tuple[int, int]:
    """Write the ids of all pieces to a file; return their number and their CRC-32."""
    position = characters = 0
    crc32 = _vocabulary_crc32(vocabulary)
    for piece in pieces:
        ids = vocabulary.encode(piece, unknown=unknown, position=position)
        data = ids.astype(_stored(vocabulary), copy=False).tobytes()
        file.write(data)
        crc32 = zlib.crc32(data, crc32)
        position += len(piece)
        characters += len(ids)
    return characters, crc32


def _read(place: Path) -> tuple[TokenRecord, Ids] | None:
    """Return a record and its ids, or None where they are missing or do not agree."""
    with suppress(*_UNREADABLE):
        record = _read_record(place.with_suffix(".json"))
        ids = place.with_suffix(".bin")
        crc32 = _vocabulary_crc32(record.vocabulary)
        for chunk in _chunks(
            ids, lambda chunk: None
        ):  # reading them through the mapping would count as memory
            crc32 = zlib.crc32(chunk, crc32)
        tokens: Ids = np.memmap(ids, _stored(record.vocabulary), "r")
        if len(tokens) == record.characters and crc32 == record.crc32:
            return record, tokens
    return None


def _read_record(file: Path) -> TokenRecord:
    """Read a record. Raises one of _UNREADABLE."""
    return TokenRecord.from_json(json.loads(file.read_text(encoding="utf-8")))


def _vocabulary_crc32(vocabulary: Vocabulary) -> int:
    """Return the CRC-32 of the symbols, from which that of the ids is continued so that it covers both."""
    return zlib.crc32("".join(vocabulary.symbols).encode("utf-8"))


def _stored(vocabulary: Vocabulary) -> np.dtype[np.unsignedinteger]:
    """Return the type of the ids on the disk: little-endian, as small as the vocabulary allows."""
    return vocabulary.token_dtype.newbyteorder("<")
