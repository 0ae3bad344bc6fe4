"""A training in a process of its own that tells each step it has done, to be killed at any moment."""

import random
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from processes import PROCESSES
from small_run import request

from charlstm.tasks import train


def _trained(out: Path, resume: bool, settings: dict[str, object], told: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    for event in train.train_run(request(out, resume=resume, **settings)):
        if isinstance(event, train.loop.Stepped):
            told.send(event.step)  # whatever the step before was to save is saved by now


def train_and_kill(out: Path, *, resume: bool, after: int, seconds: float, **settings: object) -> int:
    """Train, and SIGKILL the process so many seconds after so many steps; the last step that it told."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_trained, args=(out, resume, settings, theirs))
    process.start()
    theirs.close()
    told = 0
    for _ in range(after):
        told = ours.recv()
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the training ended by itself"
    with suppress(EOFError):
        while True:
            told = ours.recv()
    ours.close()
    return told


def _held(out: Path, told: Connection) -> None:
    training = train.train_run(request(out))
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


def moments(count: int, *, seed: int) -> list[dict[str, Any]]:
    """When to kill, at random: up to six steps done, and up to 30 ms into what follows."""
    drawn = random.Random(seed)
    return [{"after": drawn.randrange(7), "seconds": drawn.uniform(0, 0.03)} for _ in range(count)]
