"""A change goes on through a cell's own state and its own h, and through nothing else."""

import torch
from circuits_fixture import random_network
from quoted_text import SYMBOLS

from charlstm.inspection.circuits.edges.lone_cells import follow, narrow
from charlstm.inspection.circuits.unrolled import LayerStep, unroll
from charlstm.model.char_lstm import CharLSTM, State

IDS = torch.arange(12).view(3, 4) % len(SYMBOLS)
STATE = State(*(torch.randn(2, 2, 3, 6, generator=torch.Generator().manual_seed(1)) / 2))


def run_of(model: CharLSTM, added: torch.Tensor | None = None) -> list[list[LayerStep]]:
    return list(unroll(model, IDS, STATE, None if added is None else [added, torch.zeros(3, 6)]))


def test_without_a_change_nothing_changes():
    model = random_network()
    steps = run_of(model)

    path = follow(model, narrow(1, [0, 4], steps))

    torch.testing.assert_close(path.c, steps[-1][1].c[:, [0, 4]])
    torch.testing.assert_close(torch.stack(path.h_changes), torch.zeros(4, 3, 2))


def test_a_cell_that_reads_no_other_cell_goes_on_as_in_the_network():
    model = random_network()
    recurrent = model.weights(0).recurrent.view(4, 6, 6)
    for cell in range(6):
        recurrent[:, cell, torch.arange(6) != cell] = 0
    added = torch.zeros(3, 6)
    added[:, 2] = 0.8
    natural, changed = run_of(model), run_of(model, added)

    path = follow(model, narrow(0, [2], natural), added=added[:, [2]])

    torch.testing.assert_close(path.c, changed[-1][0].c[:, [2]])
    torch.testing.assert_close(path.h_changes[-1], (changed[-1][0].h - natural[-1][0].h)[:, [2]])


def test_what_other_cells_do_in_answer_does_not_reach_it():
    model = random_network()
    added = torch.zeros(3, 6)
    added[:, 2] = 0.8
    natural, changed = run_of(model), run_of(model, added)

    path = follow(model, narrow(0, [2], natural), added=added[:, [2]])

    assert not torch.allclose(path.c, changed[-1][0].c[:, [2]], atol=1e-4)


def test_what_is_pushed_into_a_gate_acts_on_this_cell_alone():
    model = random_network()
    steps = run_of(model)
    pushed: list[torch.Tensor | None] = [None, torch.zeros(3, 4, 2), None, None]
    pushed[1][:, 1, 0] = -20  # The forget gate of the first of the two cells shuts at the second character.

    path = follow(model, narrow(0, [1, 3], steps[:2]), pushed=pushed)

    at = steps[1][0]
    i, _, g, _ = at.preactivations.view(3, 4, 6)[:, :, 1].unbind(1)
    torch.testing.assert_close(path.c[:, 0], i.sigmoid() * g.tanh())
    torch.testing.assert_close(path.c[:, 1], at.c[:, 3])
