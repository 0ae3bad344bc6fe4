"""Read what torch.save and pickle.dump write, without running anything that the file asks for.

`torch.load(weights_only=True)` is not used: it refuses the NumPy numbers in older checkpoints, and it lets a
small file take all memory (a bytearray of any length) or all time (a set of such a bytearray).

Three formats are told apart by their content:

    zip       NAME/data.pkl holds the pickle, NAME/data/KEY each storage     PyTorch 1.6 and newer
    legacy    magic number, version, system, the pickle, keys, storages      PyTorch 0.1 to 1.5
    pickle    one plain pickle                                               pickle.dump
"""

import io
import mmap
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from charlstm.errors import CheckpointError
from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.unpickler import RefusedError, Unpickler

# The first two objects of the legacy format, from torch/serialization.py.
_LEGACY_MAGIC, _LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001
# Each name in an archive takes memory before anything in it is read; 50,000 names take this in the file.
_LONGEST_LIST_OF_NAMES_BYTES = 4 << 20
_LONGEST_KEY_SHOWN = 60


def load_pickle(path: Path, budget: Budget) -> Any:
    """Return the tree in a file that torch.save or pickle.dump wrote, and take it from budget.

    It consists of dicts, lists, tuples, sets, tensors, arrays, numbers, texts and placeholders.
    Raises CheckpointError when the file names what only a hostile file names, or is damaged, and
    OverBudgetError when budget is used up.
    """
    try:
        with open(path, "rb") as file:
            if zipfile.is_zipfile(file):
                return _read_zip(file, budget)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return _read_stream(mapped, len(mapped), budget)
    except RefusedError as error:
        raise CheckpointError(
            f"{path} is refused: it wants to call {error}, and nothing that a file asks for is run",
            "if you trust it, load it where it was made and save model.state_dict() instead",
        ) from error
    except (MemoryError, OverBudgetError):
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(
            f"{path} cannot be read as PyTorch weights, safetensors or .npz: {error or type(error).__name__}",
            "check that the file is complete, or save the state dict again",
        ) from error


def check_archive(file: BinaryIO | Path) -> None:
    """Raise ValueError when the zip archive file has a list of names that takes very much memory.

    The list is at the end of an archive, and its length behind it.
    """
    if isinstance(file, Path):
        with open(file, "rb") as opened:
            return check_archive(opened)
    end: Any = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    length = end[zipfile._ECD_SIZE] if end else 0  # type: ignore[attr-defined]
    if length > _LONGEST_LIST_OF_NAMES_BYTES:
        raise ValueError("it holds very many files")


def _read_zip(file: BinaryIO, budget: Budget) -> Any:
    """Return the tree in the zip format. Raises ValueError, RefusedError or what a damaged file raises."""
    size = file.seek(0, io.SEEK_END)
    check_archive(file)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it is compressed, which torch.save does not do")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("its parts overlap, or would be larger than it is")
        [pickled] = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")

        def storage(key: str, byte_count: int) -> Tensor:
            data = archive.read(f"{root}data/{key}")
            if len(data) != byte_count:
                raise ValueError(
                    f"storage {key[:_LONGEST_KEY_SHOWN]} has {len(data):,} bytes, not {byte_count:,}"
                )
            return _byte_tensor(data)

        return Unpickler(io.BytesIO(archive.read(pickled)), storage, budget).load()


def _read_stream(file: mmap.mmap, size: int, budget: Budget) -> Any:
    """Return the tree in the legacy format or in a plain pickle, which the first object tells apart.

    Raises ValueError, RefusedError or what a damaged file raises.
    """

    def unpickled(storage: Callable[[str, int], Tensor]) -> Any:
        return Unpickler(file, storage, budget).load()

    first = unpickled(_no_storage)
    if type(first) is not int or first != _LEGACY_MAGIC:
        return first
    version, system = unpickled(_no_storage), unpickled(_no_storage)
    if type(version) is not int or version != _LEGACY_VERSION or not system["little_endian"]:
        raise ValueError("it has another version of the legacy format, or big-endian numbers")
    storages: dict[str, Tensor] = {}
    bytes_left = size

    def storage(key: str, byte_count: int) -> Tensor:
        nonlocal bytes_left
        bytes_left -= byte_count
        if byte_count < 0 or bytes_left < 0:
            raise ValueError(
                f"storage {key[:_LONGEST_KEY_SHOWN]} would have {byte_count:,} bytes in a file of {size:,}"
            )
        return storages.setdefault(key, torch.zeros(byte_count, dtype=torch.uint8))

    tree = unpickled(storage)
    # The tensors of the tree are views of the storages, whose bytes come last in the file.
    keys = unpickled(_no_storage)
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in storages for key in keys):
        raise ValueError("the list of its storages is damaged")
    for key in keys:
        _fill(storages[key], file)
    return tree


def _fill(storage: Tensor, file: mmap.mmap) -> None:
    """Copy the next storage of a legacy file into storage, (bytes,) uint8.

    The file has the number of elements in 8 bytes, and then the elements. Raises ValueError when it ends
    early.
    """
    struct.unpack("<q", file.read(8))
    data = file.read(storage.numel())
    if len(data) < storage.numel():
        raise ValueError("it ends early")
    storage.copy_(_byte_tensor(data))


def _no_storage(key: str, byte_count: int) -> Tensor:
    """Raise ValueError: the plain format, and the head of the legacy one, have no storages."""
    raise ValueError(f"storage {key[:_LONGEST_KEY_SHOWN]} is used where the format has none")


def _byte_tensor(data: bytes) -> Tensor:
    """Return a copy of data as a tensor (len(data),) uint8."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.zeros(0, dtype=torch.uint8)
