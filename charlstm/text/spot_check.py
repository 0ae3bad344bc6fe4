"""A comparison of cached ids with the text that they are said to spell, at some places of it.

Checksums find damage, not exchange: a file of ids that somebody made for another text may have all that its
record asks for. So some of the text is encoded again and compared. Where a byte is a symbol, which is the
case in texts of ASCII alone, the places are drawn anew each time and lie anywhere; elsewhere, and where line
ends are read as line feeds, they are the beginning and the end.
"""

import os
from itertools import accumulate
from pathlib import Path
from random import SystemRandom
from typing import Protocol

import numpy as np

from charlstm.config import Unknown
from charlstm.machine.files import open_regular
from charlstm.text.line_ends import as_line_feeds
from charlstm.text.text_file import (
    HEAD_BYTES,
    UTF8,
    Text,
    encoding_of,
    head,
    is_packed,
    unreadable,
)
from charlstm.text.vocabulary import Ids, Vocabulary

_PLACES, _PLACE_CHARACTERS = 48, 16


class Record(Protocol):
    """What is known of cached ids: their number, that of the text's bytes, and their vocabulary."""

    @property
    def bytes(self) -> int: ...
    @property
    def characters(self) -> int: ...
    @property
    def vocabulary(self) -> Vocabulary: ...


def agrees(text: Text, record: Record, ids: Ids, *, unknown: Unknown) -> bool:
    """Return whether ids (characters,) spell a text wherever they are compared with it.

    unknown says what was done with the symbols that the vocabulary does not have when the ids were made.
    Raises CorpusError when the text cannot be read.
    """
    vocabulary = record.vocabulary
    try:
        first, last = _head(text), text.files[-1]
        beginning = _spelled(_whole_characters(first, vocabulary), vocabulary, unknown)
        if not np.array_equal(beginning[: len(ids)], ids[: len(beginning)]):
            return False
        if any(map(is_packed, text.files)):
            return True
        if record.characters == record.bytes and not text.newlines:
            return all(
                np.array_equal(_spelled(data, vocabulary, unknown), ids[start : start + len(data)])
                for start, data in _random_places(text)
            )
        by_characters = vocabulary.level == "characters" or text.newlines
        if by_characters and encoding_of(head(last)) is not UTF8:
            return True
        end = _spelled(_end(text), vocabulary, unknown)
        return np.array_equal(end, ids[max(len(ids) - len(end), 0) :])
    except OSError as error:
        raise unreadable(error) from error
    except UnicodeDecodeError:
        return False


def _spelled(data: str | bytes, vocabulary: Vocabulary, unknown: Unknown) -> Ids:
    """Return the ids of a piece of text; unknown symbols are left out where they would be an error.

    Raises UnicodeDecodeError for bytes that are not UTF-8 at level characters.
    """
    if isinstance(data, bytes) and vocabulary.level == "characters":
        data = data.decode("utf-8")
    return vocabulary.encode(data, unknown="skip" if unknown == "error" else unknown)


def _head(text: Text) -> bytes:
    """Return the first bytes of a text, with the line ends that it is read with."""
    first = head(text.files[0])
    return as_line_feeds(first, encoding_of(first).unit) if text.newlines else first


def _end(text: Text) -> bytes:
    """Return the last bytes of a text in UTF-8, from the beginning of a character on, as it is read.

    A \\r whose \\n they begin with is no loss: both are read as one line feed.
    """
    with open_regular(text.files[-1]) as opened:
        opened.seek(max(os.fstat(opened.fileno()).st_size - HEAD_BYTES, 0))
        data = opened.read(HEAD_BYTES)
    continued = (number for number, byte in enumerate(data) if byte & 0xC0 != 0x80)
    whole = data[next(continued, 0) :]
    return as_line_feeds(whole, UTF8.unit) if text.newlines else whole


def _whole_characters(beginning: bytes, vocabulary: Vocabulary) -> str | bytes:
    """Return the beginning of a text as its vocabulary's level has it, up to the last whole character."""
    if vocabulary.level == "bytes":
        return beginning
    encoding = encoding_of(beginning)
    return encoding.decode(beginning[encoding.mark_bytes :], "ignore", False)[0]


def _random_places(text: Text) -> list[tuple[int, bytes]]:
    """Return (offset in the text, bytes there) for some places of a text, none across the end of a file."""
    sizes = [os.stat(file).st_size for file in text.files]
    starts = [0, *accumulate(size + 1 for size in sizes)]
    whole, random = max(sum(sizes), 1), SystemRandom()
    places = []
    for file, size, start in zip(text.files, sizes, starts, strict=False):
        # Each file has its share of the places, so that one of many small files is not always missed.
        wanted = _PLACES * size / whole
        count = int(wanted) + (random.random() < wanted % 1)
        places += [(start + offset, data) for offset, data in _bytes_at(file, size, count, random)]
    return places


def _bytes_at(file: Path, size: int, count: int, random: SystemRandom) -> list[tuple[int, bytes]]:
    """Return (offset, bytes there) for count places of a file of that size."""
    if not count or not size:
        return []
    with open_regular(file) as opened:
        found = []
        for _ in range(count):
            offset = random.randrange(size)
            opened.seek(offset)
            found.append((offset, opened.read(_PLACE_CHARACTERS)))
        return found
