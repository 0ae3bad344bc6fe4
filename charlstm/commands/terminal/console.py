"""Writing to the terminal: results on stdout, and narration, the progress bar and problems on stderr.

Text that comes from a corpus or a model is shown with control characters as pictures, and unseen ones as
escapes, when it goes to a terminal, and unchanged when it goes to a pipe or a file. Characters that the
encoding of a stream does not have are written as escapes.
"""

import errno
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm

from charlstm.commands.terminal.formatting import safe_for_terminal
from charlstm.errors import CharLSTMError, UsageError, cannot_be_written


class ReaderGoneError(Exception):
    """The reader of our output has closed the pipe, as `head` does. This is no error."""


def open_streams() -> None:
    """Make the standard streams fit to be written to, whatever the process was started with.

    Characters that a stream's encoding does not have become escapes. A stream that was closed (`>&-`) is put
    back, so that no file which is opened later gets its number: writing to stdout then fails, as it should,
    and what goes to stderr is lost.
    """
    for number, name, flags in (
        (0, "stdin", os.O_RDONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            _open_nowhere(number, flags)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _open_nowhere(number: int, flags: int) -> None:
    """Make the file descriptor number one of the null device, opened with flags."""
    descriptor = os.open(os.devnull, flags)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)


def write(text: str) -> None:
    """Write text to stdout without adding a line break.

    Raises ReaderGoneError when the reader has closed the pipe, and UsageError when the text cannot be
    written, as on a full disk.
    """
    try:
        sys.stdout.write(safe_for_terminal(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
        raise ReaderGoneError from None
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> UsageError:
    """Return the problem that the result cannot be written, and discard what is still buffered."""
    _abandon(sys.stdout)
    why = "stdout is closed" if error.errno == errno.EBADF else error
    advice = "send it elsewhere" if error.errno == errno.EBADF else "free some space, or send it elsewhere"
    return cannot_be_written(UsageError, "the result", why, advice)


def _abandon(stream: TextIO) -> None:
    """Send what is still buffered nowhere: Python flushes a stream once more when it exits."""
    with suppress(OSError):  # the stream has no file descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_line(text: str = "") -> None:
    """Write text and a line break to stdout."""
    write(text + "\n")


def table_width() -> int | None:
    """Return the number of characters that a line on stdout may have, None where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write_json(document: Any) -> None:
    """Write one JSON document to stdout, on one line."""
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document)
    write_line(text)


def show_problem(problem: CharLSTMError) -> None:
    """Show a problem in two lines on stderr: what is wrong, and what to do about it."""
    Narrator().say(f"charlstm: {problem.problem}\n          {problem.advice}")


class Narrator:
    """What a command says on stderr while it works. A quiet narrator says nothing."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr

    def say(self, text: str = "") -> None:
        """Say a line, above the progress bar where there is one.

        A stderr that cannot be written is ignored: it must not stop a training.
        """
        if self._quiet:
            return
        try:
            with tqdm.external_write_mode(file=self._stream):
                print(safe_for_terminal(text), file=self._stream, flush=True)
        except OSError:
            _abandon(self._stream)

    def excerpt(self, text: str, *, lines: int = 5) -> None:
        """Say the first non-empty lines of a text, indented and cut to the width of the terminal."""
        width = min(80, shutil.get_terminal_size().columns) - 4
        for line in [line for line in text.expandtabs(4).splitlines() if line.strip()][:lines]:
            self.say(f"  | {line[:width]}")

    def stage(self, text: str) -> None:
        """Say which silent piece of work begins, where no bar and no text on the screen shows it.

        That is where stderr is no terminal, such as a pipe or a file.
        """
        if not self._stream.isatty():
            self.say(text)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Show inside the context, where a command loads its libraries, that it is starting."""
        with self.bar() as bar:
            bar.stage("starting")
            yield

    def link(self, page: Path) -> None:
        """Say the address of a page, which terminals open at a click and browsers take as it is."""
        self.say(f"open      {page.resolve().as_uri()}")

    @contextmanager
    def telling_logs(self) -> Iterator[None]:
        """Say what the library logs inside the context: that loops are compiled."""
        logger, handler = logging.getLogger("charlstm"), _Teller(self)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.setLevel(level)
            logger.removeHandler(handler)

    def bar(self) -> "Bar":
        """Return a progress bar from 0 to 1 that shows only in a terminal; elsewhere its stages are said."""
        return Bar(self, self._stream, hidden=self._quiet or not self._stream.isatty())


class _Teller(logging.Handler):
    """Hands what is logged to a narrator."""

    def __init__(self, narrator: Narrator) -> None:
        super().__init__()
        self._narrator = narrator

    def emit(self, record: logging.LogRecord) -> None:
        """Say the message of the record."""
        self._narrator.say(record.getMessage())


class Bar:
    """A tqdm bar over the fraction of a task that is done, with the time left and a few words."""

    def __init__(self, narrator: Narrator, stream: TextIO, *, hidden: bool) -> None:
        self._narrator, self._stage = narrator, ""
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
        """Show that a fraction of the task, in [0, 1], is done."""
        self._bar.update(fraction - self._bar.n)

    def follow(self, stage: str, fraction: float) -> None:
        """Show which stage a task is in, and that a fraction of it, in [0, 1], is done."""
        self.stage(stage)
        self.move_to(fraction)

    def stage(self, text: str) -> None:
        """Show which stage of the task begins, behind the times, or on a line where there is no terminal."""
        self._bar.set_postfix_str(text)
        if text != self._stage:
            self._narrator.stage(text)
        self._stage = text

    def figures(self, text: str) -> None:
        """Show a text behind the times."""
        self._bar.set_postfix_str(text, refresh=False)
