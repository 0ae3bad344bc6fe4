"""A text's token ids as a memory-mapped file that is made once and kept.

A text is one or more files with a line feed between each two. It is read in chunks and never held: once for
its fingerprint and, where no ids are cached under that, once for its symbols and once to encode it.

    tokens/FINGERPRINT.bin    the ids, little-endian, in the smallest unsigned type that holds them
    tokens/FINGERPRINT.json   which text this is, its vocabulary, how many ids there are, their checksum

Each is written beside its place and moved there whole, the .json last. At every load the length and the
CRC-32 of the vocabulary and all ids are compared (quicker than the fingerprint, which is taken anyway);
what does not agree is made again.
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
# The arrays of a chunk stay in the processor's cache: looking ids up in chunks of 4 MiB took thrice as long.
CHUNK_BYTES = 1 << 17
# What reading a damaged record can raise.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, CharLSTMError)


@dataclass(frozen=True)
class Text:
    """The files of a text in order, and those beside them that were left out as not text."""

    name: str
    files: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 and number of a text's bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class TokenRecord:
    """What is known of cached ids: the text they stand for, their vocabulary, their number and CRC-32."""

    name: str
    sha256: str
    bytes: int
    characters: int
    crc32: int
    vocabulary: Vocabulary

    def to_json(self) -> dict[str, Any]:
        """As a dict of JSON values."""
        return {"format": FORMAT, **vars(self), "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TokenRecord":
        """The opposite of to_json. Raises KeyError, TypeError, ValueError or CheckpointError."""
        fields = {**data, "vocabulary": Vocabulary.from_json(data["vocabulary"])}
        if fields.pop("format") != FORMAT:
            raise ValueError("another format")
        return cls(**fields)


def load_tokens(
    text: Text, *, level: TextLevel, vocabulary: Vocabulary | None, unknown: Unknown, folder: Path
) -> tuple[TokenRecord, Ids]:
    """The ids of a text, (characters,) memory-mapped and read-only, from the cache in folder or into it.

    They are those of the text's own symbols unless a vocabulary is given. Raises CorpusError when the
    text is empty, unreadable, not UTF-8 at level characters or changes meanwhile, and when folder cannot
    be written; UnknownCharacterError as Vocabulary.encode does.
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
    """Each readable record in the cache with the bytes that it and its ids take, by file name."""
    for place in sorted((folder / "tokens").glob("*.json")):
        with suppress(*_UNREADABLE):
            size = place.stat().st_size + place.with_suffix(".bin").stat().st_size
            yield _read_record(place), size


@contextmanager
def cache_file(place: Path) -> Iterator[BinaryIO]:
    """A file of the cache to write: there whole or not at all.

    It is not flushed to the disk: a cache that a power cut damages is noticed and made again.
    Raises CorpusError when it cannot be written.
    """
    try:
        with whole_file(place, flush=False) as partial, open(partial, "wb") as file:
            yield file
    except OSError as error:
        raise _unwritable(place, error) from error


def unreadable(error: OSError) -> CorpusError:
    """The problem with a file or folder that the system does not let us read."""
    return CorpusError(
        f"{error.filename} cannot be read: {error.strerror}",
        "see that it stays there and that you may read it",
    )


def _unwritable(place: Path, why: object) -> CorpusError:
    advice = "free some space there, or name another folder by CHARLSTM_DATA"
    return cannot_be_written(CorpusError, place, why, advice)


def _pieces(text: Text, level: TextLevel, *, each: Callable[[bytes], object]) -> Iterator[str | bytes]:
    """Yield the text in order, in bytes or as whole characters; each is called with all its bytes."""
    for number, file in enumerate(text.files):
        if number:
            each(b"\n")
            yield b"\n"
        chunks = _chunks(file, each)
        yield from chunks if level == "bytes" else _decoded(file, chunks)


def _chunks(file: Path, each: Callable[[bytes], object]) -> Iterator[bytes]:
    """Yield a file's bytes, and b"" at its end. Raises CorpusError when it cannot be read."""
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
    """Yield characters; what a chunk cuts off waits for the next. Raises CorpusError, with the offset."""
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
    digest = sha256()
    size = sum(map(len, _pieces(text, "bytes", each=digest.update)))
    return Fingerprint(digest.hexdigest(), size)


def _symbols(text: Text, level: TextLevel) -> Vocabulary:
    finder = SymbolFinder(level)
    for piece in _pieces(text, level, each=lambda chunk: None):
        finder.update(piece)
    return finder.result()


def _place(
    folder: Path, fingerprint: Fingerprint, level: TextLevel, vocabulary: Vocabulary | None, unknown: Unknown
) -> Path:
    """Where the ids of a text under some settings are, but for the suffix."""
    symbols = vocabulary.symbols if vocabulary else None
    settings = json.dumps([FORMAT, fingerprint.sha256, level, symbols, unknown])
    return folder / "tokens" / sha256(settings.encode()).hexdigest()[:32]


def _write(
    place: Path, text: Text, vocabulary: Vocabulary, unknown: Unknown, fingerprint: Fingerprint
) -> None:
    """Encode a text into the cache. Raises CorpusError when it is no longer the one with the fingerprint."""
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
    """Write the ids of all pieces. Returns their number and their CRC-32."""
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
    """A record and its ids, or None where they are missing or do not agree."""
    with suppress(*_UNREADABLE):
        record = _read_record(place.with_suffix(".json"))
        ids = place.with_suffix(".bin")
        crc32 = _vocabulary_crc32(record.vocabulary)
        for chunk in _chunks(ids, lambda chunk: None):  # not through the mapping: that would count as memory
            crc32 = zlib.crc32(chunk, crc32)
        tokens: Ids = np.memmap(ids, _stored(record.vocabulary), "r")
        if len(tokens) == record.characters and crc32 == record.crc32:
            return record, tokens
    return None


def _read_record(file: Path) -> TokenRecord:
    return TokenRecord.from_json(json.loads(file.read_text(encoding="utf-8")))


def _vocabulary_crc32(vocabulary: Vocabulary) -> int:
    """What the CRC-32 of the ids goes on from, so that it covers the symbols too."""
    return zlib.crc32("".join(vocabulary.symbols).encode("utf-8"))


def _stored(vocabulary: Vocabulary) -> np.dtype[np.unsignedinteger]:
    """The type of the ids on the disk."""
    return vocabulary.token_dtype.newbyteorder("<")
