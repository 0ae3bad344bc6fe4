"""Loading files in a process of its own: how each ends, in what time and with how much memory."""

import resource
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from processes import PROCESSES

SECONDS, MEGABYTES = 2.0, 500


def _measured(load: Callable[[object], object], cases: Sequence[object], told: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    for case in cases:
        started = time.process_time()
        try:
            load(case)
            problem = "it was loaded"
        except BaseException as error:
            problem = f"{type(error).__name__}: {error}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told.send((problem, time.process_time() - started, peak))


def refusals(load: Callable[[object], object], cases: Sequence[object]) -> list[str]:
    """The CheckpointError of each load; fails for anything else, and for one that took too much."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_measured, args=(load, cases, theirs))
    process.start()
    theirs.close()
    try:
        return [_refused(case, ours) for case in cases]
    finally:
        process.kill()
        process.join()
        ours.close()


def _refused(case: object, ours: Connection) -> str:
    try:
        problem, seconds, megabytes = ours.recv()
    except EOFError:
        raise AssertionError(f"the process died of {case}, or did not end") from None
    assert problem.startswith("CheckpointError: "), f"{case}: {problem}"
    assert seconds < SECONDS, f"{case}: {seconds:.1f} s for {problem}"
    assert megabytes < MEGABYTES, f"{case}: {megabytes:.0f} MB for {problem}"
    return str(problem.removeprefix("CheckpointError: "))


def refusal(load: Callable[[object], object], case: object) -> str:
    """The same of one load."""
    return refusals(load, [case])[0]
