"""Measure the effect of one candidate beside the effects of its controls.

The effect of a candidate is the mean change of the log probability of the closers when its dose is given; the
verdict depends on its specific part (experiment.specific_part). Its p-value is its rank among the effects of
cell sets of controls, each given the same dose in h. An effect is convincing when it is in the expected
direction and large, in nats and in comparison with the controls.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from charlstm.inspection.intervening.control_cells import (
    CONTROL_SETS,
    control_cell_sets,
    control_effects,
    possible_controls,
)
from charlstm.inspection.intervening.experiment import (
    ClosersUnderTest,
    Intervention,
    InterventionContext,
    specific_part,
)

# A smaller effect is of no use to anybody, however rare it is among the controls.
LEAST_EFFECT_NATS = 0.05
# A verified effect is at least this multiple of the 95th percentile of its controls' effects.
LEAST_RATIO = 2.0
# A convincing candidate is compared with more controls at this many of its sites.
_SITES_FOR_MANY_CONTROLS = 16


@dataclass(frozen=True, eq=False)
class MeasuredEffect:
    """A MeasuredEffect has the effects of one candidate's intervention and of its controls, in nats.

    effect_nats is the mean change of the closers' log probability, specific_nats its specific part.
    control_effects (sets,) float64 are the sizes of the specific effects of cell sets of controls, and
    possible_controls the cells that these are made of, the most similar one first. p_value is the rank of
    specific_nats among the effects of control_count cell sets, before any correction.
    """

    intervention: Intervention
    effect_nats: float
    specific_nats: float
    control_effects: Tensor
    possible_controls: list[int]
    p_value: float
    control_count: int

    @property
    def control_p95(self) -> float:
        """Return the 95th percentile of the controls' effects, in nats, at least 1e-6; infinite without
        controls.
        """
        if not len(self.control_effects):
            return math.inf
        return float(torch.quantile(self.control_effects, 0.95).clamp(min=1e-6))

    @property
    def in_expected_direction(self) -> bool:
        """Return whether the closer became less likely, as it must when the feature is taken away.

        A counter's effect may have either direction.
        """
        return self.intervention.candidate.is_counter or self.specific_nats < 0

    @property
    def convincing(self) -> bool:
        """Return whether the effect is in the expected direction and at least LEAST_EFFECT_NATS and
        LEAST_RATIO times the 95th percentile of the controls.
        """
        return self.in_expected_direction and abs(self.specific_nats) >= max(
            LEAST_EFFECT_NATS, LEAST_RATIO * self.control_p95
        )


def measure_effect(
    context: InterventionContext,
    intervention: Intervention,
    tested: Sequence[Intervention],
    generator: torch.Generator,
) -> MeasuredEffect:
    """Measure the effect of a candidate's dose, and of an equal dose given to CONTROL_SETS cell sets of
    controls.

    No candidate of `tested`, the interventions of the whole proof, is a control.
    """
    possible = possible_controls(context, intervention, tested)
    change, controls = _change_and_controls(context, intervention, possible, CONTROL_SETS, generator)
    specific = float(specific_part(change))
    p_value = _p_value_by_rank(specific, controls)
    return MeasuredEffect(
        intervention, float(change[0]), specific, controls, possible, p_value, len(controls)
    )


def _change_and_controls(
    context: InterventionContext,
    intervention: Intervention,
    possible: list[int],
    count: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return (2,) the mean change of the closer scores by the candidate's dose, and (sets,) the sizes of
    the specific effects of `count` cell sets of possible controls.
    """
    candidate = intervention.candidate
    closers = ClosersUnderTest(context, intervention.sites)
    doses = {candidate.layer: ([candidate.cell], intervention.dose[:, None])}
    change = closers.mean_change(doses, both_ways=candidate.is_counter)
    cell_sets = control_cell_sets(possible, count, generator)
    return change, control_effects(closers, intervention, cell_sets, generator)


def _p_value_by_rank(effect: float, controls: Tensor) -> float:
    """Return the p-value of an effect by its rank among the effects of controls (sets,), in (0, 1].

    It is (1 + the number of controls that are at least as large) / (1 + their number), and 1 where there
    are fewer than CONTROL_SETS.
    """
    if len(controls) < CONTROL_SETS:
        return 1.0
    return float(1 + (controls >= abs(effect)).sum()) / (1 + len(controls))


def ranked_among_more_controls(
    context: InterventionContext,
    measured: MeasuredEffect,
    control_count: int,
    significance: float,
    generator: torch.Generator,
) -> MeasuredEffect:
    """Return `measured` with the p-value that it has among `control_count` cell sets of controls.

    It is returned unchanged where control_count is no more than CONTROL_SETS, or where the effect is not
    convincing or its p-value is above significance already. The comparison is made at
    _SITES_FOR_MANY_CONTROLS sites: a rank needs many controls, while only the effect itself, which stays as
    it was measured, needs many sites.
    """
    if control_count <= CONTROL_SETS or measured.p_value > significance or not measured.convincing:
        return measured
    thinned = measured.intervention.thinned(_SITES_FOR_MANY_CONTROLS)
    change, controls = _change_and_controls(
        context, thinned, measured.possible_controls, control_count, generator
    )
    p_value = _p_value_by_rank(float(specific_part(change)), controls)
    return replace(measured, p_value=p_value, control_count=len(controls))


def holm_corrected(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the order of p_values (Holm 1979).

    Each is multiplied by the count of p-values that are not smaller, and is at most 1 and at least the
    corrected value of every smaller one.
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
