"""Rebuild what a pickle holds, calling only what allowed_names.py defines, within a budget."""

import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from charlstm.foreign.files.allowed_names import ALLOWED_NAMES, STATEFUL, check_keys
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.placeholders import Placeholder, is_hostile

# What the value that an instruction makes takes in memory, with its place on the stack or in the memo: an
# object
_BYTES_OF_OBJECT = 256
_BYTES_OF_CONTAINER = 64
_BYTES_OF_OTHERS = 32
_BYTES_PER_ITEM = 100  # of a container that a call makes: a dict has the most
_BYTES_PER_TENSOR = 500  # besides its elements; an array and a number of NumPy take less
_NODES_PER_CALL = 10  # the time to make a tensor, in that of other instructions
_LONGEST_NAME_CHARACTERS = 256

_CONTAINERS = (list, tuple, dict, set, frozenset)
_TEXTS = (str, bytes, bytearray)
_OBJECTS = (
    pickle.EMPTY_SET, pickle.FROZENSET, pickle.REDUCE, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.OBJ,
    pickle.INST, pickle.GLOBAL, pickle.STACK_GLOBAL,
)  # fmt: skip
_OTHER_CONTAINERS = (
    pickle.EMPTY_DICT, pickle.DICT, pickle.EMPTY_LIST, pickle.LIST, pickle.TUPLE, pickle.TUPLE1,
    pickle.TUPLE2, pickle.TUPLE3, pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE,
)  # fmt: skip
_BYTES_OF_INSTRUCTION = {code[0]: _BYTES_OF_OBJECT for code in _OBJECTS}
_BYTES_OF_INSTRUCTION |= {code[0]: _BYTES_OF_CONTAINER for code in _OTHER_CONTAINERS}
_BYTES_OF_INSTRUCTION[pickle.MARK[0]] = 2 * _BYTES_OF_CONTAINER
_CALLABLE_IDS = frozenset(id(allowed) for allowed in ALLOWED_NAMES.values() if callable(allowed))


class RefusedError(Exception):
    """A pickle names something that no honest file names; the message is that name."""


_PythonUnpickler: Any = pickle._Unpickler  # the type stubs know only its name


class _Counted(dict[int, Callable[[Any], None]]):
    """A _Counted is the table of the instructions for one unpickler, and takes each one from its budget."""

    def __init__(self, table: dict[int, Callable[[Any], None]], budget: Budget) -> None:
        super().__init__(table)
        self._table, self._take = table, budget.take_instruction

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        self._take(_BYTES_OF_INSTRUCTION.get(code, _BYTES_OF_OTHERS))
        return self._table[code]


