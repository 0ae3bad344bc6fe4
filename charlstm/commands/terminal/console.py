"""All that a person sees in a terminal: narration, bars, tables, problems. Formatting is apart from printing.

stdout carries the result, stderr everything else. What comes from a text or a model is shown with
control characters as pictures when it goes to a terminal, and exactly as it is when it is piped.
"""

import json
import os
import shutil
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm

from charlstm.commands.terminal.formatting import visible
from charlstm.errors import CharLSTMError, UsageError, cannot_be_written


class ReaderGoneError(Exception):
    """Whoever read our output wants no more of it, as `head` does: not a problem."""


def write(text: str) -> None:
    """Part of the result, as it is: no line break is added.

    Raises ReaderGoneError, and UsageError where it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(visible(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
        raise ReaderGoneError from None
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> UsageError:
    """The problem with a result that cannot be written; what is left of it goes nowhere."""
    _abandon(sys.stdout)
    return cannot_be_written(UsageError, "the result", error, "free some space, or send it elsewhere")


def _abandon(stream: TextIO) -> None:
    """Let the rest go nowhere: Python flushes a stream once more when it ends."""
    with suppress(OSError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_line(text: str = "") -> None:
    """A line of the result."""
    write(text + "\n")


def write_json(document: Any) -> None:
    """One JSON document on one line."""
    write_line(json.dumps(document, ensure_ascii=False))


def show_problem(problem: CharLSTMError) -> None:
    """Two lines on stderr: what is wrong, and what to do."""
    Narrator().say(f"charlstm: {problem.problem}\n          {problem.advice}")


class Narrator:
    """What a command says on stderr while it works; nothing when it is quiet."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr

    def say(self, text: str = "") -> None:
        """A line, above the bar where there is one; a log that cannot be written stops nobody's training."""
        if self._quiet:
            return
        try:
            with tqdm.external_write_mode(file=self._stream):
                print(visible(text), file=self._stream, flush=True)
        except OSError:
            _abandon(self._stream)

    def excerpt(self, text: str, *, lines: int = 5) -> None:
        """The first lines of a text that hold something, set in and cut to the terminal's width."""
        width = min(80, shutil.get_terminal_size().columns) - 4
        for line in [line for line in text.expandtabs(4).splitlines() if line.strip()][:lines]:
            self.say(f"  | {line[:width]}")

    def bar(self) -> "Bar":
        """A bar from 0 to 1 that shows only in a terminal."""
        return Bar(self._stream, hidden=self._quiet or not self._stream.isatty())


class Bar:
    """A tqdm bar over the fraction of a task that is done, with time left and a few figures."""

    def __init__(self, stream: TextIO, *, hidden: bool) -> None:
        layout = "{percentage:3.0f}% {bar} {elapsed}<{remaining} {postfix}"
        width = min(80, shutil.get_terminal_size().columns)
        self._bar = tqdm(
            total=1.0,
            file=stream,
            disable=hidden,
            ncols=width,
            bar_format=layout,
            leave=False,
            mininterval=0.2,
        )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def move_to(self, fraction: float) -> None:
        """Show that this fraction of the task is done."""
        self._bar.update(fraction - self._bar.n)

    def follow(self, stage: str, fraction: float) -> None:
        """Show what is being done, and that this fraction of it all is done."""
        self.figures(stage)
        self.move_to(fraction)

    def figures(self, text: str) -> None:
        """The words after the times."""
        self._bar.set_postfix_str(text, refresh=False)
