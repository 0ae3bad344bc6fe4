"""The device to compute on, CUDA graphs for it, and the memory of the C library."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from charlstm.errors import DeviceError

# Numbers of the parameters of mallopt(3), from <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

# Calls before a capture, in which the libraries choose their kernels and allocate what they keep.
_WARM_UP_CALLS = 3

# What torch raises where it cannot capture something; the last two where its graphs are called otherwise.
CAPTURE_ERRORS = (RuntimeError, TypeError, AttributeError)

DEVICES = ("auto", "cpu", "cuda", "mps")


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


def fits_beside(data_bytes: int, device: torch.device) -> bool:
    """Return whether that number of bytes takes at most half of the memory that is free on a GPU.

    On any other device the answer is yes: there nothing is asked.
    """
    if device.type != "cuda":
        return True
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return data_bytes <= free_bytes // 2


def as_graph(
    body: Callable[[], None], device: torch.device, generator: torch.Generator
) -> Callable[[], None]:
    """Return a function that does what body does: on a GPU as one CUDA graph, elsewhere body itself.

    body must read and write nothing but tensors that stay at their place on device, and draw random numbers
    from generator alone. It is called a few times before, and the caller puts back what these calls change.
    Raises one of CAPTURE_ERRORS where body cannot be captured.
    """
    with _own_stream(device) as stream:
        for _ in range(_WARM_UP_CALLS):
            body()
    if stream is None:
        return body
    graph = torch.cuda.CUDAGraph()
    if hasattr(graph, "register_generator_state"):  # torch after 2.13 is to find generators by itself
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph, stream=stream):
        body()
    return graph.replay


@contextmanager
def _own_stream(device: torch.device) -> Iterator[torch.cuda.Stream | None]:
    """Compute in a stream of one's own on a GPU, in turn with the current one: a capture asks for one."""
    if device.type != "cuda":
        yield None
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    current = torch.cuda.current_stream(device)
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        yield stream
    current.wait_stream(stream)


def keep_freed_memory() -> None:
    """Ask the C library to keep large freed blocks for the next step instead of returning them.

    glibc maps every block of over 32 MiB anew, and the kernel clears each of its pages at first touch, which
    would take a quarter of the time of a training step. On other systems than Linux this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
