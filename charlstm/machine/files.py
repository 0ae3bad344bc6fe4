"""Files that are written whole or not at all, and folders that one process at a time may write."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none: nothing is locked there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def whole_file(place: Path, *, flush: bool = True) -> Iterator[Path]:
    """A path beside place to write to, whose file moves there when all went well and is gone when not.

    flush waits until the disk has it, so that a power cut cannot leave a file of zeros.
    Raises OSError when it cannot be written.
    """
    partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        clear_partials(place)
        yield partial
        if flush:
            flush_to_disk(partial)
        os.replace(partial, place)
    finally:
        with suppress(OSError):
            partial.unlink()


def flush_to_disk(path: Path) -> None:
    """Wait until the disk has a file."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def clear_partials(place: Path) -> None:
    """Remove what processes that are no more left half written for this place."""
    for partial in place.parent.glob(f"{glob.escape(place.name)}.*.partial"):
        owner = partial.name.removeprefix(f"{place.name}.").removesuffix(".partial")
        if owner.isdigit() and not _runs(int(owner)):
            with suppress(OSError):
                partial.unlink()


def _runs(process: int) -> bool:
    """Whether there is such a process; one that is somebody else's may not be asked, but is there."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the lock of a process that dies is gone with it.

    Raises BlockingIOError when another holds it. Where a file system knows no locks nothing is held.
    """
    descriptor = os.open(folder, os.O_RDONLY) if fcntl is not None else None
    try:
        if descriptor is not None:
            _lock(descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return
