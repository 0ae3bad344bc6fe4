"""The decorator that compiles a loop with numba and keeps the result on disk, and the types of arrays."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Numbers of 16 bits: the bits of bfloat16 numbers (the upper half of a float32's), or gates of a training
# window in steps of 1/65535.
Bits16 = NDArray[np.uint16]
# Weights of a product: Floats, Bits16, or pairs of Bits16 as uint32 (`llvm_vectors.Pairs`).
Weights = NDArray[Any]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Return function as a loop that numba compiles at its first call.

    Compiling takes some seconds. The result is kept in the __pycache__ folder beside the function's file,
    from where later processes load it. Where that folder cannot be written, every process compiles anew.
    Compiled loops release the interpreter's lock, so that threads run them at the same time.
    """
    try:
        keep_on_disk = njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
        return cast(_Function, keep_on_disk(function))
    except RuntimeError:  # numba finds no folder that it may write to
        return cast(_Function, njit(fastmath=True, nogil=True, error_model="numpy")(function))


def delete_outdated(folder: Path) -> None:
    """Delete the compiled loops kept for folder that are older than the newest Python file in it.

    numba keeps a compiled loop together with the loops that it calls, and compares it with its own file
    alone: without this, a change in one file would leave its old code inside the loops of another.
    """
    last_change = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for index in folder.glob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):  # the folder is read-only, or another process was faster
            if index.stat().st_mtime < last_change:
                index.unlink()


delete_outdated(Path(__file__).parent)
