"""The files below a folder, and those that a glob matches: every file once, in a fixed order.

A file that can be reached in several ways, by symbolic or hard links, is one file. A folder that a link leads
back to is not entered again, so that no loop of links is followed.
"""

import glob
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from charlstm.errors import CorpusError
from charlstm.text.text_file import unreadable

# More files than any text has: the names alone would take a gigabyte of memory.
MOST_FILES = 1_000_000


def files_below(folder: Path, keep: Callable[[Path], bool]) -> list[Path]:
    """Return the regular files below a folder, sorted by relative path, each once.

    Files and folders that keep refuses are skipped; links to folders are not entered. Raises CorpusError when
    a folder cannot be listed, and for more than MOST_FILES files.
    """
    found = _each_once(str(folder), _below(folder, keep))
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def files_matching(pattern: str, keep: Callable[[Path], bool]) -> list[Path]:
    """Return the regular files that a glob matches and keep accepts, sorted, each once.

    The pattern means what it means to glob.glob with recursive=True: ** goes down through folders, also
    those that links lead to, and hidden names must be spelled with their dot. Raises CorpusError when
    nothing matches, and for more than MOST_FILES files.
    """
    matches = [Path(match) for match in _matches(pattern)]
    if not matches:
        raise CorpusError(f"nothing matches {pattern!r}", "check the pattern; ** goes down through folders")
    return sorted(_each_once(pattern, filter(keep, matches)))


def _below(folder: Path, keep: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the files below a folder that keep accepts."""
    for parent, folders, files in os.walk(folder, onerror=_raise_unreadable):
        folders[:] = [name for name in folders if keep(Path(parent, name))]
        yield from (path for name in files if keep(path := Path(parent, name)))


def _raise_unreadable(error: OSError) -> None:
    """Raise the CorpusError for a folder that cannot be listed."""
    raise unreadable(error) from error


def _each_once(name: str, paths: Iterable[Path]) -> list[Path]:
    """Return the paths that lead to regular files, one for each file: one that is no link where there is one.

    Raises CorpusError when the text called name has more than MOST_FILES of them.
    """
    found: dict[tuple[int, int] | Path, Path] = {}
    links = []
    for path in paths:
        if path.is_symlink():
            links.append(path)
        elif (identity := _identity(path, stat.S_ISREG)) is not None:
            found.setdefault(identity, path)
        if len(found) + len(links) > MOST_FILES:
            raise CorpusError(f"{name} has more than {MOST_FILES:,} files", "name fewer of them")
    for path in links:
        if (identity := _identity(path, stat.S_ISREG)) is not None:
            found.setdefault(identity, path)
    return list(found.values())


def _identity(path: Path | str, kind: Callable[[int], bool]) -> tuple[int, int] | Path | None:
    """Return what tells a file or folder from all others, or None where path leads to none of that kind."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not kind(status.st_mode):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else Path(path)


def _matches(pattern: str) -> list[str]:
    """Return the paths that a glob matches, but for those that end in a separator, which are folders."""
    drive, rest = os.path.splitdrive(pattern)
    separators = rf"[{re.escape(os.sep + (os.altsep or ''))}]+"
    if not rest or re.search(rf"{separators}\Z", rest):
        return []
    parts = re.split(separators, rest)
    paths = [drive]
    if parts[0] == "":
        paths, parts = [drive + os.sep], parts[1:]
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if not part == following == "**":  # the second says it all
            paths = _next_part(paths, part, last=following is None)
    return paths


def _next_part(folders: list[str], part: str, *, last: bool) -> list[str]:
    """Return what one part of a glob, between two separators, matches in each of the folders, sorted.

    The last part of a glob matches files as well as folders.
    """
    found: dict[str, None] = {}
    for folder in folders:
        if part == "**":
            below = list(_folders_below(folder))
            found |= dict.fromkeys(
                [os.path.join(each, name) for each in below for name in _names(each, "*")] if last else below
            )
        elif glob.has_magic(part):
            found |= dict.fromkeys(os.path.join(folder, name) for name in _names(folder, part))
        elif os.path.lexists(os.path.join(folder, part)):
            found[os.path.join(folder, part)] = None
    return sorted(found)


def _names(folder: str, pattern: str) -> list[str]:
    """Return the names in a folder that a pattern matches; none where the folder cannot be listed."""
    try:
        names = os.listdir(folder or os.curdir)
    except (OSError, ValueError):
        return []
    return [name for name in names if fnmatch(name, pattern) and (name[0] != "." or pattern[0] == ".")]


def _folders_below(folder: str) -> Iterator[str]:
    """Yield a folder and all folders below it that are not hidden, each once, those behind links last."""
    waiting, behind_links = deque([folder]), deque[str]()
    seen = set()
    while waiting or behind_links:
        current = (waiting or behind_links).popleft()
        identity = _identity(current or os.curdir, stat.S_ISDIR)
        if identity is None or identity in seen:
            continue
        seen.add(identity)
        yield current
        for name in sorted(_names(current, "*")):
            path = os.path.join(current, name)
            if os.path.isdir(path):
                (behind_links if os.path.islink(path) else waiting).append(path)
