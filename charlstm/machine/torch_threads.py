"""Work in the threads that torch has.

Threads of our own would compete for the processors with torch's, which look for work for some milliseconds
after each operation. So our compiled loops run in torch's OpenMP threads where these can be reached.

Threads wait for each other after each operation. Where another program has the processor of one, all others
look for work in vain, and a training may take ten times as long as in one thread. So torch gets no more
threads than there are processors that others leave free.
"""

import ctypes
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from charlstm.machine.processors import THREADS_SETTING, OtherPrograms, permitted_processors

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")
_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
# Every half second the others' load is looked at; the busiest of the last four half seconds counts.
_INTERVAL_SECONDS = 0.5
_INTERVALS = 4
# Others may keep this part of a processor busy before torch gets one thread less.
_NEGLIGIBLE_PROCESSORS = 0.35


def in_threads(work: Callable[[_Item], _Result], parts: list[_Item]) -> list[_Result]:
    """Return work(part) for every part, in order, in as many threads at a time as torch has.

    It is made for compiled loops, which release the interpreter's lock. Raises the first exception.
    """
    adapt_thread_count()
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


def adapt_thread_count() -> None:
    """Give torch fewer threads while other programs keep processors busy, and its own number afterwards.

    Call it often: it reads the load of the machine at most twice a second. It does nothing where
    OMP_NUM_THREADS is set, outside the main thread, and where the system does not tell what others do.
    """
    _thread_count().update()


class _ThreadCount:
    """The number of torch's threads, which follows what other programs do."""

    def __init__(self) -> None:
        self._others = OtherPrograms()
        self._recent: deque[float] = deque(maxlen=_INTERVALS)
        self._most = self._given = torch.get_num_threads()
        self._next_update = time.monotonic() + _INTERVAL_SECONDS

    def update(self) -> None:
        """Set the number of threads by the load of the last seconds, if it is time to look again."""
        if time.monotonic() < self._next_update or threading.current_thread() is not threading.main_thread():
            return
        self._next_update = time.monotonic() + _INTERVAL_SECONDS
        if torch.get_num_threads() != self._given:  # somebody chose another number since: it is the most
            self._most = torch.get_num_threads()
        busy = self._others.busy_processors()
        if busy is not None and self._most > 1 and not os.environ.get(THREADS_SETTING):
            self._recent.append(busy)
            free = math.floor(permitted_processors() - max(self._recent) + _NEGLIGIBLE_PROCESSORS)
            torch.set_num_threads(min(self._most, max(1, free)))
        self._given = torch.get_num_threads()


@cache
def _thread_count() -> _ThreadCount:
    """Return the count of this process, made once."""
    return _ThreadCount()


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
