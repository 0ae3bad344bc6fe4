"""What torch.save wrote, read without running anything that the file asks for.

Not by `torch.load(weights_only=True)`: that refuses the numbers of NumPy's in older checkpoints, and lets a
small file take all memory (a bytearray of any length) or all time (a set of it).

    zip       NAME/data.pkl, and a file NAME/data/KEY for each storage       PyTorch 1.6 and newer
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
from charlstm.foreign.unpickler import RefusedError, Unpickler

_LEGACY_MAGIC, _LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001


def load_pickle(path: Path) -> Any:
    """The tree of dicts, lists, tensors, arrays, numbers and strings in a file of torch.save or pickle.dump.

    Raises CheckpointError when it asks for anything else, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            if zipfile.is_zipfile(file):
                return _from_zip(file)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return _from_stream(mapped, len(mapped))
    except RefusedError as error:
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
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(each.compress_type != zipfile.ZIP_STORED for each in entries):
            raise ValueError("it is compressed, which torch.save does not do")
        if sum(each.file_size for each in entries) > size:
            raise ValueError("its parts overlap, or would be larger than it is")
        [pickled] = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")

        def storage(key: str, byte_count: int) -> Tensor:
            data = archive.read(f"{root}data/{key}")
            if len(data) != byte_count:
                raise ValueError(f"storage {key:.60} has {len(data):,} bytes, not {byte_count:,}")
            return _bytes_tensor(data)

        return Unpickler(io.BytesIO(archive.read(pickled)), storage, size).load()


def _from_stream(file: mmap.mmap, size: int) -> Any:
    """A legacy file, or a plain pickle: the first object tells which."""

    def unpickled(storage: Callable[[str, int], Tensor]) -> Any:
        return Unpickler(file, storage, size).load()

    first = unpickled(_no_storage)
    if first != _LEGACY_MAGIC:
        return first
    version, system = unpickled(_no_storage), unpickled(_no_storage)
    if version != _LEGACY_VERSION or not system["little_endian"]:
        raise ValueError(f"version {version!r:.60} of the legacy format, or big-endian numbers")
    storages: dict[str, Tensor] = {}

    def storage(key: str, byte_count: int) -> Tensor:
        if byte_count < 0 or byte_count + sum(map(len, storages.values())) > size:
            raise ValueError(f"storage {key:.60} would have {byte_count:,} bytes in a file of {size:,}")
        return storages.setdefault(key, torch.zeros(byte_count, dtype=torch.uint8))

    tree = unpickled(storage)
    for key in unpickled(_no_storage):
        _fill(storages[key], file)
    return tree


def _fill(storage: Tensor, file: mmap.mmap) -> None:
    """Read a legacy storage: its number of elements, 8 bytes, and then its bytes."""
    struct.unpack("<q", file.read(8))
    data = file.read(storage.numel())
    if len(data) < storage.numel():
        raise ValueError("it ends early")
    storage.copy_(_bytes_tensor(data))


def _no_storage(key: str, byte_count: int) -> Tensor:
    raise ValueError(f"storage {key:.60} stands where none can be")


def _bytes_tensor(data: bytes) -> Tensor:
    """(bytes,) uint8."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.zeros(0, dtype=torch.uint8)
