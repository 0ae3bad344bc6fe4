"""Read what Keras saves: HDF5 files of Keras 1, 2 and 3, and .keras archives, by the package h5py.

Only arrays and the saved configuration are read. An HDF5 file can point to other files, so links out of it
and arrays kept elsewhere are refused, as are arrays that plugins would have to decode.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charlstm.config import GateActivation
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.contents import Contents, NotReadError
from charlstm.foreign.files.tree import natural_sort_key

WEIGHTS_NAME = "model.weights.h5"  # of the HDF5 file in a .keras archive
_CONFIG_NAME, _METADATA_NAME = "config.json", "metadata.json"
_LARGEST_TEXT_BYTES = 4 << 20  # of the configuration, and of a list of names
_LARGEST_NAMES_BYTES = 64 << 20  # if each name of a list were as long as the file
_MOST_NAMES = 10_000
_DEEPEST_GROUP = 12
_BUILT_IN_FILTERS = (1, 2, 3)  # gzip, shuffle, Fletcher-32: the numbers that HDF5 gives them
_SAVE_AS_NPZ = "save it as numpy.savez('weights.npz', *model.get_weights()) and import that"
# Keras 3 numbers the arrays of a layer: these are their names in the order of the numbers.
_LSTM_ARRAYS = ("kernel", "recurrent_kernel", "bias")
_OTHER_ARRAYS = ("kernel", "bias")


def read_hdf5(path: Path, budget: Budget) -> Contents:
    """Return the arrays and the configuration in the HDF5 file at path.

    Raises NotReadError without h5py and for what is refused, OverBudgetError, or what a damaged file raises.
    """
    with _h5py().File(path, "r") as file:
        config, version = (_saved_text(file, name) for name in ("model_config", "keras_version"))
        return _contents(file, _json(config), version, budget)


def read_keras_archive(archive: zipfile.ZipFile, budget: Budget) -> Contents:
    """Return the arrays and the configuration in a .keras archive.

    Raises NotReadError without h5py and for what is refused, OverBudgetError, or what a damaged file raises.
    """
    h5py = _h5py()
    config, metadata = (_member(archive, name) for name in (_CONFIG_NAME, _METADATA_NAME))
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    budget.take_bytes(archive.getinfo(WEIGHTS_NAME).file_size)
    with h5py.File(io.BytesIO(archive.read(WEIGHTS_NAME)), "r") as file:
        return _contents(file, config, version, budget)


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """Return the JSON value in a file of an archive, or None where there is none."""
    if name not in archive.namelist() or archive.getinfo(name).file_size > _LARGEST_TEXT_BYTES:
        return None
    return _json(archive.read(name))


def _h5py() -> Any:
    """Return the package h5py. Raises NotReadError when it is not installed."""
    try:
        import h5py
    except ImportError as error:
        raise NotReadError(
            "is a file of Keras (HDF5), for which the package h5py is needed",
            f"install it: pip install 'charlstm[keras]'; or {_SAVE_AS_NPZ}",
        ) from error
    return h5py


def _contents(file: Any, config: Any, version: Any, budget: Budget) -> Contents:
    """Return the contents of an open HDF5 file whose model has the configuration config, or None.

    version is the text of Keras's version, None where it is not known.
    """
    root = file.get("model_weights", file)
    tree: dict[str, Any] = {}
    for name, dataset in _datasets(file, root, budget):
        _check_dataset(name, dataset, budget)
        tree[_usual_name(name)] = dataset[()]
    return Contents(tree, framework="Keras", gate_activation=_gate_activation(config, version))


def _datasets(file: Any, root: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in root, a group of file, with their names.

    Where Keras 1 or 2 wrote the file, its lists of layers and weights give the order; elsewhere the names do.
    """
    layers = _names(root, "layer_names")
    if not layers:
        yield from _datasets_below(root, "", budget)
        return
    for layer in layers:
        group = _linked(root, layer)
        for weight in _names(group, "weight_names"):
            budget.take_nodes()
            dataset = group
            for part in weight.strip("/").split("/"):
                dataset = _linked(dataset, part)
            yield f"{layer}/{weight}", dataset


def _datasets_below(group: Any, name: str, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in group, which is called name, and in the groups within it, by name."""
    if name.count("/") > _DEEPEST_GROUP:
        raise NotReadError("holds groups within groups without an end", _SAVE_AS_NPZ)
    if len(group) > _MOST_NAMES:
        raise NotReadError(f"holds {len(group):,} arrays", _SAVE_AS_NPZ)
    for key in sorted(group, key=natural_sort_key):
        budget.take_nodes(10)
        child = _linked(group, key)
        if hasattr(child, "shape"):
            yield f"{name}{key}", child
        elif hasattr(child, "keys"):
            yield from _datasets_below(child, f"{name}{key}/", budget)


def _linked(group: Any, key: str) -> Any:
    """Return what group holds under key. Raises NotReadError for a link to another place or another file."""
    h5py = _h5py()
    if not hasattr(group, "keys") or not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise NotReadError(f"has no array of its own under {key[:60]!r}", _SAVE_AS_NPZ)
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
            raise NotReadError(f"has a damaged list of names ({attribute})", _SAVE_AS_NPZ)
        _check_storage(attached, attribute)
        # Texts of any length are kept apart from the list, which may name one large text again and again.
        if (
            attached.dtype.kind != "S"
            and attached.shape[0] * group.file.id.get_filesize() > _LARGEST_NAMES_BYTES
        ):
            raise NotReadError(f"has a list of names of any length ({attribute})", _SAVE_AS_NPZ)
        names += [_text(name) for name in attributes[part]]
    return names


def _check_storage(attached: Any, attribute: str) -> None:
    """Raise NotReadError when an attribute, by its HDF5 object attached, takes very much memory."""
    if attached.get_storage_size() > _LARGEST_TEXT_BYTES:
        raise NotReadError(f"has a very large attribute ({attribute})", _SAVE_AS_NPZ)


def _text(value: Any) -> str:
    """Return a text of HDF5, which is bytes or a str."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _check_dataset(name: str, dataset: Any, budget: Budget) -> None:
    """Take the array dataset from budget before it is read.

    Raises NotReadError when it is not plain numbers in the file itself, OverBudgetError when it is too large.
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    elsewhere = dataset.is_virtual or dataset.external
    if (
        elsewhere
        or dataset.dtype.kind not in "biuf"
        or any(each not in _BUILT_IN_FILTERS for each in filters)
    ):
        raise NotReadError(f"keeps {name[:60]!r} in another file or another form", _SAVE_AS_NPZ)
    budget.take_bytes(dataset.size * dataset.dtype.itemsize)


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


def _saved_text(file: Any, attribute: str) -> Any:
    """Return a text that Keras 1 or 2 saved as an attribute of an HDF5 file, or None."""
    if attribute not in file.attrs:
        return None
    attached = file.attrs.get_id(attribute)
    _check_storage(attached, attribute)
    if attached.shape not in ((), (1,)):
        return None
    value = file.attrs[attribute]
    return value[0] if attached.shape else value


def _json(text: Any) -> Any:
    """Return the JSON value that text, a str or bytes, spells, or None."""
    try:
        return json.loads(text) if len(text) <= _LARGEST_TEXT_BYTES else None
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
    old = number is not None and number < (2, 3) and not _text(version).endswith("-tf")
    return "hard_sigmoid" if old else None


def _version_number(version: Any) -> tuple[int, int] | None:
    """Return the first two numbers of the text of a version, or None where it is no such text."""
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", _text(version)) if version is not None else None
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
