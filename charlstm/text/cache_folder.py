"""The folder for caches, which must be this user's alone, and the files that are written into it.

tokens/ holds the ids of texts, hf/ texts that came from Hugging Face datasets, hf-runs/ runs that came from
its hub, grammar/ texts that were generated. What is read from there was written by charlstm, so nobody else
may be able to write there.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charlstm.errors import CorpusError, cannot_be_written
from charlstm.machine.files import whole_file

PARTS = ("tokens", "hf", "hf-runs", "grammar")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_FOLDER_MODE = 0o755
# The folder for caches beside the package, where it runs from its source.
_SOURCE_DATA = Path(__file__).parents[2] / "data"


def default_data_folder() -> Path:
    """Return the folder for caches: $CHARLSTM_DATA, else ./data of charlstm's source, else the user's cache.

    ./data is taken where it lies beside the package that runs, and nowhere else: a folder of that name in
    the working directory may hold whatever came with a download. Neither ./data nor the user's cache folder
    is taken where somebody else may write; what $CHARLSTM_DATA names is the user's own decision. Raises
    CorpusError when the cache folder is not this user's alone, or when there is no home folder.
    """
    if chosen := os.environ.get("CHARLSTM_DATA"):
        return Path(chosen)
    here = Path("data")
    if here.is_dir() and here.resolve() == _SOURCE_DATA.resolve() and _is_private(here):
        return here
    folder = _user_cache() / "charlstm"
    if folder.exists() and not _is_private(folder):
        raise CorpusError(
            f"the cache folder {folder} is not yours alone: another user owns it or may write in it",
            f"take their right away by `chmod -R go-w {folder}`, or name another folder by CHARLSTM_DATA",
        )
    return folder


def _user_cache() -> Path:
    """Return the folder for all caches of this user. Raises CorpusError where there is no home folder."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):  # a relative one is to be ignored, says its specification
        return Path(named)
    home = os.path.expanduser("~")
    if os.environ.get("HOME") == "" or not os.path.isabs(home):
        raise CorpusError(
            "there is no home folder to keep caches in: HOME is not set",
            "set HOME, or name a folder by CHARLSTM_DATA",
        )
    return Path(home) / ".cache"


def _is_private(folder: Path) -> bool:
    """Return whether this user alone owns a folder and the caches in it, and may write there."""
    if not hasattr(os, "geteuid"):  # Windows has other rights
        return True
    existing = [place for place in (folder, *(folder / part for part in PARTS)) if place.exists()]
    return all(
        status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
        for status in map(os.stat, existing)
    )


def cache_size(folder: Path) -> int:
    """Return how many bytes the files of the cache in folder have."""
    return sum(file.lstat().st_size for file in _cached_files(folder))


def empty_cache(folder: Path) -> int:
    """Delete the files of the cache in folder, and return how many bytes they had.

    Only files in the cache's own folders are deleted; a symbolic link is neither followed nor deleted. Raises
    CorpusError when a file cannot be deleted.
    """
    deleted = 0
    for file in _cached_files(folder):
        try:
            size = file.lstat().st_size
            file.unlink()
        except OSError as error:
            raise CorpusError(f"{file} cannot be deleted: {error.strerror}", "see who owns it") from error
        deleted += size
    return deleted


def _cached_files(folder: Path) -> list[Path]:
    """Return the files in the cache's own folders in folder."""
    parts = [folder / part for part in PARTS if not (folder / part).is_symlink()]
    walks = (os.walk(part) for part in parts)
    files = [Path(place) / name for walk in walks for place, _, names in walk for name in names]
    return [file for file in files if file.is_file() and not file.is_symlink()]


@contextmanager
def cache_file(place: Path) -> Iterator[BinaryIO]:
    """Give a file of the cache to write; it is there whole or not at all.

    It is not flushed to the disk, since a cache that a power cut damages is noticed and made again.
    Raises CorpusError when the file cannot be written.
    """
    try:
        for folder in (place.parent.parent, place.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        with whole_file(place, flush=False) as partial, open(partial, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), os.fstat(file.fileno()).st_mode & ~_OTHERS_MAY_WRITE & 0o777)
            yield file
    except OSError as error:
        raise unwritable(place, error) from error


def unwritable(place: Path, why: object) -> CorpusError:
    """Return the problem with a file of the cache that cannot be written."""
    advice = "free some space there, or name another folder by CHARLSTM_DATA"
    return cannot_be_written(CorpusError, place, why, advice)
