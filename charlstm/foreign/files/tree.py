"""Go through the tree of dicts, lists, tensors, numbers and texts that a file holds, and find its weights."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from charlstm.foreign.files.allowed_names import Array
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.placeholders import Placeholder

_OPTIMIZER_NAMES = re.compile("optim|exp_avg|momentum_buffer")
_DEEPEST_NESTING = 8  # containers within containers
# Of a longer name the last characters are kept, since a name is written anew for each tensor that has it.
_LONGEST_NAME_CHARACTERS = 256
_BYTES_PER_NAME = 200  # what a name takes as a key, besides its characters
_PLAIN_NUMBERS = (int, float, complex, type(None))
_CONTAINERS = (dict, list, tuple, Placeholder)
_NODES_PER_VALUE = 3  # the time to visit a value, in that of an instruction of a pickle
_NUMBERS_PER_NODE = 4  # a number is passed over faster than anything else is visited

TreePath = tuple[str, ...]


def walk(tree: Any, budget: Budget, *, into_objects: bool = False) -> Iterator[tuple[TreePath, Any]]:
    """Yield every value in tree but numbers and None, with its path, a container before what it holds.

    Each container is visited once, since a pickle can hold a container within itself, and none that is more
    than _DEEPEST_NESTING containers deep. into_objects visits what placeholders hold, too. Raises
    OverBudgetError when budget is used up.
    """
    return _walk(tree, (), set(), budget, into_objects)


def _walk(
    tree: Any, path: TreePath, seen: set[int], budget: Budget, into_objects: bool
) -> Iterator[tuple[TreePath, Any]]:
    """Yield the values in tree, whose place is path; seen has the id() of each visited container."""
    budget.take_nodes(_NODES_PER_VALUE)
    if isinstance(tree, _CONTAINERS):
        if id(tree) in seen or len(path) > _DEEPEST_NESTING:
            return
        seen.add(id(tree))
    yield path, tree.value if isinstance(tree, Array) else tree
    if isinstance(tree, Placeholder):
        tree = tree.held if into_objects else ()
    if isinstance(tree, (dict, list, tuple)):
        budget.take_nodes(len(tree) // _NUMBERS_PER_NODE)
        children: Iterable[tuple[Any, Any]] = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for name, child in children:
            if isinstance(child, _CONTAINERS):
                yield from _walk(child, (*path, _name(name)), seen, budget, into_objects)
            elif not isinstance(child, _PLAIN_NUMBERS):  # as a call would, in half of the time
                budget.take_nodes(_NODES_PER_VALUE)
                yield (*path, _name(name)), child.value if isinstance(child, Array) else child


def _name(key: Any) -> str:
    """Return the key of a container as a name of at most _LONGEST_NAME_CHARACTERS characters."""
    if isinstance(key, Placeholder):
        return key.name
    return (key if isinstance(key, str) else str(key))[-_LONGEST_NAME_CHARACTERS:]


def tensors_in(tree: Any, budget: Budget) -> dict[str, Tensor]:
    """Return the weights in tree: its dense floating-point tensors and arrays, by their dotted path.

    Tensors of an optimizer and tensors without dimensions are left out. Names may be any text: where two
    paths make one name, the later ones get primes. Raises OverBudgetError when budget is used up.
    """
    tensors: dict[str, Tensor] = {}
    for path, value in walk(tree, budget):
        tensor = _as_tensor(value, budget)
        if tensor is None:
            continue
        name = ".".join(path)
        if not _is_of_optimizer(name):
            budget.take_bytes(len(name) + _BYTES_PER_NAME)
            while name in tensors:
                budget.take_nodes()
                name += "'"
            tensors[name] = tensor
    return tensors


def objects_in(tree: Any, budget: Budget) -> list[Placeholder]:
    """Return the placeholders in tree, without those of an optimizer and those within other placeholders."""
    return [
        value
        for path, value in walk(tree, budget)
        if isinstance(value, Placeholder) and not is_optimizer_path(path)
    ]


def holds_tensors(placeholder: Placeholder, budget: Budget) -> bool:
    """Tell whether tensors or arrays of floating-point numbers were given to placeholder."""
    return any(
        _as_tensor(value, budget) is not None for _, value in walk(placeholder, budget, into_objects=True)
    )


def is_optimizer_path(path: TreePath) -> bool:
    """Tell whether path leads through the state of an optimizer, whose tensors look like weights."""
    return _is_of_optimizer("\0".join(path))


def _is_of_optimizer(names: str) -> bool:
    """Tell whether one of names, with any character between them, belongs to an optimizer."""
    return _OPTIMIZER_NAMES.search(names.lower()) is not None


def _as_tensor(value: Any, budget: Budget) -> Tensor | None:
    """Return value as a tensor of weights, or None when it is not a dense floating-point tensor or array."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        if not value.dtype.isnative or value.dtype.itemsize > np.dtype(np.float64).itemsize:
            budget.take_bytes(value.nbytes)
            value = value.astype(np.float64)
        value = torch.from_numpy(value)
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() == 0:
        return None
    if value.layout is not torch.strided:
        return None
    return value if type(value) is Tensor and not value.requires_grad else value.detach()


def natural_sort_key(name: str) -> list[tuple[int, str]]:
    """Return a sorting key of name that puts "l2" before "l10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", name)]
