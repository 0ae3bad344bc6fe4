"""The bytes and the characters of a file of text, whatever they are packed and encoded in.

A file may be packed by gzip or bzip2, which its first bytes show; it is unpacked as it is read. Its
characters are UTF-8, or UTF-16 or UTF-32 where a byte order mark at its beginning says so. The mark of UTF-16
and UTF-32 is no character of the text, but that of UTF-8 is one: U+FEFF. Only regular files are read, and
none that has holes in the place of content.
"""

import bz2
import codecs
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from charlstm.config import TextLevel
from charlstm.errors import CorpusError
from charlstm.machine.files import open_regular
from charlstm.machine.interrupts import end_if_asked
from charlstm.text.line_ends import converted
from charlstm.text.vocabulary import not_utf8

# Bytes that are read and encoded at once: few enough for the arrays to stay in the processor's cache.
CHUNK_BYTES = 1 << 17
# Bytes at the beginning of a file that tell whether it is text.
HEAD_BYTES = 8_000
# The first bytes of a file that is packed by gzip or bzip2.
_GZIP, _BZIP2 = re.compile(rb"\x1f\x8b\x08"), re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_MAGIC_BYTES = 10
# Smaller files may have holes: a hole is a block of a disk at least.
_HOLES_FROM_BYTES = 1 << 20
# Text in UTF-16 has a zero byte in most of its pairs of bytes where it is in Latin letters, and in more than
# this share in other scripts, for spaces and line breaks; all of them first or all of them second in a pair.
_LATIN_ZERO_SHARE, _LATIN_ZEROS = 0.7, 3
_SCRIPT_ZERO_SHARE, _SCRIPT_ZEROS = 1 / 16, 12

_Decode = Callable[[bytes, str, bool], tuple[str, int]]


@dataclass(frozen=True)
class Encoding:
    """How the characters of a file are encoded: a name, the length of the mark to skip, and the decoder.

    unit is numpy's name of the type of the units that it is made of.
    """

    name: str
    mark_bytes: int
    decode: _Decode
    unit: str


UTF8 = Encoding("UTF-8", 0, codecs.utf_8_decode, "u1")
# By their byte order marks; that of UTF-32 begins as that of UTF-16 does.
_MARKED = {
    codecs.BOM_UTF32_LE: Encoding("UTF-32", 4, codecs.utf_32_le_decode, "<u4"),
    codecs.BOM_UTF32_BE: Encoding("UTF-32", 4, codecs.utf_32_be_decode, ">u4"),
    codecs.BOM_UTF16_LE: Encoding("UTF-16", 2, codecs.utf_16_le_decode, "<u2"),
    codecs.BOM_UTF16_BE: Encoding("UTF-16", 2, codecs.utf_16_be_decode, ">u2"),
}


@dataclass(frozen=True)
class Text:
    """The files of a text in order; left_out are files of its folder that are not text.

    newlines says that each \\r\\n, and each \\r alone, of its files is read as one \\n.
    """

    name: str
    files: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()
    newlines: bool = False


def pieces(
    text: Text,
    level: TextLevel,
    *,
    each: Callable[[bytes], object],
    told: Callable[[int], object] = lambda line_ends: None,
) -> Iterator[str | bytes]:
    """Yield a text piece by piece, its files joined by line feeds: bytes at level bytes, else characters.

    each is called with all bytes of the text, unpacked and with the line ends that it is read with, in order;
    told with numbers of line ends that became \\n, where text.newlines asks for it. Raises CorpusError for a
    file that cannot be read, and at level characters for one that is not encoded as it should be.
    """
    for number, file in enumerate(text.files):
        if number:
            each(b"\n")
            yield b"\n"
        chunks = _chunks(file)
        if text.newlines:
            chunks = converted(chunks, encoding_of(head(file)).unit, told=told)
        chunks = _shown(chunks, each)
        yield from chunks if level == "bytes" else _decoded(file, chunks)


def head(file: Path) -> bytes:
    """Return the first HEAD_BYTES bytes of a file, unpacked. Raises CorpusError when it cannot be read."""
    with _opened(file) as opened:
        return opened.read(HEAD_BYTES)


def is_packed(file: Path) -> bool:
    """Return whether a file is packed by gzip or bzip2. Raises OSError when it cannot be read."""
    with open_regular(file) as raw:
        magic = raw.read(_MAGIC_BYTES)
    return bool(_GZIP.match(magic) or _BZIP2.match(magic))


def encoding_of(beginning: bytes) -> Encoding:
    """Return the encoding that a file's first bytes tell by their byte order mark, else UTF-8."""
    return next((encoding for mark, encoding in _MARKED.items() if beginning.startswith(mark)), UTF8)


def is_text(beginning: bytes, level: TextLevel) -> bool:
    """Return whether a file that begins with the given bytes is text; a full head may end in a character."""
    encoding = encoding_of(beginning) if level == "characters" else UTF8
    if encoding is UTF8 and b"\0" in beginning:
        return False
    try:
        whole = len(beginning) < HEAD_BYTES
        return level == "bytes" or bool(encoding.decode(beginning[encoding.mark_bytes :], "strict", whole))
    except UnicodeDecodeError:
        return False


