"""A pickle may use the names in ALLOWED_NAMES, each of which stands for a callable in this file.

A pickle names the functions and classes that rebuild its content. ALLOWED_NAMES maps each name that is
allowed ("module.name") to a dtype or to a callable of this file; the function of that name in torch, numpy or
Python is never called. The callables rebuild tensors, arrays, numbers, texts and containers, and nothing
else. They check their arguments, since whoever wrote the file chose them.
"""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.foreign.files.placeholders import Placeholder

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

# A nested tuple can take years to hash, so a key is one value or a tuple of at most this number of values.
_LONGEST_KEY_TUPLE = 8
# Python hashes and writes an integer in time that grows with its digits.
_LARGEST_INTEGER_KEY = 2**63 - 1
# How NumPy writes the types of booleans, integers, floating-point numbers, texts and bytes. It would read a
# type of any nesting, too, which a few hundred bytes can make larger than all memory.
_PLAIN_DTYPE = re.compile(r"[<>=|]?(\?|[biuf][0-9]{1,2}|[SU][0-9]{0,9})")
_MOST_DIMENSIONS = 8


def check_keys(keys: Iterable[Any]) -> list[Any]:
    """Return keys as a list when each of them is hashed quickly.

    A key may be None, a text, bytes, a float, an integer of at most 64 bits, or a tuple of at most
    _LONGEST_KEY_TUPLE of these, or a placeholder. Raises ValueError for any other key.
    """
    keys = list(keys)
    for key in keys:
        if isinstance(key, (str, Placeholder)):
            continue
        parts = key if isinstance(key, tuple) and len(key) <= _LONGEST_KEY_TUPLE else (key,)
        if not all(part is None or isinstance(part, (str, bytes, int, float)) for part in parts):
            raise ValueError(f"it has a {type(key).__name__} for a key")
        if any(isinstance(part, int) and abs(part) > _LARGEST_INTEGER_KEY for part in parts):
            raise ValueError("it has a key that is a number of too many digits")
    return keys


class PlainDict(dict[Any, Any]):
    """A PlainDict takes the place of every kind of dict, and keeps nothing but its items."""

    def __init__(self, pairs: Any = ()) -> None:
        """Take the items of a dict, or pairs (key, value). Raises ValueError for a key that is refused."""
        items = list(pairs.items()) if isinstance(pairs, dict) else _items(pairs)
        check_keys(key for key, _ in items)
        super().__init__(items)

    def __setstate__(self, state: Any) -> None:
        """Ignore the attributes that were set on the dict, such as the version numbers of a state dict."""


class AttributeDict(PlainDict):
    """An AttributeDict takes the place of an argparse.Namespace and holds its attributes as items."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Add the attributes in state. Raises ValueError for a name that is refused as a key."""
        if not isinstance(state, dict):
            raise ValueError(f"it has a {type(state).__name__} for the attributes of a Namespace")
        check_keys(state)
        self.update(state)


class ArrayDtype:
    """An ArrayDtype takes the place of a numpy.dtype and calls NumPy only when the dtype is used."""

    def __init__(self, code: Any, *_: Any) -> None:
        """Take NumPy's code for the type. Raises ValueError for objects, records and types within types."""
        if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
            shown = repr(code[:20]) if isinstance(code, str) else type(code).__name__
            raise ValueError(f"it holds an array of {shown}, which is neither numbers nor strings")
        self._code, self._byte_order = code, "="

    def __setstate__(self, state: Any) -> None:
        """Take the byte order, the second item of the state of a numpy.dtype."""
        order = state[1]
        if order not in ("<", ">", "=", "|"):
            raise ValueError("it holds an array of an unknown byte order")
        self._byte_order = order.replace("|", "=")

    def plain(self) -> np.dtype[Any]:
        """Return the dtype of numbers or texts."""
        dtype: np.dtype[Any] = np.dtype(self._code)
        return dtype.newbyteorder(self._byte_order)  # type: ignore[arg-type]


class Array:
    """An Array takes the place of a numpy.ndarray while a pickle is read.

    value is empty until the pickle sets the state; then it is the NumPy array, of numbers or texts.
    """

    value: NDArray[Any] = np.zeros(0)

    def __init__(self, *_: Any) -> None:
        """Ignore the shape that the pickle gives here: the state has it too, and there it is checked."""

    def __setstate__(self, state: Any) -> None:
        """Build value from state: (version, shape, dtype, column_major, data).

        Raises ValueError when the data do not fit shape and dtype.
        """
        _, shape, dtype, column_major, data = state
        flat = np.frombuffer(bytearray(_raw(data)), dtype.plain())  # a copy that may be written to
        self.value = flat.reshape(_shape(shape), order="F" if column_major else "C")


# Objects whose state a pickle may set.
STATEFUL = (PlainDict, ArrayDtype, Array)


def _raw(data: Any) -> bytes | bytearray:
    """Return data, bytes or the text that pickle protocol 2 makes of them, as bytes. Raises ValueError."""
    if isinstance(data, str):
        return _encode(data)
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError(f"it wants a {type(data).__name__} as bytes")
    return data


def _items(items: Any) -> list[Any]:
    """Return the items of a container or a text as a list.

    Raises ValueError for anything else, such as a tensor, whose elements would be as many tensors.
    """
    if not isinstance(items, (str, bytes, bytearray, list, tuple, dict, set, frozenset)):
        raise ValueError(f"it wants the items of a {type(items).__name__}")
    return list(items)


def _shape(sizes: Any) -> tuple[int, ...]:
    """Return sizes as the shape of a tensor. Raises ValueError unless they are a few integers."""
    shape = tuple(_items(sizes))
    if len(shape) > _MOST_DIMENSIONS or not all(type(size) is int and abs(size) < 2**63 for size in shape):
        raise ValueError("it holds a tensor whose shape is not a few integers")
    return shape


