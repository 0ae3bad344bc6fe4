"""What compiles a loop and keeps the result on disk, and the types that the loops read."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# The bits of bfloat16 numbers, which are the upper half of a float32's.
Halves = NDArray[np.uint16]
# Weights: any of these, or pairs of Halves as uint32.
Weights = NDArray[Any]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function compiled at its first call, for some seconds, and kept on disk for later processes where
    there is a folder to write to.
    """
    try:
        kept = njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
        return cast(_Function, kept(function))
    except RuntimeError:  # no such folder: every process compiles for itself
        return cast(_Function, njit(fastmath=True, nogil=True, error_model="numpy")(function))


def forget_older(folder: Path) -> None:
    """Delete what was kept of a folder's loops before the last change of any of them.

    What numba keeps of a loop holds the loops that it calls, and numba looks at the loop's own file alone.
    """
    changed = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for kept in folder.glob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):  # read-only, or another process was faster
            if kept.stat().st_mtime < changed:
                kept.unlink()


forget_older(Path(__file__).parent)
