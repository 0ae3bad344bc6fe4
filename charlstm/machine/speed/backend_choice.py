"""Which of several backends for the same job is used on this machine, found by measuring.

Processors differ in what they are good at, and a list of their features does not say which library makes the
best use of them. So each job that has several backends asks here. They are timed in turn the first time,
which takes less than a second, and the times are kept for this machine and these versions of the libraries.
`charlstm devices` shows them.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from importlib import metadata
from typing import NamedTuple

from charlstm.machine.private_state import keep, kept
from charlstm.machine.processors import THREADS_SETTING, available_processors, processor_name

# A backend replaces the first one only where it takes less than this part of its time: of two that are
# equally fast, one would otherwise be chosen by chance.
_CLEARLY_FASTER = 0.8
_ROUNDS = 5
_LONGEST_SECONDS = 0.7
_VERSIONS_OF = ("charlstm", "torch", "numba")


class Choice(NamedTuple):
    """What was chosen for a job: the name of a backend, and the seconds that a trial of each backend took."""

    job: str
    backend: str
    seconds: dict[str, float]


def preferred(job: str, backends: Mapping[str, Callable[[], object]]) -> Choice:
    """Return which backend of a job is used here, as it was measured first.

    backends are functions by their names, one at least; each does the same trial computation of some
    milliseconds. The first is chosen unless another takes less than 0.8 of its time. Of one backend alone
    nothing is measured.
    A job keeps its choice for as long as the process runs.
    """
    if job not in _CHOICES:
        seconds = {} if len(backends) == 1 else _kept_seconds(job, list(backends)) or _measured(job, backends)
        _CHOICES[job] = Choice(job, _best(list(backends), seconds), seconds)
    return _CHOICES[job]


_CHOICES: dict[str, Choice] = {}


def forget() -> None:
    """Forget all choices: they are measured anew when they are next asked for."""
    _CHOICES.clear()
    keep(_file_name(), {})


def _best(backends: list[str], seconds: Mapping[str, float]) -> str:
    """Return the first backend, or the fastest of the others where that is clearly faster."""
    first, *others = backends
    best = min(others, key=seconds.__getitem__, default=first)
    return best if others and seconds[best] < _CLEARLY_FASTER * seconds[first] else first


def _measured(job: str, backends: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest time of each backend in several rounds, in seconds, and keep them."""
    for run in backends.values():
        run()  # the first call compiles and fills caches
    seconds = dict.fromkeys(backends, float("inf"))
    end = time.perf_counter() + _LONGEST_SECONDS
    for number in range(_ROUNDS):
        if number and time.perf_counter() > end:
            break
        for backend, run in backends.items():
            begun = time.perf_counter()
            run()
            seconds[backend] = min(seconds[backend], time.perf_counter() - begun)
    known = kept(_file_name())
    keep(_file_name(), (known if isinstance(known, dict) else {}) | {job: seconds})
    return seconds


def _kept_seconds(job: str, backends: list[str]) -> dict[str, float] | None:
    """Return the kept times of a job, None where there are none for just these backends."""
    known = kept(_file_name())
    seconds = known.get(job) if isinstance(known, dict) else None
    if not isinstance(seconds, dict) or list(seconds) != backends:
        return None
    usable = all(isinstance(value, float) and 0 < value < float("inf") for value in seconds.values())
    return seconds if usable else None


@cache
def _file_name() -> str:
    """Return the name of the file for this machine, these versions and this number of threads."""
    versions = [metadata.version(name) for name in _VERSIONS_OF]
    threads = os.environ.get(THREADS_SETTING, "")
    machine = [processor_name(), str(available_processors()), threads, *versions]
    return f"backends/{sha256(chr(0).join(machine).encode()).hexdigest()[:24]}.json"
