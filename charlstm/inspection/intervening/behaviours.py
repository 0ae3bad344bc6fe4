"""Find what a model should predict where a feature ends, and the positions at which cells are changed.

A closer is the character, or the sequence of characters, at which a feature really ends: the resetter of a
switch or a counter, the character that takes a depth down. A behaviour is the prediction of one such
character. Closers of different characters are never put together.

A site is a position before a closer, at which cells are changed; the lag is the number of characters that
the model reads between the change and its prediction of the closer. At a site the feature is in one state
(on; of a counter, a high count), and does not fall from there up to the closer. Each site has a donor: a
position with the same current character at which the feature is in the other state (off; of a counter, a low
count). What a cell holds at the donor is a value that the cell really takes in the other state.

Nothing here is drawn: sites are spread evenly over the text, and so are donors over all that match.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.passage import Passage
from charlstm.inspection.reading.trace import WARMUP, Cut

# The lag, in characters, that decides verdicts.
VERDICT_LAG = 4
# All lags at which effects are measured.
LAGS = (1, VERDICT_LAG, 12, 24)
# Effects at VERDICT_LAG are means over at most this many sites, and effects at other lags over fewer.
MOST_SITES = 400
_MOST_OTHER_SITES = 100
# A behaviour with fewer sites at VERDICT_LAG than this is not tested.
LEAST_SITES = 40
# For intervals, sites that follow one another make up clusters: at most this many with about equal numbers of
# sites, none of them shorter than the given share of the text.
CLUSTERS = 40
_LEAST_CLUSTER_SHARE = 1 / 160
# If two characters nearly always occur together ("\r\n"), the first is taken as the closer. Nearly always
# means that at least this share of each character's occurrences is in the pair of both.
_LEAST_SHARE_TOGETHER = 0.95
# Multiples of this share of a list, modulo its length, are spread evenly over it (the golden ratio).
_GOLDEN_SHARE = 0.618_033_988_749_895

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MatchedSites:
    """MatchedSites has sites and the donor of each; every field is (sites,).

    positions and donors int64 are positions in the passage with the same current character, positions in
    rising order. clusters int64 in [0, CLUSTERS] says in which part of the text a site is. values float64 is
    the feature at the site.
    """

    positions: Positions
    donors: Positions
    clusters: Positions
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.positions)

    def thinned(self, count: int) -> "MatchedSites":
        """Return `count` of these sites, spread evenly over them, or all where there are no more."""
        return self.subset(_evenly(len(self), count))

    def subset(self, indices: Positions) -> "MatchedSites":
        """Return the sites at indices (n,) int64."""
        return MatchedSites(
            self.positions[indices], self.donors[indices], self.clusters[indices], self.values[indices]
        )


@dataclass(frozen=True, eq=False)
class Behaviour:
    """A Behaviour is what a model should predict where a feature ends: one target.

    target names the target character, as "[^...]" (all but these) where more than half of the vocabulary
    ends the feature; targets (vocabulary,) bool marks it. sites has the sites before closers by lag, each
    with at least LEAST_SITES of them at VERDICT_LAG. outside are positions at which the feature is in the
    other state and stays there for VERDICT_LAG characters, with donors at which it is in this state. inside
    are positions at which it is in this state and no closer follows after VERDICT_LAG characters.
    in_other_state (characters,) bool marks where the feature is in the other state. rival is the character
    that the target is held against, None for the likeliest other one.
    """

    feature: Feature
    target: str
    targets: NDArray[np.bool_]
    sites: Mapping[int, MatchedSites]
    outside: MatchedSites
    inside: MatchedSites
    in_other_state: NDArray[np.bool_]
    rival: str | None = None

    @property
    def deciding_sites(self) -> MatchedSites:
        """Return the sites at the lag that decides verdicts."""
        return self.sites[VERDICT_LAG]


def behaviour_of(name: str, passage: Passage) -> Behaviour | None:
    """Return the behaviour at the end of the feature called `name`, or None with too few usable closers.

    Where different characters end the feature, the one with the most sites at VERDICT_LAG is the target.
    """
    feature, values = passage.signals[name].feature, passage.signals[name].values.astype(np.int16)
    ends = []
    for marks, starts in _closers_by_kind(passage.text, values, feature).items():
        before = _most_informative(_with_room(starts - 1, passage.cut), values, feature)
        if len(before) >= LEAST_SITES:
            ends.append(_End(marks, before, values, _other_state(feature, values, before)))
    if not ends:
        return None
    return _behaviour(feature, passage, max(ends, key=lambda end: len(end.site_positions(VERDICT_LAG))))


class _End(NamedTuple):
    """An _End is how a feature ends: by one of marks, which follow the positions before (n,) int64.

    values (characters,) int16 is the feature, and in_other_state (characters,) bool marks where it is in the
    other state.
    """

    marks: frozenset[str]
    before: Positions
    values: NDArray[np.int16]
    in_other_state: NDArray[np.bool_]

    def site_positions(self, lag: int) -> Positions:
        """Return the positions `lag` characters before those of `before` at which the feature is in this
        state, and from which it does not fall up to there.
        """
        positions = self.before[_stays(self.before, self.values, lag)] - lag
        return np.asarray(positions[~self.in_other_state[positions]])


def _behaviour(feature: Feature, passage: Passage, end: _End) -> Behaviour | None:
    """Return the behaviour at the end of a feature, or None with too few sites."""
    values, other = end.values, end.in_other_state
    matching = Matching(passage, values)
    donors = matching.counted[other[matching.counted]]
    sites = {}
    for lag in LAGS:
        most = MOST_SITES if lag == VERDICT_LAG else _MOST_OTHER_SITES
        sites[lag] = matching.matched(end.site_positions(lag), donors).thinned(most)
    if len(sites[VERDICT_LAG]) < LEAST_SITES:
        return None
    targets = np.isin(list(passage.symbols), list(end.marks))
    elsewhere = matching.counted[~targets[passage.ids[matching.counted + VERDICT_LAG + 1]]]
    outside, inside = (
        positions[_evenly(len(positions), _MOST_OTHER_SITES)]
        for positions in (
            elsewhere[_all_within(other, elsewhere, VERDICT_LAG)],
            elsewhere[_stays(elsewhere + VERDICT_LAG, values, VERDICT_LAG) & ~other[elsewhere]],
        )
    )
    return Behaviour(
        feature,
        target_name(sorted(end.marks), passage.symbols),
        targets,
        sites,
        matching.matched(outside, np.unique(end.site_positions(VERDICT_LAG))),
        matching.matched(inside, donors),
        other,
    )


def _other_state(feature: Feature, values: NDArray[np.int16], before: Positions) -> NDArray[np.bool_]:
    """Return (characters,) bool: where a feature is off, or where a count is at most half of its median
    before closers.
    """
    if feature.kind != "counter":
        return np.asarray(values == 0)
    return np.asarray(values <= np.median(values[before]) / 2)


class Matching:
    """A Matching finds donors with the same current character for positions of a passage."""

    def __init__(self, passage: Passage, values: NDArray[np.int16]) -> None:
        cut = passage.cut
        self._ids, self._values, self._characters = passage.ids, values, cut.characters
        self.counted = _with_room(np.arange(cut.streams * cut.length), cut)

    def matched(self, positions: Positions, donors: Positions) -> MatchedSites:
        """Return those of positions (n,) that have a donor among donors (m,), each with one."""
        characters = self._ids[positions]
        chosen = np.full(len(positions), -1)
        for character in np.unique(characters):
            pool = donors[self._ids[donors] == character]
            with_character = np.flatnonzero(characters == character)
            if len(pool):
                ranks = (with_character + 1) * _GOLDEN_SHARE % 1 * len(pool)
                chosen[with_character] = pool[ranks.astype(np.int64)]
        kept = chosen >= 0
        positions = positions[kept]
        return MatchedSites(
            positions,
            chosen[kept],
            clusters_of(positions, self._characters),
            self._values[positions].astype(np.float64),
        )


def clusters_of(positions: Positions, characters: int) -> Positions:
    """Return (n,) int64: the cluster of each of positions (n,), which rise, in a text of `characters`.

    A cluster ends when it has 1/CLUSTERS of the positions and spans _LEAST_CLUSTER_SHARE of the text.
    """
    clusters = np.zeros(len(positions), np.int64)
    least_count, least_span = len(positions) / CLUSTERS, _LEAST_CLUSTER_SHARE * characters
    cluster, first = 0, 0
    for index, position in enumerate(positions.tolist()):
        if index - first >= least_count and position - positions[first] >= least_span:
            cluster, first = cluster + 1, index
        clusters[index] = cluster
    return clusters


def _evenly(count: int, most: int) -> Positions:
    """Return at most `most` of the indices below count, spread evenly."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def _closers_by_kind(
    text: str, values: NDArray[np.int16], feature: Feature
) -> dict[frozenset[str], Positions]:
    """Return the positions at which closers begin, by the characters that they begin with.

    Closers of different characters are apart, unless the feature itself says which characters a model should
    expect at its end: these are one kind.
    """
    starts = np.array(_closer_starts(text, values, feature), np.int64)
    if feature.ends:
        return {feature.ends: np.sort(starts)}
    first = np.array([text[start] for start in starts.tolist()])
    return {frozenset({mark}): np.sort(starts[first == mark]) for mark in sorted(set(first.tolist()))}


