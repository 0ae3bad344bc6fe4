"""The decorator that compiles a loop with numba and keeps the result on disk, and the types of arrays.

numba keeps a compiled loop as a pickle, and whoever can write a pickle can have anything executed. Therefore
compiled loops are kept, and looked for, only in a folder that no other user can write to: the one that the
environment variable NUMBA_CACHE_DIR names, the package's __pycache__, or one in the user's folder of caches.
Where there is none, each process compiles the loops that it needs and keeps them in memory.
"""

# mypy: disable-error-code="no-untyped-call"
# numba has no types of its own there.

import functools
import hashlib
import logging
import os
import pickle
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core import caching
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Numbers of 16 bits: the bits of bfloat16 numbers (the upper half of a float32's), or gates of a training
# window in steps of 1/65535.
Bits16 = NDArray[np.uint16]
# Weights of a product: Floats, Bits16, or pairs of Bits16 as uint32 (`llvm_vectors.Pairs`).
Weights = NDArray[Any]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Return function as a loop that numba compiles at its first call.

    Compiling takes some seconds. The result is kept in the folder that kept_folder returns for the folder of
    the function's file, from where later processes load it. What cannot be kept, or read again, is compiled
    anew. Compiled loops release the interpreter's lock, so that threads run them at the same time.
    """
    loop: Any = njit(fastmath=True, nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # numba's: there is no folder
        loop._cache = _LoopCache(function)
    return cast(_Function, loop)


@functools.cache
def kept_folder(source: Path) -> Path | None:
    """Return where compiled loops of the Python files in the folder source are kept, or None for nowhere.

    The folder exists, this user can write to it, and no other user can. It is looked for once in a process.
    """
    for folder in _folders(source):
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if is_private(folder) and os.access(folder, os.W_OK):
                return folder
    return None


def _folders(source: Path) -> Iterator[Path]:
    """Yield the folders to keep compiled loops of the Python files in the folder source in, best first."""
    name = f"{source.name}_{hashlib.sha256(os.fsencode(source)).hexdigest()[:16]}"
    chosen = os.environ.get("NUMBA_CACHE_DIR", "")
    if os.path.isabs(chosen):
        yield Path(chosen) / name
    yield source / "__pycache__"
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE") or ""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if os.path.isabs(caches):  # not so without a home: "." is no place to keep anything
        yield Path(caches) / "charlstm" / name


def is_private(folder: Path) -> bool:
    """Return whether no user but this one can write to folder or to a compiled loop in it.

    On Windows, which has no modes of files, every folder counts as private.
    """
    if not hasattr(os, "geteuid"):
        return True
    loops = [path for path in folder.iterdir() if path.suffix in (".nbi", ".nbc")]
    states = [path.lstat() for path in (folder, *loops)]
    if not stat.S_ISDIR(states[0].st_mode) or not all(stat.S_ISREG(state.st_mode) for state in states[1:]):
        return False
    return all(state.st_uid == os.geteuid() and not state.st_mode & 0o022 for state in states)


@functools.cache
def source_stamp(source: Path) -> str:
    """Return the SHA-256 of all Python files in the folder source.

    numba keeps a compiled loop together with the loops that it calls, so that a change in one file must make
    it compile the loops of all files anew.
    """
    digest = hashlib.sha256()
    for path in sorted(source.glob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Locator(caching._CacheLocator):
    """Tells numba where the compiled form of a function is kept, and when it is out of date."""

    def __init__(self, line: int, source: Path, folder: Path) -> None:
        self._line, self._source, self._folder = line, source, folder

    @classmethod
    def from_function(cls, function: Any, file: str) -> "_Locator | None":
        """Return the locator for a function in a Python file, or None where nothing can be kept."""
        source = Path(file).absolute().parent
        folder = kept_folder(source) if os.path.isfile(file) else None
        return None if folder is None else cls(function.__code__.co_firstlineno, source, folder)

    def ensure_cache_path(self) -> None:
        """Do nothing: kept_folder has made the folder."""

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return what a compiled form must have been stamped with to be up to date."""
        return source_stamp(self._source)

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name in one file apart."""
        return str(self._line)


class _LoopFiles(caching.CompileResultCacheImpl):
    """How numba writes a compiled loop, in folders that _Locator finds and no others."""

    _locator_classes = [_Locator]  # type: ignore[list-item]  # noqa: RUF012


class _CheckedFiles(caching.IndexDataCacheFile):
    """The files of one function's compiled forms, each with the SHA-256 of what it holds before it."""

    def _save_data(self, name: str, data: object) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> object:
        with open(self._data_path(name), "rb") as file:
            digest, content = file.read(32), file.read()
        if hashlib.sha256(content).digest() != digest:
            raise ValueError(f"{name} is damaged")
        return pickle.loads(content)


@functools.cache
def _tell_of_compiling() -> None:
    """Log, once in a process, that loops are compiled: a user who waits may want to know."""
    logging.getLogger(__name__).info("compiling loops for this machine, once: it takes some seconds")


class _LoopCache(caching.FunctionCache):
    """A function's compiled forms on disk; what is damaged or cannot be written counts as not there."""

    _impl_class = _LoopFiles

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        files = self._cache_file
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, files._source_stamp)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the function's compiled form for the types in signature, or None where it must be made."""
        try:
            kept = super().load_overload(signature, context)
        except Exception:  # a pickle that is cut or damaged may raise anything
            with suppress(OSError):
                self.flush()  # an empty index, to which save_overload adds
            kept = None
        if kept is None:
            _tell_of_compiling()
        return kept

    def save_overload(self, signature: Any, compiled_form: Any) -> None:
        """Keep a compiled form. Where that fails, as on a full disk, this process goes on without."""
        with suppress(Exception):
            super().save_overload(signature, compiled_form)
