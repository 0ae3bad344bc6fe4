"""The unpickler rebuilds data as Python's own does, and refuses every name that is not allowed."""

import io
import pickle
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.placeholders import Placeholder
from charlstm.foreign.files.unpickler import RefusedError, Unpickler

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(min_size=1)
)
KEYS = st.text() | st.integers(-(2**63) + 1, 2**63 - 1) | st.tuples(st.text(), st.integers(0, 9))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.sets(KEYS),
    max_leaves=12,
)


def no_storage(key: str, byte_count: int) -> torch.Tensor:
    raise AssertionError("the pickle has no storage")


def unpickled(content: bytes) -> Any:
    return Unpickler(io.BytesIO(content), no_storage, Budget(len(content))).load()


@given(TREES, st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_a_tree_of_plain_data_is_rebuilt_as_it_was(tree, protocol):
    rebuilt = unpickled(pickle.dumps(tree, protocol))
    assert rebuilt == tree
    assert type(rebuilt) is type(tree)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_dicts_of_other_kinds_and_settings_become_dicts(protocol):
    tree = [OrderedDict(b=1, a=2), defaultdict(list, {"x": [1]}), Counter("aab"), Namespace(cells=64)]
    rebuilt = unpickled(pickle.dumps(tree, protocol))
    assert rebuilt == [{"b": 1, "a": 2}, {"x": [1]}, {"a": 2, "b": 1}, {"cells": 64}]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_numpy_numbers_keep_their_values(protocol):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tree = {
        "rows": array,
        "columns": np.asfortranarray(array),
        "loss": np.float64(1.25),
        "names": np.array(["a"]),
    }
    rebuilt = unpickled(pickle.dumps(tree, protocol))
    np.testing.assert_array_equal(rebuilt["rows"].value, array)
    np.testing.assert_array_equal(rebuilt["columns"].value, array)
    np.testing.assert_array_equal(rebuilt["names"].value, ["a"])
    assert rebuilt["loss"] == 1.25


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
        (b"cposix\nsystem\n.", "os.system"),
        (b"cnt\nsystem\n.", "os.system"),
        (b"csubprocess\nrun\n.", "subprocess.run"),
    ],
)
def test_a_name_that_only_a_hostile_file_has_is_refused_and_told(content, name):
    with pytest.raises(RefusedError) as refused:
        unpickled(content)
    assert str(refused.value) == name


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"ctorch.storage\n_load_from_bytes\n(S'x'\ntR.", "torch.storage._load_from_bytes"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.", "collections.OrderedDict.__init__"),
        (b"(S'x'\niconfig\nConfig\n.", "config.Config"),
        (b"(cconfig\nConfig\nS'x'\no.", "config.Config"),
        (b"cconfig\nConfig\n(S'x'\nt\x81.", "config.Config"),
        (b"cconfig\nConfig\n)}\x92.", "config.Config"),
        (b"cconfig\nmake\n(S'x'\ntR}S'a'\nI1\nsb.", "config.make"),
        (b"ccopy_reg\n_reconstructor\n(cconfig\nConfig\nc__builtin__\nobject\nNtR.", "config.Config"),
    ],
)
def test_any_other_name_becomes_a_placeholder_however_it_is_used(content, name):
    placeholder = unpickled(content)
    assert isinstance(placeholder, Placeholder)
    assert placeholder.name == name


def test_what_is_given_to_a_placeholder_is_kept_as_data():
    given = b"(S'argument'\nt\x81(S'a'\nI1\ndb]S'item'\naa"
    content = b"cconfig\nConfig\n" + given[:-1] + b"aS'key'\nS'value'\ns."
    placeholder = unpickled(content)
    assert placeholder.held == ["argument", {"a": 1}, [["item"]], {"key": "value"}]


@pytest.mark.parametrize(
    "content",
    [
        b"I1\n)R.",
        b"cbuiltins\nlist\nI1\nR.",
        b"cbuiltins\nlist\nI1\na.",
        b"I1\nS'a'\nI1\ns.",
        b"I1\n(I1\n\x90.",
        b"ccopyreg\n_reconstructor\n(cbuiltins\nlist\ncbuiltins\nlist\nNtR.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_what_is_no_class_is_not_called_and_takes_no_items(content):
    with pytest.raises(ValueError, match="it "):
        unpickled(content)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_settings_and_bytes_are_rebuilt_in_every_protocol(protocol):
    tree = [Namespace(cells=64), b"", b"\xe9\x00", bytearray(b"\xe9")]
    assert unpickled(pickle.dumps(tree, protocol)) == [{"cells": 64}, b"", b"\xe9\x00", bytearray(b"\xe9")]


def test_a_pickle_ends_when_its_budget_is_used_up():
    with pytest.raises(OverBudgetError):
        unpickled(b"(" + b"\x8f" * 300_000 + b"t.")


def test_the_attributes_of_a_function_cannot_be_set():
    with pytest.raises(ValueError, match="sets attributes of a function"):
        unpickled(b"cbuiltins\nlist\n}S'x'\nI1\nsb.")


def test_a_storage_is_asked_for_once_and_viewed_in_its_dtype():
    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value.saved_id if isinstance(value, Storage) else None

    class Storage:
        def __init__(self, *view: Any) -> None:
            self.saved_id = ("storage", torch.float32, "7", "cpu", 3, *view)

    asked = []

    def storage(key: str, byte_count: int) -> torch.Tensor:
        asked.append((key, byte_count))
        return torch.tensor([1.0, 2, 3]).view(torch.uint8)

    file = io.BytesIO()
    Pickler(file).dump([Storage(), Storage(None), Storage(("8", 1, 2))])
    file.seek(0)
    whole, again, part = Unpickler(file, storage, Budget(100)).load()
    assert asked == [("7", 12)]
    assert whole.tolist() == again.tolist() == [1, 2, 3]
    assert part.tolist() == [2, 3]


def test_an_id_that_is_not_of_a_storage_is_refused():
    with pytest.raises(ValueError, match="not a storage"):
        unpickled(b"(S'module'\nNNNNtQ.")
