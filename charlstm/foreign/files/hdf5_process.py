"""Read the arrays of one HDF5 file in a process of its own: this file, as a script.

HDF5's library is written in C, and a damaged file can make it loop for ever, take all memory or crash. So the
process that runs this script limits its own processor time and memory, and keras_file.py, which starts it,
ends it when its time is over. The script imports nothing of charlstm, so that it starts fast.

Its one argument is a Question as JSON. It writes messages to stdout, each a line of JSON: first the saved
configuration, then one for each array, which the array's bytes follow, and {"end": true}. A file that is not
read ends with one of {"refused": predicate}, {"over": predicate}, {"damaged": text} or {"missing": true}.
"""

import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, TypedDict

LARGEST_TEXT_BYTES = 4 << 20  # of the configuration, and of a list of names
_LARGEST_NAMES_BYTES = 64 << 20  # if each name of a list were as long as the file
_MOST_NAMES = 10_000
_MOST_STEPS = 200_000  # arrays and groups that are looked at
_DEEPEST_GROUP = 12
_BUILT_IN_FILTERS = (1, 2, 3)  # gzip, shuffle, Fletcher-32: the numbers that HDF5 gives them
_LONGEST_REASON_CHARACTERS = 500


class Question(TypedDict):
    """A Question names an HDF5 file and the limits on reading it.

    path is the file's path in the file system's encoding, as hexadecimal digits; member is the name of an
    HDF5 file in the zip archive at path, or None; import_paths are folders to look for packages in, after
    Python's own. array_bytes bounds the size of all arrays together, memory_bytes what the process may take
    besides its libraries, cpu_seconds the processor time and seconds the time for reading.
    """

    path: str
    member: str | None
    import_paths: list[str]
    array_bytes: int
    memory_bytes: int
    cpu_seconds: int
    seconds: int


class _RefusedError(Exception):
    """The file holds what is not read; the message is the predicate of a sentence about it."""


class _OverLimitError(Exception):
    """Reading the file would take more than its limits; the message is the predicate of a sentence."""


def main() -> None:
    """Answer the question in sys.argv on stdout."""
    for name in ("SIGINT", "SIGALRM", "SIGXCPU"):  # none may wait until the library in C has returned
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    question: Question = json.loads(sys.argv[1])
    sys.path += [path for path in question["import_paths"] if path not in sys.path]
    answer = sys.stdout.buffer
    try:
        import h5py  # noqa: F401
    except ImportError:
        _write(answer, {"missing": True})
        return
    _limit_this_process(question)
    try:
        for message, content in _messages(question):
            _write(answer, message, content)
        _write(answer, {"end": True})
    except _RefusedError as error:
        _write(answer, {"refused": str(error)})
    except _OverLimitError as error:
        _write(answer, {"over": str(error)})
    except MemoryError:
        _write(answer, {"over": "takes much more memory to read than its size allows"})
    except BrokenPipeError:
        os._exit(1)  # nobody reads the answer any more
    except Exception as error:  # a damaged file can raise anything
        _write(answer, {"damaged": str(error)[:_LONGEST_REASON_CHARACTERS]})


def _write(answer: BinaryIO, message: dict[str, Any], content: Any = b"") -> None:
    """Write a message as a line of JSON, and the bytes of an array that follow it."""
    answer.write(json.dumps(message).encode("ascii") + b"\n")
    answer.write(content)
    answer.flush()


def _limit_this_process(question: Question) -> None:
    """Bound the time of this process, and its processor time and memory where the platform can do so.

    What Python and the libraries have taken so far is not counted.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(question["seconds"])
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = int(used.ru_utime + used.ru_stime) + 1 + question["cpu_seconds"]
    limits = [(resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_CORE, 0)]
    mapped = _mapped_bytes()
    if mapped is not None:
        limits.append((resource.RLIMIT_AS, mapped + question["memory_bytes"]))
    for kind, limit in limits:
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def _mapped_bytes() -> int | None:
    """Return the size of this process's address space in bytes, or None where the system does not tell it."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _messages(question: Question) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the messages about the file that question names, each with the bytes that follow it."""
    import h5py
    import numpy as np

    path = bytes.fromhex(question["path"])
    with h5py.File(path if question["member"] is None else _member(path, question["member"]), "r") as file:
        saved = {name: _saved_text(file, name) for name in ("model_config", "keras_version")}
        root = _linked(file, "model_weights") if _has(file, "model_weights") else file
        layers = _names(root, "layer_names")
        yield saved | {"in_order": bool(layers)}, b""
        limits = _Limits(question["array_bytes"])
        datasets = _listed_datasets(root, layers, limits) if layers else _datasets_below(root, "", limits)
        for name, dataset in datasets:
            _check_dataset(name, dataset, limits)
            array = np.ascontiguousarray(dataset[()])
            message = {"name": name, "dtype": array.dtype.str, "shape": list(dataset.shape)}
            yield message, array.reshape(-1).view(np.uint8)


