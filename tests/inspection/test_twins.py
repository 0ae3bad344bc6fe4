"""Twins of a model: one with fresh weights, and one whose rows are shuffled within each gate."""

import pytest
import torch

from charlstm.config import ModelConfig
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture
def model() -> CharLSTM:
    config = ModelConfig(vocabulary_size=9, cells=40, layers=2, embedding=4)
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)


def test_an_untrained_twin_has_the_shape_of_the_model_and_weights_of_its_own(model: CharLSTM) -> None:
    twin = untrained_twin(model, torch.Generator().manual_seed(1))
    assert twin.config == model.config
    assert not twin.training
    for (name, own), (_, other) in zip(twin.state_dict().items(), model.state_dict().items(), strict=True):
        assert own.shape == other.shape
        assert torch.equal(own, other) == bool((other == other.flatten()[0]).all()), name
    again = untrained_twin(model, torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(twin.parameters(), again.parameters(), strict=True))


def test_a_shuffled_network_has_the_same_rows_in_every_gate_in_another_order(
    model: CharLSTM,
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = shuffled_twin(model, torch.Generator().manual_seed(1))
    for layer in range(2):
        whole, dealt = (
            torch.cat((w.input, w.recurrent, w.bias[:, None]), dim=1).detach().view(4, 40, -1)
            for w in (model.weights(layer), other.weights(layer))
        )
        orders = []
        for gate in range(4):
            same = (dealt[gate][:, None] == whole[gate][None]).all(2)
            assert same.sum() == 40, "each row once"
            orders.append(same.long().argmax(1).tolist())
            assert sorted(orders[-1]) == list(range(40))
        assert len(set(map(tuple, orders))) == 4, "every gate has an order of its own"
    assert torch.equal(other.head.weight, model.head.weight)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