def target_name(marks: list[str], symbols: Sequence[str]) -> str:
    """Return the closing characters `marks` as one string, or "[^...]" with the other symbols where these
    are fewer.
    """
    others = [symbol for symbol in symbols if symbol not in marks]
    return "".join(marks) if len(marks) <= len(others) else f"[^{''.join(others)}]"


def _most_informative(positions: Positions, values: NDArray[np.int16], feature: Feature) -> Positions:
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


def _with_room(positions: Positions, cut: Cut) -> Positions:
    """Return the positions among `positions` (n,) that have the warm-up and the longest lag before them in
    their stretch, and the characters of VERDICT_LAG and one more behind them.
    """
    position_in_stretch = positions % cut.length
    enough_before = position_in_stretch > WARMUP + max(LAGS)
    return positions[enough_before & (position_in_stretch < cut.length - 1 - VERDICT_LAG)]


def _stays(positions: Positions, values: NDArray[np.int16], lag: int) -> NDArray[np.bool_]:
    """Return (n,) whether the feature is above 0 and never falls from lag characters before each of
    positions (n,) up to it.
    """
    in_window = values[positions[:, None] + np.arange(-lag, 1)]
    return np.asarray((in_window > 0).all(1) & (np.diff(in_window, axis=1) >= 0).all(1))


def _all_within(flags: NDArray[np.bool_], positions: Positions, length: int) -> NDArray[np.bool_]:
    """Return (n,) whether flags are True from each of positions (n,) up to `length` characters after it."""
    return np.asarray(flags[positions[:, None] + np.arange(length + 1)].all(1))
