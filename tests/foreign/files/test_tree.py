"""Every value of a tree is visited once, and the weights in it are found, whatever their names are."""

import numpy as np
import pytest
import torch

from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.placeholders import Placeholder
from charlstm.foreign.files.tree import (
    holds_tensors,
    is_optimizer_path,
    natural_sort_key,
    objects_in,
    tensors_in,
    walk,
)


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
    tensors = tensors_in(tree, Budget(0))
    assert list(tensors) == ["float", "half", "big_endian", "deep.0.inner"]
    assert not tensors["float"].requires_grad
    assert tensors["big_endian"].tolist() == [1, 1]


def test_names_may_be_any_text_and_no_tensor_is_lost():
    tree = {"a.b": torch.ones(1), "a": {"b": torch.ones(2)}, 1: torch.ones(3), "1": torch.ones(4)}
    tensors = tensors_in(tree | {"x" * 1_000: torch.ones(5), ("t", 2): torch.ones(6)}, Budget(0))
    assert [len(tensor) for tensor in tensors.values()] == [1, 2, 3, 4, 5, 6]
    assert list(tensors) == ["a.b", "a.b'", "1", "1'", "x" * 256, "('t', 2)"]


def test_what_a_placeholder_holds_is_visited_only_where_it_is_asked_for():
    placeholder = Placeholder("config.Config", ({"chars": "abc"},))
    tree = {"w": torch.ones(1), "config": placeholder}
    assert [value for path, value in walk(tree, Budget(0)) if path == ("config",)] == [placeholder]
    assert "abc" not in [value for _, value in walk(tree, Budget(0)) if isinstance(value, str)]
    assert "abc" in [value for _, value in walk(tree, Budget(0), into_objects=True) if isinstance(value, str)]
    assert objects_in(tree, Budget(0)) == [placeholder]
    assert not holds_tensors(placeholder, Budget(0))
    assert holds_tensors(Placeholder("nn.LSTM", ([torch.ones(2)],)), Budget(0))
    assert objects_in({"optimizer": placeholder}, Budget(0)) == []


def test_keys_sort_by_the_numbers_in_them():
    assert sorted(["l10", "l2", "l\u00b2", "l"], key=natural_sort_key) == ["l", "l2", "l10", "l\u00b2"]


def test_numbers_of_extended_precision_are_weights():
    tensors = tensors_in({"w": np.ones(2, np.longdouble)}, Budget(0))
    assert tensors["w"].dtype == torch.float64


@pytest.mark.parametrize("name", ["optimizer", "Optim_state", "exp_avg_sq", "momentum_buffer"])
def test_tensors_of_an_optimizer_are_not_weights(name):
    assert is_optimizer_path(("checkpoint", name))
    assert list(tensors_in({"w": torch.ones(1), name: {"0": torch.ones(1)}}, Budget(0))) == ["w"]


def test_walk_yields_a_container_before_what_it_holds_and_each_container_once():
    shared = ["x"]
    tree: dict = {"a": shared, "b": shared}
    tree["itself"] = tree
    assert [path for path, _ in walk(tree, Budget(0))] == [(), ("a",), ("a", "0")]


def test_walk_stops_at_nine_containers_within_each_other():
    tree: list = []
    for _ in range(20):
        tree = [tree]
    assert max(len(path) for path, _ in walk(tree, Budget(0))) == 8
