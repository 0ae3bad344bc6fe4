"""Measure the effect of all unverified candidates of one feature when they are changed together.

Several cells may follow a feature so that each alone can be spared: the cell is not verified alone; all
unverified candidates of its feature changed together have a convincing effect, which is smaller without this
one. Such a candidate is called redundant. Smaller means smaller by at least 0.2 of the joint effect divided
by the number of candidates.

The controls are cell sets with one control for each candidate, given that candidate's dose in h.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.intervening.control_cells import dose_in_h, equal_doses, possible_controls
from charlstm.inspection.intervening.effect import LEAST_EFFECT_NATS, LEAST_RATIO, MeasuredEffect
from charlstm.inspection.intervening.experiment import (
    CellDoses,
    ClosersUnderTest,
    Intervention,
    InterventionContext,
    specific_part,
)
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.machine.processes import ALONE, ProcessGroup

# A joint effect is compared with this many cell sets of controls.
JOINT_CONTROL_SETS = 99
# A candidate is needed when the joint effect without it is smaller by at least this share of the joint effect
# divided by the number of candidates.
_LEAST_SHARE_OF_AN_EQUAL_PART = 0.2


@dataclass(frozen=True)
class JointEffect:
    """A JointEffect says what happens when all unverified candidates of one feature are changed together.

    Effects are in nats. cells are the candidates' [layer, cell]. effect is the specific effect, p95 the 95th
    percentile of the controls' effects (infinite where there are none), p_value the rank among these effects.
    convincing says whether the effect is in the expected direction, large and significant. needed says of
    each cell whether the effect needs it.
    """

    cells: list[list[int]]
    effect: float
    p95: float
    p_value: float
    convincing: bool
    needed: list[bool]


def joint_effects(
    context: InterventionContext,
    measured: Sequence[MeasuredEffect],
    verified: set[int],
    significance: float,
    generator: torch.Generator,
    processes: ProcessGroup = ALONE,
) -> dict[int, tuple[JointEffect, bool]]:
    """Return the joint effect of the candidates of each feature that are not verified alone.

    measured are the effects of all candidates, verified the indices into measured of the verified ones. The
    result has, by the index of a candidate, the joint effect that it takes part in and whether it is needed
    for that; a candidate that is the only unverified one of its feature has none.
    """
    by_feature: dict[str, list[int]] = {}
    for index, effect in enumerate(measured):
        if index not in verified:
            by_feature.setdefault(effect.intervention.candidate.feature.name, []).append(index)
    several = [indices for indices in by_feature.values() if len(indices) > 1]

    def measure_together(indices: list[int], job_generator: torch.Generator) -> JointEffect:
        members = [measured[index].intervention for index in indices]
        return _joint_effect(context, members, significance, job_generator)

    effects = do_jobs(several, measure_together, generator, processes)
    return {
        index: (joint, needed)
        for indices, joint in zip(several, effects, strict=True)
        for index, needed in zip(indices, joint.needed, strict=True)
    }


def _joint_effect(
    context: InterventionContext,
    members: Sequence[Intervention],
    significance: float,
    generator: torch.Generator,
) -> JointEffect:
    """Return what the interventions of members, all of one feature, do together."""
    closers = ClosersUnderTest(context, members[0].sites)
    both_ways = members[0].candidate.is_counter

    def effect(doses: CellDoses) -> float:
        return float(specific_part(closers.mean_change(doses, both_ways=both_ways)))

    joint = effect(_doses_of(members))
    without = [effect(_doses_of([other for other in members if other is not left])) for left in members]
    sizes = [abs(effect(doses)) for doses in _control_doses(closers, members, generator)]
    controls = torch.tensor(sizes, dtype=torch.float64)
    p95 = float(torch.quantile(controls, 0.95)) if sizes else math.inf
    p_value = float(1 + (controls >= abs(joint)).sum()) / (1 + len(sizes))
    large = abs(joint) >= max(LEAST_EFFECT_NATS, LEAST_RATIO * p95)
    least_loss = _LEAST_SHARE_OF_AN_EQUAL_PART * abs(joint) / len(members)
    return JointEffect(
        cells=[[member.candidate.layer, member.candidate.cell] for member in members],
        effect=joint,
        p95=p95,
        p_value=p_value,
        convincing=(both_ways or joint < 0) and large and p_value <= significance,
        needed=[abs(joint) - abs(rest) >= least_loss for rest in without],
    )


def _control_doses(
    closers: ClosersUnderTest, members: Sequence[Intervention], generator: torch.Generator
) -> Iterator[CellDoses]:
    """Yield the doses of JOINT_CONTROL_SETS cell sets of controls: for each member one control that the
    generator draws, with the member's dose in h. Nothing is yielded where a member has no possible control.
    """
    pools = [possible_controls(closers.context, member, members) for member in members]
    for _ in range(JOINT_CONTROL_SETS if all(pools) else 0):
        doses: CellDoses = {}
        for member, pool in zip(members, pools, strict=True):
            layer = member.candidate.layer
            control = pool[int(torch.randint(len(pool), (1,), generator=generator))]
            wanted = dose_in_h(closers, layer, {member.candidate.cell: member.dose})
            sign = 1 - 2 * torch.randint(2, (1, 1), generator=generator).double()
            of_control, _ = equal_doses(closers, layer, torch.tensor([[control]]), wanted, sign)
            _add_dose(doses, layer, control, of_control[0])
        yield doses


def _doses_of(interventions: Sequence[Intervention]) -> CellDoses:
    """Return the doses of several interventions together."""
    doses: CellDoses = {}
    for intervention in interventions:
        candidate = intervention.candidate
        _add_dose(doses, candidate.layer, candidate.cell, intervention.dose[:, None])
    return doses


def _add_dose(doses: CellDoses, layer: int, cell: int, dose: Tensor) -> None:
    """Add the dose (sites, 1) of one more cell of a layer to doses."""
    cells, before = doses.get(layer, ([], torch.zeros(len(dose), 0)))
    doses[layer] = ([*cells, cell], torch.cat((before, dose), dim=1))
