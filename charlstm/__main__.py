"""`charlstm`, and `python -m charlstm`: run the command line, which Ctrl-C ends in words from the beginning.

What the commands are made of takes some tenths of a second to load. Nothing else is imported before.
"""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell may have it ignored
    if heeded:
        signal.signal(signal.SIGINT, _end)
    from charlstm.commands import app

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End the process at once, in the middle of an import: nothing has been read or written yet."""
    with suppress(OSError):
        os.write(2, b"charlstm: interrupted\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
