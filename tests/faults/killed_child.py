"""A training in a process of its own that tells each step it has done, to be killed at any moment."""

import random
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from processes import PROCESSES
from small_run import request

from charlstm import runs


def _trained(out: Path, resume: bool, settings: dict[str, object], told: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    for event in runs.train(request(out, resume=resume, **settings)):
        if isinstance(event, runs.training.Stepped):
            told.send(event.step)  # whatever the step before was to save is saved by now


def train_and_kill(out: Path, *, resume: bool, seconds: float, **settings: object) -> int:
    """Train, and SIGKILL the process so many seconds after its first step; the last step that it told."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_trained, args=(out, resume, settings, theirs))
    process.start()
    theirs.close()
    ours.poll(60)
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the training ended by itself"
    return _last_told(ours)


def _last_told(ours: Connection) -> int:
    step = 0
    with suppress(EOFError):
        while True:
            step = ours.recv()
    return step


def _held(out: Path, told: Connection) -> None:
    training = runs.train(request(out))
    next(training)
    told.send("held")
    time.sleep(600)


def hold(out: Path) -> tuple[ForkServerProcess, Connection]:
    """A process whose training in a folder has begun and does not go on, and the pipe to close after it."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_held, args=(out, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "held"
    return process, ours


def moments(count: int, *, seed: int, longest: float) -> list[float]:
    """Random times to kill at, seconds after the first step."""
    drawn = random.Random(seed)
    return [drawn.uniform(0, longest) for _ in range(count)]
