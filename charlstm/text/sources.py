"""The files that the name of a text stands for.

A name is stdlib, a grammar, a file, a folder, a glob, or a dataset of Hugging Face. It becomes a sequence of
files, which token_cache joins with a line feed between two files.

Of a folder, and of the matches of a glob, those files are read that are not empty, not hidden, not part of a
run, and text: their first bytes hold no NUL (the rule of git) and are UTF-8, which --level bytes does not
ask. The other files are left out and reported. A file that is not UTF-8 further on is an error, and so is a
single file that was named.
"""

import codecs
import glob
import logging
import os
import re
import socket
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from charlstm.config import TextLevel
from charlstm.errors import CorpusError
from charlstm.run_files import is_run_file
from charlstm.text import grammar
from charlstm.text.token_cache import Text, cache_file, unreadable

BUILT_IN = ("stdlib", *(grammar.PREFIX + name for name in grammar.GRAMMARS))
# Bytes at the beginning of a file that tell whether it is text.
_HEAD_BYTES = 8_000
# Seconds after which the hub counts as out of reach.
_REACH_SECONDS = 5
# Folders and files of the standard library that are no library source.
_NOT_LIBRARY = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "pydoc_data"}


def find_text(name: str, *, level: TextLevel, data_folder: Path) -> Text:
    """Return the files that the name of a text stands for.

    Texts that are generated or come from Hugging Face are kept in data_folder. level says whether a file has
    to be UTF-8. Raises CorpusError when there is no such text, or no file with text in it.
    """
    if name == "stdlib":
        return Text(name, tuple(_stdlib_files()))
    if name.startswith(grammar.PREFIX):
        return Text(name, (_generated(name, data_folder),))
    if name.startswith("hf:"):
        return Text(name, (_fetched(name, data_folder),))
    if os.path.isfile(name):
        return Text(name, (Path(name),))
    if os.path.isdir(name):
        return _texts(name, _walk(Path(name), lambda path: not _hidden(path, data_folder)), level)
    if glob.has_magic(name):
        return _texts(name, _matches(name, data_folder), level)
    if os.path.exists(name):
        raise CorpusError(f"{name} is neither a file nor a folder", "save its text to a file first")
    raise CorpusError(
        f"there is no file or folder {name!r}",
        "give stdlib, grammar:NAME, a file, a folder, a glob in quotes, or hf:owner/name[:config][#column]",
    )


def _texts(name: str, files: Iterable[Path], level: TextLevel) -> Text:
    """Return the text of those files that are text. Raises CorpusError when none is."""
    heads = {file: _head(file) for file in files}
    is_text = {file: _is_text(head, level) for file, head in heads.items() if head}
    if not any(is_text.values()):
        raise CorpusError(
            f"{name} has no text: none of its files ({len(heads):,}) is text",
            "name other files; --level bytes reads those that are not UTF-8",
        )
    texts = tuple(file for file, text in is_text.items() if text)
    return Text(name, texts, tuple(file for file, text in is_text.items() if not text))


def _head(file: Path) -> bytes:
    """Return the first bytes of a file. Raises CorpusError when it cannot be read."""
    try:
        with open(file, "rb") as opened:
            return opened.read(_HEAD_BYTES)
    except OSError as error:
        raise unreadable(error) from error


def _is_text(head: bytes, level: TextLevel) -> bool:
    """Return whether a file that begins with head is text; a full head may end within a character."""
    if b"\0" in head:
        return False
    try:
        return level == "bytes" or bool(codecs.utf_8_decode(head, "strict", len(head) < _HEAD_BYTES))
    except UnicodeDecodeError:
        return False


def _matches(pattern: str, data_folder: Path) -> list[Path]:
    """Return the files that a glob matches, sorted. Raises CorpusError when nothing matches."""
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise CorpusError(f"nothing matches {pattern!r}", "check the pattern; ** goes down through folders")
    paths = [Path(match) for match in matches]
    return [
        path for path in paths if path.is_file() and not (_in_cache(path, data_folder) or is_run_file(path))
    ]


