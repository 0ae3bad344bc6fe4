"""The listed weights of a planted toggle, and those between two layers, are the ones that were set."""

import pytest
import torch
from written_text import SYMBOLS

from charlstm.config import ModelConfig
from charlstm.inspection.exam.planted_cells import Drive, plant, toggle
from charlstm.inspection.gates.wiring import weights_of
from charlstm.model.char_lstm import CharLSTM


def test_the_weights_of_a_planted_toggle_are_listed() -> None:
    model = plant([toggle('"').read("a", 3)], SYMBOLS, idle=7, generator=torch.Generator().manual_seed(0))
    found = weights_of(model, 0, 0, ['"'], SYMBOLS)
    swing = Drive().swing * (1 - 1 / len(SYMBOLS))
    assert found["from_driver"] == {
        '"': pytest.approx({"input": swing, "forget": -swing, "candidate": 0, "output": 0}, abs=1e-3)
    }
    assert found["from_self"] == {"input": 0, "forget": 0, "candidate": -20, "output": 0}
    assert next(iter(found["from_cells"]["candidate"].items())) == ("0:0", -20)
    assert next(iter(found["to_logits"].items())) == (
        "a",
        pytest.approx(3 * (1 - 1 / len(SYMBOLS)), abs=1e-3),
    )
    assert "to_cells" not in found


def test_a_cell_of_a_lower_layer_lists_the_cells_above_that_read_it() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=9, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    model.weights(1).input.view(4, 9, 9)[2, 5, 3] = 40.0
    found = weights_of(model, 0, 3, [], SYMBOLS)
    name, weight = next(iter(found["to_cells"].items()))
    assert (name, weight) == ("1:5", pytest.approx(40, abs=0.1))
    above = weights_of(model, 1, 5, ['"'], SYMBOLS)
    assert "from_driver" not in above
    assert len(above["to_logits"]) == 10


def test_only_known_last_characters_of_drivers_are_listed_once() -> None:
    model = plant([toggle('"')], SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))
    found = weights_of(model, 0, 0, ['a"', '"', "?", "b"], SYMBOLS)
    assert list(found["from_driver"]) == ['"', "b"]


def test_the_largest_weights_come_first_and_at_most_five_are_listed() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=9, layers=1, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    found = weights_of(model, 0, 4, [], SYMBOLS)
    row = model.weights(0).recurrent.view(4, 9, 9)[1, 4]
    wanted = sorted(range(9), key=lambda cell: -abs(float(row[cell])))[:5]
    assert list(found["from_cells"]["forget"]) == [f"0:{cell}" for cell in wanted]
    logits = list(found["to_logits"].values())
    assert logits == sorted(logits, reverse=True)
    assert len(logits) == 10
