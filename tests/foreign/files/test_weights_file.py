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
from charlstm.foreign.files.weights_file import read_weights


def test_a_file_of_torch_save_is_known_by_its_content_and_has_its_hash(tmp_path):
    path = tmp_path / "weights"
    torch.save({"w": torch.ones(2), "chars": CHARACTERS}, path)
    file = read_weights(path)
    assert file.path == path
    assert file.sha256() == sha256(path.read_bytes()).hexdigest()
    assert file.tree["chars"] == CHARACTERS
    assert torch.equal(file.tree["w"], torch.ones(2))


def test_tensors_of_safetensors_are_sorted_with_the_numbers_in_their_names_by_value(tmp_path):
    tensors = {f"layer{number}.w": torch.full((2,), float(number)) for number in (10, 2, 1)}
    save_file(tensors, tmp_path / "weights")
    tree = read_weights(tmp_path / "weights").tree
    assert list(tree) == ["layer1.w", "layer2.w", "layer10.w", "metadata"]
    assert tree["layer10.w"].tolist() == [10, 10]


def test_metadata_of_safetensors_is_read_as_json_where_it_is_json(tmp_path):
    metadata = {"char_to_id": json.dumps({"a": 0}), "title": "not JSON"}
    save_file({"w": torch.ones(1)}, tmp_path / "weights", metadata)
    assert read_weights(tmp_path / "weights").tree["metadata"] == {
        "char_to_id": {"a": 0},
        "title": "not JSON",
    }


def test_names_of_tensors_in_safetensors_may_be_any_text(tmp_path):
    names = ["metadata", "l\u00b2", "l\u0663", "", "a.b", "\x1b[31m", "9" * 5_000, "\U0001f40c"]
    tensors = {name: torch.full((1,), float(number)) for number, name in enumerate(names)}
    save_file(tensors, tmp_path / "weights", {"title": "kept"})
    tree = read_weights(tmp_path / "weights").tree
    assert {name: tree[name].item() for name in names} == dict(zip(names, range(len(names)), strict=True))
    assert tree["metadata'"] == {"title": "kept"}


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
    np.savez_compressed(tmp_path / "weights.npz", np.zeros(100 << 20, np.uint8))
    with pytest.raises(CheckpointError, match="many times as large as it is"):
        read_weights(tmp_path / "weights.npz")


def test_an_array_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="Object arrays cannot be loaded"):
        read_weights(tmp_path / "objects.npz")


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
