"""Files that are written whole or not at all, and folders that one process at a time may write."""

import errno
import glob
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows has none: nothing is locked there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def whole_file(place: Path, *, flush: bool = True) -> Iterator[Path]:
    """Give a path beside place to write to; the file moves to place when the context ends without an error.

    After an error nothing is left of it, and place is what it was. flush waits until the disk has the file,
    so that a power cut cannot leave a file of zeros. Raises OSError when the file cannot be written.
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
    """Wait until the content of a file is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def clear_partials(place: Path) -> None:
    """Remove the half-written files for place whose processes have ended."""
    for partial in place.parent.glob(f"{glob.escape(place.name)}.*.partial"):
        owner = partial.name.removeprefix(f"{place.name}.").removesuffix(".partial")
        if owner.isdigit() and not _runs(int(owner)):
            with suppress(OSError):
                partial.unlink()


def _runs(process: int) -> bool:
    """Return whether a process of this number runs, be it another user's."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder for this process while the context lasts; the lock ends with the process.

    Raises BlockingIOError when another process has locked it. On a file system without locks, and on
    Windows, nothing is locked.
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
    """Lock an open folder, or do nothing where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return


class NotARegularFileError(OSError):
    """A path that was to be read as a file names a folder, a pipe, a socket or a device."""


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file to read its bytes; whatever else the path names is refused without waiting for it.

    Symbolic links are followed. A pipe without a writer would otherwise block, and a device might act.
    Raises NotARegularFileError for anything but a regular file, and another OSError when it cannot be opened.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotARegularFileError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
