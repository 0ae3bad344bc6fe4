"""Two layers follow their planted cells, noise reaches all weights, and shuffling changes nothing."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.exam.hard.building import add_noise, plant_in_two_layers, shuffled
from charlstm.inspection.exam.hard.hard_networks import upper_network
from charlstm.inspection.exam.planted_cells import depth_counter, gated_counter, line_counter, plant, toggle
from charlstm.inspection.reading.trace import trace
from charlstm.model.char_lstm import CharLSTM

TEXT = written(1_500, seed=1)
CELLS = [
    toggle('"').read('"', 3.0),
    line_counter("\n", step=0.01),
    depth_counter("[", "]"),
    gated_counter('"', 0),
]


def states(model: CharLSTM, layer: int) -> np.ndarray:
    (block,) = trace(model, ids_of(TEXT), streams=1, window=len(TEXT))
    return block.layers[layer].c[0].numpy()


def two_layers(seed: int = 0) -> CharLSTM:
    generator, bias = torch.Generator().manual_seed(seed), torch.linspace(-1, 1, len(SYMBOLS))
    return plant_in_two_layers([toggle("(")], CELLS, SYMBOLS, idle=5, generator=generator, bias=bias)


def test_a_cell_of_the_upper_layer_does_what_it_does_in_a_layer_of_its_own() -> None:
    alone = plant(CELLS, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    upper = states(two_layers(), 1)[:, : len(CELLS)]
    np.testing.assert_allclose(upper, states(alone, 0)[:, : len(CELLS)], atol=2e-3)


def test_the_logits_depend_on_the_upper_planted_cells_as_these_are_read() -> None:
    model = two_layers()
    expected = torch.zeros(len(SYMBOLS), len(CELLS))
    expected[SYMBOLS.index('"'), 0] = 3.0
    assert torch.equal(model.head.weight[:, : len(CELLS)], expected)
    assert torch.equal(model.head.bias, torch.linspace(-1, 1, len(SYMBOLS)))


def test_nothing_hears_the_planted_cells_of_the_lower_layer() -> None:
    heard = two_layers().weights(1).input[:, 0]
    assert not heard.any()


def test_noise_reaches_every_weight_but_the_embedding() -> None:
    before, model = two_layers(), two_layers()
    add_noise(model, 0.05, planted=len(CELLS), generator=torch.Generator().manual_seed(3))
    old = before.state_dict()
    for name, new in model.state_dict().items():
        added = (new - old[name]).std().item()
        is_left = name.startswith("embedding") or "bias_hh" in name
        assert added == 0 if is_left else added == pytest.approx(0.05, rel=0.5), name
        if "weight_hh" in name:
            assert not new.view(4, model.config.cells, -1)[:, len(CELLS) :, : len(CELLS)].any()


def test_a_shuffled_network_computes_the_same_and_keeps_the_cells_of_its_questions() -> None:
    network = upper_network(2, 1_200)
    other = shuffled(network, torch.Generator().manual_seed(0))
    ids = torch.tensor([[network.symbols.index(character) for character in network.text]])
    logits, _ = network.model(ids, network.model.initial_state(1))
    shuffled_logits, _ = other.model(ids, other.model.initial_state(1))
    torch.testing.assert_close(logits, shuffled_logits, atol=1e-4, rtol=1e-4)
    assert other.cells != network.cells
    layers = [cell // other.model.config.cells for cell in other.cells]
    assert layers == [cell // network.model.config.cells for cell in network.cells]
    for layer in (0, 1):
        before, after = (model.weights(layer).bias.view(4, -1) for model in (network.model, other.model))
        for old, new in zip(network.cells, other.cells, strict=True):
            if old // other.model.config.cells == layer:
                old_place, new_place = (cell % other.model.config.cells for cell in (old, new))
                assert torch.equal(before[:, old_place], after[:, new_place])
