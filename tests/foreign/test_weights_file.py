"""Every kind of file of weights is read as a tree, and the weights in a tree are found."""

import json
from contextlib import suppress
from hashlib import sha256

import numpy as np
import pytest
import torch
from foreign_models import CHARACTERS, CharacterModel
from safetensors.torch import save_file

from charlstm.errors import CheckpointError
from charlstm.foreign.weights_file import is_optimizer_path, read_weights, tensors_in, walk


def test_a_file_of_torch_save_is_known_by_its_content_and_has_its_hash(tmp_path):
    path = tmp_path / "weights"
    torch.save({"w": torch.ones(2), "chars": CHARACTERS}, path)
    file = read_weights(path)
    assert file.path == path
    assert file.sha256 == sha256(path.read_bytes()).hexdigest()
    assert file.tree["chars"] == CHARACTERS
    assert torch.equal(file.tree["w"], torch.ones(2))


def test_tensors_of_safetensors_are_sorted_with_the_numbers_in_their_names_by_value(tmp_path):
    tensors = {f"layer{number}.w": torch.full((2,), float(number)) for number in (10, 2, 1)}
    save_file(tensors, tmp_path / "weights")
    tree = read_weights(tmp_path / "weights").tree
    assert list(tensors_in(tree)) == ["layer1.w", "layer2.w", "layer10.w"]
    assert tree["layer10.w"].tolist() == [10, 10]


def test_metadata_of_safetensors_is_read_as_json_where_it_is_json(tmp_path):
    metadata = {"char_to_id": json.dumps({"a": 0}), "title": "not JSON"}
    save_file({"w": torch.ones(1)}, tmp_path / "weights", metadata)
    assert read_weights(tmp_path / "weights").tree["metadata"] == {
        "char_to_id": {"a": 0},
        "title": "not JSON",
    }


@pytest.mark.parametrize("name", ["weights.npz", "weights"])
def test_an_npz_file_is_read_whatever_its_name_and_compression(tmp_path, name):
    arrays = {"kernel": np.arange(6.0).reshape(2, 3), "chars": np.array(CHARACTERS)}
    for save in (np.savez, np.savez_compressed):
        with open(tmp_path / name, "wb") as file:
            save(file, **arrays)
        tree = read_weights(tmp_path / name).tree
        assert list(tree) == list(arrays)
        for key, array in arrays.items():
            np.testing.assert_array_equal(tree[key], array)


def test_an_npz_file_that_would_become_many_times_its_size_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "weights.npz", np.zeros(20 << 20, np.uint8))
    with pytest.raises(CheckpointError, match="many times as large as it is"):
        read_weights(tmp_path / "weights.npz")


def test_an_array_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="Object arrays cannot be loaded"):
        read_weights(tmp_path / "objects.npz")


def test_an_hdf5_file_is_refused_with_advice(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 50)
    with pytest.raises(CheckpointError, match=r"HDF5.*numpy\.savez"):
        read_weights(tmp_path / "model.h5")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        read_weights(tmp_path / "nowhere.pt")
    with pytest.raises(CheckpointError, match="is not a file"):
        read_weights(tmp_path)


@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_a_file_that_is_cut_or_garbled_gives_one_error_or_a_tree(tmp_path, kind):
    tensors = CharacterModel().state_dict()
    path = tmp_path / "weights"
    if kind == "safetensors":
        save_file(tensors, path, {"chars": "".join(CHARACTERS)})
    else:
        with open(path, "wb") as file:
            np.savez(file, **{name: value.numpy() for name, value in tensors.items()})
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for length in [0, 1, 9, *random.integers(10, len(whole) - 1, 20)]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_weights(path)
    for place in random.integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes(random.integers(0, 256, 6).tolist()) + whole[place + 6 :])
        with suppress(CheckpointError):  # without an error the tree holds other numbers
            read_weights(path)


def test_only_dense_floating_point_tensors_and_arrays_with_dimensions_are_weights():
    tree = {
        "float": torch.ones(2, requires_grad=True),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "big_endian": np.ones(2, ">f4"),
        "deep": [{"inner": torch.ones(3)}],
        "count": torch.tensor(3.0),
        "ids": torch.arange(3),
        "sparse": torch.eye(2).to_sparse(),
        "labels": np.array(["a"]),
        "text": "abc",
    }
    tensors = tensors_in(tree)
    assert list(tensors) == ["float", "half", "big_endian", "deep.0.inner"]
    assert not tensors["float"].requires_grad
    assert tensors["big_endian"].tolist() == [1, 1]


@pytest.mark.parametrize("name", ["optimizer", "Optim_state", "exp_avg_sq", "momentum_buffer"])
def test_tensors_of_an_optimizer_are_not_weights(name):
    assert is_optimizer_path(("checkpoint", name))
    assert list(tensors_in({"w": torch.ones(1), name: {"0": torch.ones(1)}})) == ["w"]


def test_walk_yields_a_container_before_what_it_holds_and_each_container_once():
    shared = [1]
    tree: dict = {"a": shared, "b": shared}
    tree["itself"] = tree
    assert [path for path, _ in walk(tree)] == [(), ("a",), ("a", "0")]


def test_walk_stops_at_nine_containers_within_each_other():
    tree: list = []
    for _ in range(20):
        tree = [tree]
    assert max(len(path) for path, _ in walk(tree)) == 8
