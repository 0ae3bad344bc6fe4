"""Measure the effect of all unverified candidates of one feature when they are changed together.

Several cells may follow a feature so that each alone can be spared: no cell is verified alone, but all
unverified candidates of the feature together have an effect, of which this one has a part. Such a candidate
is called redundant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate, ratio_of
from charlstm.inspection.intervening.experiment import Candidate, InterventionContext
from charlstm.inspection.intervening.necessity import necessity_of

# A joint effect needs a cell whose part of it is surely larger than this.
_LEAST_PART = 0.1


@dataclass(frozen=True, eq=False)
class JointEffect:
    """A JointEffect says what happens when all unverified candidates of one feature are changed together.

    cells are the candidates' (layer, cell). effect is the mean change of the target's log probability in
    nats, limit_nats what its size has to exceed, and p_value the chance of such an effect under a smaller
    one, not corrected for the number of groups. convincing says whether both interventions have an effect
    beyond the limit. lost has for each cell what the effect loses when that cell keeps its value, in nats,
    negative where the target then loses less, and parts what share of the effect that is.
    """

    cells: list[tuple[int, int]]
    effect: Estimate
    limit_nats: float
    p_value: float
    convincing: bool
    lost: list[Estimate]
    parts: list[Estimate]

    @property
    def needed(self) -> list[bool]:
        """Return of each cell whether the interval of its part lies above _LEAST_PART."""
        return [part.low > _LEAST_PART for part in self.parts]

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
                {"cell": name, "lost": lost.data, "part": part.data}
                for name, lost, part in zip(names, self.lost, self.parts, strict=True)
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
    losses = []
    for left_out in cells:
        rest = closers.change(closers.donor_values([cell for cell in cells if cell != left_out]))
        losses.append(together.resample.less(rest))
    return JointEffect(
        cells=cells,
        effect=together.resample.effect(),
        limit_nats=limit_nats,
        p_value=together.p_value(limit_nats),
        convincing=together.beyond(limit_nats, error),
        lost=[loss.effect() for loss in losses],
        parts=[ratio_of(loss.nats, together.resample.nats, together.resample.clusters) for loss in losses],
    )
