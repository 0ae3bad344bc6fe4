"""A training on several processes without torchrun, and how each of the processes ended."""

import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

from processes import PROCESSES
from small_run import request

from charlstm.errors import CharLSTMError
from charlstm.machine.launch import Launch
from charlstm.tasks import train
from charlstm.tasks.training_plan import TrainRequest

MOST_SECONDS_OF_SILENCE = 20


@dataclass(frozen=True)
class End:
    """How a process ended: its last step, and why it stopped or the class of its error.

    events names the classes of all events but the steps, in order.
    """

    step: int
    reason: str
    events: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """One process of a training: its rank, the port where all meet, and after which step it asks to stop."""

    launch: Launch
    port: int
    wanted: TrainRequest
    stop_after: int | None


def _train(member: Member, results: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(member.port)}
    step, events = 0, []

    def should_stop() -> bool:
        return member.stop_after is not None and step >= member.stop_after

    try:
        with patch("charlstm.tasks.train._sample_text", return_value=""):
            for event in train.train_run(member.wanted, should_stop=should_stop, launch=member.launch):
                step = getattr(event, "step", step)
                if isinstance(event, train.loop.Stepped):
                    results.send(step)
                else:
                    events.append(type(event).__name__)
        results.send(End(step, event.reason, tuple(events)))
    except CharLSTMError as problem:
        results.send(End(step, type(problem).__name__, tuple(events)))


class Training:
    """Several processes that train together in the folder out.

    stop_after has, for each process, the step after which it asks to stop, or None.
    """

    def __init__(
        self,
        out: Path,
        *,
        count: int,
        resume: bool = False,
        stop_after: Sequence[int | None] = (),
        **settings,
    ) -> None:
        wanted = request(out, resume=resume, **settings)  # this writes the text that all processes read
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.processes: list[ForkServerProcess] = []
        self._receivers: list[Connection] = []
        for rank in range(count):
            receiver, sender = PROCESSES.Pipe(duplex=False)
            member = Member(Launch(rank, count, rank), port, wanted, stop_after[rank] if stop_after else None)
            self.processes.append(PROCESSES.Process(target=_train, args=(member, sender)))
            self.processes[-1].start()
            sender.close()
            self._receivers.append(receiver)

    def kill(self, rank: int, *, after: int) -> None:
        """Kill the process of a rank with SIGKILL once it has done the step after."""
        while self._receivers[rank].recv() != after:
            pass
        self.processes[rank].kill()
        self.processes[rank].join()
        assert self.processes[rank].exitcode == -signal.SIGKILL

    def ends(self) -> list[End | None]:
        """Wait for all processes, and return how each ended by rank; None stands for one that was killed."""
        ends = [_receive_end(receiver) for receiver in self._receivers]
        for process in self.processes:
            process.join(MOST_SECONDS_OF_SILENCE)
            assert process.exitcode is not None, "a process does not end"
        return ends


def _receive_end(receiver: Connection) -> End | None:
    try:
        while True:
            assert receiver.poll(MOST_SECONDS_OF_SILENCE), "a process is silent"
            message = receiver.recv()
            if isinstance(message, End):
                return message
    except EOFError:
        return None
    finally:
        receiver.close()
