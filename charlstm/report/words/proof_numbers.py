"""The numbers of a proof that terminal, page, figures and comparison tell: effect, interval and share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.values import MISSING, finite

# A share whose interval is wider than this is not told: it could be nothing, and it could be all.
_WIDEST_SHARE = 1.0
# What stands for a share that cannot be told.
UNKNOWN_SHARE = "?"


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def percent(self) -> str:
        """Return the estimate as a percentage with its interval, such as "42% (37 to 48%)"."""
        return f"{percent(self.value)} ({percent(self.low)[:-1]} to {percent(self.high)})"

    @property
    def nats(self) -> str:
        """Return the estimate in nats with its interval, such as "−0.84 nats (−1.10 to −0.65)"."""
        return f"{signed(self.value)} nats ({signed(self.low)} to {signed(self.high)})"


def effect_nats(causal: Mapping[str, Any]) -> float | None:
    """Return the effect of changing a cell, in nats; None without an intervention."""
    return finite(causal.get("effect_nats"))


def effect_of(causal: Mapping[str, Any]) -> Estimate | None:
    """Return the effect with its interval; None where there is no interval, as in schema version 1."""
    low, high = causal.get("interval") or (None, None)
    return _estimate(causal.get("effect_nats"), low, high)


def estimate_of(value: Any) -> Estimate | None:
    """Return an estimate of the findings; None where a part of it is missing or infinite."""
    known = value if isinstance(value, Mapping) else {}
    return _estimate(known.get("value"), known.get("low"), known.get("high"))


def earlier_effect(finding: Mapping[str, Any]) -> tuple[int, Estimate] | None:
    """Return the largest effect of a change made earlier than that which decides, with its lag in characters.

    It is one whose whole interval lies beyond what counts as little; None where there is none. A cell that
    others copy from may have one: later on they hold what it held.
    """
    evidence = finding.get("evidence") or {}
    necessity = evidence.get("necessity") or {}
    margin, limit = (finite(evidence.get(name)) for name in ("margin_nats", "limit_nats"))
    limit = limit if margin is None else margin
    found = [
        (one["lag"], effect)
        for one in necessity.get("by_lag") or []
        if one["lag"] > (necessity.get("lag") or 0) and (effect := estimate_of(one.get("nats"))) is not None
    ]
    beyond = [
        (lag, one) for lag, one in found if limit is not None and min(abs(one.low), abs(one.high)) > limit
    ]
    surely = [(lag, one) for lag, one in beyond if one.low * one.high > 0]
    return max(surely, key=lambda pair: abs(pair[1].value), default=None)


def carried_share(finding: Mapping[str, Any]) -> Estimate | None:
    """Return the share of the behaviour that a cell carries, with its interval.

    The result is None without a grade, and where the grade says nothing: where its interval is too wide, or
    lies below 0, since the feature's direction then does not do what the cell does.
    """
    grade = finding.get("grade") or {}
    share = _estimate(grade.get("share"), grade.get("low"), grade.get("high"))
    if share is None or share.high - share.low > _WIDEST_SHARE or share.high < 0:
        return None
    return share


def share_in_short(finding: Mapping[str, Any]) -> str:
    """Return the share that a cell carries for a column of a table: "42%", "?", or "" without a grade."""
    share = carried_share(finding)
    return percent(share.value) if share else UNKNOWN_SHARE if finding.get("evidence") else ""


def _estimate(value: Any, low: Any, high: Any) -> Estimate | None:
    numbers = [finite(one) for one in (value, low, high)]
    known = [number for number in numbers if number is not None]
    return Estimate(*known) if len(known) == len(numbers) else None


def signed(nats: float | None) -> str:
    """Return a number with its sign and two decimals; one that is nearly 0 has no sign."""
    if nats is None:
        return MISSING
    return "0.00" if abs(nats) < 0.005 else f"{nats:+.2f}".replace("-", "−")


def percent(share: float) -> str:
    """Return a share as a percentage without decimals and with a real minus sign."""
    whole = round(100 * share)
    return f"{whole:,}%".replace("-", "−")
