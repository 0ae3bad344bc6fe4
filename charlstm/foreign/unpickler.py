"""An unpickler that runs nothing: every callable a pickle can reach is in this file.

They rebuild tensors, arrays, numbers, strings and containers. A name that is not among them is refused and
told. Nor can a pickle take more memory or time than its size is worth.
"""

import math
import pickle
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# What a small file may make in all, in characters, bytes and items; a large one four times its own size.
_ROOM = 16 << 20

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


class RefusedError(Exception):
    """The file names something that is not rebuilt here."""


_PythonUnpickler: Any = pickle._Unpickler  # which the stubs know only as a name


class Unpickler(_PythonUnpickler):  # type: ignore[misc]
    """Rebuilds what `_REBUILT` lists; storage takes a key and a number of bytes to (bytes,) uint8.

    It is Python's own in Python, not in C, because a pickle can stop a machine without calling anything: by
    a place in the memo that takes all memory, or by a key that takes years to hash. size is that of the file,
    and what is made in all may not be many times as large.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: Any, storage: Callable[[str, int], Tensor], size: int) -> None:
        super().__init__(file, encoding="latin1")  # strings of Python 2, and bytes of its NumPy arrays
        self._storage = storage
        self._read_storages: dict[str, Tensor] = {}
        self._left = 4 * size + _ROOM

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for. Raises RefusedError unless it is one of ours."""
        if module in ("torch", "torch.cuda") and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        if (found := _REBUILT.get(f"{module}.{name}")) is None:
            raise RefusedError(f"{'os' if module in ('posix', 'nt') else module}.{name}")
        return found

    def persistent_load(self, saved_id: Any) -> Tensor:
        """The storage that an id names, (elements,) in its dtype."""
        kind, dtype, key, _, elements, *view = saved_id
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(elements, int):
            raise ValueError(f"it holds a {kind!r:.60}, not a storage")
        if key not in self._read_storages:
            self._read_storages[key] = self._storage(key, elements * dtype.itemsize)
        whole = self._read_storages[key].view(dtype)
        if not view or view[0] is None:
            return whole
        _, offset, length = view[0]
        return whole[offset : offset + length]

    def _charge(self, values: Any) -> None:
        """Take the lengths of values off what may still be made."""
        self._left -= sum(len(value) for value in values if isinstance(value, _SIZED))
        if self._left < 0:
            raise ValueError("it would become many times as large as it is")

    def _load_reduce(self) -> None:
        self._charge(self.stack[-1])
        super().load_reduce()
        self._charge(self.stack[-1:])

    def _load_build(self) -> None:
        if not isinstance(self.stack[-2], (_Mapping, _Dtype, Array)):
            raise ValueError(f"it sets attributes of a {type(self.stack[-2]).__name__}")
        self._charge(self.stack[-1] if isinstance(self.stack[-1], tuple) else ())
        super().load_build()

    def _load_bytearray8(self) -> None:
        [length] = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(min(length, sys.maxsize))))

    def _load_setitem(self) -> None:
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def _load_setitems(self) -> None:
        _check_keys(self.stack[::2])
        super().load_setitems()

    def _load_dict(self) -> None:
        _check_keys(self.stack[::2])
        super().load_dict()

    def _load_additems(self) -> None:
        _check_keys(self.stack)
        super().load_additems()

    def _load_frozenset(self) -> None:
        _check_keys(self.stack)
        super().load_frozenset()

    dispatch |= {
        pickle.REDUCE[0]: _load_reduce,
        pickle.BUILD[0]: _load_build,
        pickle.BYTEARRAY8[0]: _load_bytearray8,
        pickle.SETITEM[0]: _load_setitem,
        pickle.SETITEMS[0]: _load_setitems,
        pickle.DICT[0]: _load_dict,
        pickle.ADDITEMS[0]: _load_additems,
        pickle.FROZENSET[0]: _load_frozenset,
    }


_SIZED = (str, bytes, bytearray, list, tuple, dict, set, frozenset)


