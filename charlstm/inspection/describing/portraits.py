"""A portrait shows c of a finding: around the events of its feature, by its level, and in three excerpts.

A portrait is made from the split "confirm", which had no part in choosing the finding. An event is a position
where the feature moves: a switch goes on or off, a depth goes up or down, a counter falls back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.describing.followed_cells import Flags, FollowedCell, Values
from charlstm.inspection.features.feature import FeatureKind, Signal

# The mean trace of an event has this many characters before and after it.
CHARACTERS_BEFORE, CHARACTERS_AFTER = 16, 48
# More events than these are thinned out, evenly along the text, before their mean trace is taken.
_MOST_EVENTS = 2_000
# [-1, 1] is divided into this many equal bins of tanh(c).
HISTOGRAM_BINS = 40
# The windows of a portrait's excerpts have this many characters and begin at multiples of the second number.
WINDOW_CHARACTERS = 128
_EXCERPT_STRIDE_CHARACTERS = 32
# In a window with fewer positions where the feature is off its median, there is nothing for a cell to follow.
_LEAST_MOVED_POSITIONS = 8
# From this r on a cell is said to follow its feature in a window, however small its step.
_LEAST_FOLLOWING_R = 0.5
# A staircase has at most MOST_STAIRS values, and ends before the first that occurs less often than
# _LEAST_OCCURRENCES.
MOST_STAIRS, _LEAST_OCCURRENCES = 80, 20
_SUMMARY_NAMES = ("mean", "low", "high")


def portrait_of(cell: FollowedCell) -> Json:
    """Return the portrait of a cell along the text that it was read on, see `portrait`."""
    return portrait(cell.c, cell.signal, cell.positions, cell.text, sign=cell.sign, start=cell.start)


def portrait(
    c: Values, signal: Signal, positions: NDArray[np.int64], text: str, *, sign: int, start: int = 0
) -> Json:
    """Return the portrait of a cell that follows the feature of signal, as JSON values.

    c (stretches, characters) are the cell's states at positions (stretches, characters) of text, along which
    signal runs; text begins at the position `start` of a longer text. sign, 1 or -1, is the sign of the
    correlation of c with the feature. The result has these entries:

    characters: number of values in c.
    trace: `events` has for each kind of event the mean of c and its quartiles `low` and `high` at each
        character around the event, and the `count` of events; the first value is `first` characters from the
        event, a negative number.
    histogram: for each level of the feature, how often tanh(c) is in each of HISTOGRAM_BINS equal bins of
        [-1, 1].
    staircase: for a counter and a depth, `mean`, `low` and `high` of c, and the `count` of positions, at each
        value of the feature from 0 on; None for a switch.
    excerpts: by name, `strongest` where the cell follows the feature best, `weakest` where it follows by the
        smallest step, and `counter_example` where it follows least. Each has its `start` in the longer text,
        its `text`, `tanh_c` and `feature` at each character, the correlation `r` with the feature times sign,
        in [-1, 1], and `step`, the change of c for each unit of the feature. Where the feature hardly moves,
        there are none.
    """
    feature, values = signal.feature, signal.values[positions].astype(np.float32)
    followed = _Followed(c, values, sign)
    return {
        "characters": int(c.size),
        "trace": {
            "first": -CHARACTERS_BEFORE,
            "events": {name: _around_events(c, at) for name, at in events(values, feature.kind).items()},
        },
        "histogram": {name: _histogram(c[where]) for name, where in levels(values, feature.kind).items()},
        "staircase": None if feature.kind == "switch" else _staircase(c, values),
        "excerpts": {
            name: _excerpt(followed, begin, int(positions[begin]), text, start)
            for name, begin in _excerpt_starts(followed).items()
        },
    }


def events(values: Values, kind: FeatureKind) -> dict[str, Flags]:
    """Return for each kind of event of a feature where it happens, (stretches, characters) bool.

    values (stretches, characters) float32 are the feature's values. A switch is "set" where it goes on and
    "reset" where it goes off; a depth makes a "step" up and an "unstep" down; a counter is "reset" where it
    falls. The first character of a stretch is no event.
    """
    change = np.zeros_like(values)
    change[:, 1:] = np.diff(values, axis=1)
    if kind == "switch":
        return {"set": change > 0, "reset": change < 0}
    if kind == "depth":
        return {"step": change > 0, "unstep": change < 0}
    return {"reset": change < 0}


def levels(values: Values, kind: FeatureKind) -> dict[str, Flags]:
    """Return for each level of a feature, by its name on the page, where the feature has the level.

    values (stretches, characters) float32 are the feature's values; the results are bool and of this shape. A
    switch has the levels "off" and "on"; a depth 0, 1, 2 and "3 or more", of which the ones that occur are
    returned; a counter's values are divided into three parts that occur about equally often.
    """
    if kind == "switch":
        return {"off": values <= 0, "on": values > 0}
    if kind == "depth":
        exact = {str(depth): values == depth for depth in range(3)}
        return {name: at for name, at in (exact | {"3 or more": values >= 3}).items() if at.any()}
    low, high = (int(value) for value in np.quantile(values, (1 / 3, 2 / 3)))
    return {
        f"0 to {low}": values <= low,
        f"{low + 1} to {high}": (values > low) & (values <= high),
        f"{high + 1} and more": values > high,
    }


def _histogram(c: Values) -> list[int]:
    """Return how many of the cell states c (n,) have tanh(c) in each of HISTOGRAM_BINS bins of [-1, 1]."""
    counts: list[int] = np.histogram(np.tanh(c), bins=HISTOGRAM_BINS, range=(-1, 1))[0].tolist()
    return counts


def _around_events(c: Values, at: Flags) -> Json:
    """Return the mean and the quartiles of c at each character around the events, and their count.

    c (stretches, characters) are cell states, at (stretches, characters) says where the events are. Events
    too near the ends of their stretch are left out.
    """
    at = at.copy()
    at[:, :CHARACTERS_BEFORE] = False
    at[:, at.shape[1] - CHARACTERS_AFTER :] = False
    stretch, character = np.nonzero(at)
    every = -(-len(character) // _MOST_EVENTS) or 1
    around = np.arange(-CHARACTERS_BEFORE, CHARACTERS_AFTER + 1)
    windows = c[stretch[::every, None], character[::every, None] + around]
    if not len(windows):
        return {"count": 0, **{name: [] for name in _SUMMARY_NAMES}}
    return {"count": len(windows), **_summaries(windows.T)}


def _staircase(c: Values, values: Values) -> Json:
    """Return the mean and the quartiles of c at each value of the feature from 0 on, and their counts.

    c and values, the values of the feature, are (stretches, characters). The staircase ends before the first
    value that is rare, and has at most MOST_STAIRS values.
    """
    counts = np.bincount(values.ravel().astype(np.int64), minlength=MOST_STAIRS + 1)[:MOST_STAIRS]
    rare = np.flatnonzero(counts < _LEAST_OCCURRENCES)
    stop = int(rare[0]) if len(rare) else MOST_STAIRS
    return {"count": counts[:stop].tolist(), **_summaries([c[values == value] for value in range(stop)])}


def _summaries(groups: Sequence[Values] | Values) -> dict[str, list[float]]:
    """Return the mean and the quartiles of each of groups, each group (n,), by name, to three decimals."""
    rows = [_summary(group) for group in groups]
    return {name: [row[index] for row in rows] for index, name in enumerate(_SUMMARY_NAMES)}


def _summary(values: Values) -> tuple[float, float, float]:
    """Return the mean, the lower and the upper quartile of values (n,), to three decimals."""
    low, high = np.quantile(values, (0.25, 0.75))
    return round(float(values.mean(dtype=np.float64)), 3), round(float(low), 3), round(float(high), 3)


@dataclass(frozen=True, eq=False)
class _Followed:
    """_Followed has a cell along the text and the feature that it follows.

    c and values, the values of the feature, are (stretches, characters) float32; sign, 1 or -1, is the sign
    of their correlation.
    """

    c: Values
    values: Values
    sign: int


def _excerpt_starts(followed: _Followed) -> dict[str, tuple[int, int]]:
    """Return (stretch, first character) of the excerpts "strongest", "counter_example" and "weakest".

    There is no excerpt where no window has a feature that moves enough. There is no "weakest" where the cell
    follows the feature in no window that is clear of the other two excerpts.
    """
    if followed.c.shape[1] < WINDOW_CHARACTERS:
        return {}
    r, step = _fits(*(_windows(values) for values in (followed.c, followed.values)))
    r, step = r * followed.sign, step * followed.sign
    if np.isnan(r).all():
        return {}
    best, worst = np.nanargmax(r), np.nanargmin(r)
    steps = np.where(r >= _LEAST_FOLLOWING_R, step, np.nan).ravel()
    overlapping = WINDOW_CHARACTERS // _EXCERPT_STRIDE_CHARACTERS
    for taken in (best, worst):
        steps[max(0, taken - overlapping) : taken + overlapping + 1] = np.nan
    starts = {"strongest": best, "counter_example": worst}
    if not np.isnan(steps).all():
        starts["weakest"] = np.nanargmin(steps)
    across = r.shape[1]
    return {
        name: (int(at) // across, int(at) % across * _EXCERPT_STRIDE_CHARACTERS)
        for name, at in starts.items()
    }


def _windows(values: Values) -> NDArray[np.float64]:
    """Return (stretches, windows, WINDOW_CHARACTERS) float64: the windows of values that compete.

    values is (stretches, characters); windows begin at multiples of _EXCERPT_STRIDE_CHARACTERS.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW_CHARACTERS, axis=1)
    return windows[:, ::_EXCERPT_STRIDE_CHARACTERS].astype(np.float64)


