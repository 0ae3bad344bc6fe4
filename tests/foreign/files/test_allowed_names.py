"""The callables that a pickle can reach rebuild values, within bounded memory and time."""

import importlib
from collections import OrderedDict

import numpy as np
import pytest
import torch

from charlstm.foreign.files.allowed_names import ALLOWED_NAMES, Array, ArrayDtype, PlainDict, check_keys


def test_no_function_of_another_module_can_be_reached():
    home = "charlstm.foreign.files.allowed_names"
    for name, value in ALLOWED_NAMES.items():
        assert isinstance(value, torch.dtype) or value.__module__ == home, name


@pytest.mark.parametrize(
    "name",
    [
        "torch._utils._rebuild_tensor_v2",
        "torch.FloatStorage",
        "numpy._core.multiarray.scalar",
        "_codecs.encode",
    ],
)
def test_the_names_are_those_of_the_installed_libraries(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
    assert name in ALLOWED_NAMES


@pytest.mark.parametrize("key", ["a", b"a", 1, 1.5, None, True, ("a", 1), 2**63 - 1, tuple("abcdefgh")])
def test_a_key_that_is_hashed_quickly_is_allowed(key):
    assert check_keys([key]) == [key]


@pytest.mark.parametrize(
    "key", [(("a",),), 2**63, -(2**63), tuple("abcdefghi"), torch.zeros(1), ("a", 2**63)]
)
def test_a_key_that_may_take_long_to_hash_is_refused(key):
    with pytest.raises(ValueError, match="key"):
        check_keys(["a", key])


def test_a_dict_keeps_its_items_and_ignores_its_attributes():
    rebuilt = ALLOWED_NAMES["collections.OrderedDict"]([("b", 1), ("a", 2)])
    rebuilt.__setstate__({"_metadata": 1})
    assert isinstance(rebuilt, PlainDict)
    assert list(rebuilt.items()) == [("b", 1), ("a", 2)]
    assert PlainDict(OrderedDict(x=3)) == {"x": 3}


def test_the_attributes_of_a_namespace_become_items():
    settings = ALLOWED_NAMES["argparse.Namespace"]()
    settings.__setstate__({"cells": 64})
    assert settings == {"cells": 64}


def test_a_tensor_is_a_view_of_its_storage_from_the_offset_on():
    storage = torch.arange(12.0)
    rebuilt = ALLOWED_NAMES["torch._utils._rebuild_tensor_v2"](storage, 2, (2, 3), (1, 2))
    assert torch.equal(rebuilt, torch.tensor([[2.0, 4, 6], [3, 5, 7]]))


@pytest.mark.parametrize(("size", "stride"), [((13,), (1,)), ((2**20, 2**20), (0, 0)), ((3, 4), (4, 4))])
def test_a_tensor_that_reaches_outside_its_storage_is_refused(size, stride):
    with pytest.raises((ValueError, RuntimeError)):
        ALLOWED_NAMES["torch._utils._rebuild_tensor_v2"](torch.zeros(12), 0, size, stride)


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_has_its_shape_and_order_in_memory(order):
    expected = np.array([[1.5, 2, 3], [4, 5, 6]], order=order)
    array = Array()
    array.__setstate__((1, (2, 3), ArrayDtype("f8"), order == "F", expected.tobytes(order)))
    np.testing.assert_array_equal(array.value, expected)


def test_an_array_may_be_big_endian():
    dtype = ArrayDtype("f4")
    dtype.__setstate__((3, ">", None))
    array = Array()
    array.__setstate__((1, (2,), dtype, False, np.array([1, -2], ">f4").tobytes()))
    np.testing.assert_array_equal(array.value, [1, -2])


@pytest.mark.parametrize("code", ["O", "V9", "i4,f8", "M8[s]"])
def test_an_array_of_objects_records_or_dates_is_refused(code):
    with pytest.raises(ValueError, match="neither numbers nor strings"):
        ArrayDtype(code).plain()


def test_a_numpy_number_becomes_a_python_number():
    value = ALLOWED_NAMES["numpy._core.multiarray.scalar"](ArrayDtype("f8"), np.float64(1.25).tobytes())
    assert type(value) is float
    assert value == 1.25


@pytest.mark.parametrize(
    ("name", "value"),
    [("builtins.bytearray", 10**12), ("builtins.str", [1]), ("builtins.set", [("a", ("b",))])],
)
def test_an_argument_that_may_take_all_memory_or_time_is_refused(name, value):
    with pytest.raises(ValueError, match=r"it (wants|has) a"):
        ALLOWED_NAMES[name](value)


def test_numbers_and_containers_are_rebuilt_as_python_has_them():
    assert ALLOWED_NAMES["builtins.int"]("12") == 12
    assert ALLOWED_NAMES["builtins.complex"](1, 2) == 1 + 2j
    assert ALLOWED_NAMES["__builtin__.set"]([1, 2, 1]) == {1, 2}
    assert ALLOWED_NAMES["builtins.bytearray"]("\xe9", "latin1") == bytearray(b"\xe9")
    assert ALLOWED_NAMES["torch.Size"]([2, 3]) == (2, 3)
    assert ALLOWED_NAMES["torch.device"]("cuda", 0) == "cuda"
