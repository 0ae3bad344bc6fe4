"""What a finding looks like: its c around the events of its feature, by level, and in three excerpts.

All of the confirmation split, which had no part in choosing the finding.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.features.feature import FeatureKind, Signal
from charlstm.inspection.reading.trace import Cut, counted_blocks
from charlstm.inspection.study import Standing
from charlstm.model.char_lstm import CharLSTM

# What a finding looks like is soon clear, and so many columns of c have to be held at once.
_CHARACTERS = 150_000
_MOST = 64
# Characters before and after an event in a mean trace, and events that it is taken over at most.
BEFORE, AFTER = 16, 48
_EVENTS = 2_000
# Bins of tanh(c) in [-1, 1].
BINS = 40
# Characters in an excerpt, and between the beginnings of two that compete.
EXCERPT, _STRIDE = 128, 32
# Positions of an excerpt at which a feature must be off its median: else there is nothing to follow.
_MOVED = 8
# From this r on a cell follows its feature in an excerpt, be it by a small step.
_FOLLOWS = 0.5
# Values of a count that a staircase has at most, and how often each must occur.
STAIRS, _OCCURRENCES = 80, 20
_TOLD = ("mean", "low", "high")

Values = NDArray[np.float32]
Flags = NDArray[np.bool_]


def portraits(model: CharLSTM, found: Detected, standing: Sequence[Standing]) -> list[Json]:
    """One portrait for each of the first findings, the best of them: see `portrait`."""
    chosen = list(standing[:_MOST])
    if not chosen:
        return []
    part = found.text.splits["confirm"].first.beginning(_CHARACTERS)
    shape = (part.cut.streams, -1)
    c = _columns(model, part.ids, part.cut, [one.cell for one in chosen])
    positions = part.cut.counted.reshape(shape)
    signs = found.pairs.signs.tolist()
    return [
        portrait(
            c[:, place].numpy().reshape(shape),
            part.signal(one.feature.name),
            positions,
            part.text,
            sign=int(signs[one.place]),
            start=part.start,
        )
        for place, one in enumerate(chosen)
    ]


def _columns(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut, cells: list[int]) -> Tensor:
    """(rows, cells) float32: c of some cells at every counted position."""
    found = torch.zeros(len(cut.counted), len(cells))
    for block in counted_blocks(model, ids, cut):
        found[block.rows] = block.c[:, cells]
    return found


def portrait(
    c: Values, signal: Signal, positions: NDArray[np.int64], text: str, *, sign: int, start: int = 0
) -> Json:
    """c (stretches, characters) of a cell that follows a feature with a sign, at positions of a text that
    begins at start of a longer one.

    `trace` has, by event, the mean and the quartiles of c from `first` characters before it on; `histogram`,
    by level of the feature, how often tanh(c) fell in each of BINS equal bins of [-1, 1]; `staircase`, of
    what counts, the mean and the quartiles of c at every value from 0 on; `excerpts` the text, tanh(c) and
    the feature where the cell follows best, by the smallest step, and least, with r there and the step of c
    per unit of the feature.
    """
    feature, values = signal.feature, signal.values[positions].astype(np.float32)
    return {
        "characters": int(c.size),
        "trace": {
            "first": -BEFORE,
            "events": {name: _around(c, at) for name, at in events(values, feature.kind).items()},
        },
        "histogram": {
            name: np.histogram(np.tanh(c[where]), bins=BINS, range=(-1, 1))[0].tolist()
            for name, where in levels(values, feature.kind).items()
        },
        "staircase": None if feature.kind == "switch" else _staircase(c, values),
        "excerpts": {
            name: {"start": start + int(positions[at])} | _excerpt(c, values, positions, text, at, sign)
            for name, at in _chosen(c, values, sign).items()
        },
    }


def events(values: Values, kind: FeatureKind) -> dict[str, Flags]:
    """Where a feature (stretches, characters) moves: a switch on, off, a depth up, down, a counter back."""
    change = np.zeros_like(values)
    change[:, 1:] = np.diff(values, axis=1)
    if kind == "switch":
        return {"set": change > 0, "reset": change < 0}
    if kind == "depth":
        return {"step": change > 0, "unstep": change < 0}
    return {"reset": change < 0}


def levels(values: Values, kind: FeatureKind) -> dict[str, Flags]:
    """The positions by level: a switch off and on, a depth 0 to 3 and beyond, thirds of a counter."""
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


def _around(c: Values, at: Flags) -> Json:
    """The mean and the quartiles of c around those events (stretches, characters) that have room."""
    at = at.copy()
    at[:, :BEFORE] = False
    at[:, at.shape[1] - AFTER :] = False
    stretch, place = np.nonzero(at)
    every = -(-len(place) // _EVENTS) or 1
    windows = c[stretch[::every, None], place[::every, None] + np.arange(-BEFORE, AFTER + 1)]
    if not len(windows):
        return {"count": 0, **{name: [] for name in _TOLD}}
    told = [_told(column) for column in windows.T]
    return {"count": len(windows), **{name: [one[name] for one in told] for name in _TOLD}}


def _staircase(c: Values, values: Values) -> Json:
    """The mean and the quartiles of c at the values from 0 on that are common, up to STAIRS of them."""
    counts = np.bincount(values.ravel().astype(np.int64), minlength=STAIRS + 1)[:STAIRS]
    rare = np.flatnonzero(counts < _OCCURRENCES)
    stop = int(rare[0]) if len(rare) else STAIRS
    found = [_told(c[values == value]) for value in range(stop)]
    return {"count": counts[:stop].tolist(), **{name: [one[name] for one in found] for name in _TOLD}}


def _told(values: Values) -> dict[str, float]:
    """The mean and the quartiles of some values of c."""
    low, high = np.quantile(values, (0.25, 0.75))
    told = (float(values.mean(dtype=np.float64)), float(low), float(high))
    return {name: round(value, 3) for name, value in zip(_TOLD, told, strict=True)}


def _chosen(c: Values, values: Values, sign: int) -> dict[str, tuple[int, int]]:
    """(stretch, first character) of the strongest and the weakest excerpt and the counter-example, if any."""
    if c.shape[1] < EXCERPT:
        return {}
    followed, seen = (
        np.lib.stride_tricks.sliding_window_view(each, EXCERPT, axis=1)[:, ::_STRIDE].astype(np.float64)
        for each in (c, values)
    )
    r, step = _fits(followed, seen)
    r, step = r * sign, step * sign
    if np.isnan(r).all():
        return {}
    best, worst = np.nanargmax(r), np.nanargmin(r)
    steps = np.where(r >= _FOLLOWS, step, np.nan).ravel()
    for taken in (best, worst):
        steps[max(0, taken - EXCERPT // _STRIDE) : taken + EXCERPT // _STRIDE + 1] = np.nan
    places = {"strongest": best, "counter_example": worst}
    if not np.isnan(steps).all():
        places["weakest"] = np.nanargmin(steps)
    across = r.shape[1]
    return {name: (int(at) // across, int(at) % across * _STRIDE) for name, at in places.items()}


def _fits(c: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """r and slope of c over the feature in each of (stretches, excerpts, characters); NaN where it rests."""
    c, centred = c - c.mean(2, keepdims=True), values - values.mean(2, keepdims=True)
    product, squares = (c * centred).sum(2), np.square(centred).sum(2)
    middle = np.median(values, axis=2, keepdims=True)
    squares[(values != middle).sum(2) < _MOVED] = np.nan
    return product / np.sqrt(squares * np.square(c).sum(2).clip(1e-12)), product / squares


def _excerpt(
    c: Values, values: Values, positions: NDArray[np.int64], text: str, at: tuple[int, int], sign: int
) -> Json:
    """One excerpt as plain data."""
    stretch, first = at
    span = slice(first, first + EXCERPT)
    here = (part[None, stretch : stretch + 1, span].astype(np.float64) for part in (c, values))
    r, step = (float(each[0, 0]) for each in _fits(*here))
    start = int(positions[at])
    return {
        "text": text[start : start + EXCERPT],
        "tanh_c": _rounded(np.tanh(c[stretch, span])),
        "feature": values[stretch, span].astype(int).tolist(),
        "r": round(r * sign, 4),
        "step": round(step, 4),
    }


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 3) for value in values]