def _fits(c: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return the correlation of c with a feature and the slope of c over it, in each of several windows.

    c and values, the values of the feature, are (stretches, windows, characters); both results are
    (stretches, windows), NaN where the feature is off its median at fewer than _LEAST_MOVED_POSITIONS
    positions.
    """
    c, centred = c - c.mean(2, keepdims=True), values - values.mean(2, keepdims=True)
    product, squares = (c * centred).sum(2), np.square(centred).sum(2)
    middle = np.median(values, axis=2, keepdims=True)
    squares[(values != middle).sum(2) < _LEAST_MOVED_POSITIONS] = np.nan
    return product / np.sqrt(squares * np.square(c).sum(2).clip(1e-12)), product / squares


def _excerpt(followed: _Followed, begin: tuple[int, int], position: int, text: str, start: int) -> Json:
    """Return the excerpt that begins at `begin`, (stretch, character) of followed, as JSON values.

    position is the position of its first character in text, which begins at `start` of a longer text.
    """
    stretch, first = begin
    span = slice(first, first + WINDOW_CHARACTERS)
    c, values = followed.c[stretch, span], followed.values[stretch, span]
    r, step = (float(fit[0, 0]) for fit in _fits(*(v[None, None].astype(np.float64) for v in (c, values))))
    return {
        "start": start + position,
        "text": text[position : position + WINDOW_CHARACTERS],
        "tanh_c": [round(float(value), 3) for value in np.tanh(c)],
        "feature": values.astype(int).tolist(),
        "r": round(r * followed.sign, 4),
        "step": round(step, 4),
    }
