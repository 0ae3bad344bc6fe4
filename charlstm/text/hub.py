"""A text that is a column of a dataset on the Hugging Face hub: hf:owner/name[:config][#column].

The name is not trusted, as it may come from the config.json of a run of somebody else. It must be that of a
dataset on the hub, never a folder of this machine or a loader of the library; the dataset must consist of
files of its own, in one of four formats that hold data only; and the user's access token stays here unless
CHARLSTM_HF_TOKEN is set to 1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from charlstm.errors import CorpusError
from charlstm.machine.hugging_face import (
    PREFIX,
    TOKEN_ADVICE,
    is_repository,
    says_no_access,
    silence,
    token_for_reading,
    unreachable,
    what_it_said,
)
from charlstm.machine.interrupts import end_if_asked
from charlstm.text.cache_folder import cache_file

# The readers of the library `datasets` for files that hold data only; others unpickle, or open other files.
_READERS = ("csv", "json", "parquet", "text")
# What the library calls things on the hub that are no datasets of an owner.
_NO_OWNERS = ("buckets", "datasets", "models", "spaces")


@dataclass(frozen=True)
class DatasetName:
    """A dataset on the hub, owner/name; a configuration of it or None; and a column, "" for the only one."""

    dataset: str
    config: str | None
    column: str


def parse_name(name: str) -> DatasetName:
    """Read a name of the form "hf:owner/name[:config][#column]". Raises CorpusError for anything else."""
    rest, _, column = name.removeprefix(PREFIX).partition("#")
    dataset, _, config = rest.partition(":")
    if not is_repository(dataset) or dataset.partition("/")[0] in _NO_OWNERS:
        raise CorpusError(
            f"{name!r} names no dataset on the Hugging Face hub",
            "write hf:owner/name[:config][#column]; name a folder or a file on this machine without hf:",
        )
    return DatasetName(dataset, config or None, column)


def fetched(name: str, data_folder: Path) -> Path:
    """Return the file of a dataset's text, which is fetched unless it exists.

    The text is the rows of one column, joined by line feeds: of the split "train", or the first split where
    there is no "train"; of the column that was named, or "text", or the only column of strings. Each row is
    kept as `datasets` gives it, whose reader of .txt files turns CRLF into LF. Raises CorpusError when the
    text cannot be fetched.
    """
    wanted = parse_name(name)
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name.removeprefix(PREFIX)).strip("-")[:80]
    place = data_folder / "hf" / f"{slug}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.txt"
    if place.exists():
        return place
    documents = _documents(name, wanted.column, _rows(name, wanted))
    with cache_file(place) as file:
        for number, document in enumerate(documents):
            end_if_asked()
            file.write(b"\n" * (number > 0) + document.encode("utf-8"))
    return place


def _rows(name: str, wanted: DatasetName) -> Iterator[dict[str, Any]]:
    """Yield the rows of a dataset as they are fetched. Raises CorpusError for whatever keeps them away."""
    if why := unreachable():
        raise CorpusError(
            f"{name} cannot be read: {why}", "check the network, or save the text and name its file"
        )
    silence("datasets", "huggingface_hub")
    try:
        from datasets import load_dataset_builder  # takes a second

        # With this prefix the library takes the name for one on the hub, whatever folders there are here.
        place = f"hf://datasets/{wanted.dataset}"
        builder = load_dataset_builder(place, wanted.config, token=token_for_reading())
        _refuse_other_data(name, builder, place)
        splits = builder.as_streaming_dataset()
        yield from splits["train" if "train" in splits else next(iter(splits))]
    except CorpusError:
        raise
    except Exception as error:  # datasets, its readers and its network raise exceptions of every kind
        said = what_it_said(error)
        raise CorpusError(f"{name} cannot be read: {said}", _advice(said)) from error


def _advice(said: str) -> str:
    """Return what to do about a dataset that cannot be read, by what the library said of it."""
    if says_no_access(said):
        return f"check hf:owner/name[:config][#column]; for a gated or private dataset {TOKEN_ADVICE}"
    return "check hf:owner/name[:config][#column] and the network, or save the text and name its file"


def _refuse_other_data(name: str, builder: Any, place: str) -> None:
    """Raise CorpusError unless a dataset is read by one of _READERS, from files of its own.

    builder is the library's for the dataset at place. Its files are what the dataset's description says,
    which may as well name files on this machine or addresses elsewhere.
    """
    modules = {f"datasets.packaged_modules.{reader}.{reader}" for reader in _READERS}
    if not any(base.__module__ in modules for base in type(builder).__mro__):
        raise CorpusError(
            f"{name} is not a dataset of plain data files: only {', '.join(_READERS)} are read",
            "name a dataset in one of these formats, or save the text and name its file",
        )
    for file in chain.from_iterable((builder.config.data_files or {}).values()):
        if not str(file).startswith(f"{place}@") or ".." in str(file).split("/"):
            raise CorpusError(
                f"{name} names a file that is not its own: {str(file)[:200]}", "name another dataset"
            )


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
