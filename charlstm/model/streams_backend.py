"""The backend for the products of many streams in bfloat16 on a CPU: our own tiles, or torch's oneDNN.

Matrix units (AMX) multiply several times as fast as vectors, which are all that our tiles use. oneDNN has
code for both. Where it says that it uses such units here, both are timed (`machine.speed.backend_choice`),
and the compiled loops get the preferred one (`kernels.library_products`). The choice does not depend on the
number of streams, so sampled text is the same for any number of threads.
"""

import ctypes
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.machine.speed.backend_choice import Choice, preferred
from charlstm.model.kernels.library_products import (
    BFLOAT16,
    LibraryFunctions,
    functions_in_use,
    use_functions,
)
from charlstm.model.kernels.llvm_vectors import HAS_MATRIX_UNITS, PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import add_panel_products, spaced_rows

TILES, LIBRARY = "own tiles", "oneDNN"
# A trial is (32, 1024) x (1024, 2048): half of 64 streams, the upper of two layers of 512 cells.
_STREAMS, _INPUTS, _OUTPUTS, _TIMES = 32, 1024, 2048, 8
TRIAL_OPERATIONS = 2 * _STREAMS * _INPUTS * _OUTPUTS * _TIMES
# The functions as C++ compilers on Linux and macOS name them, in the order of LibraryFunctions.
_NAMES = (
    "_ZN2at6native7cpublas10could_packEN3c1010ScalarTypeE",
    "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
    "_ZN2at6native7cpublas14brgemm_releaseEb",
)


def choose_streams_backend() -> None:
    """Let the compiled loops of this process multiply many streams in bfloat16 by the preferred backend."""
    use_functions(library_functions() if streams_backend().backend == LIBRARY else None)


def streams_backend() -> Choice:
    """Return what multiplies many streams in bfloat16 here: TILES or LIBRARY."""
    ways: dict[str, Callable[[], None]] = {TILES: partial(trial, None)}
    functions = library_functions()
    return preferred(
        "many streams in bfloat16", ways | ({LIBRARY: partial(trial, functions)} if functions else {})
    )


def trial(functions: LibraryFunctions | None) -> None:
    """Compute TRIAL_OPERATIONS by functions of the library, or by our tiles for None."""
    in_use = functions_in_use()
    use_functions(functions)
    panels, x = _trial_matrices()
    sums = np.zeros((_STREAMS, _OUTPUTS), np.float32)
    for _ in range(_TIMES):
        add_panel_products(panels, x, 0, sums)
    use_functions(in_use)


@cache
def library_functions() -> LibraryFunctions | None:
    """Return the library's functions, or None where it does not use matrix units here."""
    if not HAS_MATRIX_UNITS:
        return None  # torch's library is not even loaded, which takes a quarter of a second
    functions = _functions_of(_torch_library())
    return functions if functions and _use_units(functions) else None


def _functions_of(library: Any) -> LibraryFunctions | None:
    """Return the functions of torch's library, None where there is no library or it lacks a name."""
    with suppress(AttributeError):  # another version of torch may lack a name
        functions = [getattr(library, name) for name in _NAMES]
        return LibraryFunctions(
            *(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)
        )
    return None


def _use_units(functions: LibraryFunctions) -> bool:
    """Return whether the library says that it multiplies bfloat16 by matrix units."""
    return bool(ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_int)(functions.could_pack)(BFLOAT16))


def _torch_library() -> Any:
    """Return torch's library of code for the CPU, loaded without torch itself, or None where that fails."""
    found = importlib.util.find_spec("torch")
    for folder in (found and found.submodule_search_locations) or ():
        for path in (Path(folder) / "lib").glob("libtorch_cpu.*"):
            with suppress(OSError):
                return ctypes.CDLL(str(path))
    return None


@cache
def _trial_matrices() -> tuple[Pairs, Pairs]:
    """Return panels and x of a trial; they are 0, which takes no less time."""
    panels = np.zeros((_OUTPUTS // PANEL, _INPUTS // 2, PANEL), np.uint32)
    return panels, spaced_rows(_STREAMS, _INPUTS).view(np.uint32)
