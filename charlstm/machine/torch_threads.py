"""Work in the threads that torch has.

Threads of our own would compete for the processors with torch's, which look for work for some milliseconds
after each operation. So our compiled loops run in torch's OpenMP threads where these can be reached.
"""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")
_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def in_threads(work: Callable[[_Item], _Result], parts: list[_Item]) -> list[_Result]:
    """Return work(part) for every part, in order, in as many threads at a time as torch has.

    It is made for compiled loops, which release the interpreter's lock. Raises the first exception.
    """
    threads = min(len(parts), torch.get_num_threads())
    if threads <= 1:
        return [work(part) for part in parts]
    openmp = _openmp()
    if openmp is None:
        return list(_own_threads().map(work, parts))
    results: dict[int, _Result] = {}
    problems: list[BaseException] = []

    def body(_: object) -> None:
        try:
            for number in range(openmp.omp_get_thread_num(), len(parts), openmp.omp_get_num_threads()):
                results[number] = work(parts[number])
        except BaseException as problem:  # Ctrl-C too: nothing may be raised into C
            problems.append(problem)

    openmp.GOMP_parallel(_BODY(body), None, threads, 0)
    if problems:
        raise problems[0]
    return [results[number] for number in range(len(parts))]


@cache
def _openmp() -> Any:
    """Return the OpenMP library that torch computes with, or None where it lacks GNU's entry points."""
    for library in (Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*"):
        try:
            found = ctypes.CDLL(str(library))
            found.GOMP_parallel.argtypes = [_BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
            found.omp_get_thread_num, found.omp_get_num_threads  # noqa: B018  # looked up here
        except (OSError, AttributeError):
            continue
        return found
    return None


@cache
def _own_threads() -> ThreadPoolExecutor:
    """Return a pool of as many threads as torch has, made once."""
    return ThreadPoolExecutor(torch.get_num_threads())
