"""Arrays and numbers in one safetensors file that is checked before it is believed. Nothing here loads torch.

The header comes first: its length, then every name, type and shape, before a tensor takes any memory. A
CRC-32 of the whole then tells whether a byte was changed; files of before it was written have none.
"""

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from charlstm.machine.files import whole_file

Shapes = Mapping[str, tuple[int, ...]]
Arrays = dict[str, NDArray[Any]]  # float32 or uint8

# safetensors itself allows 100 MB, and reads them into several times as much memory.
HEADER_BYTES = 16 << 20
_MOST = 20_000  # tensors; what a model of 1,000 layers needs to go on is 16,000
_DTYPES = ("F32", "U8")
# What reading a file that is damaged, or that somebody made up, can raise.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError, SafetensorError)


def save_tensors(place: Path, tensors: Arrays, numbers: Mapping[str, Any]) -> None:
    """Write contiguous arrays with plain numbers, whole or not at all. Raises OSError."""
    text = json.dumps(numbers)
    metadata = {"numbers": text, "crc32": f"{_checksum(tensors, text):08x}"}
    with whole_file(place) as partial:  # not save_file, which makes files that only their owner can read
        partial.write_bytes(save(tensors, metadata))


def load_tensors(place: Path, fits: Callable[[Shapes], bool]) -> tuple[Arrays, dict[str, Any]]:
    """The arrays, all finite, and the numbers; fits is asked about their shapes first.

    Raises one of UNREADABLE for everything else.
    """
    check_header_length(place)
    with safe_open(place, framework="np") as file:
        names = list(file.keys())
        if len(names) > _MOST:
            raise ValueError(f"it holds {len(names):,} tensors")
        slices = {name: file.get_slice(name) for name in names}
        wrong = [name for name, each in slices.items() if each.get_dtype() not in _DTYPES]
        if wrong or not fits({name: tuple(each.get_shape()) for name, each in slices.items()}):
            raise ValueError("its tensors do not fit the model that config.json describes")
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in slices}
    if "crc32" in metadata and metadata["crc32"] != f"{_checksum(tensors, metadata['numbers']):08x}":
        raise ValueError("its checksum does not agree: it was changed or damaged")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("it holds weights that are NaN or infinite")
    return tensors, _object(metadata["numbers"])


def weights_sha256(tensors: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of a model's weights, by name in alphabetical order, as hexadecimal digits.

    Each tensor counts as its name in UTF-8 and its numbers as little-endian float32.
    """
    weights = hashlib.sha256()
    for name, values in sorted(tensors.items()):
        weights.update(name.encode())
        weights.update(np.ascontiguousarray(values, "<f4").tobytes())
    return weights.hexdigest()


def check_header_length(place: Path) -> None:
    """Raise ValueError when a safetensors file has a header of absurd length."""
    with open(place, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER_BYTES:
        raise ValueError(f"its header would have {length:,} bytes")


def whole_number(numbers: Mapping[str, Any], name: str) -> int:
    """A number of steps, characters or bytes. Raises ValueError for anything else."""
    value = numbers[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"its {name} is {value!r:.60}")
    return value


def finite_number(numbers: Mapping[str, Any], name: str) -> float:
    """A finite number. Raises ValueError for anything else."""
    value = numbers[name]
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"its {name} is {value!r:.60}")
    return float(value)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its numbers are none")
    return found


def _checksum(tensors: Arrays, numbers: str) -> int:
    """CRC-32 of the numbers, and of each tensor's name, shape and bytes by name."""
    crc = zlib.crc32(numbers.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        crc = zlib.crc32(f"{name}{tensor.shape}".encode(), crc)
        crc = zlib.crc32(tensor.reshape(-1).view(np.uint8).data, crc)
    return crc
