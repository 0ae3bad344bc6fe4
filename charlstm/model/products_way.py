"""By which code many streams multiply in bfloat16 on this CPU: by our own tiles, or by torch's oneDNN.

A processor with units for matrices multiplies several times as fast by them as by vectors, which are all that
our tiles know. oneDNN has code for both. Where it says that it uses such units here, both ways are timed
(`machine.speed.fastest_way`), and the compiled loops get the faster one (`kernels.library_products`). All
products of many streams go one way, whatever their number: no text depends on the number of threads.
"""

import ctypes
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from charlstm.machine.speed.fastest_way import Choice, fastest
from charlstm.model.kernels.library_products import (
    BFLOAT16,
    LibraryFunctions,
    functions_in_use,
    use_functions,
)
from charlstm.model.kernels.llvm_vectors import HAS_MATRIX_UNITS, PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import add_panel_products, spaced_rows

TILES, LIBRARY = "own tiles", "oneDNN"
# A trial multiplies for the streams of one of two threads, in a layer of 512 cells above another one.
_STREAMS, _INPUTS, _OUTPUTS, _TIMES = 32, 1024, 2048, 8
TRIAL_OPERATIONS = 2 * _STREAMS * _INPUTS * _OUTPUTS * _TIMES
# The functions as C++ compilers on Linux and macOS name them, in the order of LibraryFunctions.
_NAMES = (
    "_ZN2at6native7cpublas10could_packEN3c1010ScalarTypeE",
    "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
    "_ZN2at6native7cpublas14brgemm_releaseEb",
)


def use_fastest_products() -> None:
    """Let the compiled loops of this process multiply many streams in bfloat16 by what is fastest here."""
    use_functions(library_functions() if products_way().way == LIBRARY else None)


def products_way() -> Choice:
    """Return what multiplies many streams in bfloat16 here: TILES or LIBRARY."""
    ways: dict[str, Callable[[], None]] = {TILES: partial(trial, None)}
    functions = library_functions()
    return fastest(
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
    """Return the library's functions, or None where it does not multiply by units for matrices here."""
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
    """Return whether the library says that it multiplies bfloat16 by units for matrices."""
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
