"""Read what Keras saves: HDF5 files of Keras 1, 2 and 3, and .keras archives, by the package h5py.

Only arrays and the saved configuration are read. An HDF5 file can point to other files, so links out of it
and arrays kept elsewhere are refused, as are arrays that plugins would have to decode. A damaged file can
make HDF5's library, which is written in C, loop for ever or crash. So hdf5_process.py calls it in another
process, and what that process writes is checked here like any file.
"""

import importlib.util
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from charlstm.config import GateActivation
from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.contents import Contents, NotReadError
from charlstm.foreign.files.hdf5_process import LARGEST_TEXT_BYTES, Question
from charlstm.foreign.files.tree import natural_sort_key
from charlstm.machine.scripts import RunningScript, import_paths, running_script

WEIGHTS_NAME = "model.weights.h5"  # of the HDF5 file in a .keras archive
_CONFIG_NAME, _METADATA_NAME = "config.json", "metadata.json"
_SAVE_AS_NPZ = "save it as numpy.savez('weights.npz', *model.get_weights()) and import that"
# Keras 3 numbers the arrays of a layer: these are their names in the order of the numbers.
_LSTM_ARRAYS = ("kernel", "recurrent_kernel", "bias")
_OTHER_ARRAYS = ("kernel", "bias")

_SCRIPT = Path(__file__).with_name("hdf5_process.py")
# The processor time for reading an HDF5 file: this number of seconds, and one more for each piece of the
# file, whose packed arrays may become eight times as large.
_CPU_SECONDS_OF_ANY_FILE, _BYTES_PER_CPU_SECOND = 2, 10 << 20
# A busy machine may take this number of times as long; so may one that does not count the processor time.
_SECONDS_PER_CPU_SECOND = 10
_SECONDS_TO_START = 30
# What HDF5 may take besides the arrays: its caches, and texts of the file.
_BYTES_OF_LIBRARY = 200 << 20
_LONGEST_MESSAGE_BYTES = 64 << 20
_TYPE_OF_NUMBERS = re.compile("[<>|][biuf][0-9]{1,2}")


def read_hdf5(path: Path, budget: Budget) -> Contents:
    """Return the arrays and the configuration in the HDF5 file at path.

    Raises NotReadError without h5py and for what is refused, OverBudgetError, or what a damaged file raises.
    """
    saved, arrays = _read_apart(path, None, path.stat().st_size, budget)
    gates = _gate_activation(_json(saved["model_config"]), saved["keras_version"])
    return Contents(arrays, framework="Keras", gate_activation=gates)


def read_keras_archive(archive: zipfile.ZipFile, budget: Budget) -> Contents:
    """Return the arrays and the configuration in a .keras archive, which was opened by its path.

    Raises NotReadError without h5py and for what is refused, OverBudgetError, or what a damaged file raises.
    """
    config, metadata = (_member(archive, name) for name in (_CONFIG_NAME, _METADATA_NAME))
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    size = archive.getinfo(WEIGHTS_NAME).file_size
    budget.take_bytes(size)
    assert archive.filename is not None
    _, arrays = _read_apart(Path(archive.filename), WEIGHTS_NAME, size, budget)
    return Contents(arrays, framework="Keras", gate_activation=_gate_activation(config, version))


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """Return the JSON value in a file of an archive, or None where there is none."""
    if name not in archive.namelist() or archive.getinfo(name).file_size > LARGEST_TEXT_BYTES:
        return None
    return _json(archive.read(name))


