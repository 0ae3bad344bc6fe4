"""Every value of a tree is visited once, and the weights in it are found, whatever their names are."""

import numpy as np
import pytest
import torch

from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.tree import is_optimizer_path, tensors_in, walk


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
