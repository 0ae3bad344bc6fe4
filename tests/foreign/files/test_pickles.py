"""Files of torch.save and pickle.dump are read in every format, and nothing in them is run."""

import os
import pickle
import struct
from argparse import Namespace
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foreign_models import CHARACTERS, CharacterModel
from torch import nn

from charlstm.errors import CheckpointError
from charlstm.foreign.files.allowed_names import Array
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.pickles import load_pickle
from charlstm.foreign.files.placeholders import Placeholder


def load(path: Path) -> Any:
    return load_pickle(path, Budget(path.stat().st_size))


def saved(path: Path, tree: object, *, legacy: bool) -> Path:
    torch.save(tree, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64])
def test_tensors_are_equal_to_those_that_were_saved(tmp_path, legacy, dtype):
    whole = torch.arange(24).reshape(4, 6).to(dtype)
    tree = {
        "whole": whole,
        "part": whole[1:3, ::2],
        "transposed": whole.t(),
        "none": torch.zeros(0, dtype=dtype),
    }
    loaded = load(saved(tmp_path / "weights.pt", tree, legacy=legacy))
    assert list(loaded) == list(tree)
    for name, tensor in tree.items():
        assert loaded[name].dtype == dtype
        assert torch.equal(loaded[name], tensor), name


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_that_torch_refuses_is_read_when_it_is_only_data(tmp_path, legacy):
    """Old checkpoints hold NumPy numbers and argparse settings."""
    state = CharacterModel(layers=2).state_dict()
    tree = {
        "args": Namespace(lr=0.1, layers=2),
        "loss": np.float64(1.25),
        "history": np.arange(4),
        "names": np.array(["a", "b"]),
        "seen": {1, 2},
        "net": OrderedDict((name, nn.Parameter(value)) for name, value in state.items()),
    }
    path = saved(tmp_path / "weights.pt", tree, legacy=legacy)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    loaded = load(path)
    assert loaded["args"] == {"lr": 0.1, "layers": 2}
    assert (loaded["loss"], loaded["seen"]) == (1.25, {1, 2})
    assert loaded["history"].value.tolist() == [0, 1, 2, 3]
    assert loaded["names"].value.tolist() == ["a", "b"]
    for name, value in state.items():
        assert torch.equal(loaded["net"][name], value), name


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_plain_pickle_of_arrays_is_read(tmp_path, protocol):
    arrays = {
        "rows": np.arange(6.0).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    (tmp_path / "weights.pkl").write_bytes(
        pickle.dumps({"w": arrays, "chars": CHARACTERS}, protocol=protocol)
    )
    loaded = load(tmp_path / "weights.pkl")
    assert loaded["chars"] == CHARACTERS
    for name, array in arrays.items():
        assert isinstance(loaded["w"][name], Array)
        np.testing.assert_array_equal(loaded["w"][name].value, array)


class MakesFile:
    """A pickle of a MakesFile creates a file when Python's own pickle.load reads it."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> tuple:
        return (os.system, (f"touch '{self._place}'",))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_command_in_a_checkpoint_is_refused_and_not_run(tmp_path, legacy):
    place = tmp_path / "created"
    tree = {"model": CharacterModel().state_dict(), "evil": MakesFile(place)}
    path = saved(tmp_path / "weights.pt", tree, legacy=legacy)
    with pytest.raises(CheckpointError, match=r"wants to call os\.system"):
        load(path)
    assert not place.exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_command_in_a_plain_pickle_is_refused_and_not_run(tmp_path, protocol):
    place, path = tmp_path / "created", tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(MakesFile(place), protocol=protocol))
    with pytest.raises(CheckpointError, match=r"wants to call os\.system"):
        load(path)
    assert not place.exists()
    # The test can fail: Python's own unpickler runs the command.
    pickle.loads(path.read_bytes())
    assert place.exists()


def test_a_whole_pickled_model_is_a_placeholder_with_the_name_of_its_class(tmp_path):
    loaded = load(saved(tmp_path / "weights.pt", CharacterModel(), legacy=False))
    assert isinstance(loaded, Placeholder)
    assert loaded.name == "foreign_models.CharacterModel"


def test_a_storage_that_would_be_larger_than_its_file_is_refused(tmp_path):
    tree = {"x": torch.zeros(5), "n": np.float64(1)}
    path = saved(tmp_path / "weights.pt", tree, legacy=True)
    # The pickle has the number of elements, 5, as K\x05; it becomes 2 ** 50.
    content = path.read_bytes().replace(b"K\x05Nt", b"\x8a\x07" + struct.pack("<q", 1 << 50)[:7] + b"Nt", 1)
    assert len(content) > path.stat().st_size
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="would have 4,503,599,627,370,496 bytes in a file of"):
        load(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_is_cut_or_garbled_gives_one_error_or_a_tree(tmp_path, legacy):
    tree = {"m": CharacterModel().state_dict(), "chars": CHARACTERS}
    path = saved(tmp_path / "weights.pt", tree, legacy=legacy)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for length in [0, 1, 9, *random.integers(10, len(whole) - 1, 20)]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load(path)
    for place in random.integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes(random.integers(0, 256, 6).tolist()) + whole[place + 6 :])
        with suppress(CheckpointError):  # without an error the tree holds other numbers
            load(path)
