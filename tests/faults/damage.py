"""Load files in a process of its own, and check how each load ends, how long it takes and how much memory."""

import pickle
import pickletools
import resource
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from processes import PROCESSES

MOST_SECONDS, MOST_MEGABYTES = 2.0, 500
# Processor seconds that `_yardstick` takes on a quiet machine. A slower or busier one may take longer.
_SECONDS_OF_YARDSTICK = 0.025
_MOST_SECONDS_OF_ALL_LOADS = 60
_NUMBERS = pickle.dumps(list(range(30_000)), 2)


def _yardstick() -> float:
    """Return the processor seconds that pickletools takes to read a list of 30,000 numbers."""
    started = time.process_time()
    for _ in pickletools.genops(_NUMBERS):
        pass
    return time.process_time() - started


def seconds_if_quiet(seconds: float, most: float = MOST_SECONDS) -> float:
    """Return the processor seconds that something would have taken on a quiet machine, at most `seconds`.

    How much slower this machine is now is measured, by the slowest of three times, only where seconds are
    more than `most`: it takes longer than most of what is tested.
    """
    if seconds <= most:
        return seconds
    return seconds / max(1.0, max(_yardstick() for _ in range(3)) / _SECONDS_OF_YARDSTICK)


def _load_each(load: Callable[[object], object], cases: Sequence[object], results: Connection) -> None:
    """Call load with each of cases, and send the problem, its processor seconds and the peak memory in MB.

    On a slow machine the seconds are those of a quiet one.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS_OF_ALL_LOADS, _MOST_SECONDS_OF_ALL_LOADS))
    for case in cases:
        started = time.process_time()
        try:
            load(case)
            problem = "it was loaded"
        except BaseException as error:
            problem = f"{type(error).__name__}: {error}"
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        results.send((problem, seconds_if_quiet(seconds), peak))


def refusals(load: Callable[[object], object], cases: Sequence[object]) -> list[str]:
    """Call load with each of cases in another process, and return the message of each CheckpointError.

    Raises AssertionError when a case is loaded, ends with another error, ends the process, or takes more than
    MOST_SECONDS or MOST_MEGABYTES.
    """
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_load_each, args=(load, cases, sender))
    process.start()
    sender.close()
    try:
        return [_receive_refusal(case, receiver) for case in cases]
    finally:
        process.kill()
        process.join()
        receiver.close()


def _receive_refusal(case: object, receiver: Connection) -> str:
    try:
        problem, seconds, megabytes = receiver.recv()
    except EOFError:
        raise AssertionError(f"the process died of {case}, or did not end") from None
    assert problem.startswith("CheckpointError: "), f"{case}: {problem}"
    assert seconds < MOST_SECONDS, f"{case}: {seconds:.1f} s for {problem}"
    assert megabytes < MOST_MEGABYTES, f"{case}: {megabytes:.0f} MB for {problem}"
    return str(problem.removeprefix("CheckpointError: "))


def refusal(load: Callable[[object], object], case: object) -> str:
    """Call load with case in another process, and return the message of its CheckpointError.

    Raises AssertionError where `refusals` does.
    """
    return refusals(load, [case])[0]
