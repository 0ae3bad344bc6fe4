"""Rebuild what a pickle holds, calling only what allowed_names.py defines, in bounded memory and time."""

import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from charlstm.foreign.allowed_names import ALLOWED_NAMES, STATEFUL, check_keys

# The characters, bytes and items that the objects made from a file may hold in all: this many for any file,
_ALLOWANCE_OF_ANY_FILE = 16 << 20
# and this many more for each byte of the file.
_ALLOWANCE_PER_BYTE = 4

_WITH_LENGTH = (str, bytes, bytearray, list, tuple, dict, set, frozenset)


class RefusedError(Exception):
    """A pickle names something that is not in ALLOWED_NAMES; the message is that name."""


_PythonUnpickler: Any = pickle._Unpickler  # the type stubs know only its name


class Unpickler(_PythonUnpickler):  # type: ignore[misc]
    """An Unpickler rebuilds the tree of tensors, arrays, numbers, texts and containers in a pickle.

    It extends Python's unpickler in Python, not the one in C, because a pickle can exhaust a machine without
    calling anything: with a memo index that takes all memory, or a key that takes years to hash.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: Any, storage: Callable[[str, int], Tensor], size: int) -> None:
        """Read from file, which holds size bytes.

        storage(key, byte_count) returns the bytes of a tensor's storage, (byte_count,) uint8.
        """
        super().__init__(
            file, encoding="latin1"
        )  # for the texts of Python 2, and the bytes of its NumPy arrays
        self._storage = storage
        self._read_storages: dict[str, Tensor] = {}
        self._allowance = _ALLOWANCE_PER_BYTE * size + _ALLOWANCE_OF_ANY_FILE

    def find_class(self, module: str, name: str) -> Any:
        """Return the entry of ALLOWED_NAMES for module and name. Raises RefusedError when there is none."""
        allowed = ALLOWED_NAMES.get(f"{module}.{name}")
        if allowed is None:
            raise RefusedError(f"{'os' if module in ('posix', 'nt') else module}.{name}")
        return allowed

    def persistent_load(self, saved_id: Any) -> Tensor:
        """Return the storage that saved_id names, (elements,) in its dtype.

        saved_id is ("storage", dtype, key, device, elements), in old files with a view (key, offset, length)
        or None behind. Raises ValueError for anything else.
        """
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
        """Subtract the lengths of values from the allowance. Raises ValueError when it is used up."""
        self._allowance -= sum(len(value) for value in values if isinstance(value, _WITH_LENGTH))
        if self._allowance < 0:
            raise ValueError("it would become many times as large as it is")

    # Each method below stands before Python's own for one instruction of a pickle, and checks what it works
    # on.

    def _load_reduce(self) -> None:
        self._charge(self.stack[-1])
        super().load_reduce()
        self._charge(self.stack[-1:])

    def _load_build(self) -> None:
        if not isinstance(self.stack[-2], STATEFUL):
            raise ValueError(f"it sets attributes of a {type(self.stack[-2]).__name__}")
        self._charge(self.stack[-1] if isinstance(self.stack[-1], tuple) else ())
        super().load_build()

    def _load_bytearray8(self) -> None:
        [length] = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(min(length, sys.maxsize))))

    def _load_setitem(self) -> None:
        check_keys(self.stack[-2:-1])
        super().load_setitem()

    def _load_setitems(self) -> None:
        check_keys(self.stack[::2])
        super().load_setitems()

    def _load_dict(self) -> None:
        check_keys(self.stack[::2])
        super().load_dict()

    def _load_additems(self) -> None:
        check_keys(self.stack)
        super().load_additems()

    def _load_frozenset(self) -> None:
        check_keys(self.stack)
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