class Unpickler(_PythonUnpickler):  # type: ignore[misc]
    """An Unpickler rebuilds the tree of tensors, arrays, numbers, texts and containers in a pickle.

    It extends Python's unpickler in Python, not the one in C, because a pickle can exhaust a machine without
    calling anything: with a memo index that takes all memory, or a key that takes years to hash. What it
    names besides ALLOWED_NAMES becomes a placeholder.
    """

    _instructions: ClassVar[dict[int, Callable[[Any], None]]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: Any, storage: Callable[[str, int], Tensor], budget: Budget) -> None:
        """Read from file, and take what is made from budget.

        storage(key, byte_count) returns the bytes of a tensor's storage, (byte_count,) uint8.
        """
        # The encoding is for the texts of Python 2, and for the bytes of its NumPy arrays.
        super().__init__(file, encoding="latin1")
        self.dispatch = _Counted(self._instructions, budget)
        self._storage = storage
        self._read_storages: dict[str, Tensor] = {}
        self._budget = budget

    def find_class(self, module: str, name: str) -> Any:
        """Return the entry of ALLOWED_NAMES for module and name, or a placeholder where there is none.

        Raises RefusedError for a name that only a hostile file has, and ValueError for a very long one.
        """
        if len(module) + len(name) > _LONGEST_NAME_CHARACTERS:
            raise ValueError(f"it names something by {len(module) + len(name):,} characters")
        full_name = f"{'os' if module in ('posix', 'nt') else module}.{name}"
        allowed = ALLOWED_NAMES.get(f"{module}.{name}")
        if allowed is not None:
            return allowed
        if is_hostile(module, name):
            raise RefusedError(full_name)
        return Placeholder(full_name)

    def get_extension(self, code: int) -> None:
        """Raise ValueError: the numbers of copyreg.add_extension mean something else in each program."""
        raise ValueError(f"it names something by the number {code}")

    def persistent_load(self, saved_id: Any) -> Tensor:
        """Return the storage that saved_id names, (elements,) in its dtype.

        saved_id is ("storage", dtype, key, device, elements), in old files with a view (key, offset, length)
        or None behind. Raises ValueError for anything else.
        """
        if not isinstance(saved_id, tuple) or saved_id[:1] != ("storage",):
            raise ValueError("it refers to something that is not a storage")
        _, dtype, key, _, elements, *view = saved_id
        if not isinstance(dtype, torch.dtype) or not isinstance(key, str) or type(elements) is not int:
            of = dtype.name if isinstance(dtype, Placeholder) else type(dtype).__name__
            raise ValueError(f"it holds a storage of {of}, which is not one of numbers")
        if key not in self._read_storages:
            self._budget.take_nodes(_NODES_PER_CALL)
            self._budget.take_bytes(_BYTES_PER_TENSOR)
            # It is never larger than the file, and each key is read once.
            self._read_storages[key] = self._storage(key, elements * dtype.itemsize)
        whole = self._read_storages[key].view(dtype)
        if not view or view[0] is None:
            return whole
        _, offset, length = view[0]
        return whole[offset : offset + length]

    def _take(self, values: Any) -> None:
        """Take from the budget the memory of what a call makes of values, before it is made."""
        for value in values:
            if isinstance(value, _CONTAINERS):
                self._budget.take_bytes(_BYTES_PER_ITEM * len(value))
            elif isinstance(value, _TEXTS):
                self._budget.take_bytes(len(value))

    def _made(self, kind: Any, arguments: Any) -> Any:
        """Return what kind, an entry of ALLOWED_NAMES or a placeholder, makes of arguments.

        Raises ValueError when kind is anything else.
        """
        if not isinstance(arguments, (tuple, list)):
            raise ValueError(f"it calls something with a {type(arguments).__name__}")
        if isinstance(kind, Placeholder):
            return Placeholder(kind.name, tuple(arguments))
        if id(kind) not in _CALLABLE_IDS:
            raise ValueError(f"it calls a {type(kind).__name__}")
        self._budget.take_nodes(_NODES_PER_CALL)
        self._budget.take_bytes(_BYTES_PER_TENSOR)
        self._take(arguments)
        return kind(*arguments)

    # Each method below stands in the place of Python's own for one instruction of a pickle.

    def _load_reduce(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        self.append(self._made(kind, arguments))

    def _load_newobj_ex(self) -> None:
        named = self.stack.pop()
        self._load_reduce()
        if isinstance(self.stack[-1], Placeholder):
            self.stack[-1].held.append(named)

    def _load_obj(self) -> None:
        kind, *arguments = self.pop_mark()
        self.append(self._made(kind, arguments))

    def _load_inst(self) -> None:
        module, name = (self.readline()[:-1].decode("ascii") for _ in range(2))
        arguments = self.pop_mark()
        self.append(self._made(self.find_class(module, name), arguments))

    def _load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Placeholder):
            target.held.append(state)
            return
        if not isinstance(target, STATEFUL):
            raise ValueError(f"it sets attributes of a {type(target).__name__}")
        self._take((state,))
        self._take(state if isinstance(state, tuple) else ())
        target.__setstate__(state)

    def _load_bytearray8(self) -> None:
        [length] = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(min(length, sys.maxsize))))

    def _load_append(self) -> None:
        item = self.stack.pop()
        self._extend([item])

    def _load_appends(self) -> None:
        items = self.pop_mark()
        self._extend(items)

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            target.held.append(items)
        elif isinstance(target, (list, bytearray)):
            target.extend(items)
        else:
            raise ValueError(f"it appends to a {type(target).__name__}")

    def _load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _load_setitems(self) -> None:
        items = self.pop_mark()
        self._set_items(items)

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        check_keys(items[::2])
        pairs = dict(zip(items[::2], items[1::2], strict=True))
        if isinstance(target, Placeholder):
            target.held.append(pairs)
        elif isinstance(target, dict):
            target.update(pairs)
        else:
            raise ValueError(f"it sets items of a {type(target).__name__}")

    def _load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set_items(items)

    def _load_additems(self) -> None:
        items = self.pop_mark()
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            target.held.append(items)
        elif isinstance(target, set):
            target.update(check_keys(items))
        else:
            raise ValueError(f"it adds to a {type(target).__name__}")

    def _load_frozenset(self) -> None:
        items = self.pop_mark()
        self.append(frozenset(check_keys(items)))

    _instructions |= {
        pickle.REDUCE[0]: _load_reduce,
        pickle.NEWOBJ[0]: _load_reduce,
        pickle.NEWOBJ_EX[0]: _load_newobj_ex,
        pickle.OBJ[0]: _load_obj,
        pickle.INST[0]: _load_inst,
        pickle.BUILD[0]: _load_build,
        pickle.BYTEARRAY8[0]: _load_bytearray8,
        pickle.APPEND[0]: _load_append,
        pickle.APPENDS[0]: _load_appends,
        pickle.SETITEM[0]: _load_setitem,
        pickle.SETITEMS[0]: _load_setitems,
        pickle.DICT[0]: _load_dict,
        pickle.ADDITEMS[0]: _load_additems,
        pickle.FROZENSET[0]: _load_frozenset,
    }
