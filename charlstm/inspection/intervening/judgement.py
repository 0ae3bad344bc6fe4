"""Decide the verdict of a candidate from what interventions measured.

The verdict is "verified" where the effect is necessary by both interventions, beyond LEAST_EFFECT_NATS and
LEAST_RATIO times the 95th percentile of cells that do not carry the feature; where no other closer changes
more; and where the cell alone is enough for a part of the behaviour, by insertion, restoration or
interchange. It is "redundant" where the joint effect of the feature's unverified candidates is convincing and
needs this one, "correlate" where the effects lie within LEAST_EFFECT_NATS with their intervals and no
lag has an effect surely beyond it, and "undecided" where none of this is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from charlstm.findings import Verdict
from charlstm.inspection.intervening.census import Comparison, Specificity
from charlstm.inspection.intervening.experiment import Candidate
from charlstm.inspection.intervening.joint_effect import JointEffect
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS, LagEffect, Necessity
from charlstm.inspection.intervening.sufficiency import Sufficiency

# A verified effect is at least this multiple of the 95th percentile of cells that do not carry the feature.
LEAST_RATIO = 2.0


@dataclass(frozen=True, eq=False)
class Measured:
    """A Measured candidate has all that decides its verdict.

    by_lag has the effects of resampling at each distance from the closer. significance is the chance that
    the effect of any of the `tested` candidates is wrongly found necessary.
    joint is the joint effect that the candidate takes part in, if any, and needed says whether that effect
    needs it.
    """

    candidate: Candidate
    necessity: Necessity
    by_lag: Sequence[LagEffect]
    comparison: Comparison
    specificity: Specificity
    sufficiency: Sufficiency
    significance: float
    tested: int
    joint: JointEffect | None = None
    needed: bool = False

    @property
    def error(self) -> float:
        """Return the chance that an interval of its effects does not hold the true effect."""
        return self.significance / self.tested

    @property
    def limit_nats(self) -> float:
        """Return what the size of a verified effect has to exceed, in nats."""
        return max(LEAST_EFFECT_NATS, LEAST_RATIO * self.comparison.p95)

    @property
    def conditions(self) -> dict[str, bool]:
        """Return which of the conditions of "verified" hold; those from "insertion" on are alternatives."""
        lost = not self.necessity.either_way or self.necessity.resample.effect().value < 0
        return {
            "necessity": self.necessity.beyond(self.limit_nats, self.error),
            "specificity": self.specificity.holds,
            "insertion": self.sufficiency.inserts(lost=lost),
            "restoration": self.sufficiency.restores,
            "interchange": self.sufficiency.interchanges,
        }

    @property
    def is_verified(self) -> bool:
        """Return whether the candidate is verified by itself."""
        holds = self.conditions
        enough = holds["insertion"] or holds["restoration"] or holds["interchange"]
        return holds["necessity"] and holds["specificity"] and enough

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that the module's description defines."""
        if self.is_verified:
            return "verified"
        if self.joint is not None and self.joint.convincing and self.needed:
            return "redundant"
        inside = self.necessity.within(LEAST_EFFECT_NATS, self.error)
        elsewhere = any(effect.nats.beyond(LEAST_EFFECT_NATS) for effect in self.by_lag)
        return "correlate" if inside and not elsewhere else "undecided"
