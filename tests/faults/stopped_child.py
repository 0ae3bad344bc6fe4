"""A training of some seconds in a process of its own, to be stopped and continued while it runs."""

import os
import signal
import time
from multiprocessing.connection import Connection

from processes import PROCESSES
from small_trainer import TEXT, small_trainer

from charlstm.training.loop import Stepped, train


def _trained(seconds: float, told: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    elapsed = []
    for event in train(small_trainer(steps=None, minutes=seconds / 60), TEXT[:0]):
        if isinstance(event, Stepped):
            elapsed.append(event.elapsed_seconds)
        if len(elapsed) == 1:
            told.send("begun")
    told.send(elapsed)


def train_and_stop(seconds: float, *, stopped_seconds: float) -> list[float]:
    """Train for seconds in a process that is stopped meanwhile, and return elapsed_seconds of each step."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_trained, args=(seconds, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "begun"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(stopped_seconds)
    os.kill(process.pid, signal.SIGCONT)
    heard = "begun"
    while heard == "begun":  # it is told again while the first step is the only one
        heard = ours.recv()
    process.join()
    ours.close()
    return heard
