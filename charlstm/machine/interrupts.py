"""Ctrl-C and SIGTERM as a wish to stop after the step: the first is remembered, the second kills."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopWish:
    """Which signal asked to stop; None while none did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal if self.signal is not None else 0


@contextmanager
def stop_wish(*, deaf_seconds: float = 0.0) -> Iterator[StopWish]:
    """Remember the first signal of these; the second one acts as it would have without this.

    One that comes less than deaf_seconds after the first is the first, once more.
    """
    wish = StopWish()
    heard = 0.0
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        first = wish.signal is None
        if first:
            wish.signal, heard = number, time.monotonic()
        if deaf_seconds and time.monotonic() - heard < deaf_seconds:
            return
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if not first:
            os.kill(os.getpid(), number)

    for number in _SIGNALS:
        signal.signal(number, remember)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
