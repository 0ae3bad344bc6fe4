"""A file of weights as a tree of dicts, lists, tensors, numbers and strings; nothing in it is run."""

import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from charlstm.checkpoint.tensor_file import check_header_length
from charlstm.errors import CheckpointError
from charlstm.foreign.pickles import load_pickle
from charlstm.foreign.unpickler import Array

_OPTIMIZER = re.compile("optim|exp_avg|momentum_buffer")
_DEEPEST = 8  # dicts within dicts; a pickle can even hold itself
_ROOM, _RATIO = 16 << 20, 20  # bytes that a small compressed file may become, and how many times its size


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A file that was read: its name, its SHA-256, and the tree in it."""

    path: Path
    sha256: str
    tree: Any


def read_weights(path: Path) -> WeightsFile:
    """Read what torch.save, safetensors, numpy.savez or pickle.dump wrote, going by its content.

    Raises CheckpointError when there is no such file, it is damaged, or it would have something run.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path} is no file", "name a file of weights")
    try:
        with open(path, "rb") as file:
            head = file.read(9)
            digest = sha256(head)
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}", "name a file of weights") from error
    return WeightsFile(path, digest.hexdigest(), _tree(path, head))


def _tree(path: Path, head: bytes) -> Any:
    if head.startswith(b"\x89HDF"):
        raise CheckpointError(
            f"{path} is HDF5, which is not read here",
            "save it as numpy.savez('weights.npz', *model.get_weights()) and import that",
        )
    try:
        if head[8:9] == b"{" or path.suffix == ".safetensors":
            return _safetensors(path)
        if _is_npz(path):
            return _npz(path)
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive can raise anything
        raise CheckpointError(f"{path} cannot be read: {error}", "see that it is whole") from error
    return load_pickle(path)


def _safetensors(path: Path) -> dict[str, Any]:
    """Tensors in the order of their names, numbers in them by value: the file keeps no order of its own."""
    check_header_length(path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys(), key=_natural)}
        return tensors | {"metadata": {k: _parsed(v) for k, v in (file.metadata() or {}).items()}}


def _natural(name: str) -> list[tuple[int, str]]:
    """A sorting key that puts l2 before l10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _parsed(text: str) -> Any:
    """What a string of metadata holds: JSON where it is that."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_npz(path: Path) -> bool:
    if path.suffix == ".npz":
        return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return bool(archive.namelist()) and all(name.endswith(".npy") for name in archive.namelist())


def _npz(path: Path) -> dict[str, Any]:
    """Arrays by name. Raises ValueError for one that is larger than what is there for it."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if sum(each.file_size for each in entries) > _ROOM + _RATIO * path.stat().st_size:
            raise ValueError("it would become many times as large as it is")
        return {each.filename.removesuffix(".npy"): _npy(archive, each) for each in entries}


def _npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(
            file
        )
        # An older NumPy gives a type of absurd size a negative one.
        if dtype.itemsize < 0 or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError(f"{entry.filename} holds less than an array of shape {shape}")
    with archive.open(entry) as file:
        return npy.read_array(file, allow_pickle=False)


def tensors_in(tree: Any) -> dict[str, Tensor]:
    """The dense floating-point tensors of a tree by dotted name, less an optimizer's and single numbers."""
    return {
        ".".join(path): tensor
        for path, node in nodes(tree)
        if (tensor := _as_tensor(node)) is not None and not of_optimizer(path)
    }


def of_optimizer(path: tuple[str, ...]) -> bool:
    """Whether the way to a value leads through an optimizer's state, whose tensors look like weights."""
    return any(_OPTIMIZER.search(part.lower()) for part in path)


def nodes(
    tree: Any, path: tuple[str, ...] = (), seen: set[int] | None = None
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value in a tree with the way to it, a container before what it holds; each container once."""
    seen = set() if seen is None else seen
    if isinstance(tree, (dict, list, tuple)):
        if id(tree) in seen or len(path) > _DEEPEST:
            return
        seen.add(id(tree))
    yield path, tree.value if isinstance(tree, Array) else tree
    if isinstance(tree, dict):
        children: Iterable[tuple[Any, Any]] = tree.items()
    else:
        children = enumerate(tree) if isinstance(tree, (list, tuple)) else ()
    for name, child in children:
        yield from nodes(child, (*path, str(name)), seen)


def _as_tensor(value: Any) -> Tensor | None:
    """A tensor of weights, or None for anything else."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value = torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=True))
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() == 0:
        return None
    return value.detach() if value.layout is torch.strided else None
