"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(place: Path, *, flush: bool = True) -> Iterator[Path]:
    """A path beside place to write to, whose file moves there when all went well and is gone when not.

    flush waits until the disk has it, so that a power cut cannot leave a file of zeros.
    Raises OSError when it cannot be written.
    """
    partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if flush:
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(partial, place)
    finally:
        with suppress(OSError):
            partial.unlink()