def _check_keys(keys: Iterable[Any]) -> list[Any]:
    """The keys, which are texts and numbers, or short tuples of them. Raises ValueError for any others."""
    keys = list(keys)
    for key in keys:
        parts = key if isinstance(key, tuple) and len(key) < 9 else (key,)
        if not all(part is None or isinstance(part, (str, bytes, int, float)) for part in parts):
            raise ValueError(f"it has a {type(key).__name__} for a key")
        if any(isinstance(part, int) and abs(part) >= 2**63 for part in parts):
            raise ValueError("it has a key that is a number of too many digits")
    return keys


def _rebuild_tensor(storage: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    """A view of a storage; as_strided checks that it lies inside."""
    shape = tuple(size)
    if math.prod(shape) > storage.numel():
        raise ValueError(f"a tensor of shape {shape} would be larger than its storage")
    return torch.as_strided(storage, shape, tuple(stride), storage.storage_offset() + offset)


def _rebuild_parameter(data: Tensor, *_: Any) -> Tensor:
    return data


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Bytes as protocol 2 writes them."""
    return text.encode("latin1" if encoding == "latin1" else "utf-8")


class _Mapping(dict[Any, Any]):
    """A dict of any kind; what else an OrderedDict or a defaultdict keeps is left aside."""

    def __init__(self, pairs: Any = ()) -> None:
        found = list(pairs.items() if isinstance(pairs, dict) else pairs)
        _check_keys(key for key, _ in found)
        super().__init__(found)

    def __setstate__(self, state: Any) -> None:
        """What was set on a dict besides its items, such as a state dict's versions."""


class _Record(_Mapping):
    """Settings kept as attributes, such as argparse's: their values by name."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        _check_keys(state)
        self.update(state)


def _default_dict(_: Any = None, pairs: Any = ()) -> _Mapping:
    return _Mapping(pairs)


def _text(value: Any = "", *_: Any) -> str:
    """A text; of anything else str() could take all memory."""
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"it wants a {type(value).__name__} as a text")
    return str(value)


def _bytes(value: Any = b"", encoding: str = "latin1") -> bytearray:
    """Bytes that change; of a number bytearray() would make as many zeros."""
    if isinstance(value, str):
        return bytearray(_encode(value, encoding))
    if not isinstance(value, (bytes, bytearray, list, tuple)):
        raise ValueError(f"it wants a {type(value).__name__} as bytes")
    return bytearray(value)


def _list(items: Any = ()) -> list[Any]:
    return list(items)


def _tuple(items: Any = ()) -> tuple[Any, ...]:
    return tuple(items)


def _set(items: Any = ()) -> set[Any]:
    return set(_check_keys(items))


def _number(kind: type) -> Callable[..., Any]:
    """int, float, complex or bool as a function, of which no pickle can make a subclass or a method."""

    def number(*parts: Any) -> Any:
        return kind(*parts)

    return number


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

    value: NDArray[Any] = np.zeros(0)

    def __init__(self, *_: Any) -> None:
        """Empty, whatever shape it is to have."""

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


_REBUILT: dict[str, Any] = {
    "collections.OrderedDict": _Mapping,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _Mapping,
    "argparse.Namespace": _Record,
    "_codecs.encode": _encode,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch.Size": _tuple,
    "torch.device": _text,
    "torch.nn.parameter.Parameter": _rebuild_parameter,
    "numpy.ndarray": Array,
    "numpy.dtype": _Dtype,
}
for _dtype in set(_STORAGE_DTYPES.values()):
    _REBUILT[str(_dtype)] = _dtype
for _home in ("numpy.core", "numpy._core"):
    _REBUILT[f"{_home}.multiarray._reconstruct"] = Array
    _REBUILT[f"{_home}.multiarray.scalar"] = _scalar
    _REBUILT[f"{_home}.numeric._frombuffer"] = _array_from_buffer
for _module in ("builtins", "__builtin__"):
    _REBUILT |= {f"{_module}.{kind.__name__}": _number(kind) for kind in (bool, complex, float, int)}
    _REBUILT |= {
        f"{_module}.dict": _Mapping,
        f"{_module}.str": _text,
        f"{_module}.bytearray": _bytes,
        f"{_module}.list": _list,
        f"{_module}.tuple": _tuple,
        f"{_module}.set": _set,
        f"{_module}.frozenset": _set,
    }
