"""What torch.save wrote, read without running anything that the file asks for.

`torch.load(weights_only=True)` comes first. What it turns down, such as numbers of NumPy's in an older
checkpoint, goes through an unpickler of our own, whose every callable is in this file: they rebuild tensors,
arrays, numbers, strings and containers. A name that is not among them is refused and told.

    zip       NAME/data.pkl, and a file NAME/data/KEY for each storage       PyTorch 1.6 and newer
    legacy    magic number, version, system, the pickle, keys, storages      PyTorch 0.1 to 1.5
    pickle    one plain pickle                                               pickle.dump
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from charlstm.errors import CheckpointError

_LEGACY_MAGIC, _LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001

_STORAGE_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _RefusedError(Exception):
    """The file names something that is not rebuilt here."""


def load_pickle(path: Path) -> Any:
    """The tree of dicts, lists, tensors, arrays, numbers and strings in a file of torch.save or pickle.dump.

    Raises CheckpointError when it asks for anything else, or is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # whatever torch did not like, our own reader takes it or says why not
        return _load_restricted(path)


def _load_restricted(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            return _from_zip(file) if zipfile.is_zipfile(file) else _from_stream(file)
    except _RefusedError as error:
        raise CheckpointError(
            f"{path} is refused: it wants to call {error}, and nothing that a file asks for is run",
            "if you trust it, load it where it was made and save model.state_dict() instead",
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(
            f"{path} cannot be read as PyTorch weights, safetensors or .npz: {error or type(error).__name__}",
            "see that it is whole, or save the state dict again",
        ) from error


def _from_zip(file: BinaryIO) -> Any:
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        [pickled] = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")

        def storage(key: str, byte_count: int) -> Tensor:
            data = archive.read(f"{root}data/{key}")
            if len(data) != byte_count:
                raise ValueError(f"storage {key} has {len(data):,} bytes, not {byte_count:,}")
            return _bytes_tensor(data)

        return _Unpickler(io.BytesIO(archive.read(pickled)), storage).load()


def _from_stream(file: BinaryIO) -> Any:
    """A legacy file, or a plain pickle: the first object tells which."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    first = _Unpickler(file, _no_storage).load()
    if first != _LEGACY_MAGIC:
        return first
    version, system = _Unpickler(file, _no_storage).load(), _Unpickler(file, _no_storage).load()
    if version != _LEGACY_VERSION or not system["little_endian"]:
        raise ValueError(f"version {version} of the legacy format, or big-endian numbers")
    storages: dict[str, Tensor] = {}

    def storage(key: str, byte_count: int) -> Tensor:
        if not 0 <= byte_count <= size:
            raise ValueError(f"storage {key} would have {byte_count:,} bytes in a file of {size:,}")
        return storages.setdefault(key, torch.zeros(byte_count, dtype=torch.uint8))

    tree = _Unpickler(file, storage).load()
    for key in _Unpickler(file, _no_storage).load():
        _fill(storages[key], file)
    return tree


def _fill(storage: Tensor, file: BinaryIO) -> None:
    """Read a legacy storage: its number of elements, 8 bytes, and then its bytes."""
    struct.unpack("<q", file.read(8))
    data = file.read(storage.numel())
    if len(data) < storage.numel():
        raise ValueError("it ends early")
    storage.copy_(_bytes_tensor(data))


def _no_storage(key: str, byte_count: int) -> Tensor:
    raise ValueError(f"storage {key} stands where none can be")


def _bytes_tensor(data: bytes) -> Tensor:
    """(bytes,) uint8."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.zeros(0, dtype=torch.uint8)


class _Unpickler(pickle.Unpickler):
    """Rebuilds what `_REBUILT` lists; storage takes a key and a number of bytes to (bytes,) uint8."""

    def __init__(self, file: BinaryIO, storage: Callable[[str, int], Tensor]) -> None:
        super().__init__(file, encoding="latin1")  # strings of Python 2, and bytes of its NumPy arrays
        self._storage = storage
        self._read: dict[Hashable, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for. Raises _RefusedError unless it is one of ours."""
        if module in ("torch", "torch.cuda") and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        if (found := _REBUILT.get(f"{module}.{name}")) is None:
            raise _RefusedError(f"{'os' if module in ('posix', 'nt') else module}.{name}")
        # A pickle can set attributes of what it is given. It gets a copy, so that nothing outlives it.
        if isinstance(found, FunctionType):
            return partial(found)
        return type(found.__name__, (found,), {}) if found.__module__ == __name__ else found

    def persistent_load(self, saved_id: Any) -> Tensor:
        """The storage that an id names, (elements,) in its dtype."""
        kind, dtype, key, _, elements, *view = saved_id
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise ValueError(f"it holds a {kind!r}, not a storage")
        if key not in self._read:
            self._read[key] = self._storage(key, elements * dtype.itemsize)
        whole = self._read[key].view(dtype)
        if not view or view[0] is None:
            return whole
        _, offset, length = view[0]
        return whole[offset : offset + length]


def _rebuild_tensor(storage: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    """A view of a storage; as_strided checks that it lies inside."""
    return torch.as_strided(storage, tuple(size), tuple(stride), storage.storage_offset() + offset)


def _rebuild_parameter(data: Tensor, *_: Any) -> Tensor:
    return data


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Bytes as protocol 2 writes them."""
    return text.encode("latin1" if encoding == "latin1" else "utf-8")


class _Record(dict[str, Any]):
    """Settings kept as attributes, such as argparse's: their values by name."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.update(state)


class _Dtype:
    """The type of an array's numbers; nothing of NumPy is called before it is known to be a plain one."""

    def __init__(self, code: str, *_: Any) -> None:
        self._code, self._order = code, "="

    def __setstate__(self, state: Any) -> None:
        self._order = state[1].replace("|", "=")

    def plain(self) -> np.dtype[Any]:
        """Numbers or strings. Raises ValueError for objects and records."""
        dtype = np.dtype(self._code).newbyteorder(self._order)  # type: ignore[arg-type]
        if dtype.kind not in "biufUS":
            raise ValueError(f"it holds an array of {self._code!r}, which is neither numbers nor strings")
        return dtype


class Array:
    """A NumPy array on its way out of a pickle; value is set once its state was read."""

    def __init__(self, *_: Any) -> None:
        self.value = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, column_major, data = state
        raw = _encode(data) if isinstance(data, str) else bytes(data)
        flat = np.frombuffer(raw, dtype.plain())
        self.value = flat.reshape(shape, order="F" if column_major else "C")


def _array_from_buffer(data: Any, dtype: _Dtype, shape: Any, order: str) -> Array:
    """An array as protocol 5 writes it."""
    array = Array()
    array.__setstate__((1, shape, dtype, order == "F", bytes(data)))
    return array


def _scalar(dtype: _Dtype, data: Any) -> Any:
    """One number of NumPy's as one of Python's."""
    raw = _encode(data) if isinstance(data, str) else bytes(data)
    return np.frombuffer(raw, dtype.plain())[0].item()


_NUMPY_HOMES = ("numpy.core", "numpy._core")

_REBUILT: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.defaultdict": defaultdict,
    "collections.Counter": dict,
    "argparse.Namespace": _Record,
    "_codecs.encode": _encode,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.Size": tuple,
    "torch.nn.parameter.Parameter": _rebuild_parameter,
    "numpy.ndarray": Array,
    "numpy.dtype": _Dtype,
}
for _home in _NUMPY_HOMES:
    _REBUILT[f"{_home}.multiarray._reconstruct"] = Array
    _REBUILT[f"{_home}.multiarray.scalar"] = _scalar
    _REBUILT[f"{_home}.numeric._frombuffer"] = _array_from_buffer
for _module in ("builtins", "__builtin__"):
    _REBUILT |= {
        f"{_module}.{kind.__name__}": kind
        for kind in (bool, bytearray, complex, dict, float, frozenset, int, list, set, str, tuple)
    }
