"""Read a file of weights as a tree of dicts, lists, tensors, arrays, numbers and texts, running nothing."""

import math
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import safe_open

from charlstm.checkpoint.tensor_file import check_header_length
from charlstm.errors import CheckpointError
from charlstm.foreign.files import keras_file, onnx_file
from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.contents import Contents, NotReadError, with_metadata
from charlstm.foreign.files.other_formats import (
    HEAD_BYTES,
    format_of,
    format_of_archive,
    is_onnx,
    text_format,
)
from charlstm.foreign.files.pickles import check_archive, load_pickle
from charlstm.foreign.files.tree import natural_sort_key

_LARGEST_FILE_BYTES = 16 << 30
_HASH_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A WeightsFile holds the path of a file, what is in it, and what is left of its budget."""

    path: Path
    contents: Contents
    budget: Budget

    @property
    def tree(self) -> Any:
        """The tree of dicts, lists, tensors, arrays, numbers, texts and placeholders in the file."""
        return self.contents.tree

    def sha256(self) -> str:
        """Return the file's SHA-256 in hexadecimal. Raises OSError."""
        digest = sha256()
        with open(self.path, "rb") as file:
            while block := file.read(_HASH_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()


def read_weights(path: Path) -> WeightsFile:
    """Read a file that torch.save, safetensors, numpy.savez, Keras, an exporter to ONNX or pickle.dump wrote.

    The content of the file tells which of these it is, except that names ending in .safetensors, .npz or
    .onnx decide. Raises CheckpointError when the file does not exist, is damaged, is of another kind, asks
    for something to be run, or would take very much memory or time.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path} is not a file", "give a file of weights")
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}", "give a file of weights") from error
    if size > _LARGEST_FILE_BYTES:
        raise CheckpointError(
            f"{path} has {size:,} bytes, more than any character model", "give a file of weights"
        )
    budget = Budget(size)
    try:
        return WeightsFile(path, _read(path, head, budget), budget)
    except NotReadError as error:
        raise CheckpointError(f"{path} {error.problem}", error.advice) from error
    except OverBudgetError as error:
        raise over_budget(path, error) from error


def over_budget(path: Path, error: OverBudgetError) -> CheckpointError:
    """Return the problem that reading the file at path ends with when its budget is used up."""
    return CheckpointError(f"{path} {error}", "give a file with the weights of one model and little else")


def _read(path: Path, head: bytes, budget: Budget) -> Contents:
    """Return what is in the file at path, whose first HEAD_BYTES bytes are head.

    Raises CheckpointError, NotReadError or OverBudgetError.
    """
    try:
        known = _read_other_than_pickle(path, head, budget)
    except (MemoryError, OverBudgetError, NotReadError):
        raise
    except Exception as error:  # a damaged archive can raise anything
        raise CheckpointError(f"{path} cannot be read: {error}", "check that the file is complete") from error
    if known is not None:
        return known
    try:
        return Contents(load_pickle(path, budget))
    except CheckpointError as error:
        text = text_format(head)
        if text is None or "is refused" in error.problem:
            raise
        raise NotReadError(f"is {text.name}", text.advice) from error


def _read_other_than_pickle(path: Path, head: bytes, budget: Budget) -> Contents | None:
    """Return what is in a file that is not a pickle, or None when it may be one.

    Raises NotReadError, OverBudgetError, or anything for a damaged file.
    """
    # Safetensors: 8 bytes with the length of the header, then the header as JSON.
    if head[8:9] == b"{" or path.suffix == ".safetensors":
        return Contents(_read_safetensors(path, budget))
    if head.startswith(b"\x89HDF"):
        return keras_file.read_hdf5(path, budget)
    if known := format_of(head):
        raise NotReadError(f"is {known.name}", known.advice)
    if is_onnx(head) or path.suffix == ".onnx":
        return onnx_file.read_onnx(path, budget)
    if path.suffix == ".npz" or zipfile.is_zipfile(path):
        return _read_archive(path, budget)
    return None


def _read_archive(path: Path, budget: Budget) -> Contents | None:
    """Return what is in a zip archive, or None when it is one of torch.save.

    Raises NotReadError for an archive of another kind, OverBudgetError, or anything for a damaged one.
    """
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if keras_file.WEIGHTS_NAME in names:
            return keras_file.read_keras_archive(archive, budget)
        if path.suffix == ".npz" or (names and all(name.endswith(".npy") for name in names)):
            return Contents(_read_npz(archive, budget))
    if known := format_of_archive(names):
        raise NotReadError(f"is {known.name}", known.advice)
    return None


def _read_safetensors(path: Path, budget: Budget) -> dict[str, Any]:
    """Return the tensors by name, and the file's metadata under a name that no tensor has.

    The tensors are sorted by name with the numbers in it by value, because the file has no order of its own.
    """
    check_header_length(path)
    with safe_open(path, framework="pt") as file:
        names = sorted(file.keys(), key=natural_sort_key)
        for name in names:
            budget.take_nodes()
            budget.take_bytes(math.prod(file.get_slice(name).get_shape()))
        tensors = {name: file.get_tensor(name) for name in names}
        return with_metadata(tensors, file.metadata() or {})


def _read_npz(archive: zipfile.ZipFile, budget: Budget) -> dict[str, Any]:
    """Return the arrays of an .npz archive by name.

    Raises OverBudgetError when they would take much more memory than the file does, ValueError when they are
    damaged.
    """
    entries = archive.infolist()
    for entry in entries:
        budget.take_nodes()
        budget.take_bytes(entry.file_size)
    return {entry.filename.removesuffix(".npy"): _read_npy(archive, entry) for entry in entries}


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array in one entry of an .npz file.

    Raises ValueError when its header announces more bytes than the entry has, and for an array of objects.
    """

    def header(file: Any) -> tuple[Any, Any, Any]:
        version = npy.read_magic(file)
        return (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)

    with archive.open(entry) as file:
        shape, _, dtype = header(file)
        # Older versions of NumPy give a dtype of absurd size a negative item size.
        if dtype.itemsize < 0 or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError(f"{entry.filename} holds less than an array of shape {shape}")
    with archive.open(entry) as file:
        return npy.read_array(file, allow_pickle=False)
