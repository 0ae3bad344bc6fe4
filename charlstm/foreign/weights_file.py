"""Read a file of weights as a tree of dicts, lists, tensors, arrays, numbers and texts, running nothing."""

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
from charlstm.foreign.allowed_names import Array
from charlstm.foreign.pickles import load_pickle

_OPTIMIZER_NAMES = re.compile("optim|exp_avg|momentum_buffer")
_DEEPEST_NESTING = 8  # containers within containers
# An .npz file may hold arrays of this number of bytes in all, whatever its own size,
_ALLOWANCE_OF_ANY_FILE_BYTES = 16 << 20
# and of this number of bytes more for each byte of the file.
_ALLOWANCE_PER_BYTE = 20
_HASH_BLOCK_BYTES = 1 << 20

TreePath = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A WeightsFile holds the path of a file, its SHA-256 in hexadecimal, and the tree in it."""

    path: Path
    sha256: str
    tree: Any


def read_weights(path: Path) -> WeightsFile:
    """Read a file that torch.save, safetensors, numpy.savez or pickle.dump wrote.

    The content of the file tells which of these it is, except that names ending in .safetensors or .npz
    decide. Raises CheckpointError when the file does not exist, is damaged, or asks for something to be run.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path} is not a file", "give a file of weights")
    try:
        with open(path, "rb") as file:
            head = file.read(9)
            digest = sha256(head)
            while block := file.read(_HASH_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}", "give a file of weights") from error
    return WeightsFile(path, digest.hexdigest(), _read_tree(path, head))


def _read_tree(path: Path, head: bytes) -> Any:
    """Return the tree in the file at path, whose first 9 bytes are head. Raises CheckpointError."""
    if head.startswith(b"\x89HDF"):
        raise CheckpointError(
            f"{path} is an HDF5 file, which is not read here",
            "save it as numpy.savez('weights.npz', *model.get_weights()) and import that",
        )
    try:
        # Safetensors: 8 bytes with the length of the header, then the header as JSON.
        if head[8:9] == b"{" or path.suffix == ".safetensors":
            return _read_safetensors(path)
        if _is_npz(path):
            return _read_npz(path)
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive can raise anything
        raise CheckpointError(f"{path} cannot be read: {error}", "check that the file is complete") from error
    return load_pickle(path)


def _read_safetensors(path: Path) -> dict[str, Any]:
    """Return the tensors by name, and under "metadata" the file's metadata.

    The tensors are sorted by name with the numbers in it by value, because the file has no order of its own.
    """
    check_header_length(path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys(), key=_natural_sort_key)}
        metadata = {name: _json_or_text(value) for name, value in (file.metadata() or {}).items()}
        return tensors | {"metadata": metadata}


def _natural_sort_key(name: str) -> list[tuple[int, str]]:
    """Return a sorting key of name that puts "l2" before "l10"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _json_or_text(text: str) -> Any:
    """Return the JSON value that text spells, or text itself when it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_npz(path: Path) -> bool:
    """Tell whether the file at path is an archive of arrays, by its name or by the names in it."""
    if path.suffix == ".npz":
        return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return bool(archive.namelist()) and all(name.endswith(".npy") for name in archive.namelist())


def _read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an .npz file by name.

    Raises ValueError when they would take much more memory than the file does, or are damaged.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        allowance = _ALLOWANCE_OF_ANY_FILE_BYTES + _ALLOWANCE_PER_BYTE * path.stat().st_size
        if sum(entry.file_size for entry in entries) > allowance:
            raise ValueError("it would become many times as large as it is")
        return {entry.filename.removesuffix(".npy"): _read_npy(archive, entry) for entry in entries}


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array in one entry of an .npz file.

    Raises ValueError when its header announces more bytes than the entry has, and for an array of objects.
    """
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        # Older versions of NumPy give a dtype of absurd size a negative item size.
        if dtype.itemsize < 0 or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError(f"{entry.filename} holds less than an array of shape {shape}")
    with archive.open(entry) as file:
        return npy.read_array(file, allow_pickle=False)


def tensors_in(tree: Any) -> dict[str, Tensor]:
    """Return the weights in tree: its dense floating-point tensors and arrays, by their dotted path.

    Tensors of an optimizer and tensors without dimensions are left out.
    """
    return {
        ".".join(path): tensor
        for path, value in walk(tree)
        if (tensor := _as_tensor(value)) is not None and not is_optimizer_path(path)
    }


def is_optimizer_path(path: TreePath) -> bool:
    """Tell whether path leads through the state of an optimizer, whose tensors look like weights."""
    return any(_OPTIMIZER_NAMES.search(part.lower()) for part in path)


def walk(tree: Any) -> Iterator[tuple[TreePath, Any]]:
    """Yield every value in tree with its path, a container before what it holds.

    Each container is visited once, since a pickle can hold a container within itself, and none that is more
    than _DEEPEST_NESTING containers deep.
    """
    return _walk(tree, (), set())


def _walk(tree: Any, path: TreePath, seen: set[int]) -> Iterator[tuple[TreePath, Any]]:
    """Yield the values in tree, whose place is path; seen has the id() of each visited container."""
    if isinstance(tree, (dict, list, tuple)):
        if id(tree) in seen or len(path) > _DEEPEST_NESTING:
            return
        seen.add(id(tree))
    yield path, tree.value if isinstance(tree, Array) else tree
    if isinstance(tree, dict):
        children: Iterable[tuple[Any, Any]] = tree.items()
    else:
        children = enumerate(tree) if isinstance(tree, (list, tuple)) else ()
    for name, child in children:
        yield from _walk(child, (*path, str(name)), seen)


def _as_tensor(value: Any) -> Tensor | None:
    """Return value as a tensor of weights, or None when it is not a dense floating-point tensor or array."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value = torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=True))
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() == 0:
        return None
    return value.detach() if value.layout is torch.strided else None