def _read_apart(
    path: Path, member: str | None, size: int, budget: Budget
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is in the HDF5 file of size bytes at path, or called member in the zip archive there.

    The first dict has what Keras saved beside the weights, the second the arrays by name, in order. Raises
    NotReadError, OverBudgetError, or ValueError with the library's own words about a damaged file.
    """
    if importlib.util.find_spec("h5py") is None:
        raise _without_h5py()
    cpu_seconds = _CPU_SECONDS_OF_ANY_FILE + size // _BYTES_PER_CPU_SECOND
    question = Question(
        path=os.fsencode(path).hex(),
        member=member,
        import_paths=import_paths(),
        array_bytes=budget.bytes_left,
        memory_bytes=_BYTES_OF_LIBRARY + size + 2 * budget.bytes_left,
        cpu_seconds=cpu_seconds,
        seconds=_SECONDS_PER_CPU_SECOND * cpu_seconds,
    )
    with running_script(_SCRIPT, question, seconds=_SECONDS_TO_START + question["seconds"]) as script:
        try:
            return _received(script.output, budget)
        except EOFError as error:
            raise _unfinished(script, cpu_seconds) from error


def _without_h5py() -> NotReadError:
    """Return the problem that h5py is not installed."""
    return NotReadError(
        "is a file of Keras (HDF5), for which the package h5py is needed",
        f"install it: pip install 'charlstm[keras]'; or {_SAVE_AS_NPZ}",
    )


def _unfinished(script: RunningScript, cpu_seconds: int) -> NotReadError:
    """Return the problem of a file for which the script ended before its answer did."""
    advice = f"check that the file is complete; if it is, {_SAVE_AS_NPZ}"
    if script.ended_by_time():
        return NotReadError(f"keeps the library HDF5 busy for more than {cpu_seconds} seconds", advice)
    return NotReadError("makes the library HDF5 crash", advice)


def _received(answer: IO[bytes], budget: Budget) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what _read_apart does, from the messages of the script. Raises EOFError where they break off."""
    saved = _next_message(answer, budget)
    arrays: list[tuple[str, Any]] = []
    while "end" not in (message := _next_message(answer, budget)):
        arrays.append((str(message["name"]), _next_array(answer, message, budget)))
    if not saved["in_order"]:
        arrays.sort(key=lambda each: [(natural_sort_key(part), part) for part in each[0].split("/")])
    return saved, {_usual_name(name): array for name, array in arrays}


def _next_message(answer: IO[bytes], budget: Budget) -> dict[str, Any]:
    """Return the next message. Raises what it says of a file that is not read, and EOFError at the end."""
    line = answer.readline(_LONGEST_MESSAGE_BYTES)
    budget.take_nodes(10)
    budget.take_bytes(len(line))
    if not line.endswith(b"\n"):
        raise EOFError
    message = _json(line, longest=_LONGEST_MESSAGE_BYTES)
    if not isinstance(message, dict):
        raise EOFError
    if "missing" in message:
        raise _without_h5py()
    if "refused" in message:
        raise NotReadError(str(message["refused"]), _SAVE_AS_NPZ)
    if "over" in message:
        raise OverBudgetError(str(message["over"]))
    if "damaged" in message:
        raise ValueError(str(message["damaged"]))
    return message


def _next_array(answer: IO[bytes], message: dict[str, Any], budget: Budget) -> Any:
    """Return the array that message announces; one without dimensions becomes a number of NumPy."""
    kind, shape = message["dtype"], message["shape"]
    if not _TYPE_OF_NUMBERS.fullmatch(kind) or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("its arrays are damaged")
    dtype = np.dtype(kind)
    count = math.prod(shape) * dtype.itemsize
    budget.take_bytes(count)
    content: NDArray[np.uint8] = np.empty(count, np.uint8)
    if answer.readinto(content) != count:  # type: ignore[attr-defined]
        raise EOFError
    return content.view(dtype).reshape(shape)[()]


def _usual_name(name: str) -> str:
    """Return name, or what Keras 2 would call the array that Keras 3 calls LAYER/vars/NUMBER."""
    match = re.fullmatch(r"(.*?)(/cell)?/vars/([0-9])", name)
    if match is None:
        return name
    layer, cell, number = match[1], match[2], int(match[3])
    if "embedding" in layer.rsplit("/", 1)[-1]:
        return f"{layer}/embeddings"
    arrays = _LSTM_ARRAYS if cell else _OTHER_ARRAYS
    return f"{layer}/{arrays[number] if number < len(arrays) else number}"


def _json(text: Any, longest: int = LARGEST_TEXT_BYTES) -> Any:
    """Return the JSON value that text, a str or bytes no longer than longest, spells, or None."""
    try:
        return json.loads(text) if len(text) <= longest else None
    except (ValueError, TypeError, RecursionError):
        return None


def _gate_activation(config: Any, version: Any) -> GateActivation | None:
    """Return what the gates of the LSTM layers in config apply, or None when nothing says it.

    Where config, which may be None, does not say it, the text of Keras's version does, if it is before 2.3.
    Raises NotReadError for a layer that computes something else than the LSTM of this program.
    """
    number = _version_number(version)
    found = _configured_gates(config)
    if "hard_sigmoid" in found and number is not None and number >= (3, 0):
        raise NotReadError(
            "holds an LSTM with the hard sigmoid of Keras 3, x / 6 + 0.5",
            "import a model with sigmoid there, or with the hard sigmoid of Keras 2, 0.2 x + 0.5",
        )
    if found:
        return "hard_sigmoid" if found == {"hard_sigmoid"} else "sigmoid"
    # TensorFlow's Keras has its own versions, and 2.2.4-tf had hard sigmoids in TensorFlow 1 only.
    old = number is not None and number < (2, 3) and not str(version).endswith("-tf")
    return "hard_sigmoid" if old else None


def _version_number(version: Any) -> tuple[int, int] | None:
    """Return the first two numbers of the text of a version, or None where it is no such text."""
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", str(version)) if version is not None else None
    return (int(match[1]), int(match[2])) if match else None


def _configured_gates(config: Any) -> set[str]:
    """Return the functions of the gates of the LSTM layers in config: one, or none without such layers.

    Raises NotReadError for a layer that computes something else than the LSTM of this program.
    """
    found: set[str] = set()
    for kind, settings in _layers(config):
        if kind == "Bidirectional":
            raise NotReadError(
                "holds a bidirectional layer: it reads the text ahead", "import one of one direction"
            )
        if kind == "LSTM":
            gates = settings.get("recurrent_activation", settings.get("inner_activation", "sigmoid"))
            found.add(str(gates))
            _check_activation(kind, settings.get("activation", "tanh"), ("tanh",))
            _check_activation(kind, gates, ("sigmoid", "hard_sigmoid"))
        if kind in ("Dense", "Activation"):
            _check_activation(kind, settings.get("activation", "linear"), ("linear", "softmax", None))
    if len(found) > 1:
        raise NotReadError("holds LSTM layers whose gates differ", "import a model whose layers are alike")
    return found


def _check_activation(kind: str, activation: Any, allowed: tuple[Any, ...]) -> None:
    """Raise NotReadError when the activation of a layer of this kind is not one of those allowed."""
    if not any(activation == each for each in allowed):
        shown = activation if isinstance(activation, str) else "of its own"
        raise NotReadError(
            f"holds a layer {kind} with the activation {shown[:40]}",
            f"import a model with {allowed[0]} there",
        )


def _layers(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the settings of every layer in the JSON value config, the outer ones first."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            settings = value.get("config")
            if isinstance(value.get("class_name"), str) and isinstance(settings, dict):
                yield value["class_name"], settings
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
