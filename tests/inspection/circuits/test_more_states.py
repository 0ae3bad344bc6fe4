"""A context with more states has its own and those that were asked for."""

import numpy as np
import torch
from circuits_fixture import QUOTES, context_of, random_network

from charlstm.inspection.circuits.more_states import with_more_states
from charlstm.model.char_lstm import State


def test_states_are_those_that_the_network_reaches():
    context = context_of(random_network(), [QUOTES])
    sites = context.behaviours[QUOTES].deciding_sites.positions
    more = np.array([900, 301, 300, 900, int(sites[0])])

    extended = with_more_states(context, more)

    before = extended.survey.states_before(more)
    empty = State(torch.zeros(2, 1, 6), torch.zeros(2, 1, 6))
    for number, position in enumerate(more[:4].tolist()):
        ids = context.characters(np.array([0]), position)
        reached = context.rollouts.run(ids, empty).state
        torch.testing.assert_close(before.c[:, number], reached.c[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        extended.survey.states_before(sites).h, context.survey.states_before(sites).h, atol=1e-5, rtol=0
    )


def test_without_positions_nothing_is_read():
    context = context_of(random_network(), [QUOTES])

    assert with_more_states(context, np.zeros(0, np.int64)) is context
