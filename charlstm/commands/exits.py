"""How a command ends: a known problem is shown in two lines, and each kind of end has its exit code."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from charlstm.commands.terminal import console
from charlstm.errors import (
    CharLSTMError,
    CheckpointError,
    CorpusError,
    DeviceError,
    ProcessError,
    UsageError,
    shortened,
)
from charlstm.machine.launch import by_torchrun, launch
from charlstm.machine.processors import tell_libraries_of_quota

_EXIT_CODES: tuple[tuple[type[CharLSTMError], int], ...] = (
    (UsageError, 2),
    (CorpusError, 3),
    (CheckpointError, 4),
    (DeviceError, 5),
    (ProcessError, 6),
)
INTERRUPTED = 130
# How torch's allocator and oneDNN say on a CPU that memory has run out.
_MESSAGES_OF_NO_MEMORY = ("can't allocate memory", "could not create a primitive$")


def exit_code(problem: CharLSTMError) -> int:
    """Return the documented exit code of a problem."""
    return next((code for kind, code in _EXIT_CODES if isinstance(problem, kind)), 1)


def run(app: typer.Typer) -> NoReturn:
    """Run the command line app and exit; a known problem becomes two lines on stderr and its exit code."""
    try:
        console.open_streams()
        tell_libraries_of_quota()
        os.getcwd()  # libraries that find no working folder end the process, each in its own way
        code = app(standalone_mode=False)  # an exit code where typer ended a command: 130 after Ctrl-C
    except CharLSTMError as problem:
        if launch().rank == 0 or not by_torchrun() or isinstance(problem, (DeviceError, ProcessError)):
            console.show_problem(problem)  # the other processes show these two kinds only
        raise SystemExit(exit_code(problem)) from None
    except typer.TyperException as problem:  # a command that typer does not know
        _show_usage_problem(problem)
        raise SystemExit(2) from None
    except OSError as error:
        console.show_problem(_problem_of_a_place(error))
        raise SystemExit(2) from None
    except console.ReaderGoneError:
        raise SystemExit(0) from None
    except KeyboardInterrupt:  # while typer reads what was typed; later on it gives the exit code itself
        code = INTERRUPTED
    if code == INTERRUPTED:
        console.Narrator().say("charlstm: interrupted; no file was left half-written")
    raise SystemExit(code or 0)


def _problem_of_a_place(error: OSError) -> UsageError:
    """Return what error says of a file or of stdout. Raises error where it says nothing of either."""
    if isinstance(error.filename, (str, bytes, os.PathLike)):
        name = shortened(os.fsdecode(error.filename))
        return UsageError(f"{name} cannot be used: {error.strerror}", "name another file or folder")
    if error.errno == errno.ENOENT:  # the system's answer to which folder it is
        return UsageError("the working folder has been deleted", "change to another with cd")
    if error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):  # the help, which typer prints itself
        return console.unwritable(error)
    raise error


def _show_usage_problem(problem: typer.TyperException) -> None:
    """Show what typer says of a command that there is not, or the help where nothing was typed."""
    message = problem.format_message()
    if message.startswith("Usage:"):  # nothing was typed: typer shows its help
        console.Narrator().say(message)
    else:
        console.show_problem(UsageError(message.rstrip("."), "see what there is with `charlstm --help`"))


@contextmanager
def computing() -> Iterator[None]:
    """Turn memory that runs out inside the context into a DeviceError."""
    advice = "lower --cells, --streams or --window, --characters of an inspection, or --count of samples"
    try:
        yield
    except MemoryError as error:
        raise DeviceError(f"out of memory: {error}", advice) from error
    except RuntimeError as error:  # torch's: of a GPU, or what the CPU's allocator says in a plain one
        of_memory = any(re.search(message, str(error)) for message in _MESSAGES_OF_NO_MEMORY)
        if type(error).__name__ != "OutOfMemoryError" and not of_memory:
            raise
        raise DeviceError(f"out of memory: {str(error).splitlines()[0]}", advice) from error
