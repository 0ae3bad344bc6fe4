"""Where a text comes from: Python's standard library, a grammar, a file, a folder, a glob or Hugging Face.

Each becomes a sequence of files, which tokens.py joins with a line feed between each two.

In a folder and among a glob's matches, a text is a file that is neither empty nor hidden nor part of a run,
whose first 8,000 bytes hold no NUL (what git goes by) and are UTF-8, unless it is read as bytes. What is not
is left out and told. A file that is not UTF-8 further on is an error, and so is one that was named.
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
_HEAD_BYTES = 8_000
_REACH_SECONDS = 5
_STDLIB_NOT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "pydoc_data"}


def find_text(name: str, *, level: TextLevel, data_folder: Path) -> Text:
    """The files that a CORPUS names; those generated or from Hugging Face are kept in data_folder.

    Raises CorpusError when there is none, or none with text.
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
    """Those of the files that are text. Raises CorpusError when none is."""
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
    try:
        with open(file, "rb") as opened:
            return opened.read(_HEAD_BYTES)
    except OSError as error:
        raise unreadable(error) from error


def _is_text(head: bytes, level: TextLevel) -> bool:
    """Whether a file that begins like this is text; a head of full length may cut a character off."""
    if b"\0" in head:
        return False
    try:
        return level == "bytes" or bool(codecs.utf_8_decode(head, "strict", len(head) < _HEAD_BYTES))
    except UnicodeDecodeError:
        return False


def _matches(pattern: str, data_folder: Path) -> list[Path]:
    """The files that a glob matches, sorted. Raises CorpusError when nothing does."""
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise CorpusError(f"nothing matches {pattern!r}", "check the pattern; ** goes down through folders")
    paths = [Path(match) for match in matches]
    return [
        path for path in paths if path.is_file() and not (_in_cache(path, data_folder) or is_run_file(path))
    ]


def _walk(folder: Path, keep: Callable[[Path], bool]) -> list[Path]:
    """The files below a folder, by their relative paths; what keep refuses is not entered."""
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise_unreadable):
        folders[:] = [name for name in folders if keep(Path(parent, name))]
        found += [path for name in files if keep(path := Path(parent, name)) and path.is_file()]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _raise_unreadable(error: OSError) -> None:
    raise unreadable(error) from error


def _hidden(path: Path, data_folder: Path) -> bool:
    return path.name.startswith(".") or _in_cache(path, data_folder) or is_run_file(path)


def _in_cache(path: Path, data_folder: Path) -> bool:
    """Whether charlstm keeps its ids there: a text that held its own cache would change at every run."""
    place = Path(os.path.abspath(path))
    return Path(os.path.abspath(data_folder / "tokens")) in (place, *place.parents)


def _stdlib_files() -> Iterator[Path]:
    """The standard library's modules without tests, installed packages and generated tables."""
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
    return path.name not in _STDLIB_NOT and not path.name.startswith("config-")


def _generated(name: str, data_folder: Path) -> Path:
    """The file of a grammar's text, generated unless it is there. Raises CorpusError for a wrong name."""
    wanted = grammar.parse_name(name)
    file = f"{wanted.grammar}-{wanted.characters}-{wanted.seed}-v{grammar.FORMAT}.txt"
    place = data_folder / "grammar" / file
    if not place.is_file() or place.stat().st_size != wanted.characters:  # ASCII: a character is a byte
        made = grammar.generate(wanted.grammar, characters=wanted.characters, seed=wanted.seed)
        with cache_file(place) as opened:
            opened.write(made.text.encode("ascii"))
    return place


def _fetched(name: str, data_folder: Path) -> Path:
    """The file of a Hugging Face dataset's text, fetched unless it is there.

    It joins the rows of one column by line feeds: of split "train", or the first where there is no train;
    of column "text", or the only one that holds strings. What `datasets` gives for a row is kept exactly (but
    its own reader of .txt files turns CRLF into LF first). Raises CorpusError when that cannot be had.
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
    """Yield a dataset's rows as they are fetched."""
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", path) and not os.path.exists(path):
        _reach_hub(name)
    for library in ("datasets", "huggingface_hub"):  # whose warnings come past --quiet
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        from datasets import load_dataset  # takes a second

        splits = load_dataset(path, config, streaming=True)
        yield from splits["train" if "train" in splits else next(iter(splits))]
    except Exception as error:  # datasets, its file readers and its network raise every kind
        raise CorpusError(
            f"{name} cannot be read: {' '.join(str(error).split())[:300] or type(error).__name__}",
            "check hf:owner/name[:config][#column] and the network, or save the text and name its file",
        ) from error


def _reach_hub(name: str) -> None:
    """Raise CorpusError at once when the hub cannot be reached; the library would try again for 25 seconds.

    Not asked where the way leads through a proxy, or where the library is told to be offline.
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
    """Yield the strings of the column asked for, or else of the text's; rows without are passed over."""
    first = next(rows, None)
    if first is None:
        raise CorpusError(f"{name} has no rows", "name another dataset, or another config of it")
    column = _column(name, asked, first)
    for row in chain([first], rows):
        if isinstance(row[column], str):
            yield row[column]


def _column(name: str, asked: str, row: dict[str, Any]) -> str:
    """The column to read. Raises CorpusError when it holds no strings, and when several could be meant."""
    strings = [column for column, value in row.items() if isinstance(value, str)]
    column = asked or ("text" if "text" in row else strings[0] if len(strings) == 1 else "")
    if column not in row or not isinstance(row[column], str | None):
        problem = f"has no text in a column {column!r}" if column else "does not say which column is the text"
        raise CorpusError(f"{name} {problem}", f"name one with #COLUMN; its columns are {', '.join(row)}")
    return column
