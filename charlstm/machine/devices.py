"""The device to compute on, its free memory, and the memory that the C library keeps."""

import ctypes
import sys
from typing import Any

import torch

from charlstm.errors import DeviceError

# Numbers of the parameters of mallopt(3), from <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def choose_device(name: str) -> torch.device:
    """Return the device called name: auto, cpu, cuda or mps; auto takes CUDA, then MPS, then the CPU.

    Raises DeviceError when the machine does not have the device.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(name, False):
        raise DeviceError(
            f"there is no device {name!r} here",
            f"use one of auto, {', '.join(k for k, v in present.items() if v)}",
        )
    return torch.device(name)


def fits_in_half_of_free_memory(data_bytes: int, device: torch.device) -> bool:
    """Return whether that number of bytes takes at most half of the memory that is free on a GPU.

    On any other device the answer is yes: there nothing is asked.
    """
    if device.type != "cuda":
        return True
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return data_bytes <= free_bytes // 2


def keep_freed_memory() -> None:
    """Ask the C library to keep large freed blocks for the next step instead of returning them.

    glibc maps every block of over 32 MiB anew, and the kernel clears each of its pages at first touch, which
    would take a quarter of the time of a training step. On other systems than Linux this does nothing.
    """
    mallopt = _function_of_c("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Ask the C library to return the memory that it has kept: blocks of other sizes would not fit into it.

    On other systems than Linux this does nothing.
    """
    trim = _function_of_c("malloc_trim")
    if trim is not None:
        trim(0)


def _function_of_c(name: str) -> Any:
    """Return the function of the C library called name, None on other systems than Linux and without it."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
