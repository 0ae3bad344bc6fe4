"""Choose control cells for an intervention, and give them a dose equal to the candidate's.

A control is a cell of the candidate's layer that follows no feature. Several controls that are changed
together are a cell set. What a candidate does to the prediction of a closer is compared with the effects of
cell sets of controls that are given the same dose in h.

Which cells may be controls: all of the layer but the candidates under test, the cells that follow the
feature, and the cells that follow any feature strongly (CellRoles), since such a cell may well affect the
closer by its own role: an open string, for example, forbids a bracket to close. Of these, the cells most
similar to the candidate come first. Similarity is measured by four numbers: the standard deviation of c,
the mean output gate, the size of the outgoing weights, and how often the cell crosses its threshold.

The dose in h of a change of c is the change of activation(c) times the mean output gate of the cell. For
several cells it is the root of the sum of their squares.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from charlstm.inspection.intervening.experiment import (
    ClosersUnderTest,
    Intervention,
    InterventionContext,
    combined_change,
    specific_part,
)

# Every candidate is first compared with this many cell sets of controls.
CONTROL_SETS = 199
# A cell whose |r| with the candidate's feature is at least this follows it, too.
_FOLLOWS_CORRELATION = 0.25
# A cell whose |r| with any feature is at least this has a role of its own.
_ROLE_CORRELATION = 0.4
# Cell sets are made of this many of the possible controls, the most similar ones.
_MOST_SIMILAR_CELLS = 99
# The measured change of controls is scaled up to the full dose where they reach only a part of it, at most
# by the inverse of this share.
_LEAST_DOSE_SHARE = 0.5
# tanh and softsign reach 1 only at an infinite c: their value goes no further than this.
_LARGEST_ACTIVATION = 0.999
# The rollouts of this many cell sets run side by side, so that memory does not grow with the number of all.
_CELL_SETS_PER_BATCH = 512


@dataclass(frozen=True, eq=False)
class CellRoles:
    """CellRoles says how strongly every cell follows every feature, which decides what cells may be controls.

    correlations (cells of all layers, features) are |r| in [0, 1]; cell k of layer l is row l * cells + k.
    columns has the column of each feature by its name, for all but the pseudo features. layers is the
    number of layers.
    """

    correlations: Tensor
    columns: Mapping[str, int]
    layers: int

    def excluded_controls(self, features: Iterable[str]) -> dict[str, Tensor]:
        """Return by the name of each of features (layers, cells) bool: the cells that may not be its
        controls, because they follow it or have a role of their own.
        """
        has_role = self.correlations[:, list(self.columns.values())].amax(1) >= _ROLE_CORRELATION
        return {
            name: (has_role | (self.correlations[:, self.columns[name]] >= _FOLLOWS_CORRELATION)).view(
                self.layers, -1
            )
            for name in features
        }


def possible_controls(
    context: InterventionContext, intervention: Intervention, tested: Sequence[Intervention]
) -> list[int]:
    """Return the cells of the candidate's layer that may be its controls, the most similar one first.

    No candidate of `tested`, the interventions of the whole proof, is among them.
    """
    candidate = intervention.candidate
    excluded_by_layer = context.excluded_controls[candidate.feature.name]
    excluded = set(excluded_by_layer[candidate.layer].nonzero().flatten().tolist())
    excluded |= {other.candidate.cell for other in tested if other.candidate.layer == candidate.layer}
    profiles = _profiles(context, candidate.layer)
    distances = (profiles - profiles[candidate.cell]).square().sum(1)
    order: list[int] = distances.argsort().tolist()
    return [cell for cell in order if cell != candidate.cell and cell not in excluded]


def _profiles(context: InterventionContext, layer: int) -> Tensor:
    """Return (cells, 4) float64, each column standardised: the standard deviation of c, the mean output
    gate, the norm of the outgoing weights, and how often the cell crosses its threshold.
    """
    model, survey = context.model, context.survey
    recurrent = model.weights(layer).recurrent.detach().square().sum(0)
    above = (
        model.weights(layer + 1).input if layer + 1 < model.config.layers else model.head.weight
    ).detach()
    outgoing = (recurrent + above.square().sum(0)).sqrt().double()
    columns = torch.stack(
        (survey.deviation[layer], survey.output_gate[layer], outgoing, survey.flip_rate[layer]), dim=1
    )
    return (columns - columns.mean(0)) / columns.std(0).clamp(min=1e-9)


def control_cell_sets(possible: list[int], count: int, generator: torch.Generator) -> list[list[int]]:
    """Return `count` different cell sets of the most similar possible controls, or all where there are
    fewer.

    The single cells come first, the most similar one first, then pairs, sets of three and sets of four;
    where not all sets of one size are needed, the generator draws them.
    """
    similar = possible[:_MOST_SIMILAR_CELLS]
    cell_sets = [[cell] for cell in similar[:count]]
    for size in (2, 3, 4):
        if len(cell_sets) < count:
            of_this_size = list(combinations(similar, size))
            drawn = torch.randperm(len(of_this_size), generator=generator)[: count - len(cell_sets)].tolist()
            cell_sets += [list(of_this_size[index]) for index in drawn]
    return cell_sets


def dose_in_h(closers: ClosersUnderTest, layer: int, doses: Mapping[int, Tensor]) -> Tensor:
    """Return (sites,) float64: the dose in h of doses in c, given by cell of a layer as (sites,) each.

    It is the root of the sum over cells of ((activation(c + dose) - activation(c)) * mean output gate)
    squared.
    """
    context, natural = closers.context, closers.natural_c(layer)
    total = torch.zeros(len(natural), dtype=torch.float64)
    for cell, dose in doses.items():
        before = natural[:, cell].double()
        moved = context.activation(before + dose) - context.activation(before)
        total += (moved * context.survey.output_gate[layer, cell]).square()
    return total.sqrt()


def control_effects(
    closers: ClosersUnderTest,
    intervention: Intervention,
    cell_sets: list[list[int]],
    generator: torch.Generator,
) -> Tensor:
    """Return (sets,) float64: the size of the specific effect, in nats, of each cell set of controls.

    Every set is given the candidate's dose in h, each of its cells in a direction that the generator draws.
    """
    candidate = intervention.candidate
    wanted = dose_in_h(closers, candidate.layer, {candidate.cell: intervention.dose})
    sizes = torch.tensor([len(cells) for cells in cell_sets])
    effects = torch.zeros(len(cell_sets), dtype=torch.float64)
    by_size = [(sizes == size).nonzero().flatten() for size in sorted({len(cells) for cells in cell_sets})]
    batches = (batch for indices in by_size for batch in torch.split(indices, _CELL_SETS_PER_BATCH))
    for batch in batches:
        cells = torch.tensor([cell_sets[index] for index in batch.tolist()])
        signs = 1 - 2 * torch.randint(2, cells.shape, generator=generator).double()
        change = _change_at_full_dose(closers, candidate.layer, cells, wanted, signs)
        if candidate.is_counter:
            down = _change_at_full_dose(closers, candidate.layer, cells, wanted, -signs)
            change = combined_change(change, down)
        effects[batch] = specific_part(change).abs()
    return effects


def _change_at_full_dose(
    closers: ClosersUnderTest, layer: int, cells: Tensor, wanted: Tensor, signs: Tensor
) -> Tensor:
    """Return (sets, 2) float64: the mean change of the closer scores by cell sets (sets, size), scaled up
    in proportion where a set reaches only a share of the wanted dose in h.
    """
    doses, reached = equal_doses(closers, layer, cells, wanted, signs)
    return closers.mean_changes(layer, cells.tolist(), doses) / reached[:, None]


def equal_doses(
    closers: ClosersUnderTest, layer: int, cells: Tensor, wanted: Tensor, signs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the doses in c that give cell sets of controls a wanted dose in h, and the share of it they
    reach.

    cells (sets, size) int64 are cells of a layer, wanted (sites,) float64 is the dose in h of a whole
    set, which its cells share equally, and signs (sets, size) of -1 and 1 are their directions. The doses
    are (sets, sites, size). The share is (sets,) in [_LEAST_DOSE_SHARE, 1]: a bounded activation has no c
    for every change of h.
    """
    context = closers.context
    before = closers.natural_c(layer).double()[:, cells].permute(1, 0, 2)
    gates = context.survey.output_gate[layer, cells].clamp(min=1e-6)[:, None, :]
    of_one_cell = wanted[None, :, None] / math.sqrt(cells.shape[1]) * signs[:, None, :] / gates
    activated = context.activation(before)
    after = _inverse(context.model.config.activation, activated + of_one_cell)
    reached = ((context.activation(after) - activated) * gates).square().sum(2).sqrt().mean(1)
    share = reached / wanted.mean().clamp(min=1e-12)
    return after - before, share.clamp(_LEAST_DOSE_SHARE, 1.0)


def _inverse(activation: str, value: Tensor) -> Tensor:
    """Return the c whose activation is value, or is the nearest value that the activation can have."""
    if activation == "tanh":
        return value.clamp(-_LARGEST_ACTIVATION, _LARGEST_ACTIVATION).atanh()
    if activation == "softsign":
        bounded = value.clamp(-_LARGEST_ACTIVATION, _LARGEST_ACTIVATION)
        return bounded / (1 - bounded.abs())
    if activation == "hardtanh":
        return value.clamp(-1, 1)
    return value.clamp(min=0) if activation == "relu" else value
