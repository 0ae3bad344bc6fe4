"""The files that the name of a text stands for.

A name is stdlib, a grammar, a file, a folder, a glob, or a dataset of Hugging Face. It becomes a sequence of
files, which token_cache joins with a line feed between two files.

Of a folder, and of the matches of a glob, those files are read that are not empty, not hidden, not part of a
run, and text: their first bytes, unpacked, hold no NUL (the rule of git) and are UTF-8, or are marked as
UTF-16 or UTF-32; of bytes any encoding will do. The other files are left out and reported. A file
that stops being text further on is an error, and so is a file that was named by itself and is not text.
"""

import glob
import os
import re
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from charlstm.config import TextLevel
from charlstm.errors import CorpusError
from charlstm.machine.hugging_face import is_on_hub
from charlstm.run_files import is_run_file
from charlstm.text import grammar, hub
from charlstm.text.cache_folder import cache_file
from charlstm.text.listing import files_below, files_matching
from charlstm.text.text_file import Text, head, is_text, unreadable

_STDLIB = "stdlib"
BUILT_IN = (_STDLIB, *(grammar.PREFIX + name for name in grammar.GRAMMARS))
# Folders and files of the standard library that are no library source.
_NOT_LIBRARY = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "pydoc_data"}


def is_built_in(name: str) -> bool:
    """Return whether the text called name comes with charlstm and Python: it reads no file of the user's."""
    return name == _STDLIB or name.startswith(grammar.PREFIX)


def find_text(name: str, *, level: TextLevel, data_folder: Path) -> Text:
    """Return the files that the name of a text stands for.

    Texts that are generated or come from Hugging Face are kept in data_folder. level says whether a file has
    to be UTF-8. Raises CorpusError when there is no such text, or no file with text in it.
    """
    if name == _STDLIB:
        return Text(name, tuple(_stdlib_files()))
    if name.startswith(grammar.PREFIX):
        return Text(name, (_generated(name, data_folder),))
    if is_on_hub(name):
        return Text(name, (hub.fetched(name, data_folder),))
    if os.path.isfile(name):
        return Text(name, (Path(name),))
    if os.path.isdir(name):
        files = files_below(Path(name), lambda path: not (_is_hidden(path) or _is_ours(path, data_folder)))
        return _texts(name, files, level)
    if glob.has_magic(name):
        return _texts(name, files_matching(name, lambda path: not _is_ours(path, data_folder)), level)
    if os.path.exists(name):
        raise CorpusError(f"{name} is neither a file nor a folder", "save its text to a file first")
    raise CorpusError(
        f"there is no file or folder {name!r}",
        "give stdlib, grammar:NAME, a file, a folder, a glob in quotes, or hf:owner/name[:config][#column]",
    )


def _texts(name: str, files: Iterable[Path], level: TextLevel) -> Text:
    """Return the text of those files that are text. Raises CorpusError when none is."""
    files, judged = list(files), {}
    for file in files:
        if beginning := _beginning(file):
            judged[file] = is_text(beginning, level)
    if not any(judged.values()):
        raise CorpusError(
            f"{name} has no text: none of its files ({len(files):,}) is text",
            'name other files; `level="bytes"` reads those that are not UTF-8',
        )
    texts = tuple(file for file, good in judged.items() if good)
    return Text(name, texts, tuple(file for file, good in judged.items() if not good))


def _beginning(file: Path) -> bytes:
    """Return the first bytes of a file, unpacked, and a NUL, which no text has, where it holds no content.

    Raises CorpusError when the system does not let us read it.
    """
    try:
        return head(file)
    except CorpusError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno is not None:
            raise
        return b"\0"


def _is_hidden(path: Path) -> bool:
    """Return whether a file or folder is hidden."""
    return path.name.startswith(".")


def _is_ours(path: Path, data_folder: Path) -> bool:
    """Return whether a path is part of the cache or of a run."""
    return _in_cache(path, data_folder) or is_run_file(path)


def _in_cache(path: Path, data_folder: Path) -> bool:
    """Return whether path lies in the token cache.

    A text that held its own cache would change at every run.
    """
    place = Path(os.path.abspath(path))
    return Path(os.path.abspath(data_folder / "tokens")) in (place, *place.parents)


def _stdlib_files() -> Iterator[Path]:
    """Yield the modules of the standard library, without tests, installed packages and generated tables."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    if not folder.is_dir():
        raise CorpusError(f"the standard library's source is not at {folder}", "name another text")
    for path in files_below(folder, _is_library):
        if path.suffix == ".py" and path.relative_to(folder).as_posix() != "html/entities.py":
            with suppress(UnicodeDecodeError):
                text = _content(path).decode("utf-8")
                if text and not re.search("generated", text[:600], re.IGNORECASE):
                    yield path


def _content(path: Path) -> bytes:
    """Return all bytes of a file. Raises CorpusError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(error) from error


def _is_library(path: Path) -> bool:
    """Return whether a file or folder of the standard library is part of its source."""
    return path.name not in _NOT_LIBRARY and not path.name.startswith("config-")


def _generated(name: str, data_folder: Path) -> Path:
    """Return the file of a grammar's text, which is generated unless it exists.

    Raises CorpusError for a name that is no grammar.
    """
    wanted = grammar.parse_name(name)
    file = f"{wanted.grammar}-{wanted.characters}-{wanted.seed}-v{grammar.FORMAT}.txt"
    place = data_folder / "grammar" / file
    if not place.is_file() or place.stat().st_size != wanted.characters:  # ASCII: a character is a byte
        made = grammar.generate(wanted.grammar, characters=wanted.characters, seed=wanted.seed)
        with cache_file(place) as opened:
            opened.write(made.text.encode("ascii"))
    return place
