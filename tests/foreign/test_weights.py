"""Weights of a model trained elsewhere become a CharLSTM that computes the same scores."""

import pytest
import torch
from foreign_models import CELLS, IDS, SIZE, CharacterModel, assert_same_logits, logits
from torch import nn

from charlstm.foreign.weights import ForeignLayer, ForeignWeights


def weights_of(theirs: CharacterModel) -> ForeignWeights:
    state = theirs.memory.state_dict()
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    layers = tuple(
        ForeignLayer(*(state[f"{kind}_l{number}"] for kind in kinds))
        for number in range(theirs.memory.num_layers)
    )
    embedding = None if theirs.lookup is None else theirs.lookup.weight
    return ForeignWeights(embedding, layers, theirs.answer.weight, theirs.answer.bias)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("embedding", [0, 5])
def test_the_model_has_the_scores_of_the_module(layers, embedding):
    theirs = CharacterModel(layers=layers, embedding=embedding)
    weights = weights_of(theirs)
    assert (weights.vocabulary_size, weights.cells) == (SIZE, CELLS)
    model = weights.model()
    assert not model.training
    assert_same_logits(model, theirs)


def test_the_model_has_copies_of_the_weights():
    theirs = CharacterModel()
    model = weights_of(theirs).model()
    expected = logits(model)
    nn.init.zeros_(theirs.answer.weight)
    assert torch.equal(logits(model), expected)


def test_one_hot_input_is_an_embedding_by_the_identity():
    state = weights_of(CharacterModel(embedding=0)).state_dict()
    assert torch.equal(state["embedding.weight"], torch.eye(SIZE))


def test_the_state_dict_is_float32_without_gradients():
    theirs = CharacterModel().double()
    for name, tensor in weights_of(theirs).state_dict().items():
        assert tensor.dtype == torch.float32, name
        assert not tensor.requires_grad, name
    assert logits(weights_of(theirs).model()).shape == (1, IDS.shape[1], SIZE)
