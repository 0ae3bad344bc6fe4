"""Whether the compiled loops are on disk; where they are not, a process in the background makes them.

Compiling all loops takes about half a minute, once on each machine and for each version. `make setup` does
it. After a plain `pip install` nobody has, and nobody should wait for it: until the loops are there, torch
computes the same numbers but for rounding, more slowly.
"""

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Literal

import llvmlite.binding as llvm

from charlstm.machine.processors import available_processors
from charlstm.machine.scripts import import_paths
from charlstm.model.kernels import jit

# The loops that sampling and tracing run, and those that train.
Loops = Literal["steps", "training"]
_KERNELS = Path(__file__).parent / "kernels"
# The folder that this package is imported from.
_SOURCE = Path(__file__).parents[2]
# A process that has not made the loops after this time was ended by something: another one may try.
_LONGEST_SECONDS = 300
_PATHS = "import sys; sys.path[:] = sys.argv[1:]; "
_SCRIPT = f"{_PATHS}from charlstm.model.ready_loops import make; make()"
# Each compiles about half of all loops.
_HALVES = (
    f"{_PATHS}from charlstm.model import streams; streams.warm_up(['bfloat16', 'int8'])",
    f"{_PATHS}from charlstm.model import bfloat16_layer, streams; streams.warm_up(['float32']); "
    "bfloat16_layer.warm_up()",
)


def are_ready(loops: Loops) -> bool:
    """Return whether loops are compiled and kept on disk; if not, a process of its own begins to make them.

    Where there is no folder to keep them in, they never are.
    """
    if _is_there(loops):
        return True
    if _marker(loops) is not None:
        _make_in_the_background()
    return False


def make(*, in_halves: bool = False) -> None:
    """Compile all loops that are not on disk yet, and note that they are there.

    in_halves lets two processes compile at once, if there are two processors. Both add to one index of what
    is on disk, where an entry may get lost: it is compiled once more.
    """
    from charlstm.model import bfloat16_layer, streams

    if in_halves and available_processors() > 1 and not (_is_there("steps") and _is_there("training")):
        halves = [subprocess.Popen(_command(script)) for script in _HALVES]
        for half in halves:
            half.wait()
    streams.warm_up()
    _note("steps")
    bfloat16_layer.warm_up()
    _note("training")


@cache
def _make_in_the_background() -> None:
    """Start a process that makes the loops, with low priority, unless another one is at it."""
    claim = _marker("claim")
    with suppress(OSError):
        if claim is None or (claim.exists() and time.time() - claim.stat().st_mtime < _LONGEST_SECONDS):
            return
        claim.touch()
        logging.getLogger(__name__).info(
            "compiling loops for this machine in the background, once: until they are there, torch computes"
        )
        command = _command(_SCRIPT)
        start_process(["nice", *command] if os.name == "posix" else command)


def _command(script: str) -> list[str]:
    """Return the command that runs a script in a process that imports what this one imports."""
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
