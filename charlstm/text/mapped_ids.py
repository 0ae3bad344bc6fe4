"""The ids in a file of the cache: checked while they are read, then in memory or memory-mapped.

A mapping of a file that somebody cuts ends the process at the next access beyond its end. So ids are copied
into memory where they are few; where they are many, each access first looks whether the file is still whole.
"""

import os
import zlib
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from charlstm.errors import CorpusError
from charlstm.machine.files import open_regular
from charlstm.text.vocabulary import Ids

# Files up to this size are copied into memory.
MOST_COPIED_BYTES = 64 << 20
# Bytes that are read and checked at once: a multiple of the size of every id.
_CHUNK_BYTES = 1 << 17


class MappedIds(np.memmap):
    """A memory-mapped array of ids that looks whether its file is still whole before each access by index.

    Slices of it look too. Raises CorpusError when the file has been cut.
    """

    _mmap: mmap | None

    @classmethod
    def of_file(cls, file: BinaryIO, path: Path, dtype: np.dtype[Any]) -> "MappedIds":
        """Map the ids of type dtype in an open file, called path in messages."""
        mapped = cls(file, dtype, "r")
        mapped._path, mapped._size = path, os.fstat(file.fileno()).st_size
        return mapped

    def __array_finalize__(self, whole: Any) -> None:
        super().__array_finalize__(whole)
        self._path = getattr(whole, "_path", None)
        self._size = getattr(whole, "_size", 0)

    def __getitem__(self, index: Any) -> Any:
        if self._mmap is not None and self._mmap.size() < self._size:  # the size of the file as it is now
            raise CorpusError(
                f"{self._path} was cut while it was in use", "run the command again, which makes it anew"
            )
        found = super().__getitem__(index)
        copied = isinstance(found, MappedIds) and found._mmap is None
        return found.view(np.ndarray) if copied else found


def checked_ids(
    path: Path, dtype: np.dtype[Any], *, characters: int, symbols: int, crc32: tuple[int, int]
) -> Ids:
    """Return the ids (characters,) of type dtype in a file, read-only.

    crc32 is the CRC-32 to begin with and the one that all bytes of the file must lead to. Raises ValueError
    when the file has another size or checksum, or an id that is not below symbols; OSError when it cannot be
    read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != characters * dtype.itemsize or size == 0:
            raise ValueError("another number of ids")
        copied = bytearray() if size <= MOST_COPIED_BYTES else None
        _check(file, dtype, symbols, crc32, copied)
        if copied is None:
            return MappedIds.of_file(file, path, dtype)
    ids: Ids = np.frombuffer(copied, dtype)
    ids.flags.writeable = False
    return ids


def _check(
    file: BinaryIO, dtype: np.dtype[Any], symbols: int, crc32: tuple[int, int], copied: bytearray | None
) -> None:
    """Read a file of ids, into copied where that is given. Raises ValueError where its ids are not valid.

    Reading it through a mapping would count as memory of this process.
    """
    checksum, expected = crc32
    while chunk := file.read(_CHUNK_BYTES):
        checksum = zlib.crc32(chunk, checksum)
        if len(chunk) % dtype.itemsize or int(np.frombuffer(chunk, dtype).max()) >= symbols:
            raise ValueError("an id that the vocabulary does not have")
        if copied is not None:
            copied += chunk
    if checksum != expected:
        raise ValueError("another checksum")