def _member(path: bytes, name: str) -> io.BytesIO:
    """Return the file called name in the zip archive at path."""
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        return io.BytesIO(archive.read(name))


class _Limits:
    """The bytes of arrays and the steps that are left for reading a file."""

    def __init__(self, array_bytes: int) -> None:
        self._bytes_left = array_bytes
        self._steps_left = _MOST_STEPS

    def take_bytes(self, count: int) -> None:
        """Take count bytes of arrays. Raises _OverLimitError when fewer are left."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise _OverLimitError("would become many times as large as it is")

    def take_step(self) -> None:
        """Take one step. Raises _OverLimitError when none is left."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise _OverLimitError("would take very many steps to read")


def _listed_datasets(root: Any, layers: list[str], limits: _Limits) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in the group root with their names, in the order of the lists of Keras 1 and 2.

    layers has the names of root's layers, each of which has a list of its weights.
    """
    for layer in layers:
        group = _linked(root, layer)
        for weight in _names(group, "weight_names"):
            limits.take_step()
            dataset = group
            for part in weight.strip("/").split("/"):
                dataset = _linked(dataset, part)
            yield f"{layer}/{weight}", dataset


def _datasets_below(group: Any, name: str, limits: _Limits) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in group, which is called name, and in the groups within it, in any order."""
    if name.count("/") > _DEEPEST_GROUP:
        raise _RefusedError("holds groups within groups without an end")
    if len(group) > _MOST_NAMES:
        raise _RefusedError(f"holds {len(group):,} arrays")
    for key in group:
        limits.take_step()
        child = _linked(group, key)
        if hasattr(child, "shape"):
            yield f"{name}{key}", child
        elif hasattr(child, "keys"):
            yield from _datasets_below(child, f"{name}{key}/", limits)


def _has(group: Any, key: str) -> bool:
    """Tell whether group has a link called key, wherever the link leads."""
    return group.get(key, getlink=True) is not None


def _linked(group: Any, key: str) -> Any:
    """Return what group holds under key. Raises _RefusedError for a link to another place or another file."""
    import h5py

    if not hasattr(group, "keys") or not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise _RefusedError(f"has no array of its own under {key[:60]!r}")
    return group[key]


def _names(group: Any, attribute: str) -> list[str]:
    """Return the texts in an attribute of group; Keras splits a long list over several attributes."""
    attributes: Any = getattr(group, "attrs", {})
    parts = [attribute] if attribute in attributes else []
    while f"{attribute}{len(parts)}" in attributes and len(parts) < _MOST_NAMES:
        parts.append(f"{attribute}{len(parts)}")
    names: list[str] = []
    for part in parts:
        attached = attributes.get_id(part)
        if len(attached.shape) != 1 or attached.shape[0] > _MOST_NAMES:
            raise _RefusedError(f"has a damaged list of names ({attribute})")
        _check_storage(attached, attribute)
        # Texts of any length are kept apart from the list, which may name one large text again and again.
        if (
            attached.dtype.kind != "S"
            and attached.shape[0] * group.file.id.get_filesize() > _LARGEST_NAMES_BYTES
        ):
            raise _RefusedError(f"has a list of names of any length ({attribute})")
        names += [_text(name) for name in attributes[part]]
    return names


def _check_storage(attached: Any, attribute: str) -> None:
    """Raise _RefusedError when an attribute, by its HDF5 object attached, takes very much memory."""
    if attached.get_storage_size() > LARGEST_TEXT_BYTES:
        raise _RefusedError(f"has a very large attribute ({attribute})")


def _text(value: Any) -> str:
    """Return a text of HDF5, which is bytes or a str."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _saved_text(file: Any, attribute: str) -> str | None:
    """Return a text that Keras 1 or 2 saved as an attribute of an HDF5 file, or None where it is no UTF-8."""
    if attribute not in file.attrs:
        return None
    attached = file.attrs.get_id(attribute)
    _check_storage(attached, attribute)
    if attached.shape not in ((), (1,)):
        return None
    value = file.attrs[attribute]
    try:
        text = _text(value[0] if attached.shape else value)
    except UnicodeDecodeError:
        return None
    return text if len(text) <= LARGEST_TEXT_BYTES else None


def _check_dataset(name: str, dataset: Any, limits: _Limits) -> None:
    """Take the array dataset from limits before it is read.

    Raises _RefusedError when it is not plain numbers in the file itself, _OverLimitError for a too large one.
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    elsewhere = dataset.is_virtual or dataset.external
    if (
        elsewhere
        or dataset.dtype.kind not in "biuf"
        or any(each not in _BUILT_IN_FILTERS for each in filters)
    ):
        raise _RefusedError(f"keeps {name[:60]!r} in another file or another form")
    limits.take_bytes(dataset.size * dataset.dtype.itemsize)


if __name__ == "__main__":
    main()
