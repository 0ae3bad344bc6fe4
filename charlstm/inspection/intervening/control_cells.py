"""Control cells for a trial: cells of the same layer that resemble the candidate, given the same dose in h.

They resemble it in the spread of c, the mean output gate, the outgoing weights and the rate of flips. The
dose in h is the change of activation(c) times the mean output gate. Cells that carry the candidate's feature
themselves, and those that have a role of their own, are no controls: what an open string or a bracket inside
does to a closer is no chance.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from charlstm.inspection.intervening.experiment import (
    Bench,
    Candidate,
    Laboratory,
    Trial,
    either_way,
    specific,
)

CONTROLS = 199
# Controls are made of so many of the cells that resemble the candidate most.
_ALIKE = 99
# A control that cannot be given half of the dose is none; what is missing is made up for linearly.
_LEAST_DOSE = 0.5
# Where activations have no finite inverse, c goes no further than this share of the way.
_LIMIT = 0.999
# Groups of control cells that are changed at once: memory does not grow with their number.
_AT_ONCE = 512


def matched(laboratory: Laboratory, trial: Trial, others: Sequence[Trial]) -> list[int]:
    """The layer's cells that may be controls of a candidate, those that resemble it most first."""
    candidate = trial.candidate
    excluded = set(laboratory.excluded[candidate.feature.name][candidate.layer].nonzero().flatten().tolist())
    excluded |= {other.candidate.cell for other in others if other.candidate.layer == candidate.layer}
    profile = _profiles(laboratory, candidate.layer)
    distances = (profile - profile[candidate.cell]).square().sum(1)
    order: list[int] = distances.argsort().tolist()
    return [cell for cell in order if cell != candidate.cell and cell not in excluded]


def _profiles(laboratory: Laboratory, layer: int) -> Tensor:
    """(cells, 4) float64 standardised: spread of c, mean output gate, outgoing weights, rate of flips."""
    model, seen = laboratory.model, laboratory.seen
    recurrent = model.weights(layer).recurrent.detach().square().sum(0)
    above = (
        model.weights(layer + 1).input if layer + 1 < model.config.layers else model.head.weight
    ).detach()
    outgoing = (recurrent + above.square().sum(0)).sqrt().double()
    columns = torch.stack(
        (seen.deviation[layer], seen.output_gate[layer], outgoing, seen.flip_rate[layer]), dim=1
    )
    return (columns - columns.mean(0)) / columns.std(0).clamp(min=1e-9)


def control_groups(pool: list[int], count: int, generator: torch.Generator) -> list[list[int]]:
    """count different groups of the cells most alike: each alone, pairs, then threes and fours; fewer where
    there are no more.
    """
    alike = pool[:_ALIKE]
    groups = [[cell] for cell in alike[:count]]
    for size in (2, 3, 4):
        if len(groups) < count:
            together = list(combinations(alike, size))
            drawn = torch.randperm(len(together), generator=generator)[: count - len(groups)].tolist()
            groups += [list(together[place]) for place in drawn]
    return groups


def dose_in_h(laboratory: Laboratory, natural: Tensor, doses: dict[int, Tensor], layer: int) -> Tensor:
    """(closers,) float64 change of h at the mean output gate, for doses (closers,) in c by cell of a layer
    whose natural c is (closers, cells)."""
    total = torch.zeros(len(natural), dtype=torch.float64)
    for cell_, dose in doses.items():
        before = natural[:, cell_].double()
        moved = laboratory.activation(before + dose) - laboratory.activation(before)
        total += (moved * laboratory.seen.output_gate[layer, cell_]).square()
    return total.sqrt()


def control_effects(
    bench: Bench,
    candidate: Candidate,
    natural: Tensor,
    wanted: Tensor,
    groups: list[list[int]],
    generator: torch.Generator,
) -> Tensor:
    """(draws,) float64 |effects| of groups of control cells, given the dose wanted (closers,) in h."""
    sizes = torch.tensor([len(group) for group in groups])
    effects = torch.zeros(len(groups), dtype=torch.float64)
    by_size = [(sizes == size).nonzero().flatten() for size in sorted({len(group) for group in groups})]
    for chosen in (part for places in by_size for part in torch.split(places, _AT_ONCE)):
        cells = torch.tensor([groups[place] for place in chosen.tolist()])
        signs = 1 - 2 * torch.randint(2, cells.shape, generator=generator).double()
        change = _change(bench, candidate.layer, natural, wanted, cells, signs)
        if candidate.counts:
            down = _change(bench, candidate.layer, natural, wanted, cells, -signs)
            change = either_way(change, down)
        effects[chosen] = specific(change).abs()
    return effects


def _change(
    bench: Bench, layer: int, natural: Tensor, wanted: Tensor, cells: Tensor, signs: Tensor
) -> Tensor:
    """(groups, 2) what a dose in h of groups of cells (groups, size) does, made up to the whole of it."""
    shifts, reached = doses_like(bench.laboratory, layer, natural, cells, wanted, signs)
    return bench.changes(layer, cells.tolist(), shifts) / reached[:, None]


def doses_like(
    laboratory: Laboratory, layer: int, natural: Tensor, cells: Tensor, wanted: Tensor, signs: Tensor
) -> tuple[Tensor, Tensor]:
    """Shifts of c (groups, closers, size) that change h of cells (groups, size) by wanted in all, each in the
    direction of signs (groups, size), and which share of it a group reached, (groups,) in [_LEAST_DOSE, 1].
    """
    before = natural.double()[:, cells].permute(1, 0, 2)
    gates = laboratory.seen.output_gate[layer, cells].clamp(min=1e-6)[:, None, :]
    each = wanted[None, :, None] / math.sqrt(cells.shape[1]) * signs[:, None, :] / gates
    state = laboratory.activation(before)
    moved = _inverse(laboratory.model.config.activation, state + each)
    reached = ((laboratory.activation(moved) - state) * gates).square().sum(2).sqrt().mean(1)
    share = reached / wanted.mean().clamp(min=1e-12)
    return moved - before, share.clamp(_LEAST_DOSE, 1.0)


def _inverse(activation: str, value: Tensor) -> Tensor:
    """The c whose activation is the value, or the nearest that can be."""
    if activation == "tanh":
        return value.clamp(-_LIMIT, _LIMIT).atanh()
    if activation == "softsign":
        bounded = value.clamp(-_LIMIT, _LIMIT)
        return bounded / (1 - bounded.abs())
    if activation == "hardtanh":
        return value.clamp(-1, 1)
    return value.clamp(min=0) if activation == "relu" else value
