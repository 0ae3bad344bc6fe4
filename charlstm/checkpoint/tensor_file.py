"""Arrays and plain numbers in one safetensors file, which is checked before anything in it is used.

The header is checked first: its length, then every name, type and shape, before a tensor takes any memory. A
CRC-32 of everything then tells whether a byte was changed; a file may have none. Importing this module does
not import torch.
"""

import hashlib
import json
import math
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from charlstm.machine.files import open_regular, refuse_link_outside, whole_file

Shapes = Mapping[str, tuple[int, ...]]
Arrays = dict[str, NDArray[Any]]  # float32, float16 or uint8

# safetensors itself allows headers of 100 MB, and takes several times as much memory to read them.
HEADER_BYTES = 16 << 20
_MOST_TENSORS = 20_000  # a model of 1,000 layers, the most there are, needs 16,000 to resume
FLOAT, HALF_PRECISION = ("F32",), ("F16",)
_DTYPES = (*FLOAT, "U8")
# The tensors, the whole file, and the file as Python's bytes are in memory at once.
_COPIES_WHILE_SAVING = 3
# A file of _LARGE_BYTES or more is not read when less than 1 / _BYTES_PER_DATA_BYTE of it is on the disk.
_LARGE_BYTES, _BYTES_PER_DATA_BYTE = 64 << 20, 10
# What reading a file that is damaged or made up can raise.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError, SafetensorError)


def save_tensors(place: Path, tensors: Arrays, numbers: Mapping[str, Any]) -> None:
    """Write tensors, contiguous arrays by name, and numbers, JSON values by name, to the file at place.

    The file is written whole or not at all. Raises OSError when it cannot be, MemoryError when there is too
    little memory for it.
    """
    text = json.dumps(numbers)
    metadata = {"numbers": text, "crc32": f"{_checksum(tensors, text):08x}"}
    # safetensors ends the process when memory ends while it makes its copies; asking for it first raises.
    np.empty(_COPIES_WHILE_SAVING * sum(tensor.nbytes for tensor in tensors.values()), np.uint8)
    with whole_file(place) as partial:  # safetensors' save_file makes files that only their owner can read
        partial.write_bytes(save(tensors, metadata))


def load_tensors(
    place: Path, fits: Callable[[Shapes], bool], *, types: Sequence[str] = _DTYPES
) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays, all of them finite, and the numbers in the file at place.

    fits is called with the shapes of all arrays by name before any is read; the file is refused when it
    returns false, or where an array has none of the types, by safetensors' names. Raises one of UNREADABLE
    when the file is refused, damaged or not such a file, and when it is a link out of its folder.
    """
    refuse_link_outside(place)
    check_header_length(place)
    _check_not_hollow(place)
    with safe_open(place, framework="np") as file:
        names = list(file.keys())
        if len(names) > _MOST_TENSORS:
            raise ValueError(f"it holds {len(names):,} tensors")
        slices = {name: file.get_slice(name) for name in names}
        right_types = all(tensor.get_dtype() in types for tensor in slices.values())
        if not right_types or not fits({name: tuple(tensor.get_shape()) for name, tensor in slices.items()}):
            raise ValueError("its tensors do not fit the model that config.json describes")
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in slices}
    if "crc32" in metadata and metadata["crc32"] != f"{_checksum(tensors, metadata['numbers']):08x}":
        raise ValueError("its checksum does not agree: it was changed or damaged")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("it holds weights that are NaN or infinite")
    return tensors, _json_object(metadata["numbers"])


def weights_sha256(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of a model's weights in tensors, by name, as 64 hexadecimal digits.

    It covers, in alphabetical order of the names, each name in UTF-8 and its array as little-endian float32.
    """
    weights = hashlib.sha256()
    for name, values in sorted(tensors.items()):
        weights.update(name.encode())
        weights.update(np.ascontiguousarray(values, "<f4").tobytes())
    return weights.hexdigest()


def load_numbers(place: Path) -> dict[str, Any]:
    """Return the numbers in the file at place without reading its arrays, so without the checksum.

    Raises one of UNREADABLE when the file is damaged or not such a file, and when it is a link out of its
    folder.
    """
    refuse_link_outside(place)
    check_header_length(place)
    with safe_open(place, framework="np") as file:
        return _json_object((file.metadata() or {})["numbers"])


def check_header_length(place: Path) -> None:
    """Raise ValueError when the header of the safetensors file at place cannot be right.

    It may have HEADER_BYTES at most, and no more than the file has. Raises OSError when the file cannot be
    read or is no regular file.
    """
    with open_regular(place) as file:
        length, size = int.from_bytes(file.read(8), "little"), os.fstat(file.fileno()).st_size
    if length > HEADER_BYTES or length + 8 > size:
        raise ValueError(f"its header would have {length:,} bytes, and the file has {size:,}")


def _check_not_hollow(place: Path) -> None:
    """Raise ValueError when the file at place is large, and nearly all of it is holes.

    A hole takes no space on the disk, but it is read as zeros: some kilobytes could fill the memory. Where
    the file system does not tell holes, there are none. Raises OSError when the file cannot be read.
    """
    with open_regular(place) as file:
        size, end, data = os.fstat(file.fileno()).st_size, 0, 0
        if size < _LARGE_BYTES or not hasattr(os, "SEEK_DATA"):
            return
        while end < size and data * _BYTES_PER_DATA_BYTE < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            except OSError:  # nothing but a hole follows
                break
            data += end - start
    if data * _BYTES_PER_DATA_BYTE < size:
        raise ValueError(f"it is nearly empty: {data:,} of its {size:,} bytes are on the disk")


def whole_number(numbers: Mapping[str, Any], name: str) -> int:
    """Return the number called name, a count from 0 to 2**63 - 1.

    Raises KeyError when there is none, ValueError when it is anything else.
    """
    value = numbers[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"its {name} is {value!r:.60}")
    return value


def finite_number(numbers: Mapping[str, Any], name: str) -> float:
    """Return the number called name. Raises KeyError when there is none, ValueError when it is not finite."""
    value = numbers[name]
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"its {name} is {value!r:.60}")
    return float(value)


def _json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that text spells. Raises ValueError for anything else."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("its numbers are no JSON object")
    return document


def _checksum(tensors: Arrays, numbers: str) -> int:
    """Return the CRC-32 of numbers, then in alphabetical order of each tensor's name, shape and bytes."""
    crc = zlib.crc32(numbers.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        crc = zlib.crc32(f"{name}{tensor.shape}".encode(), crc)
        crc = zlib.crc32(tensor.reshape(-1).view(np.uint8).data, crc)
    return crc
