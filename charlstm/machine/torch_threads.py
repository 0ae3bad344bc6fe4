"""Work in the threads that torch has.

Threads of our own would share the processors with those of torch, which go on looking for work for some
milliseconds after each of its operations: that made a training step a third slower.
"""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

_Result = TypeVar("_Result")
_Part = TypeVar("_Part")
_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def in_threads(work: Callable[[_Part], _Result], parts: list[_Part]) -> list[_Result]:
    """What work gives for each part, as many at a time as torch has threads: for loops that let go of the
    interpreter. Raises what the first of them raises.
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
    """The OpenMP library that torch computes with, or None where it is not one with GNU's entry points."""
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
    return ThreadPoolExecutor(torch.get_num_threads())
