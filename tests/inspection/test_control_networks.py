"""Control networks: the model's own rows, dealt out anew within each gate, and what is found above them."""

from dataclasses import replace

import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig, ModelConfig
from charlstm.inspection.control_networks import (
    ControlResults,
    inspect_controls,
    pseudo_discoveries,
    share_above,
)
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.exam.planted_cells import latch, plant, toggle
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.twins import shuffled_twin
from charlstm.model.char_lstm import CharLSTM


def test_a_shuffled_network_has_the_same_rows_in_every_gate_in_another_order() -> None:
    config = ModelConfig(vocabulary_size=9, cells=40, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
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


@pytest.fixture(scope="module")
def inspected() -> tuple[Detected, ControlResults]:
    """A planted toggle and latch, which stand, and what was found in their controls."""
    cells = [toggle('"'), latch("(", ")")]
    model = plant(cells, SYMBOLS, idle=10, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    text = read_text(ids_of(written(40_000, seed=1)), SYMBOLS, 8)
    generator = torch.Generator().manual_seed(0)
    found = detect(model, text, InspectionConfig(seed=0), generator=generator)
    return found, inspect_controls(model, text, InspectionConfig(seed=0), generator)


def test_the_share_above_controls_is_a_difference_with_its_interval(
    inspected: tuple[Detected, ControlResults],
) -> None:
    found, controls = inspected
    share, told = share_above(found, controls, 12, torch.Generator().manual_seed(0))
    assert found.stands.sum() == 2
    assert share["cells"] == 2 / 12
    assert set(told) == {"untrained", "gate_shuffled"}
    for name, control in told.items():
        assert share[f"above_{name}"] == (2 - control["findings"]) / 12
        low, high = share[f"above_{name}_interval"]
        assert low <= share[f"above_{name}"] <= high
    assert told["untrained"]["findings"] == 0
    assert told["untrained"]["candidates"] >= told["untrained"]["findings"]
    assert 0 < told["untrained"]["best_score"] < 1


def test_false_discoveries_are_counted_on_letters(inspected: tuple[Detected, ControlResults]) -> None:
    found, _ = inspected
    told = pseudo_discoveries(found)
    assert told["features"] == sum(f.name.startswith("pseudo_") for f in found.text.table.features) > 0
    assert (told["candidates"], told["false_discovery_rate"]) == (0, 0.0)
    real = len(found.text.table.features) - told["features"]
    once = pseudo_discoveries(replace(found, pseudo_found=1))
    assert once["false_discovery_rate"] == pytest.approx(min(1.0, real / told["features"] / len(found.pairs)))
