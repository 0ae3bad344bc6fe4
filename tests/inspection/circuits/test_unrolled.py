"""The unrolled network computes what the compiled one does, and changes of c act at the first character."""

import torch
from circuits_fixture import random_network
from quoted_text import SYMBOLS

from charlstm.inspection.circuits.unrolled import state_with, unroll, update_cells
from charlstm.inspection.intervening.rollouts import Edit, Rollouts
from charlstm.model.char_lstm import State

IDS = torch.arange(12).view(3, 4) % len(SYMBOLS)


def state_of(layers: int = 2, cells: int = 6) -> State:
    generator = torch.Generator().manual_seed(1)
    return State(*(torch.randn(2, layers, 3, cells, generator=generator) / 2))


def test_every_step_is_that_of_the_network():
    model, state = random_network(), state_of()

    steps = list(unroll(model, IDS, state))

    outcome = Rollouts(model).run(IDS, state, track=True)
    c = torch.stack([torch.stack([layer.c for layer in of_layers]) for of_layers in steps])
    torch.testing.assert_close(c, outcome.track)
    torch.testing.assert_close(model.head(steps[-1][-1].h), outcome.logits)


def test_what_is_added_to_c_at_the_first_character_acts_on_h_and_all_that_follows():
    model, state = random_network(), state_of()
    added = [torch.zeros(3, 6), torch.zeros(3, 6)]
    added[0][:, 2] = 0.7

    steps = list(unroll(model, IDS, state, added))

    natural = Rollouts(model).run(IDS[:, :1], state, track=True).track[0]
    edit = Edit(torch.full((3, 1), 2), natural[0][:, [2]] + 0.7)
    outcome = Rollouts(model).run(IDS, state, {0: edit}, track=True)
    torch.testing.assert_close(steps[0][1].c, outcome.track[0, 1])
    torch.testing.assert_close(model.head(steps[-1][-1].h), outcome.logits)


def test_preactivations_are_the_projection_and_what_h_adds():
    model, state = random_network(), state_of()

    step = next(iter(unroll(model, IDS, state)))[0]

    weights = model.weights(0)
    torch.testing.assert_close(step.preactivations - step.projected, state.h[0] @ weights.recurrent.t())
    torch.testing.assert_close(update_cells(model, step.preactivations, step.c_before, added=None).h, step.h)


def test_the_state_with_all_cells_set_is_that_after_an_edit_of_all_cells():
    model, before = random_network(), state_of()
    c = torch.randn(2, 5, 3, 6, generator=torch.Generator().manual_seed(2))

    state = state_with(model, IDS[:, 0], before, c)

    cells = torch.arange(6).expand(15, -1)
    edits = {layer: Edit(cells, c[layer].flatten(0, 1)) for layer in range(2)}
    repeated = State(before.h.repeat(1, 5, 1), before.c.repeat(1, 5, 1))
    outcome = Rollouts(model).run(IDS[:, :1].repeat(5, 1), repeated, edits)
    torch.testing.assert_close(state.h, outcome.state.h)
    torch.testing.assert_close(state.c, outcome.state.c)
