"""HDF5 files and archives of Keras are read with their configuration, and cannot reach other files."""

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_models import CELLS, CHARACTERS, IDS, SIZE, logits

from charlstm.errors import CheckpointError
from charlstm.foreign import load_foreign
from charlstm.foreign.files import keras_file
from charlstm.foreign.files.weights_file import read_weights

h5py = pytest.importorskip("h5py")


def arrays() -> dict[str, np.ndarray]:
    """Return the weights of an embedding, two layers and a head, by the names of Keras 2 in its order."""
    random = np.random.default_rng(0)
    shapes = {
        "embedding/embedding/embeddings:0": (SIZE, 5),
        "lstm_9/lstm_9/lstm_cell/kernel:0": (5, 4 * CELLS),
        "lstm_9/lstm_9/lstm_cell/recurrent_kernel:0": (CELLS, 4 * CELLS),
        "lstm_9/lstm_9/lstm_cell/bias:0": (4 * CELLS,),
        "lstm_10/lstm_10/lstm_cell/kernel:0": (CELLS, 4 * CELLS),
        "lstm_10/lstm_10/lstm_cell/recurrent_kernel:0": (CELLS, 4 * CELLS),
        "lstm_10/lstm_10/lstm_cell/bias:0": (4 * CELLS,),
        "dense/dense/kernel:0": (CELLS, SIZE),
        "dense/dense/bias:0": (SIZE,),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def configuration(**settings: object) -> dict:
    """Return the configuration of the model, whose LSTM layers have settings, as Keras saves it."""
    lstm = {"units": CELLS, "activation": "tanh", "recurrent_activation": "sigmoid"} | settings
    layers = [
        {"class_name": "Embedding", "config": {"output_dim": 5}},
        {"class_name": "LSTM", "config": dict(lstm)},
        {"class_name": "LSTM", "config": dict(lstm)},
        {"class_name": "Dense", "config": {"units": SIZE, "activation": "softmax"}},
    ]
    return {"class_name": "Sequential", "config": {"layers": layers}}


def write_keras_2(path: Path, config: dict | None) -> None:
    """Write the model as Keras 2 does: model_weights/LAYER/NAME with lists of names."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights")
        layers = ["embedding", "lstm_9", "lstm_10", "dense"]
        root.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            names = {
                name.split("/", 1)[1]: array
                for name, array in arrays().items()
                if name.startswith(f"{layer}/")
            }
            group = root.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in names.items():
                group.create_dataset(name, data=array, compression="gzip")
        file.create_group("optimizer_weights").create_dataset("m", data=np.ones((9, 9), np.float32))
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)


def keras_3_weights() -> bytes:
    """Return the model as Keras 3 writes its weights: layers/LAYER/vars/NUMBER, without an order."""
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        for name, array in arrays().items():
            layer, *_, kind = name.removesuffix(":0").split("/")
            number = (
                ["kernel", "recurrent_kernel", "bias"].index(kind) if "lstm" in layer else int(kind == "bias")
            )
            cell = "/cell" if "lstm" in layer else ""
            opened[f"layers/{layer}{cell}/vars/{number}"] = array
        opened["optimizer/vars/0"] = np.ones((4, 4), np.float32)
    return file.getvalue()


def save_npz(path: Path) -> Path:
    """Write the model as an .npz file, which is read without h5py, and return path."""
    np.savez(path, *arrays().values())
    return path


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    (tmp_path / "chars.json").write_text(json.dumps(CHARACTERS))
    return tmp_path / "chars.json"


def assert_same_model(path: Path, vocabulary: Path) -> None:
    expected = load_foreign(save_npz(path.parent / "expected.npz"), vocabulary=vocabulary)
    loaded = load_foreign(path, vocabulary=vocabulary)
    assert (loaded.layout, loaded.gate_order, loaded.gate_activation) == ("Keras", "ifco", "sigmoid")
    assert loaded.parameters == expected.parameters
    torch.testing.assert_close(logits(loaded.model, IDS), logits(expected.model, IDS))


@pytest.mark.parametrize("config", [None, configuration()])
def test_a_file_of_keras_2_is_the_model_that_its_arrays_are(tmp_path, vocabulary, config):
    write_keras_2(tmp_path / "model.h5", config)
    assert_same_model(tmp_path / "model.h5", vocabulary)


def test_weights_of_keras_3_are_put_in_order_by_their_names(tmp_path, vocabulary):
    (tmp_path / "model.weights.h5").write_bytes(keras_3_weights())
    assert_same_model(tmp_path / "model.weights.h5", vocabulary)


def write_archive(path: Path, config: dict, version: str = "3.9.0") -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", keras_3_weights())


def test_a_keras_archive_is_read_with_its_configuration(tmp_path, vocabulary):
    write_archive(tmp_path / "model.keras", configuration())
    assert_same_model(tmp_path / "model.keras", vocabulary)
    assert read_weights(tmp_path / "model.keras").contents.gate_activation == "sigmoid"


@pytest.mark.parametrize("name", ["recurrent_activation", "inner_activation"])
def test_a_hard_sigmoid_in_the_configuration_is_found(tmp_path, vocabulary, name):
    config = configuration()
    for layer in config["config"]["layers"][1:3]:
        del layer["config"]["recurrent_activation"]
        layer["config"][name] = "hard_sigmoid"
    write_keras_2(tmp_path / "model.h5", config)
    assert read_weights(tmp_path / "model.h5").contents.gate_activation == "hard_sigmoid"
    loaded = load_foreign(tmp_path / "model.h5", vocabulary=vocabulary)
    assert (loaded.gate_activation, loaded.gates_known_from) == ("hard_sigmoid", "file")
    assert loaded.model.config.gate_activation == "hard_sigmoid"
    loaded = load_foreign(tmp_path / "model.h5", vocabulary=vocabulary, gate_activation="sigmoid")
    assert (loaded.gate_activation, loaded.gates_known_from) == ("sigmoid", "option")
    assert loaded.model.config.gate_activation == "sigmoid"


@pytest.mark.parametrize(
    ("version", "gates", "known_from"),
    [
        ("1.2.2", "hard_sigmoid", "file"),
        ("2.2.5", "hard_sigmoid", "file"),
        ("2.3.0", "sigmoid", "layout"),
        ("2.2.4-tf", "sigmoid", "layout"),
        ("2.11.0", "sigmoid", "layout"),
        ("none", "sigmoid", "layout"),
        (None, "sigmoid", "layout"),
        (7, "sigmoid", "layout"),
    ],
)
def test_the_version_of_keras_says_what_the_gates_of_weights_alone_apply(
    tmp_path, vocabulary, version, gates, known_from
):
    write_keras_2(tmp_path / "model.h5", None)
    if version is not None:
        with h5py.File(tmp_path / "model.h5", "a") as file:
            file.attrs["keras_version"] = version
    loaded = load_foreign(tmp_path / "model.h5", vocabulary=vocabulary)
    assert (loaded.gate_activation, loaded.gates_known_from) == (gates, known_from)


def test_a_configuration_goes_before_the_version(tmp_path, vocabulary):
    write_keras_2(tmp_path / "model.h5", configuration())
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["keras_version"] = b"2.1.6"
    assert load_foreign(tmp_path / "model.h5", vocabulary=vocabulary).gate_activation == "sigmoid"


@pytest.mark.parametrize("version", ["2.13.1", "3.0.0"])
def test_the_hard_sigmoid_of_keras_3_is_another_function_and_refused(tmp_path, vocabulary, version):
    config = configuration(recurrent_activation="hard_sigmoid")
    write_archive(tmp_path / "model.keras", config, version=version)
    if version == "3.0.0":
        with pytest.raises(CheckpointError, match=r"Keras 3, x / 6 \+ 0.5"):
            load_foreign(tmp_path / "model.keras", vocabulary=vocabulary)
    else:
        loaded = load_foreign(tmp_path / "model.keras", vocabulary=vocabulary)
        assert loaded.gate_activation == "hard_sigmoid"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (configuration(activation="relu"), "a layer LSTM with the activation relu"),
        (configuration(recurrent_activation="linear"), "a layer LSTM with the activation linear"),
        ({"class_name": "Bidirectional", "config": {"layer": configuration()}}, "bidirectional layer"),
    ],
)
def test_a_configuration_of_another_network_is_refused(tmp_path, config, words):
    write_archive(tmp_path / "model.keras", config)
    with pytest.raises(CheckpointError, match=words):
        read_weights(tmp_path / "model.keras")


def test_an_array_in_another_file_is_not_read(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["array"] = np.ones((4, 4), np.float32)
    for name, link in (
        ("external.h5", h5py.ExternalLink("secret.h5", "array")),
        ("soft.h5", h5py.SoftLink("/elsewhere")),
    ):
        with h5py.File(tmp_path / name, "w") as file:
            file["kernel"] = link
        with pytest.raises(CheckpointError, match="no array of its own under 'kernel'"):
            read_weights(tmp_path / name)
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file["model_weights"] = h5py.ExternalLink("secret.h5", "/")
    with pytest.raises(CheckpointError, match="no array of its own under 'model_weights'"):
        read_weights(tmp_path / "group.h5")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("kernel", (4,), np.float32, external=[(str(tmp_path / "chars.json"), 0, 16)])
    with pytest.raises(CheckpointError, match="'kernel' in another file"):
        read_weights(tmp_path / "raw.h5")


def test_a_small_file_of_a_large_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("kernel", (1 << 17, 1 << 17), np.float32, chunks=(1024, 1024), compression="gzip")
    with pytest.raises(CheckpointError, match="many times as large"):
        read_weights(tmp_path / "w.h5")


def test_a_list_of_very_many_names_of_any_length_is_refused(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("kernel", data=np.ones((1_000, 1_000), np.float32))
        file.attrs["layer_names"] = np.array(["name"] * 1_000, dtype=h5py.string_dtype())
    with pytest.raises(CheckpointError, match="names of any length"):
        read_weights(tmp_path / "w.h5")


def test_groups_within_themselves_are_refused(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name in ("a", "b", "c"):
            file[name] = file["/"]
    with pytest.raises(CheckpointError, match="groups within groups"):
        read_weights(tmp_path / "w.h5")


def test_a_damaged_file_is_one_error(tmp_path):
    content = keras_3_weights()
    for length in (9, 100, len(content) // 2):
        (tmp_path / "w.h5").write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_weights(tmp_path / "w.h5")


def test_without_h5py_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "w.h5").write_bytes(keras_3_weights())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match=r"HDF5.*charlstm\[keras\].*numpy\.savez"):
        read_weights(tmp_path / "w.h5")


def test_the_arrays_are_those_that_h5py_reads(tmp_path):
    write_keras_2(tmp_path / "listed.h5", configuration())
    tree = read_weights(tmp_path / "listed.h5").tree
    assert list(tree) == list(arrays())
    for name, array in arrays().items():
        np.testing.assert_array_equal(tree[name], array)
        assert tree[name].dtype == array.dtype
    (tmp_path / "named.h5").write_bytes(keras_3_weights())
    tree = read_weights(tmp_path / "named.h5").tree
    with h5py.File(tmp_path / "named.h5") as file:
        found: dict[str, np.ndarray] = {}
        file.visititems(
            lambda name, each: found.update({name: each[()]}) if isinstance(each, h5py.Dataset) else None
        )
    assert {keras_file._usual_name(name) for name in found} == set(tree)
    for name, array in found.items():
        np.testing.assert_array_equal(tree[keras_file._usual_name(name)], array)


def test_names_without_an_order_are_sorted_with_their_numbers_by_value(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name in ("l10/b", "l2/c10", "l2/c9", "a", "l2x", "l02/z", "l02/a"):
            file[name] = np.ones(2, np.float32)
        file["l2/number"] = np.float32(7)
    tree = read_weights(tmp_path / "w.h5").tree
    assert list(tree) == ["a", "l02/a", "l02/z", "l2/c9", "l2/c10", "l2/number", "l2x", "l10/b"]
    assert tree["l2/number"] == 7


def read_by(monkeypatch, folder: Path, code: str) -> str:
    """Read a file by a script with code in the place of the one that reads HDF5; return the error's text."""
    (folder / "script.py").write_text(f"import json, os, signal, sys\n{code}")
    (folder / "w.h5").write_bytes(keras_3_weights())
    monkeypatch.setattr(keras_file, "_SCRIPT", folder / "script.py")
    with pytest.raises(CheckpointError) as raised:
        read_weights(folder / "w.h5")
    return str(raised.value)


FIRST = '{"model_config": null, "keras_version": null, "in_order": false}'
ARRAY = '{"name": "a", "dtype": "<f4", "shape": [4]}'


@pytest.mark.parametrize("signal_name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
@pytest.mark.parametrize("said", ["", FIRST, f"{FIRST}\n{ARRAY}\nxxxxxxx"])
def test_a_crash_of_the_library_is_one_error(tmp_path, monkeypatch, signal_name, said):
    code = f"print({said!r}, flush=True)\nos.kill(os.getpid(), signal.{signal_name})"
    assert "makes the library HDF5 crash; check that the file is complete" in read_by(
        monkeypatch, tmp_path, code
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("x", "crash"),
        ("[]", "crash"),
        ("[" * 100_000, "crash"),
        ('{"end": true}', "crash"),
        (FIRST + "\n{}", "cannot be read"),
        (FIRST + '\n{"name": "a", "dtype": "|O8", "shape": [1]}', "arrays are damaged"),
        (FIRST + '\n{"name": "a", "dtype": "<f4", "shape": [-1]}', "arrays are damaged"),
        (FIRST + '\n{"name": "a", "dtype": "<f4", "shape": [true]}', "arrays are damaged"),
        (FIRST + '\n{"name": "a", "dtype": "<f4", "shape": [100000, 100000]}', "many times as large"),
        (FIRST + "\n" + ARRAY + "\nxxx", "crash"),
        (FIRST + '\n{"refused": "is bad"}', "w.h5 is bad"),
        (FIRST + '\n{"over": "is large"}', "w.h5 is large"),
        (FIRST + '\n{"damaged": "bad tree"}', "cannot be read: bad tree"),
        ('{"missing": true}', "the package h5py is needed"),
    ],
)
def test_an_answer_that_a_harmed_process_may_give_is_one_error(tmp_path, monkeypatch, said, words):
    end = "" if said.endswith("xxx") else "\n"
    assert words in read_by(monkeypatch, tmp_path, f"sys.stdout.write({said + end!r})")


def test_a_hostile_h5py_in_the_working_folder_is_not_imported(tmp_path, monkeypatch):
    for name in ("h5py", "numpy", "json", "zipfile", "charlstm"):
        (tmp_path / f"{name}.py").write_text("open('was-run', 'w')")
    (tmp_path / "w.h5").write_bytes(keras_3_weights())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert len(read_weights(Path("w.h5")).tree) == len(arrays()) + 1
    assert not (tmp_path / "was-run").exists()
