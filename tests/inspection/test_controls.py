"""Control networks: the model's own rows, dealt out anew within each gate."""

import torch

from charlstm.config import ModelConfig
from charlstm.inspection.controls import shuffled
from charlstm.model import CharLSTM


def test_a_shuffled_network_has_the_same_rows_in_every_gate_in_another_order() -> None:
    config = ModelConfig(vocabulary_size=9, cells=40, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = shuffled(model, torch.Generator().manual_seed(1))
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
