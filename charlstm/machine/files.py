"""Files that are written whole or not at all, are regular, and folders that one process at a time may write.

Whatever a name in a folder leads to was perhaps put there by somebody else. So a file is read only where it
is a regular file, which a pipe or a device is not; a new file is created under a name that did not exist; and
what is appended to or removed is never reached through a symbolic link. Where a folder may come from
somebody else, a link in the place of one of its files may not lead out of it: the user named the folder, not
what lies elsewhere.
"""

import errno
import glob
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows has none: nothing is locked there
    fcntl = None  # type: ignore[assignment]

# Flags that some systems lack. Opening a pipe without O_NONBLOCK waits until somebody writes to it.
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_RANDOM_BYTES = 8
# How the cache of the Hugging Face hub names the folder of a repository.
_HUB_REPOSITORIES = ("models--", "datasets--", "spaces--")


class NotARegularFileError(OSError):
    """The file at a path is a pipe, a device, a folder, or a link where none is followed."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file", str(path))

    def __str__(self) -> str:
        return str(self.strerror)


def open_regular(path: str | Path) -> BinaryIO:
    """Return the regular file at path, open for reading; a link to one is followed.

    Nothing is read and nothing is waited for. Raises NotARegularFileError when it is something else, OSError
    when it cannot be opened.
    """
    return open(_opened(Path(path), os.O_RDONLY), "rb")


def refuse_link_outside(path: Path) -> None:
    """Raise NotARegularFileError when path is a link to a file that lies outside path's folder.

    A link may lead to a file in that folder or below it, and the folder may itself be reached through links.
    In the cache of the Hugging Face hub the files of models--OWNER--NAME/snapshots/REVISION are links into
    models--OWNER--NAME/blobs; these are accepted, unless blobs is a link that leads elsewhere. Nothing is
    opened. Raises OSError when a link leads nowhere or in a circle.
    """
    if not path.is_symlink():
        return
    target, folder = Path(os.path.realpath(path, strict=True)), Path(os.path.realpath(path.parent))
    repositories = (revision.parents[1] for revision in (folder, *folder.parents) if _is_snapshot(revision))
    allowed = (folder, *(repository / "blobs" for repository in repositories))
    if not any(target.is_relative_to(place) for place in allowed):
        raise NotARegularFileError(path, "a symbolic link that leads out of its folder")


def _is_snapshot(folder: Path) -> bool:
    """Return whether a folder is named as a revision of a repository in the cache of the hub is."""
    names = folder.parts[-3:-1]
    return len(names) == 2 and names[1] == "snapshots" and names[0].startswith(_HUB_REPOSITORIES)


def open_to_append(path: Path) -> BinaryIO:
    """Return the regular file at path, open for appending; it is created where there is none.

    Raises NotARegularFileError when it is a link or no file, OSError when it cannot be opened.
    """
    # For reading, too: a pipe that nobody reads can only be opened so.
    descriptor = _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINK)
    return open(descriptor, "ab")


def _opened(path: Path, flags: int) -> int:
    """Return a descriptor of the regular file at path. Raises NotARegularFileError or OSError."""
    try:
        descriptor = os.open(path, flags | _PLAIN, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP and flags & _NO_LINK and path.is_symlink():
            raise NotARegularFileError(path, "a symbolic link") from error
        if error.errno in (errno.EISDIR, errno.ENXIO):
            raise NotARegularFileError(path, _kind(os.stat(path).st_mode)) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotARegularFileError(path, _kind(mode))
    return descriptor


def _kind(mode: int) -> str:
    """Return in words what a file of this mode is."""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


@contextmanager
def whole_file(place: Path, *, flush: bool = True) -> Iterator[Path]:
    """Give the path of a new, empty file to write; it moves to place when the context ends without an error.

    The file lies beside place. Its name cannot be foreseen and it is created by this call, so it is never
    somebody else's file or a link. After an error nothing is left of it, and place is what it was. flush
    waits until the disk has the file, so that a power cut cannot leave a file of zeros. Raises OSError when
    the file cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    clear_partials(place)
    partial = place.with_name(f"{place.name}.{os.getpid()}.{secrets.token_hex(_RANDOM_BYTES)}.partial")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _PLAIN, 0o666))
    try:
        yield partial
        if flush:
            flush_to_disk(partial)
        os.replace(partial, place)
    finally:
        with suppress(OSError):
            partial.unlink()


def flush_to_disk(path: Path) -> None:
    """Wait until the content of the regular file at path is on the disk."""
    with open(_opened(path, os.O_RDWR | _NO_LINK), "rb+") as file:
        os.fsync(file.fileno())


def clear_partials(place: Path) -> None:
    """Remove the half-written files for place whose processes have ended, where they are this user's."""
    for partial in place.parent.glob(f"{glob.escape(place.name)}.*.partial"):
        owner = partial.name.removeprefix(f"{place.name}.").removesuffix(".partial").split(".")[0]
        if owner.isdigit() and not _runs(int(owner)):
            with suppress(OSError):
                if _is_own_file(partial):
                    partial.unlink()


def _is_own_file(path: Path) -> bool:
    """Return whether path is a regular file, not a link, of this process's user. Raises OSError."""
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


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
def locked(folder: Path) -> Iterator[Callable[[], bool]]:
    """Lock a folder for this process while the context lasts; the lock ends with the process.

    Gives a function that returns whether the folder that was locked still lies at its path: it may have been
    removed, and another one made there. Raises BlockingIOError when another process has locked the folder.
    On a file system without locks, and on Windows, nothing is locked.
    """
    descriptor = os.open(folder, os.O_RDONLY) if fcntl is not None else None
    try:
        if descriptor is not None:
            _lock(descriptor)
        # While the descriptor is open, the number of the folder is given to no other one.
        held = os.stat(folder) if descriptor is None else os.fstat(descriptor)
        yield lambda: _lies_at(folder, held)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lies_at(folder: Path, held: os.stat_result) -> bool:
    """Return whether the folder at a path is the one that held describes."""
    try:
        return os.path.samestat(os.stat(folder), held)
    except OSError:
        return False


def _lock(descriptor: int) -> None:
    """Lock an open folder, or do nothing where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return
