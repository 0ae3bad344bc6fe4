"""An exam network is determined by its seed and has the cells that its questions are about."""

from collections import Counter

import pytest
import torch

from charlstm.inspection.exam.planted_networks import ExamNetwork, make_exam_network

CHARACTERS = 1_500


def network_of(seed: int) -> ExamNetwork:
    return make_exam_network(seed, characters=CHARACTERS)


def test_a_seed_determines_the_network() -> None:
    one, again, other = network_of(3), network_of(3), network_of(7)
    assert (one.text, one.symbols, one.questions) == (again.text, again.symbols, again.questions)
    weights, weights_again = one.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(values, weights_again[name]) for name, values in weights.items())
    assert one.text != other.text
    assert one.drive == other.drive


def test_four_consecutive_seeds_have_two_soft_and_two_hard_drives() -> None:
    assert [network_of(seed).drive.is_hard for seed in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("seed", range(3))
def test_the_first_cells_of_the_model_are_those_of_the_questions(seed: int) -> None:
    network = network_of(seed)
    biases = network.model.weights(0).bias.view(4, -1)[:3].detach()
    expected = [(question.cell.i, question.cell.f, question.cell.g) for question in network.questions]
    assert biases[:, : len(expected)].T.tolist() == [pytest.approx(biases, rel=1e-6) for biases in expected]
    assert 12 <= network.model.config.cells - len(expected) < 49


@pytest.mark.parametrize("seed", range(3))
def test_a_gated_counter_hears_the_toggle_before_it(seed: int) -> None:
    questions = network_of(seed).questions
    for place, question in enumerate(questions):
        if question.label == "gated counter":
            assert list(question.cell.i_from) == [place - 1]
            assert questions[place - 1].label == "toggle"


def test_without_its_cells_the_model_predicts_the_frequencies_of_the_characters() -> None:
    network = network_of(0)
    counts = Counter(network.text)
    shares = [max(1, counts[symbol]) / CHARACTERS for symbol in network.symbols]
    assert network.model.head.bias.exp().tolist() == pytest.approx(shares, rel=1e-5)
    assert len(network.text) == CHARACTERS


def test_about_four_of_five_clear_questions_are_asked() -> None:
    labels = [{question.label for question in network_of(seed).questions} for seed in range(30)]
    share = sum("depth counter" in asked for asked in labels) / len(labels)
    assert 0.6 < share < 0.95
    assert all("flip-missing toggle" in asked for asked in labels)
