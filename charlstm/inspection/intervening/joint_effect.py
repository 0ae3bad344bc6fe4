"""What all cells of one feature do together where none of them does it alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.intervening.control_cells import dose_in_h, doses_like, matched
from charlstm.inspection.intervening.effect import LEAST_EFFECT_NATS, LEAST_RATIO, Measured
from charlstm.inspection.intervening.experiment import Bench, Laboratory, Trial, specific
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.machine.processes import ALONE, ProcessGroup

GROUP_CONTROLS = 99
# Of a group's effect, a member adds this share of its part, or is not needed.
_NEEDED = 0.2


@dataclass(frozen=True)
class JointEffect:
    """What changing all cells of a feature together does; needed says of each whether it adds its part."""

    cells: list[list[int]]
    effect: float
    p95: float
    p_value: float
    convincing: bool
    needed: list[bool]


def joint_effects(
    laboratory: Laboratory,
    measured: Sequence[Measured],
    verified: set[int],
    significance: float,
    generator: torch.Generator,
    processes: ProcessGroup = ALONE,
) -> dict[int, tuple[JointEffect, bool]]:
    """For each candidate that is not verified alone: what those of its feature do together, and whether it
    is needed for that.
    """
    by_feature: dict[str, list[int]] = {}
    for place, m in enumerate(measured):
        if place not in verified:
            by_feature.setdefault(m.trial.candidate.feature.name, []).append(place)
    several = [members for members in by_feature.values() if len(members) > 1]

    def together(members: list[int], own: torch.Generator) -> JointEffect:
        return _joint_effect(laboratory, [measured[place].trial for place in members], significance, own)

    joint = do_jobs(several, together, generator, processes)
    return {
        place: (effect, needed)
        for members, effect in zip(several, joint, strict=True)
        for place, needed in zip(members, effect.needed, strict=True)
    }


def _joint_effect(
    laboratory: Laboratory, members: Sequence[Trial], significance: float, generator: torch.Generator
) -> JointEffect:
    """The joint effect of cells of one feature, against as many control cells with their doses."""
    bench = Bench(laboratory, members[0].sites)
    both_ways = members[0].candidate.counts

    def effect(edits: dict[int, tuple[list[int], Tensor]]) -> float:
        return float(specific(bench.effect(edits, both_ways)))

    joint = effect(_joined(members))
    without = [effect(_joined([m for m in members if m is not one])) for one in members]
    draws = [abs(effect(edits)) for edits in _group_controls(laboratory, bench, members, generator)]
    controls = torch.tensor(draws, dtype=torch.float64)
    p95 = float(torch.quantile(controls, 0.95)) if draws else math.inf
    p_value = float(1 + (controls >= abs(joint)).sum()) / (1 + len(draws))
    large = abs(joint) >= max(LEAST_EFFECT_NATS, LEAST_RATIO * p95)
    return JointEffect(
        cells=[[m.candidate.layer, m.candidate.cell] for m in members],
        effect=joint,
        p95=p95,
        p_value=p_value,
        convincing=(both_ways or joint < 0) and large and p_value <= significance,
        needed=[abs(joint) - abs(rest) >= _NEEDED * abs(joint) / len(members) for rest in without],
    )


def _group_controls(
    laboratory: Laboratory, bench: Bench, members: Sequence[Trial], generator: torch.Generator
) -> Iterator[dict[int, tuple[list[int], Tensor]]]:
    """Yield edits of cells drawn for the members, one each, with the member's dose in h."""
    pools = [matched(laboratory, member, members) for member in members]
    for _ in range(GROUP_CONTROLS if all(pools) else 0):
        edits: dict[int, tuple[list[int], Tensor]] = {}
        for member, pool in zip(members, pools, strict=True):
            layer = member.candidate.layer
            drawn = torch.tensor([[pool[int(torch.randint(len(pool), (1,), generator=generator))]]])
            natural = bench.natural.track[0, layer]
            wanted = dose_in_h(laboratory, natural, {member.candidate.cell: member.dose}, layer)
            sign = 1 - 2 * torch.randint(2, (1, 1), generator=generator).double()
            shifts, _ = doses_like(laboratory, layer, natural, drawn, wanted, sign)
            cells, before = edits.get(layer, ([], torch.zeros(len(shifts[0]), 0)))
            edits[layer] = ([*cells, int(drawn)], torch.cat((before, shifts[0]), dim=1))
        yield edits


def _joined(trials: Sequence[Trial]) -> dict[int, tuple[list[int], Tensor]]:
    """The doses of several candidates as edits by layer."""
    edits: dict[int, tuple[list[int], Tensor]] = {}
    for one in trials:
        cells, shifts = edits.get(one.candidate.layer, ([], torch.zeros(len(one.dose), 0)))
        edits[one.candidate.layer] = (
            [*cells, one.candidate.cell],
            torch.cat((shifts, one.dose[:, None]), dim=1),
        )
    return edits
