"""Where in a text to intervene on a feature: some characters before its closers, and what follows there.

A closer is where the feature really ends: the resetter of a switch or a counter, the character that takes a
depth down. The cell is changed some characters earlier, while the feature is on and stays so: only what a
cell remembers over those characters can still tell at the closer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.reading.trace import WARMUP, Cut

# So many characters before its closer a change is made at most; what comes between soon sets a count right.
MOST_LAG = 24
MOST_COUNTING_LAG = 12
MOST_SITES = 40
LEAST_SITES = 8
# A closer that the character before it nearly always brings is decided there: "\n" after "\r".
_CERTAIN = 0.95


@dataclass(frozen=True, eq=False)
class Sites:
    """Positions where a change is made, (n,) int64 each: closers has targets lag characters later; inside
    and outside are places where no closer comes then and the feature is on, off.

    targets (vocabulary,) bool are the characters that would close, and target names them: as [^...], all but
    those, where they are most; values (closers,) float32 are
    the feature where the change is made.
    """

    lag: int
    targets: NDArray[np.bool_]
    target: str
    closers: NDArray[np.int64]
    inside: NDArray[np.int64]
    outside: NDArray[np.int64]
    values: NDArray[np.float32]

    def at(self, kept: NDArray[np.int64]) -> "Sites":
        """The same with some of its closers."""
        return replace(self, closers=self.closers[kept], values=self.values[kept])


def sites_of(
    signal: Signal, text: str, symbols: Sequence[str], cut: Cut, generator: torch.Generator
) -> Sites | None:
    """The sites of a feature in what a cut covers of a text.

    None where there are too few closers that the feature stays on before.
    """
    feature, stop = signal.feature, cut.streams * cut.length
    part, values = text[:stop], signal.values[:stop].astype(np.int16)
    ends = _closer_starts(part, values, feature)
    if not ends:
        return None
    marks = sorted(feature.ends or {part[end] for end in ends})
    before = np.array(sorted(end - 1 for end in ends))
    usable = _telling(_usable(before, cut), values, feature)
    lag = _lag(usable, values, MOST_COUNTING_LAG if feature.kind == "counter" else MOST_LAG)
    if lag == 0:
        return None
    closers = _drawn(usable[_steady(usable, values, lag)] - lag, generator)
    closing = np.isin(np.array(list(part)), marks)
    others = _usable(np.flatnonzero(~closing[1:]), cut)
    inside = _drawn(others[_steady(others, values, lag)] - lag, generator)
    outside = _drawn(others[_steady(others, 1 - values.clip(0, 1), lag)] - lag, generator)
    targets = np.isin(list(symbols), marks)
    return Sites(
        lag, targets, _target(marks, symbols), closers, inside, outside, values[closers].astype(np.float32)
    )


def _lag(usable: NDArray[np.int64], values: NDArray[np.int16], most: int) -> int:
    """The most characters that a change can be made before the closer: the feature is on for so long before
    half of those that it is on before at all. 0 where these are too few.
    """
    steady = [int(_steady(usable, values, lag).sum()) for lag in range(1, most + 1)]
    enough = max(LEAST_SITES, steady[0] / 2)
    return sum(count >= enough for count in steady)


def _target(marks: list[str], symbols: Sequence[str]) -> str:
    """The marks in a string, or [^...] with the rest of the symbols where these are fewer."""
    rest = [symbol for symbol in symbols if symbol not in marks]
    return "".join(marks) if len(marks) <= len(rest) else f"[^{''.join(rest)}]"


def _telling(positions: NDArray[np.int64], values: NDArray[np.int16], feature: Feature) -> NDArray[np.int64]:
    """The positions before closers at which the feature has most to say.

    Of a depth those that close the last one open, and of a counter the later half: what has counted far is
    what calls for an end.
    """
    found = values[positions]
    if feature.kind == "depth" and (found == 1).sum() >= LEAST_SITES:
        return np.asarray(positions[found == 1])
    if feature.kind == "counter" and len(found):
        return np.asarray(positions[found >= np.median(found)])
    return positions


def _closer_starts(part: str, values: NDArray[np.int16], feature: Feature) -> list[int]:
    """Where the closers that end the feature begin."""
    lengths = sorted({len(closer) for closer in feature.closers}, reverse=True)
    falls = np.flatnonzero(np.diff(values) < 0) + 1 - feature.lag
    starts = []
    for end in falls.tolist():
        for begin in (end + 1 - length for length in lengths):
            if begin > 0 and part[begin : end + 1] in feature.closers:
                starts.append(begin)
                break
    return _decided(part, starts)


def _decided(part: str, starts: list[int]) -> list[int]:
    """The same, one character earlier where the one before decides all."""
    pairs = {(one, other) for one, other in {(part[s - 1], part[s]) for s in starts} if one != other}
    certain = {
        (one, other)
        for one, other in pairs
        if part.count(one + other) >= _CERTAIN * max(part.count(one), part.count(other))
    }
    return [
        start - 1 if (part[start - 1], part[start]) in certain and start > 1 else start for start in starts
    ]


def _usable(positions: NDArray[np.int64], cut: Cut) -> NDArray[np.int64]:
    """Those far enough from the start of their stretch, with a character behind them in it."""
    place = positions % cut.length
    return positions[(place > WARMUP + MOST_LAG) & (place < cut.length - 1)]


def _steady(positions: NDArray[np.int64], values: NDArray[np.int16], lag: int) -> NDArray[np.bool_]:
    """Whether a feature is on at each position and since lag characters, without going down."""
    window = positions[:, None] + np.arange(-lag, 1)
    seen = values[window]
    return np.asarray((seen > 0).all(1) & (np.diff(seen, axis=1) >= 0).all(1))


def _drawn(positions: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """At most MOST_SITES of them, in order."""
    chosen = torch.randperm(len(positions), generator=generator)[:MOST_SITES].numpy()
    return np.sort(positions[chosen])
