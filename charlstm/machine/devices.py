"""Which device to compute on, and its problems as errors."""

import ctypes
import sys

import torch

from charlstm.errors import DeviceError

# Parameter numbers of mallopt(3) in <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" takes CUDA, then MPS, then the CPU. Raises DeviceError when absent."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(name, False):
        raise DeviceError(
            f"there is no device {name!r} here",
            f"use one of auto, {', '.join(k for k, v in present.items() if v)}",
        )
    return torch.device(name)


def keep_freed_memory() -> None:
    """Ask the C library to keep large freed blocks for the next step instead of returning them.

    glibc maps every block of over 32 MiB anew and the kernel clears each page of it at first touch:
    a quarter of the time of a training step on two cores. Elsewhere than on Linux nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