def unreadable(error: OSError) -> CorpusError:
    """Return the problem with a file or folder that the system does not let us read."""
    return CorpusError(
        f"{error.filename} cannot be read: {error.strerror}",
        "see that it stays there and that you may read it",
    )


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """Give the content of a file, unpacked. Raises CorpusError when it cannot be read."""
    try:
        with open_regular(file) as raw:
            _refuse_holes(file, raw)
            magic = raw.read(_MAGIC_BYTES)
            raw.seek(0)
            if _GZIP.match(magic):
                yield cast(BinaryIO, gzip.GzipFile(fileobj=raw))
            elif _BZIP2.match(magic):
                yield cast(BinaryIO, bz2.BZ2File(raw))
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(file, error) from error
    except OSError as error:
        if error.errno is None:  # what bz2 raises for damage
            raise _damaged(file, error) from error
        error.filename = error.filename or str(file)
        raise unreadable(error) from error


def _damaged(file: Path, why: Exception) -> CorpusError:
    """Return the problem with a packed file that cannot be unpacked."""
    reason = " ".join(str(why).split()) or type(why).__name__
    return CorpusError(
        f"{file} cannot be unpacked: {reason}", "get it again, or unpack what there is of it by gzip or bzip2"
    )


def _refuse_holes(file: Path, raw: BinaryIO) -> None:
    """Raise CorpusError for a file with holes, which nobody wrote and which may be larger than its disk."""
    size = os.fstat(raw.fileno()).st_size
    if size < _HOLES_FROM_BYTES or not hasattr(os, "SEEK_HOLE"):
        return
    try:
        hole = os.lseek(raw.fileno(), 0, os.SEEK_HOLE)
    except OSError:  # a file system that does not know
        hole = size
    raw.seek(min(hole, size))
    zeros = not raw.read(_MAGIC_BYTES).strip(
        b"\0"
    )  # some file systems call a hole what is not yet on the disk
    raw.seek(0)
    if hole < size and zeros:
        raise CorpusError(
            f"{file} is no whole text: nothing was written from its byte {hole:,} on, of {size:,}",
            "wait until it is written, or get it again",
        )


def _chunks(file: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks, and b"" at its end. Raises CorpusError when it cannot be read."""
    with _opened(file) as opened:
        chunk = b"."
        while chunk:
            end_if_asked()
            chunk = opened.read(CHUNK_BYTES)
            yield chunk


def _shown(chunks: Iterator[bytes], each: Callable[[bytes], object]) -> Iterator[bytes]:
    """Yield chunks, and call each with every one of them before."""
    for chunk in chunks:
        each(chunk)
        yield chunk


def _decoded(file: Path, chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield the characters of a file's chunks; a character that a chunk cuts is completed by the next one.

    Raises CorpusError with the offset of the first byte that is not in the file's encoding.
    """
    beginning = b""
    while len(beginning) < HEAD_BYTES and (chunk := next(chunks, b"")):
        beginning += chunk
    _refuse_unmarked(file, beginning[:HEAD_BYTES])
    encoding = encoding_of(beginning)
    rest, offset = beginning[encoding.mark_bytes :], encoding.mark_bytes
    while True:
        chunk = next(chunks, b"")
        data = rest + chunk
        try:
            piece, used = encoding.decode(data, "strict", not chunk)
        except UnicodeDecodeError as error:
            raise _wrong_bytes(file, encoding, data[error.start], offset + error.start) from error
        yield piece
        rest, offset = data[used:], offset + used
        if not chunk:
            return


def _wrong_bytes(file: Path, encoding: Encoding, byte: int, offset: int) -> CorpusError:
    """Return the problem with a file that is not in its encoding from a byte at an offset on."""
    if encoding is UTF8:
        return not_utf8(str(file), byte, offset)
    return CorpusError(
        f"{file} is marked as {encoding.name} but is not: byte 0x{byte:02X} at offset {offset:,}",
        'save it as UTF-8, or read it by `level="bytes"`',
    )


def _refuse_unmarked(file: Path, beginning: bytes) -> None:
    """Raise CorpusError for a file that begins as UTF-16 without a byte order mark does, or with zeros only.

    Its zero bytes are valid UTF-8: a model would learn them as characters.
    """
    zeros = np.frombuffer(beginning, np.uint8) == 0
    second, first = np.count_nonzero(zeros[1::2]), np.count_nonzero(zeros[0::2])
    if len(beginning) == HEAD_BYTES and zeros.all():
        raise CorpusError(
            f"{file} is not text: its first {HEAD_BYTES:,} bytes are all zero",
            'name another file, or read it by `level="bytes"`',
        )
    if encoding_of(beginning) is not UTF8 or (first and second):
        return
    count, pairs = first + second, max(len(beginning) // 2, 1)
    latin = count >= _LATIN_ZEROS and count / pairs >= _LATIN_ZERO_SHARE
    if latin or (count >= _SCRIPT_ZEROS and count / pairs >= _SCRIPT_ZERO_SHARE):
        name = "UTF-16LE" if second else "UTF-16BE"
        raise CorpusError(
            f"{file} looks like UTF-16 without a byte order mark: {count:,} of its first {len(beginning):,} "
            f"bytes are zero, all at {'odd' if second else 'even'} offsets",
            f'convert it by `iconv -f {name} -t UTF-8`, or read it by `level="bytes"`',
        )