def _array_from_buffer(data: Any, dtype: ArrayDtype, shape: Any, order: str) -> Array:
    """Rebuild an array of shape from the bytes in data, as pickle protocol 5 asks for it."""
    array = Array()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _numpy_scalar(dtype: ArrayDtype, data: Any) -> Any:
    """Rebuild one NumPy number from its bytes, as the Python number of that value."""
    return np.frombuffer(_raw(data), dtype.plain())[0].item()


def _rebuild_tensor(storage: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    """Return a view of storage (elements,) with shape size and strides stride, from element offset on.

    Raises ValueError when the view has more elements than storage, RuntimeError when it reaches outside.
    """
    shape = _shape(size)
    if math.prod(shape) > storage.numel():
        raise ValueError(f"a tensor of shape {shape} would be larger than its storage")
    return torch.as_strided(storage, shape, _shape(stride), storage.storage_offset() + offset)


def _rebuild_parameter(data: Tensor, *_: Any) -> Tensor:
    """Return the tensor data in the place of a Parameter."""
    return data


def _encode(text: str, *_: Any) -> bytes:
    """Return the bytes that pickle protocol 2 writes as a text, each as the character of its number."""
    return text.encode("latin1")


def _default_dict(_: Any = None, pairs: Any = ()) -> PlainDict:
    """Return a PlainDict of pairs; the function that makes default values is ignored."""
    return PlainDict(pairs)


def _text(value: Any = "", *_: Any) -> str:
    """Return a text or a number as a text.

    Raises ValueError for anything else, since the text of a container can fill all memory, and that of a
    number of very many digits takes long.
    """
    if isinstance(value, int) and not -_LARGEST_INTEGER_KEY <= value <= _LARGEST_INTEGER_KEY:
        raise ValueError("it wants a number of too many digits as a text")
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"it wants a {type(value).__name__} as a text")
    return str(value)


def _bytearray(value: Any = b"", *_: Any) -> bytearray:
    """Return a text, bytes or a list of byte values as a bytearray.

    Raises ValueError for a number, of which bytearray() would make that number of zeros.
    """
    if isinstance(value, str):
        return bytearray(_encode(value))
    if not isinstance(value, (bytes, bytearray, list, tuple)):
        raise ValueError(f"it wants a {type(value).__name__} as bytes")
    return bytearray(value)


def _bytes(value: Any = b"", *_: Any) -> bytes:
    """Return a text, bytes or a list of byte values as bytes. Raises ValueError for a number."""
    return bytes(_bytearray(value))


def _list(items: Any = ()) -> list[Any]:
    return _items(items)


def _tuple(items: Any = ()) -> tuple[Any, ...]:
    return tuple(_items(items))


def _set(items: Any = ()) -> set[Any]:
    """Return a set of items. Raises ValueError for an item that check_keys refuses."""
    return set(check_keys(_items(items)))


def _object(*_: Any) -> None:
    """Stand for the class object, which protocols 0 and 1 name beside the class that they want."""


def _reconstructor(kind: Any, base: Any = None, state: Any = None) -> Any:
    """Return an empty object of kind, as protocols 0 and 1 ask for it.

    kind is AttributeDict for a Namespace; of any other class a placeholder holds state, what a dict or a list
    from which the class inherits has in it. Raises ValueError for anything else.
    """
    if kind is AttributeDict and base is _object:
        return AttributeDict()
    if isinstance(kind, Placeholder):
        return Placeholder(kind.name, (state,))
    raise ValueError("it wants an object of something that is not a class")


def _number(kind: type) -> Callable[..., Any]:
    """Return a function that calls kind: int, float, complex or bool.

    A pickle can make subclasses of a class and call its methods; of a function it can do neither.
    """

    def number(*parts: Any) -> Any:
        return kind(*parts)

    return number


ALLOWED_NAMES: dict[str, Any] = {
    "collections.OrderedDict": PlainDict,
    "collections.defaultdict": _default_dict,
    "collections.Counter": PlainDict,
    "argparse.Namespace": AttributeDict,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "copy_reg._reconstructor": _reconstructor,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch.Size": _tuple,
    "torch.device": _text,
    "torch.nn.parameter.Parameter": _rebuild_parameter,
    "numpy.ndarray": Array,
    "numpy.dtype": ArrayDtype,
}
for _module in ("torch", "torch.cuda"):
    ALLOWED_NAMES |= {f"{_module}.{_storage}": _dtype for _storage, _dtype in _STORAGE_DTYPES.items()}
ALLOWED_NAMES |= {str(_dtype): _dtype for _dtype in _STORAGE_DTYPES.values()}
for _module in ("numpy.core", "numpy._core"):
    ALLOWED_NAMES[f"{_module}.multiarray._reconstruct"] = Array
    ALLOWED_NAMES[f"{_module}.multiarray.scalar"] = _numpy_scalar
    ALLOWED_NAMES[f"{_module}.numeric._frombuffer"] = _array_from_buffer
for _module in ("builtins", "__builtin__"):
    ALLOWED_NAMES |= {f"{_module}.{kind.__name__}": _number(kind) for kind in (bool, complex, float, int)}
    ALLOWED_NAMES |= {
        f"{_module}.dict": PlainDict,
        f"{_module}.str": _text,
        f"{_module}.object": _object,
        f"{_module}.bytes": _bytes,
        f"{_module}.bytearray": _bytearray,
        f"{_module}.list": _list,
        f"{_module}.tuple": _tuple,
        f"{_module}.set": _set,
        f"{_module}.frozenset": _set,
    }
