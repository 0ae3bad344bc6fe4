"""How large the effect of a candidate is beside its controls, and how likely by chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from charlstm.inspection.intervening.control_cells import (
    CONTROLS,
    control_effects,
    control_groups,
    dose_in_h,
    matched,
)
from charlstm.inspection.intervening.experiment import Bench, Laboratory, Trial, specific

# Below this an effect is of no use to anybody, however rare it is among the controls.
LEAST_EFFECT_NATS = 0.05
# A verified effect is at least so many times the 95th percentile of its controls.
LEAST_RATIO = 2.0
# The many controls of a promising candidate are compared at so many of its sites.
_RANKED_SITES = 16


@dataclass(frozen=True, eq=False)
class Measured:
    """Effects in nats: the candidate's on the log probability, what of it is specific, and what of it is in
    every control draw (draws,); p_value is its rank among so many controls, before any correction.
    """

    trial: Trial
    effect_nats: float
    effect: float
    controls: Tensor
    pool: list[int]
    p_value: float
    among: int

    @property
    def scale(self) -> float:
        """The 95th percentile of the controls."""
        return float(torch.quantile(self.controls, 0.95).clamp(min=1e-6))

    @property
    def expected(self) -> bool:
        """Whether the closer lost, as it must where the state that calls for it is gone."""
        return self.trial.candidate.counts or self.effect < 0


def measure(
    laboratory: Laboratory, trial: Trial, others: Sequence[Trial], generator: torch.Generator
) -> Measured:
    """The effect of the candidate's dose, and of the same dose given to its controls."""
    pool = matched(laboratory, trial, others)
    effect, controls = _effects(laboratory, trial, CONTROLS, pool, generator)
    specifics = float(specific(effect))
    return Measured(
        trial, float(effect[0]), specifics, controls, pool, _rank(specifics, controls), len(controls)
    )


def _effects(
    laboratory: Laboratory, trial: Trial, count: int, pool: list[int], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(2,) what the candidate's dose does, and (count,) |specific effects| of as many controls."""
    candidate = trial.candidate
    bench = Bench(laboratory, trial.sites)
    natural = bench.natural.track[0, candidate.layer]
    wanted = dose_in_h(laboratory, natural, {candidate.cell: trial.dose}, candidate.layer)
    effect = bench.effect({candidate.layer: ([candidate.cell], trial.dose[:, None])}, candidate.counts)
    groups = control_groups(pool, count, generator)
    return effect, control_effects(bench, candidate, natural, wanted, groups, generator)


def _rank(effect: float, controls: Tensor) -> float:
    """The p-value of an effect among its controls; 1 where there are not enough of them."""
    if len(controls) < CONTROLS:
        return 1.0
    return float(1 + (controls >= abs(effect)).sum()) / (1 + len(controls))


def ranked(
    laboratory: Laboratory, measured: Measured, wanted: int, significance: float, generator: torch.Generator
) -> Measured:
    """The same with the p-value of wanted controls, if CONTROLS of them leave it promising.

    They are compared at fewer sites: a rank needs many controls, an effect many sites.
    """
    if wanted <= CONTROLS or measured.p_value > significance or not convincing(measured):
        return measured
    trial = measured.trial.thinned(_RANKED_SITES)
    effect, controls = _effects(laboratory, trial, wanted, measured.pool, generator)
    return replace(measured, p_value=_rank(float(specific(effect)), controls), among=len(controls))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979): each times the count of those that are no smaller,
    and never below that of a smaller one.
    """
    corrected = [1.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected


def convincing(measured: Measured) -> bool:
    """Whether an effect is expected, of use and far beyond its controls."""
    return measured.expected and abs(measured.effect) >= max(LEAST_EFFECT_NATS, LEAST_RATIO * measured.scale)
