"""A training on several processes, without torchrun around it, and what each of them came to."""

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


@dataclass(frozen=True)
class End:
    """What a process came to: its last step and why it ended, or its problem; the events that it told."""

    step: int
    reason: str
    events: tuple[str, ...]


def _trained(
    launch: Launch,
    port: int,
    out: Path,
    resume: bool,
    settings: dict,
    stop_after: int | None,
    told: Connection,
) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    step, events = 0, []
    wanted = request(out, resume=resume, **settings)
    stop = lambda: stop_after is not None and step >= stop_after  # noqa: E731
    try:
        with patch("charlstm.tasks.train._sample_text", return_value=""):
            for event in train.train_run(wanted, should_stop=stop, launch=launch):
                step = getattr(event, "step", step)
                if isinstance(event, train.loop.Stepped):
                    told.send(step)
                else:
                    events.append(type(event).__name__)
        told.send(End(step, event.reason, tuple(events)))
    except CharLSTMError as problem:
        told.send(End(step, type(problem).__name__, tuple(events)))


class Training:
    """Processes that train together; stop_after says which of them wish to stop after how many steps."""

    def __init__(
        self,
        out: Path,
        *,
        count: int,
        resume: bool = False,
        stop_after: Sequence[int | None] = (),
        **settings,
    ) -> None:
        request(out)  # writes the text, which is then there for all
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.processes: list[ForkServerProcess] = []
        self._told: list[Connection] = []
        for rank in range(count):
            ours, theirs = PROCESSES.Pipe(duplex=False)
            wish = stop_after[rank] if stop_after else None
            parts = (Launch(rank, count, rank), port, out, resume, settings, wish, theirs)
            self.processes.append(PROCESSES.Process(target=_trained, args=parts))
            self.processes[-1].start()
            theirs.close()
            self._told.append(ours)

    def kill(self, rank: int, *, after: int) -> None:
        """SIGKILL one of them after so many steps."""
        while self._told[rank].recv() != after:
            pass
        self.processes[rank].kill()
        self.processes[rank].join()
        assert self.processes[rank].exitcode == -signal.SIGKILL

    def ends(self) -> list[End | None]:
        """What became of all; None for one that was killed."""
        ends = [_end(told) for told in self._told]
        for process in self.processes:
            process.join(20)
            assert process.exitcode is not None, "a process does not end"
        return ends


def _end(told: Connection) -> End | None:
    try:
        while True:
            assert told.poll(20), "a process is silent"
            heard = told.recv()
            if isinstance(heard, End):
                return heard
    except EOFError:
        return None
    finally:
        told.close()
