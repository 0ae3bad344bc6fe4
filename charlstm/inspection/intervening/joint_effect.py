"""Measure the effect of all unverified candidates of one feature when they are changed together.

Several cells may follow a feature so that each alone can be spared: no cell is verified alone, but all
unverified candidates of the feature together have an effect, which is smaller without this one. Such a
candidate is called redundant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate
from charlstm.inspection.intervening.experiment import Candidate, InterventionContext
from charlstm.inspection.intervening.necessity import necessity_of


@dataclass(frozen=True, eq=False)
class JointEffect:
    """A JointEffect says what happens when all unverified candidates of one feature are changed together.

    cells are the candidates' (layer, cell). effect is the mean change of the target's log probability in
    nats, limit_nats what its size has to exceed, and p_value the chance of such an effect under a smaller
    one, not corrected for the number of groups. convincing says whether both interventions have an effect
    beyond the limit. lost has for each cell what the effect loses when that cell keeps its value, in nats,
    negative where the target then loses less.
    """

    cells: list[tuple[int, int]]
    effect: Estimate
    limit_nats: float
    p_value: float
    convincing: bool
    lost: list[Estimate]

    @property
    def needed(self) -> list[bool]:
        """Return of each cell whether the effect is surely smaller without it, by an interval of 95%."""
        return [lost.high < 0 if self.effect.value < 0 else lost.low > 0 for lost in self.lost]

    @property
    def data(self) -> Json:
        """Return the joint effect as findings.json has it; half of the limit stands for control_p95."""
        names = [f"{layer}:{cell}" for layer, cell in self.cells]
        return {
            "cells": names,
            "effect_nats": self.effect.value,
            "interval": [self.effect.low, self.effect.high],
            "control_p95": self.limit_nats / 2,
            "limit_nats": self.limit_nats,
            "p_value": self.p_value,
            "leave_one_out": [
                {"cell": name, "lost": lost.data} for name, lost in zip(names, self.lost, strict=True)
            ],
        }


def joint_effect(
    context: InterventionContext,
    candidates: Sequence[Candidate],
    limit_nats: float,
    error: float,
) -> JointEffect:
    """Return what candidates of one feature do together at its closers.

    error is the chance that the interval of an effect does not hold the true one.
    """
    closers = context.closers(candidates[0].feature.name)
    cells = [(candidate.layer, candidate.cell) for candidate in candidates]
    either_way = candidates[0].is_counter
    together = necessity_of(closers, cells, either_way=either_way)
    lost = []
    for left_out in cells:
        rest = closers.change(closers.donor_values([cell for cell in cells if cell != left_out]))
        lost.append(together.resample.less(rest).effect())
    return JointEffect(
        cells=cells,
        effect=together.resample.effect(),
        limit_nats=limit_nats,
        p_value=together.p_value(limit_nats),
        convincing=together.beyond(limit_nats, error),
        lost=lost,
    )
