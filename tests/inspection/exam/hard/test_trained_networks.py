"""A trained network keeps its planted cells as its only memory, and is asked about what it relies on."""

import pytest
import torch

from charlstm.inspection.exam.hard import trained_networks
from charlstm.inspection.exam.hard.trained_networks import trained_network
from charlstm.inspection.exam.planted_cells import STRENGTH, by_gate
from charlstm.inspection.exam.planted_networks import ExamNetwork

PLANTED = 6


@pytest.fixture(scope="module")
def network() -> ExamNetwork:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained_networks, "_STEPS", 60)
        return trained_network(2, 8_000)


def test_training_leaves_the_planted_cells_as_they_are(network: ExamNetwork) -> None:
    biases = network.model.weights(0).bias.view(4, -1)[:3, :PLANTED].detach()
    expected = [(question.cell.i, question.cell.f, question.cell.g) for question in network.questions]
    assert biases.T.tolist() == [pytest.approx(bias, rel=1e-5) for bias in expected]


def test_no_other_cell_remembers_or_is_heard_and_nobody_reads_the_twin(network: ExamNetwork) -> None:
    cells = network.model.config.cells
    recurrent = by_gate(network.model.weights(0).recurrent, cells)
    assert not recurrent[:, PLANTED:].any()
    assert not (recurrent - torch.diag_embed(recurrent.diagonal(dim1=1, dim2=2))).any()
    assert by_gate(network.model.weights(0).input, cells)[0, PLANTED:].std() > 0.05
    assert not network.model.head.weight[:, PLANTED - 1].any()
    assert network.model.head.weight[:, : PLANTED - 1].all()
    forget = by_gate(network.model.weights(0).bias, cells)[1, PLANTED:]
    assert torch.all(forget == -STRENGTH)
    assert not by_gate(network.model.weights(0).input, cells)[1, PLANTED:].any()


def test_the_network_relies_on_the_cells_that_it_must_rely_on(network: ExamNetwork) -> None:
    by_label = {question.label: question for question in network.questions}
    for label in ("toggle", "latch"):
        assert (by_label[label].verdict, by_label[label].share) == ("verified", 1.0)
    assert (by_label["twin"].verdict, by_label["twin"].share) == ("correlate", 0.0)


@pytest.mark.parametrize(
    ("limits", "verdict", "share"), [((1e9, 1e8), "correlate", 0.0), ((1e9, -1e9), None, None)]
)
def test_what_the_network_does_not_rely_on_is_a_correlate_and_what_it_may_is_not_asked(
    network: ExamNetwork, limits: tuple[float, float], verdict: str | None, share: float | None
) -> None:
    ids = torch.tensor([network.symbols.index(character) for character in network.text])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained_networks, "_USED_NATS", limits[0])
        patch.setattr(trained_networks, "_UNUSED_NATS", limits[1])
        asked = trained_networks._asked(network.model, ids, network.symbols, network.questions[:2])
    assert [(question.verdict, question.share) for question in asked] == [(verdict, share)] * 2


def test_training_gives_torch_its_threads_back() -> None:
    before = torch.get_num_threads()
    with trained_networks._one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
