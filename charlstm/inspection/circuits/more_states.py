"""Read a passage once more, for the states before positions that the proof did not need."""

from copy import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.intervening.survey import StoredStates
from charlstm.inspection.reading.trace import trace
from charlstm.model.char_lstm import State

_BLOCK_POSITIONS = 2048


def with_more_states(context: InterventionContext, positions: NDArray[np.int64]) -> InterventionContext:
    """Return a context that has the states before positions (n,), in any order, besides its own.

    None of positions is the first of its stretch. The passage is read once, or not at all without positions.
    """
    if not len(positions):
        return context
    survey, cut = context.survey, context.passage.cut
    stored = StoredStates(context.model, np.unique(positions), cut.length)
    window = max(1, _BLOCK_POSITIONS // cut.streams)
    for block in trace(context.model, context.passage.ids, streams=cut.streams, window=window):
        stored.update(block)
    together, first = np.unique(np.concatenate((survey.positions, np.unique(positions))), return_index=True)
    chosen = torch.from_numpy(first)
    states = (
        torch.cat(both, dim=1)[:, chosen]
        for both in ((survey.states.h, stored.h), (survey.states.c, stored.c))
    )
    extended = copy(context)
    extended.survey = replace(survey, positions=together, states=State(*states))
    return extended
