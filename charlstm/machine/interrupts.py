"""Ctrl-C, SIGTERM and SIGHUP as a wish to stop after the current step; the second signal kills.

SIGHUP comes when the terminal is closed. Where it is ignored, as under nohup, it stays ignored.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HANGUP = getattr(signal, "SIGHUP", None)  # not on Windows
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([_HANGUP] if _HANGUP else []))


class StopWish:
    """The signal that asked to stop, in the attribute signal; None while there was none."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Return whether a signal asked to stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects after the signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for
        SIGHUP, 0 without one.
        """
        return 128 + self.signal if self.signal is not None else 0


# The open contexts of stop_wish, the innermost last.
_wishes: list[StopWish] = []


def end_if_asked() -> None:
    """End the command where a signal that stop_wish remembers asked to stop: for work with nothing to save.

    Raises KeyboardInterrupt after Ctrl-C, and SystemExit with the exit code of another signal.
    """
    if _wishes and _wishes[-1]():
        if _wishes[-1].signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(_wishes[-1].exit_code)


@contextmanager
def stop_wish(*, deaf_seconds: float = 0.0, in_session: bool = False) -> Iterator[StopWish]:
    """Remember the first Ctrl-C, SIGTERM or SIGHUP while the context lasts; a second one ends the process.

    A second one that comes less than deaf_seconds after the first counts as the first. in_session is for a
    Python session, which should outlive the work: Ctrl-C alone is remembered, and a second one raises
    KeyboardInterrupt. The handlers that were there before come back at the end.
    """
    wish = StopWish()
    first_time = 0.0
    before = {number: signal.getsignal(number) for number in _SIGNALS[: 1 if in_session else None]}
    if _HANGUP and before.get(_HANGUP) == signal.SIG_IGN:
        del before[_HANGUP]

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal first_time
        first = wish.signal is None
        if first:
            wish.signal, first_time = number, time.monotonic()
        if deaf_seconds and time.monotonic() - first_time < deaf_seconds:
            return
        for each in before:
            signal.signal(each, signal.default_int_handler if in_session else signal.SIG_DFL)
        if not first:
            os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, remember)
    _wishes.append(wish)
    try:
        yield wish
    finally:
        _wishes.remove(wish)
        for number, handler in before.items():
            signal.signal(number, handler)
