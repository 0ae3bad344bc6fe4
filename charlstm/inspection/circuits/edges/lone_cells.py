"""Follow a change through single cells while all other cells stay as they are.

What a cell receives from others is that of the undisturbed run, plus what is pushed into it; only its own c
and its own h go on changed. This keeps one path of the network apart from all others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.inspection.circuits.unrolled import LayerStep, update_cells
from charlstm.model.char_lstm import CharLSTM


class Narrow(NamedTuple):
    """Narrow has some cells of one layer along an undisturbed run, each cell by itself.

    layer is the layer's number and cells (n,) int64 are the cells. steps has for each character their
    LayerStep, with n in the place of the layer's number of cells.
    """

    layer: int
    cells: Tensor
    steps: list[LayerStep]


class LonePath(NamedTuple):
    """A LonePath has what becomes of cells, each alone.

    c (rows, n) is after the last character; h_changes has the change of h (rows, n) at each character.
    """

    c: Tensor
    h_changes: list[Tensor]


def narrow(layer: int, cells: Sequence[int], steps: Sequence[Sequence[LayerStep]]) -> Narrow:
    """Return some cells of a layer along a run; steps has the LayerStep of each character and layer."""
    chosen = torch.tensor(list(cells))
    return Narrow(layer, chosen, [narrowed(of_layers[layer], chosen) for of_layers in steps])


def narrowed(step: LayerStep, cells: Tensor) -> LayerStep:
    """Return the numbers of cells (n,) int64 alone."""

    def of_gates(values: Tensor) -> Tensor:
        return values.view(len(values), len(GATES), -1)[:, :, cells].flatten(1)

    states = (step.c_before, step.c, step.h)
    return LayerStep(
        of_gates(step.projected), of_gates(step.preactivations), *(values[:, cells] for values in states)
    )


def follow(
    model: CharLSTM,
    run: Narrow,
    *,
    added: Tensor | None = None,
    pushed: Sequence[Tensor | None] | None = None,
) -> LonePath:
    """Return what becomes of the cells of a run, each alone.

    added (rows, n) is added to c at the first character. pushed has for each character (rows, 4, n), which is
    added to the pre-activations of the gates, or None.
    """
    width = model.config.cells
    recurrent = model.weights(run.layer).recurrent.view(len(GATES), width, width)
    own = recurrent[:, run.cells, run.cells]
    c, h_changes = run.steps[0].c_before, []
    h_change = torch.zeros_like(c)
    for character, step in enumerate(run.steps):
        preactivations = step.preactivations.view(len(c), len(GATES), -1) + h_change[:, None] * own
        more = pushed[character] if pushed is not None else None
        if more is not None:
            preactivations = preactivations + more
        change = added if character == 0 else None
        now = update_cells(model, preactivations.flatten(1), c, added=change)
        c, h_change = now.c, now.h - step.h
        h_changes.append(h_change)
    return LonePath(c, h_changes)
