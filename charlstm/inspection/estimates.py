"""Estimate means over sites, with intervals for clustered and skewed effects.

Sites near one another in a text are not independent, so that an interval comes from the means of contiguous
clusters of the text. It is the union of two intervals: Student's t over clusters (Liang and Zeger 1986), and
the t interval corrected for skewness (Hall 1992, "On the removal of skewness by transformation"), since the
effects of a few sites may be many times those of the others.

Simulations of 40 clusters with normal, heavy-tailed and lognormal effects find that 95% intervals hold. At
the small error of one candidate among many, the claim that a mean lies beyond a limit is wrong no more often
than the error says where tails are equally heavy on both sides or long away from 0. It is wrong more often
where large effects at a few sites pull the mean towards 0.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_NORMAL = NormalDist()
# Intervals that are reported have this error, so that they are 95% intervals.
REPORTED_ERROR = 0.05


class Estimate(NamedTuple):
    """An Estimate is a value with the two ends of its interval."""

    value: float
    low: float
    high: float

    def within(self, limit: float) -> bool:
        """Return whether the whole interval lies between -limit and limit."""
        return -limit < self.low and self.high < limit

    def beyond(self, limit: float) -> bool:
        """Return whether the whole interval lies above limit or below -limit."""
        return self.low > limit or self.high < -limit

    @property
    def data(self) -> dict[str, float | None]:
        """Return the value and the ends of the interval as findings.json has them; None where infinite."""
        return {name: number if math.isfinite(number) else None for name, number in self._asdict().items()}


def mean_of(values: Numbers, clusters: NDArray[np.int64], error: float = REPORTED_ERROR) -> Estimate:
    """Return the mean of values (sites,) and its interval, whose chance not to hold the true mean is error.

    clusters (sites,) are the numbers of the sites' clusters. With fewer than two clusters the interval is
    infinite.
    """
    return ratio_of(values, np.ones(len(values)), clusters, error)


def ratio_of(
    parts: Numbers, wholes: Numbers, clusters: NDArray[np.int64], error: float = REPORTED_ERROR
) -> Estimate:
    """Return the sum of parts (sites,) over the sum of wholes (sites,), and its interval by linearisation.

    clusters (sites,) are the numbers of the sites' clusters, and error is the chance that the interval does
    not hold the true ratio. The estimate is 0 with an infinite interval where the wholes add up to 0.
    """
    spread = _Spread.of(parts, wholes, clusters)
    if spread is None:
        total = wholes.sum()
        return Estimate(float(parts.sum() / total) if total else 0.0, -math.inf, math.inf)
    quantile = student_quantile(1 - error / 2, spread.clusters - 1)
    ends = [spread.mean + sign * quantile * spread.error for sign in (-1, 1)]
    ends += [spread.corrected_end(sign * quantile) for sign in (-1, 1)]
    return Estimate(spread.mean, min(ends), max(ends))


def chance_beyond(values: Numbers, clusters: NDArray[np.int64], limit: float) -> float:
    """Return the p-value, in [0, 1], of the hypothesis that the size of a mean is at most `limit`.

    It is the smallest error at which the interval of `mean_of` lies beyond limit, on the side of the mean,
    and 1 where the mean does not. values and clusters are (sites,).
    """
    spread = _Spread.of(values, np.ones(len(values)), clusters)
    if spread is None or abs(spread.mean) <= limit:
        return 1.0
    if spread.error == 0:
        return 0.0
    border = math.copysign(limit, spread.mean)
    statistics = (spread.mean - border) / spread.error, spread.corrected_statistic(border)
    smallest = min(statistic * math.copysign(1, spread.mean) for statistic in statistics)
    return min(1.0, 2 * (1 - student_share(max(0.0, smallest), spread.clusters - 1)))


class _Spread(NamedTuple):
    """A _Spread has a mean over clusters, its standard error, and the skewness of the clusters' values."""

    mean: float
    error: float
    skewness: float
    clusters: int

    @classmethod
    def of(cls, parts: Numbers, wholes: Numbers, clusters: NDArray[np.int64]) -> "_Spread | None":
        """Return the spread of a ratio of sums over clusters, or None with fewer than two clusters."""
        _, numbers = np.unique(clusters, return_inverse=True)
        count = int(numbers.max()) + 1 if len(numbers) else 0
        total = wholes.sum()
        if count < 2 or total == 0:
            return None
        mean = parts.sum() / total
        deviations = np.bincount(numbers, parts - mean * wholes) * count / total
        variance = np.mean(deviations**2)
        skewness = np.mean(deviations**3) / variance**1.5 if variance > 0 else 0.0
        return cls(float(mean), float(math.sqrt(variance / (count - 1))), float(skewness), count)

    @property
    def _deviation(self) -> float:
        """Return the standard deviation of the clusters' values."""
        return self.error * math.sqrt(self.clusters - 1)

    def corrected_statistic(self, true_mean: float) -> float:
        """Return Hall's statistic of the mean, which is nearly Student's t where true_mean is right."""
        x, skewness = (self.mean - true_mean) / self._deviation, self.skewness
        cubic = x + skewness * x**2 / 3 + skewness**2 * x**3 / 27 + skewness / (6 * self.clusters)
        return math.sqrt(self.clusters) * cubic

    def corrected_end(self, statistic: float) -> float:
        """Return the true mean at which Hall's statistic has the negative of the given value."""
        t = -statistic / math.sqrt(self.clusters) - self.skewness / (6 * self.clusters)
        x = t if abs(self.skewness) < 1e-9 else 3 / self.skewness * (np.cbrt(1 + self.skewness * t) - 1)
        return self.mean - self._deviation * float(x)


def student_quantile(share: float, freedom: int) -> float:
    """Return the quantile at `share`, in (0, 1), of Student's t with `freedom` degrees of freedom.

    By the approximation of Wallace (1959), which is right to two percent from 5 degrees on, for shares up to
    .9995, and too large in size below.
    """
    z = _NORMAL.inv_cdf(share)
    scaled = (z * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom
    return math.copysign(math.sqrt(freedom * math.expm1(scaled)), z)


def student_share(statistic: float, freedom: int) -> float:
    """Return the share of Student's t with `freedom` degrees of freedom that lies below a statistic.

    It is the inverse of `student_quantile`.
    """
    z = math.sqrt(freedom * math.log1p(statistic**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return _NORMAL.cdf(math.copysign(z, statistic))
