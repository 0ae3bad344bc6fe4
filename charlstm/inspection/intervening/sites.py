"""Find the positions of a text at which cells are changed to test whether the model uses them for a feature.

A closer is the character, or the sequence of characters, at which a feature really ends: the resetter of a
switch or a counter, the character that takes a depth down. A site is lag + 1 characters before a closer, so
that lag characters lie between them. The cell is changed at the site, while the feature is on and stays on:
only what the network remembers over the lag characters in between can still change its prediction of the
closer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.reading.trace import WARMUP, Cut

# The lag is at most this many characters. A counter's lag is shorter, since the characters in between soon
# correct a count.
MOST_LAG = 24
MOST_COUNTING_LAG = 12
# A feature has at most this many sites of one sort, and at least this many before closers.
MOST_SITES = 40
LEAST_SITES = 8
# If two characters nearly always occur together ("\r\n"), the first is taken as the closer. Nearly always
# means that at least this share of each character's occurrences is in the pair of both.
_LEAST_SHARE_TOGETHER = 0.95


@dataclass(frozen=True, eq=False)
class Sites:
    """Sites has the positions at which cells are changed for one feature, and the characters that close it.

    lag is the number of characters between a site and its closer; it is not the lag of the feature. Each of
    before_closers (sites,), inside (n,) and outside (n,) are positions in the text, int64. At
    `before_closers` the feature is on, and lag + 1 characters later one of the target characters closes it.
    At `inside` the feature is on, at `outside` it is off, and no target character comes lag + 1 characters
    later.

    targets (vocabulary,) bool marks the characters that close the feature; target names them, as "[^...]"
    (all but these) where more than half of the vocabulary does. values (sites,) float32 is the feature's
    value at each of `before_closers`.
    """

    lag: int
    targets: NDArray[np.bool_]
    target: str
    before_closers: NDArray[np.int64]
    inside: NDArray[np.int64]
    outside: NDArray[np.int64]
    values: NDArray[np.float32]

    def subset(self, indices: NDArray[np.int64]) -> "Sites":
        """Return these sites with before_closers only at indices (n,) int64."""
        return replace(self, before_closers=self.before_closers[indices], values=self.values[indices])


def sites_of(
    signal: Signal, text: str, symbols: Sequence[str], cut: Cut, generator: torch.Generator
) -> Sites | None:
    """Return the sites of a feature in a text, or None where there are too few closers.

    signal is the feature along the text, symbols (vocabulary,) are the characters by id, and only the part
    of text that cut divides into stretches is used. Where there are more than MOST_SITES sites of one sort,
    the generator draws MOST_SITES of them.
    """
    feature, stop = signal.feature, cut.streams * cut.length
    part, values = text[:stop], signal.values[:stop].astype(np.int16)
    starts = _closer_starts(part, values, feature)
    if not starts:
        return None
    marks = sorted(feature.ends or {part[start] for start in starts})
    before = np.array(sorted(start - 1 for start in starts))
    usable = _most_informative(_with_room(before, cut), values, feature)
    lag = _longest_lag(usable, values, MOST_COUNTING_LAG if feature.kind == "counter" else MOST_LAG)
    if lag == 0:
        return None
    before_closers = _drawn(usable[_stays_on(usable, values, lag)] - lag, generator)
    closing = np.isin(np.array(list(part)), marks)
    others = _with_room(np.flatnonzero(~closing[1:]), cut)
    inside = _drawn(others[_stays_on(others, values, lag)] - lag, generator)
    outside = _drawn(others[_stays_on(others, 1 - values.clip(0, 1), lag)] - lag, generator)
    targets = np.isin(list(symbols), marks)
    return Sites(
        lag,
        targets,
        _target_name(marks, symbols),
        before_closers,
        inside,
        outside,
        values[before_closers].astype(np.float32),
    )


def _longest_lag(usable: NDArray[np.int64], values: NDArray[np.int16], most: int) -> int:
    """Return the longest lag, at most `most`, at which enough closers remain, or 0 where none has enough.

    usable (n,) are the positions just before closers, values (characters,) the feature. A closer remains
    where the feature has been on for lag characters. Enough are LEAST_SITES closers, and half of the closers
    that remain at a lag of 1.
    """
    remaining = [int(_stays_on(usable, values, lag).sum()) for lag in range(1, most + 1)]
    enough = max(LEAST_SITES, remaining[0] / 2)
    return sum(count >= enough for count in remaining)


def _target_name(marks: list[str], symbols: Sequence[str]) -> str:
    """Return the closing characters `marks` as one string, or "[^...]" with the other symbols where these
    are fewer.
    """
    others = [symbol for symbol in symbols if symbol not in marks]
    return "".join(marks) if len(marks) <= len(others) else f"[^{''.join(others)}]"


def _most_informative(
    positions: NDArray[np.int64], values: NDArray[np.int16], feature: Feature
) -> NDArray[np.int64]:
    """Return the positions among `positions` (n,), just before closers, at which the feature says most about
    the closer.

    For a depth these positions are before the closers of the outermost bracket, where there are LEAST_SITES
    of them; for a counter the half with the higher counts, since a high count is what calls for an end; for a
    switch all.
    """
    at_positions = values[positions]
    if feature.kind == "depth" and (at_positions == 1).sum() >= LEAST_SITES:
        return np.asarray(positions[at_positions == 1])
    if feature.kind == "counter" and len(at_positions):
        return np.asarray(positions[at_positions >= np.median(at_positions)])
    return positions


def _closer_starts(part: str, values: NDArray[np.int16], feature: Feature) -> list[int]:
    """Return the positions in part at which the closers that end the feature begin.

    values (characters,) is the feature along part. A closer ends the feature where the value falls at the
    closer's last character, or feature.lag characters after it.
    """
    lengths = sorted({len(closer) for closer in feature.closers}, reverse=True)
    falls = np.flatnonzero(np.diff(values) < 0) + 1 - feature.lag
    starts = []
    for end in falls.tolist():
        for begin in (end + 1 - length for length in lengths):
            if begin > 0 and part[begin : end + 1] in feature.closers:
                starts.append(begin)
                break
    return _moved_to_where_decided(part, starts)


def _moved_to_where_decided(part: str, starts: list[int]) -> list[int]:
    """Return the starts of closers, each moved one character back where the character before already
    decides it: where _LEAST_SHARE_TOGETHER of the occurrences of each of the two characters are in the pair
    of both.
    """
    pairs = {(part[start - 1], part[start]) for start in starts if part[start - 1] != part[start]}
    always_together = {
        (first, second)
        for first, second in pairs
        if part.count(first + second) >= _LEAST_SHARE_TOGETHER * max(part.count(first), part.count(second))
    }
    return [
        start - 1 if (part[start - 1], part[start]) in always_together and start > 1 else start
        for start in starts
    ]


def _with_room(positions: NDArray[np.int64], cut: Cut) -> NDArray[np.int64]:
    """Return the positions among `positions` (n,) that have the warm-up and MOST_LAG characters before them
    in their stretch, and a character behind them.
    """
    position_in_stretch = positions % cut.length
    return positions[(position_in_stretch > WARMUP + MOST_LAG) & (position_in_stretch < cut.length - 1)]


def _stays_on(positions: NDArray[np.int64], values: NDArray[np.int16], lag: int) -> NDArray[np.bool_]:
    """Return (n,) whether the feature is above 0 and never falls from lag characters before each of
    positions (n,) up to it.
    """
    window = positions[:, None] + np.arange(-lag, 1)
    in_window = values[window]
    return np.asarray((in_window > 0).all(1) & (np.diff(in_window, axis=1) >= 0).all(1))


def _drawn(positions: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """Return at most MOST_SITES of positions (n,), drawn without replacement, in rising order."""
    chosen = torch.randperm(len(positions), generator=generator)[:MOST_SITES].numpy()
    return np.sort(positions[chosen])
