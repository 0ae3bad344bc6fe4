"""A training in another process that reports each step it has done, and can be killed at any moment."""

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


def _train(out: Path, resume: bool, settings: dict[str, object], steps: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    for event in train.train_run(request(out, resume=resume, **settings)):
        if isinstance(event, train.loop.Stepped):
            steps.send(event.step)  # by now everything that the step before had to save is saved


def train_and_kill(out: Path, *, resume: bool, after: int, seconds: float, **settings: object) -> int:
    """Train in a process, kill it with SIGKILL, and return the last step that it reported.

    It is killed a number of seconds after it has reported as many steps as after says.
    """
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_train, args=(out, resume, settings, sender))
    process.start()
    sender.close()
    last_step = 0
    for _ in range(after):
        last_step = receiver.recv()
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the training ended by itself"
    with suppress(EOFError):
        while True:
            last_step = receiver.recv()
    receiver.close()
    return last_step


def _begin_and_wait(out: Path, ready: Connection) -> None:
    training = train.train_run(request(out))
    next(training)
    ready.send("held")
    time.sleep(600)


def hold(out: Path) -> tuple[ForkServerProcess, Connection]:
    """Start a process that begins a training in the folder out, holds its lock and does not go on.

    Return the process and a connection; the caller kills the process, then closes the connection.
    """
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_begin_and_wait, args=(out, sender))
    process.start()
    sender.close()
    assert receiver.recv() == "held"
    return process, receiver


def moments(count: int, *, seed: int) -> list[dict[str, Any]]:
    """Draw count moments to kill a training at: after 0 to 6 reported steps, and 0 to 30 ms later."""
    drawn = random.Random(seed)
    return [{"after": drawn.randrange(7), "seconds": drawn.uniform(0, 0.03)} for _ in range(count)]
