"""Whether the compiled loops are on disk; where they are not, a process in the background makes them.

Compiling all loops takes one to two minutes, once on each machine and for each version. `make setup` does
it. After a plain `pip install` nobody has, and nobody should wait for it: until the loops are there, torch
computes the same numbers but for rounding, more slowly.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

import llvmlite.binding as llvm

from charlstm.config import StepPrecision
from charlstm.machine.processors import available_processors
from charlstm.machine.scripts import import_paths
from charlstm.model.kernels import jit

# The loops that sample and trace with products in a format, and those that train.
Loops = Literal[StepPrecision, "training"]
_KERNELS = Path(__file__).parent / "kernels"
# The folder that this package is imported from.
_SOURCE = Path(__file__).parents[2]
# A process that has not made the loops after this time was ended by something: another one may try.
_LONGEST_SECONDS = 300
_PATHS = "import sys; sys.path[:] = sys.argv[1:]; "
# What is compiled at once, and which loops it belongs to, dealt out to two processes that take about as long.
_PARTS: tuple[dict[str, Loops], ...] = (
    {"drawing": "float32", "bfloat16": "bfloat16"},
    {"tracing": "float32", "training": "training", "int8": "int8"},
)


def are_ready(loops: Loops) -> bool:
    """Return whether loops are compiled and kept on disk; if not, a process of its own begins to make them.

    Where there is no folder to keep them in, they never are.
    """
    if _is_there(loops):
        return True
    if _marker(loops) is not None:
        _make_in_the_background(loops)
    return False


def make(wanted: Sequence[Loops] = get_args(Loops), *, by_two: bool = False) -> None:
    """Compile the wanted loops that are not on disk yet, in this order, and note that they are there.

    by_two lets two processes compile at once, if there are two processors. Both add to one index of what is
    on disk, where an entry may get lost: it is compiled once more.
    """
    missing = [loops for loops in wanted if not _is_there(loops)]
    if by_two and missing and available_processors() > 1:
        shares = [[part for part in half if half[part] in missing] for half in _PARTS]
        processes = [subprocess.Popen(_command(f"compile_parts({share})")) for share in shares if share]
        for process in processes:
            process.wait()
    for loops in missing:
        compile_parts([part for half in _PARTS for part in half if half[part] == loops])
        _note(loops)


def compile_parts(parts: Sequence[str]) -> None:
    """Compile parts of the loops, by the names of _PARTS, where they are not on disk yet."""
    from charlstm.model import bfloat16_layer, streams, streams_backend

    of_part: dict[str, tuple[Callable[[], None], ...]] = {
        "drawing": (partial(streams.warm_up_drawing, "float32"),),
        "tracing": (partial(streams.warm_up_tracing, "float32"),),
        "bfloat16": (
            partial(streams.warm_up_drawing, "bfloat16"),
            partial(streams.warm_up_tracing, "bfloat16"),
            partial(streams_backend.trial, None),
        ),
        "int8": (partial(streams.warm_up_drawing, "int8"),),
        "training": (bfloat16_layer.warm_up, partial(streams_backend.trial, None)),
    }
    for part in parts:
        for warm_up in of_part[part]:
            warm_up()


@cache
def _make_in_the_background(first: Loops) -> None:
    """Start a process that makes all loops, these first, with low priority, unless another one is at it."""
    claim = _marker("claim")
    with suppress(OSError):
        if claim is None or (claim.exists() and time.time() - claim.stat().st_mtime < _LONGEST_SECONDS):
            return
        claim.touch()
        logging.getLogger(__name__).info(
            "compiling loops for this machine in the background, once: until they are there, torch computes"
        )
        ordered = [first, *(loops for loops in get_args(Loops) if loops != first)]
        command = _command(f"make({ordered})")
        start_process(["nice", *command] if os.name == "posix" else command)


def _command(call: str) -> list[str]:
    """Return the command that calls a function of this module in a process with the same import paths."""
    script = f"{_PATHS}from charlstm.model import ready_loops; ready_loops.{call}"
    return [sys.executable, "-W", "ignore", "-c", script, str(_SOURCE), *import_paths()]


def start_process(command: list[str]) -> None:
    """Start a process that says nothing and goes on when this one ends."""
    nothing = subprocess.DEVNULL
    _STARTED.append(
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    )


# Processes that outlive this one: without a reference Python would warn of each.
_STARTED: "list[subprocess.Popen[bytes]]" = []


def _is_there(loops: str) -> bool:
    marker = _marker(loops)
    return marker is not None and marker.is_file()


def _note(loops: Loops) -> None:
    """Note that loops are on disk; without a folder for them nothing is noted."""
    marker = _marker(loops)
    if marker is not None:
        with suppress(OSError):
            marker.touch()


def _marker(name: str) -> Path | None:
    """Return the marker of that name for these loops on this machine, None where none can be kept."""
    folder = jit.kept_folder(_KERNELS)
    return None if folder is None else folder / f"{name}-{_version()}.ready"


@cache
def _version() -> str:
    """Return a hash of all that a compiled loop depends on: its source, the compiler, and the processor."""
    parts = [jit.source_stamp(_KERNELS), metadata.version("numba"), metadata.version("llvmlite")]
    with suppress(RuntimeError):  # LLVM cannot tell on every platform
        parts += [llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    parts += [os.environ.get("NUMBA_CPU_NAME", ""), os.environ.get("NUMBA_CPU_FEATURES", "")]
    return sha256("\0".join(parts).encode()).hexdigest()[:24]
