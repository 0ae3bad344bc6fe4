"""The hard networks have the cells of their questions, in the layers and texts that they should."""

from collections.abc import Callable

import pytest

from charlstm.inspection.exam.hard.hard_networks import noisy_network, shared_network, upper_network
from charlstm.inspection.exam.planted_cells import by_gate
from charlstm.inspection.exam.planted_networks import ExamNetwork

CHARACTERS = 2_000


@pytest.mark.parametrize("make", [shared_network, upper_network, noisy_network])
def test_a_seed_determines_the_network(make: Callable[[int, int], ExamNetwork]) -> None:
    one, again, other = make(4, CHARACTERS), make(4, CHARACTERS), make(5, CHARACTERS)
    assert (one.text, one.questions, one.cells) == (again.text, again.questions, again.cells)
    assert one.text != other.text
    assert len(one.text) == CHARACTERS
    assert len(one.questions) == len(one.cells) == len(set(one.cells))
    assert max(one.cells) < one.model.config.layers * one.model.config.cells


def test_cells_that_share_are_distributed_or_partly_used_or_used_for_something_else() -> None:
    questions = shared_network(0, CHARACTERS).questions
    assert sum(question.is_partial for question in questions) == 12
    assert sum(question.distributed for question in questions) == 4
    unshared = [question for question in questions if not question.is_partial]
    assert all(question.verdict == "correlate" and question.cell.reads for question in unshared)


def test_only_cells_of_the_upper_layer_are_used_and_those_below_are_copies() -> None:
    network = upper_network(2, CHARACTERS)
    cells = network.model.config.cells
    layers = [cell // cells for cell in network.cells]
    verdicts = {(layer, question.verdict) for layer, question in zip(layers, network.questions, strict=True)}
    assert verdicts == {(0, "correlate"), (1, "correlate"), (1, "verified")}
    assert network.model.config.layers == 2


def test_noise_is_on_the_weights_of_planted_cells_and_one_in_three_texts_is_source_code() -> None:
    networks = [noisy_network(seed, CHARACTERS) for seed in range(24)]
    first = networks[0]
    recurrent = by_gate(first.model.get_parameter("layers.0.weight_hh_l0"), first.model.config.cells)
    assert 0.03 < recurrent[1, 0, 1:].std().item() < 0.07
    of_code = sum(
        network.questions[0].drivers["set"] == ['"'] and "\n" in network.text for network in networks
    )
    assert 3 <= of_code <= 14
    assert all(network.drive.at_drivers >= 4 for network in networks)
