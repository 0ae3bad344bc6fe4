"""Measure what the prediction of closers loses when cells get values of the feature's other state.

Two interventions give a cell values that it really has. Resampling gives it the c that it has at the site's
donor. The conditional mean gives it the mean of its c at all positions in the other state with the current
character. An effect counts only where both have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from charlstm.findings import Json
from charlstm.inspection.estimates import Estimate
from charlstm.inspection.intervening.behaviours import Behaviour
from charlstm.inspection.intervening.experiment import Changes, ClosersUnderTest, InterventionContext

# An effect smaller than this, in nats, counts as none.
LEAST_EFFECT_NATS = 0.1

Cells = Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Necessity:
    """A Necessity has the changes at closers by the two interventions on the same cells.

    either_way says that the closer may become likelier as well as less likely, as by a counter; otherwise
    only a loss is an effect.
    """

    resample: Changes
    conditional_mean: Changes
    either_way: bool

    def beyond(self, limit: float, error: float) -> bool:
        """Return whether both effects lie beyond limit nats with their intervals, in one valid direction.

        error is the chance that an interval does not hold the true mean.
        """
        effects = [changes.effect(error) for changes in self._both]
        losses = [effect.high < -limit for effect in effects]
        gains = [effect.low > limit for effect in effects]
        return all(losses) or (self.either_way and all(gains))

    def within(self, limit: float, error: float) -> bool:
        """Return whether the intervals of both effects lie between -limit and limit nats."""
        return all(changes.effect(error).within(limit) for changes in self._both)

    def p_value(self, limit: float) -> float:
        """Return the p-value of the hypothesis that one of the effects is no larger than limit nats."""
        effects = [changes.effect().value for changes in self._both]
        agree = all(value < 0 for value in effects) or (
            self.either_way and all(value > 0 for value in effects)
        )
        return max(changes.chance_beyond(limit) for changes in self._both) if agree else 1.0

    @property
    def _both(self) -> tuple[Changes, Changes]:
        """Return the changes by resampling and by the conditional mean."""
        return self.resample, self.conditional_mean

    @property
    def data(self) -> Json:
        """Return the effects as findings.json has them."""
        return {
            name: {
                "nats": changes.effect().data,
                "log_odds": changes.effect_on_log_odds().data,
                "sites": len(changes.nats),
            }
            for name, changes in (("resample", self.resample), ("conditional_mean", self.conditional_mean))
        }


def necessity_of(closers: ClosersUnderTest, cells: Cells, *, either_way: bool) -> Necessity:
    """Return what closers lose when cells, pairs of layer and cell, together get values of the other state.

    either_way says that the closer may become likelier as well.
    """
    return Necessity(
        closers.change(closers.donor_values(cells)), closers.change(closers.mean_values(cells)), either_way
    )


class LagEffect(NamedTuple):
    """A LagEffect is the effect of resampling, in nats, at `sites` sites that are `lag` characters before
    their closers.
    """

    lag: int
    sites: int
    nats: Estimate

    @property
    def data(self) -> Json:
        """Return the effect as findings.json has it."""
        return {"lag": self.lag, "sites": self.sites, "nats": self.nats.data}


def effects_by_lag(context: InterventionContext, behaviour: Behaviour, cells: Cells) -> list[LagEffect]:
    """Return the effect of resampling cells at each lag that has sites."""
    effects = []
    for lag, sites in behaviour.sites.items():
        if len(sites):
            closers = context.closers(behaviour.feature.name, lag=lag)
            effect = closers.change(closers.donor_values(cells)).effect()
            effects.append(LagEffect(lag, len(sites), effect))
    return effects