def _walk(folder: Path, keep: Callable[[Path], bool]) -> list[Path]:
    """Return the files below a folder, sorted by relative path; files and folders that keep refuses are
    skipped.
    """
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise_unreadable):
        folders[:] = [name for name in folders if keep(Path(parent, name))]
        found += [path for name in files if keep(path := Path(parent, name)) and path.is_file()]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _raise_unreadable(error: OSError) -> None:
    """Raise the CorpusError for a folder that cannot be listed."""
    raise unreadable(error) from error


def _hidden(path: Path, data_folder: Path) -> bool:
    """Return whether a path in a folder of texts is hidden, part of the cache, or part of a run."""
    return path.name.startswith(".") or _in_cache(path, data_folder) or is_run_file(path)


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
    for path in _walk(folder, _is_library):
        if path.suffix == ".py" and path.relative_to(folder).as_posix() != "html/entities.py":
            try:
                text = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
            if text and not re.search("generated", text[:600], re.IGNORECASE):
                yield path


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


def _fetched(name: str, data_folder: Path) -> Path:
    """Return the file of a Hugging Face dataset's text, which is fetched unless it exists.

    The text is the rows of one column, joined by line feeds: of the split "train", or the first split where
    there is no "train"; of the column that was named, or "text", or the only column of strings. Each row is
    kept as `datasets` gives it, whose reader of .txt files turns CRLF into LF. Raises CorpusError when the
    text cannot be fetched.
    """
    dataset, _, column = name.removeprefix("hf:").partition("#")
    path, _, config = dataset.partition(":")
    if not path:
        raise CorpusError(f"{name!r} names no dataset", "write hf:owner/name[:config][#column]")
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name.removeprefix("hf:")).strip("-")[:80]
    place = data_folder / "hf" / f"{slug}-{sha256(name.encode()).hexdigest()[:8]}.txt"
    if place.exists():
        return place
    documents = _documents(name, column, _rows(name, path, config or None))
    with cache_file(place) as file:
        for number, document in enumerate(documents):
            file.write(b"\n" * (number > 0) + document.encode("utf-8"))
    return place


def _rows(name: str, path: str, config: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a dataset as they are fetched."""
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", path) and not os.path.exists(path):
        _reach_hub(name)
    for library in ("datasets", "huggingface_hub"):  # their warnings would be shown in spite of --quiet
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        from datasets import load_dataset  # takes a second

        splits = load_dataset(path, config, streaming=True)
        yield from splits["train" if "train" in splits else next(iter(splits))]
    except Exception as error:  # datasets, its readers and its network raise exceptions of every kind
        raise CorpusError(
            f"{name} cannot be read: {' '.join(str(error).split())[:300] or type(error).__name__}",
            "check hf:owner/name[:config][#column] and the network, or save the text and name its file",
        ) from error


def _reach_hub(name: str) -> None:
    """Raise CorpusError at once when the hub cannot be reached; the library would retry for 25 seconds.

    Nothing is tried where a proxy is used, or where the library is told to stay offline.
    """
    if os.environ.get("HF_HUB_OFFLINE") or "https" in getproxies():
        return
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise CorpusError(
            f"{name} cannot be read: {hub.hostname} cannot be reached: {error}",
            "check the network, or save the text and name its file",
        ) from error


def _documents(name: str, asked: str, rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the strings of the text's column; rows without a string in it are skipped."""
    first = next(rows, None)
    if first is None:
        raise CorpusError(f"{name} has no rows", "name another dataset, or another config of it")
    column = _column(name, asked, first)
    for row in chain([first], rows):
        if isinstance(row[column], str):
            yield row[column]


def _column(name: str, asked: str, row: dict[str, Any]) -> str:
    """Return the name of the column to read.

    Raises CorpusError when it holds no strings, and when several columns could be meant.
    """
    strings = [column for column, value in row.items() if isinstance(value, str)]
    column = asked or ("text" if "text" in row else strings[0] if len(strings) == 1 else "")
    if column not in row or not isinstance(row[column], str | None):
        problem = f"has no text in a column {column!r}" if column else "does not say which column is the text"
        raise CorpusError(f"{name} {problem}", f"name one with #COLUMN; its columns are {', '.join(row)}")
    return column
