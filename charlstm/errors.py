"""The exceptions of charlstm: every problem that a user can cause, as one tree.

    CharLSTMError                 all of those below; catch it to catch them all
    ├── UsageError                a setting or an option is wrong                       exit 2
    │   └── DivergedError         training met a NaN or an infinity                     exit 2
    ├── CorpusError               the text is missing, empty, too short, not UTF-8      exit 3
    │   └── UnknownCharacterError a character that the vocabulary does not have         exit 3
    │       └── LineEndError      such a character is the \\r of a line end            exit 3
    ├── CheckpointError           a run's folder or weights cannot be read or written   exit 4
    ├── DeviceError               the device is absent or out of memory                 exit 5
    └── ProcessError              another process of a training on several is gone      exit 6

Each carries two sentences: what is wrong with which value, and what to do about it. The second one, and the
first one where a setting is out of range, name parameters in backticks, as `window` or `level="bytes"`;
commands/options/command.py makes options of them.
"""

from typing import TypeVar

# Characters of a name that a message shows: a made-up one may have millions.
_SHOWN_CHARACTERS = 200


class CharLSTMError(Exception):
    """A problem with something that the user gave: problem says what is wrong, advice what to do about it."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem}; {self.advice}"


class UsageError(CharLSTMError):
    """A setting or an option is out of range, unknown, or contradicts another one."""


class DivergedError(UsageError):
    """A training met a number that is NaN or infinite."""


class CorpusError(CharLSTMError):
    """A text is missing, empty, too short or not readable as text."""


class UnknownCharacterError(CorpusError):
    """A text has a character that the vocabulary does not have."""


class LineEndError(UnknownCharacterError):
    """A text has line ends of \\r\\n or \\r, and the vocabulary knows \\n alone."""


class CheckpointError(CharLSTMError):
    """A run's folder or its weights cannot be read or written."""


class DeviceError(CharLSTMError):
    """A device is absent or out of memory."""


class ProcessError(CharLSTMError):
    """Another process of a training or an inspection by several processes is gone."""


_Kind = TypeVar("_Kind", bound=CharLSTMError)


def cannot_be_written(kind: type[_Kind], what: object, why: object, advice: str) -> _Kind:
    """Return a problem of the given kind: what, a file or a folder, cannot be written.

    why is the reason, an OSError or a phrase; advice says what to do about it.
    """
    reason = why.strerror if isinstance(why, OSError) and why.strerror else why
    return kind(f"{what} cannot be written: {reason}", advice)


def shortened(name: str, most: int = _SHOWN_CHARACTERS) -> str:
    """Return name, or its beginning and an ellipsis where it has more than `most` characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
