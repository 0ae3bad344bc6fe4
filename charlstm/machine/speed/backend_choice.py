"""Which of several backends for the same job is used on this machine, found by measuring.

Processors differ in what they are good at, and a list of their features does not say which library makes the
best use of them. So each job that has several backends asks here. They are timed in turn the first time,
which takes less than a second, and the times are kept for this machine and these versions of the libraries.
`charlstm devices` shows them.
"""

import math
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
    """What was chosen for a job: the name of a backend, and the seconds that a trial of each backend took.

    The seconds of a backend that cannot run on this machine are None.
    """

    job: str
    backend: str
    seconds: dict[str, float | None]


def preferred(job: str, backends: Mapping[str, Callable[[], object]]) -> Choice:
    """Return which backend of a job is used here, as it was measured first.

    backends are functions by their names, one at least; each does the same trial computation of some
    milliseconds. The first is chosen unless another takes less than 0.8 of its time, or the first cannot run
    here: its trial raises RuntimeError. Of one backend alone nothing is measured.
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


def _best(backends: list[str], seconds: Mapping[str, float | None]) -> str:
    """Return the first backend, or the fastest of the others where that is clearly faster."""
    running = {backend: value for backend, value in seconds.items() if value is not None}
    first = backends[0]
    best = min(running, key=running.__getitem__, default=first)
    return first if first in running and running[best] >= _CLEARLY_FASTER * running[first] else best


def _measured(job: str, backends: Mapping[str, Callable[[], object]]) -> dict[str, float | None]:
    """Return the shortest time of each backend in several rounds, in seconds, and keep them."""
    running = {backend: run for backend, run in backends.items() if _runs(run)}
    shortest = dict.fromkeys(running, math.inf)
    end = time.perf_counter() + _LONGEST_SECONDS
    for number in range(_ROUNDS):
        if number and time.perf_counter() > end:
            break
        for backend, run in running.items():
            begun = time.perf_counter()
            run()
            shortest[backend] = min(shortest[backend], time.perf_counter() - begun)
    seconds = {backend: shortest.get(backend) for backend in backends}
    known = kept(_file_name())
    keep(_file_name(), (known if isinstance(known, dict) else {}) | {job: seconds})
    return seconds


def _runs(trial: Callable[[], object]) -> bool:
    """Run a trial for the first time, which compiles and fills caches; return whether it can run here."""
    try:
        trial()
    except RuntimeError:
        return False
    return True


def _kept_seconds(job: str, backends: list[str]) -> dict[str, float | None] | None:
    """Return the kept times of a job, None where there are none for just these backends."""
    known = kept(_file_name())
    seconds = known.get(job) if isinstance(known, dict) else None
    if not isinstance(seconds, dict) or list(seconds) != backends:
        return None
    usable = all(
        value is None or (isinstance(value, float) and 0 < value < math.inf) for value in seconds.values()
    )
    return seconds if usable else None


@cache
def _file_name() -> str:
    """Return the name of the file for this machine, these versions and this number of threads."""
    versions = [metadata.version(name) for name in _VERSIONS_OF]
    threads = os.environ.get(THREADS_SETTING, "")
    machine = [processor_name(), str(available_processors()), threads, *versions]
    return f"backends/{sha256(chr(0).join(machine).encode()).hexdigest()[:24]}.json"
