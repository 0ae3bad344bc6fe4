"""Seed after seed has the next sort of network, and the order of its cells says nothing of what they are."""

import pytest
import torch

from charlstm.inspection.exam.exam_networks import SORTS, exam_network
from charlstm.inspection.exam.planted_networks import make_exam_network

CHARACTERS = 2_000


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_seed_determines_its_network_and_its_sort(seed: int) -> None:
    one, again = (exam_network(seed, characters=CHARACTERS) for _ in range(2))
    assert one.sort == list(SORTS)[seed % len(SORTS)]
    assert (one.text, one.symbols, one.questions, one.cells) == (
        again.text,
        again.symbols,
        again.questions,
        again.cells,
    )
    weights = one.model.state_dict()
    assert all(torch.equal(values, weights[name]) for name, values in again.model.state_dict().items())
    assert len(one.text) == CHARACTERS
    assert set(one.text) <= set(one.symbols)


def test_each_question_keeps_its_cell_when_the_cells_are_shuffled() -> None:
    network, plain = exam_network(5, characters=CHARACTERS), make_exam_network(5, characters=CHARACTERS)
    assert network.questions == plain.questions
    assert network.cells != plain.cells
    biases = network.model.weights(0).bias.view(4, -1)[:3].detach().T
    expected = [(question.cell.i, question.cell.f, question.cell.g) for question in network.questions]
    assert biases[list(network.cells)].tolist() == [pytest.approx(bias, rel=1e-6) for bias in expected]
