"""Every tensor of a file is given its place in a model, by its shape, its name or its place in the file."""

import pytest
import torch
from foreign_models import CELLS, SIZE, CharacterModel, assert_same_logits, module_tensors
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from charlstm.foreign.assignment import Assignment, best_assignment
from charlstm.foreign.files.budget import Budget

SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 8, 11, 12, 16, 32]), min_size=1, max_size=3)
NAMES = st.sampled_from(
    ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_hh_l0", "fc.weight", "a", "b", "c"]
)


def without_names(theirs: nn.Module) -> dict[str, Tensor]:
    return {f"p{number}": value for number, value in enumerate(theirs.state_dict().values())}


def assigned(tensors: dict[str, Tensor]) -> Assignment:
    assignment = best_assignment(tensors, Budget(0))
    assert assignment is not None
    return assignment


def assert_assigned_as(theirs: nn.Module, tensors: dict[str, Tensor]) -> None:
    weights = assigned(tensors).weights(gate_order="ifgo", forget_bias=0.0)
    assert_same_logits(weights.model(), theirs)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("embedding", [0, 5])
def test_shapes_and_the_order_in_the_file_are_enough(layers, embedding):
    theirs = CharacterModel(layers=layers, embedding=embedding)
    assert_assigned_as(theirs, without_names(theirs))


@pytest.mark.parametrize("embedding", [0, 5])
def test_names_or_the_order_decide_when_head_and_embedding_have_the_rows_of_gates(embedding):
    theirs = CharacterModel(embedding=embedding, size=4 * CELLS)
    assert_assigned_as(theirs, theirs.state_dict())
    assert_assigned_as(theirs, without_names(theirs))


def test_recurrent_weights_before_input_weights_are_told_by_their_names():
    """A first layer with as many inputs as cells has two matrices of one shape."""
    theirs = CharacterModel(embedding=CELLS)
    tensors = theirs.state_dict()
    order = ["weight_hh_l0", "bias_hh_l0", "weight_ih_l0", "bias_ih_l0"]
    tensors = {
        "lookup.weight": tensors["lookup.weight"],
        **{f"memory.{name}": tensors[f"memory.{name}"] for name in order},
        "answer.weight": tensors["answer.weight"],
        "answer.bias": tensors["answer.bias"],
    }
    assert_assigned_as(theirs, tensors)


def test_a_head_can_be_the_embedding_too():
    torch.manual_seed(1)
    lstm, head = nn.LSTM(CELLS, CELLS), nn.Linear(CELLS, SIZE)
    assignment = assigned(module_tensors(rnn=lstm, decoder=head))
    assert assignment.tied
    assert assignment.parameters == sum(p.numel() for m in (lstm, head) for p in m.parameters())
    weights = assignment.weights(gate_order="ifgo", forget_bias=0.0)
    assert torch.equal(weights.embedding, head.weight)


@pytest.mark.parametrize("bias", [True, False])
def test_the_number_of_parameters_is_that_of_the_module(bias):
    theirs = CharacterModel(layers=2, bias=bias)
    assert assigned(theirs.state_dict()).parameters == sum(p.numel() for p in theirs.parameters())


def test_names_count_for_an_assignment_and_against_another():
    theirs = CharacterModel()
    # "answer" says nothing; embedding, input and recurrent weights are called what they are.
    assert assigned(theirs.state_dict()).agreement == 3
    wrong = {name.replace("weight_hh", "linear"): value for name, value in theirs.state_dict().items()}
    assert assigned(wrong).agreement == 1
    assert assigned(without_names(theirs)).agreement == 0


def test_the_forget_bias_is_added_to_the_forget_gate_alone():
    assignment = assigned(CharacterModel().state_dict())
    plain, biased = (assignment.weights(gate_order="ifgo", forget_bias=bias).layers[0] for bias in (0.0, 1.0))
    difference = biased.input_bias - plain.input_bias
    expected = torch.zeros(4, CELLS)
    expected[1] = 1
    torch.testing.assert_close(difference.view(4, CELLS), expected)
    assert torch.equal(biased.recurrent_bias, plain.recurrent_bias)


def test_a_tensor_without_a_place_leaves_no_assignment():
    tensors = CharacterModel().state_dict()
    assert best_assignment(tensors, Budget(0)) is not None
    assert best_assignment(tensors | {"norm.weight": torch.ones(CELLS)}, Budget(0)) is None
    assert best_assignment(tensors | {"conv.weight": torch.ones(2, 2, 2)}, Budget(0)) is None
    assert (
        best_assignment({name: t for name, t in tensors.items() if name != "answer.weight"}, Budget(0))
        is None
    )


@given(st.dictionaries(NAMES, SHAPES, max_size=7))
def test_an_assignment_of_any_tensors_uses_all_of_them(shapes):
    tensors = {name: torch.ones(shape) for name, shape in shapes.items()}
    assignment = best_assignment(tensors, Budget(0))
    if assignment is not None:
        assert assignment.parameters == sum(tensor.numel() for tensor in tensors.values())
        weights = assignment.weights(gate_order="ifgo", forget_bias=0.0)
        assert weights.model().config.cells == assignment.cells
