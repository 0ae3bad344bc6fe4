"""Python scripts of this package in processes of their own, which never outlive what they are needed for."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO

_SIGNALS_OF_TIME = [getattr(signal, name, None) for name in ("SIGXCPU", "SIGALRM")]


class RunningScript:
    """A RunningScript is the process of a script; its output is what it writes to stdout, as bytes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self.output: IO[bytes] = process.stdout
        self._process = process
        self._was_killed = False

    def kill(self) -> None:
        """End the script because its time is over."""
        self._was_killed = True
        self._process.kill()

    def ended_by_time(self) -> bool:
        """Wait for the end of the script, and return whether a limit of time ended it, here or in itself."""
        ended_by = -self._process.wait()
        return self._was_killed or ended_by in _SIGNALS_OF_TIME


@contextmanager
def running_script(script: Path, question: object, *, seconds: float) -> Iterator[RunningScript]:
    """Run a file of this package as a script while the context lasts, and for that number of seconds at most.

    The script's one argument is question as JSON. Python starts it in isolated mode: the working folder and
    the script's own folder are no places to import from, and variables such as PYTHONPATH count for nothing.
    The process is killed when its time is over and when the context ends, and nothing of it is left.
    """
    command = [sys.executable, "-I", "-W", "ignore", str(script), json.dumps(question)]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing) as process:
        running = RunningScript(process)
        timer = Timer(seconds, running.kill)
        timer.daemon = True
        try:
            timer.start()
            yield running
        finally:
            timer.cancel()
            process.kill()
            process.wait()


def import_paths() -> list[str]:
    """Return the folders that Python imports from, for a script that needs an installed package.

    The working folder is not among them, since anybody's files may lie there.
    """
    here = os.path.realpath(os.curdir)
    return [path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) != here]
