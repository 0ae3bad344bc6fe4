"""The examples of a finding: an excerpt where its feature goes on and off, and short lines in three groups.

The excerpt and the lines that compete are chosen by the feature alone, before anything is known of the cell.
Some lines are drawn by lot; of the others the cell agrees best and least with its feature in the ones shown
as "best" and "worst".
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.describing.followed_cells import Flags, FollowedCell, Place, Values, is_high
from charlstm.inspection.describing.packing import packed, whole_127ths
from charlstm.inspection.features.feature import Signal

# A line shows this many characters before the feature goes on, and this many from there on.
CHARACTERS_BEFORE, CHARACTERS_AFTER = 24, 48
# How many lines each group has.
GROUPS = {"drawn": 8, "best": 6, "worst": 6}
# A mean of c at a value of the feature is known from this many positions on.
_LEAST_OCCURRENCES = 20
# Where the rule of a feature went wrong, it may have been wrong for so many characters, or since a blank
# line.
_LONGEST_DOUBT_CHARACTERS = 1_000

_Number = TypeVar("_Number", bound=np.generic)


def examples_of(cell: FollowedCell, generator: np.random.Generator) -> Json:
    """Return the `examples` of a finding as JSON values; generator draws the lines by lot.

    The result has these entries; both are None where the feature never changes:

    excerpt: `start`, `text` and `rows`, which are `c`, `input`, `forget`, `candidate`, `output` and
        `feature`, packed together.
    lines: `each` has the `group`, the `start`, the `text` and the `agreement` in [0, 1] of each line, and
        `rows` are `c` and `feature` of all lines, one after the other.

    Rows are a dictionary with the `names` of the rows, and `largest`, the value that 127 stands for in each;
    0 stands for a row of whole numbers from 0 to 255. `values` are the rows as whole numbers, packed as
    `packing.packed` does it.
    """
    if cell.place is None:
        return {"excerpt": None, "lines": None}
    chosen = _chosen_lines(cell, generator)
    return {"excerpt": _excerpt(cell, cell.place), "lines": _lines(cell, chosen) if chosen else None}


def _excerpt(cell: FollowedCell, place: Place) -> Json:
    """Return the excerpt at a place with the cell's c and gates and with its feature."""
    gates = dict(zip(("input", "forget", "candidate", "output"), cell.gates, strict=True))
    rows = _rows({"c": _values_at(cell.c, [place]), **gates}, _features_at(cell, [place]))
    return {**_text_at(cell, place), "rows": rows}


def _lines(cell: FollowedCell, chosen: Sequence[tuple[str, Place, float]]) -> Json:
    """Return the chosen lines, each (group, place, agreement), with c and the feature along all of them."""
    places = [place for _, place, _ in chosen]
    return {
        "each": [
            {"group": group, **_text_at(cell, place), "agreement": round(agreement, 3)}
            for group, place, agreement in chosen
        ],
        "rows": _rows({"c": _values_at(cell.c, places)}, _features_at(cell, places)),
    }


def _text_at(cell: FollowedCell, place: Place) -> Json:
    """Return the `start` of a place in the whole text, and its `text`."""
    position = int(cell.positions[place.stretch, place.first])
    return {"start": cell.start + position, "text": cell.text[position : position + place.length]}


def _values_at(values: NDArray[_Number], places: Sequence[Place]) -> NDArray[_Number]:
    """Return values (stretches, characters) at the places, one after the other, (characters,)."""
    return np.concatenate(
        [values[place.stretch, place.first : place.first + place.length] for place in places]
    )


def _features_at(cell: FollowedCell, places: Sequence[Place]) -> NDArray[np.uint8]:
    """Return the feature at the places, one after the other, (characters,) uint8."""
    return cell.signal.values[_values_at(cell.positions, places)]


def _rows(series: dict[str, Values], feature: NDArray[np.uint8]) -> Json:
    """Return series by name, each (characters,), and the feature along them, packed together."""
    largest = {name: max(1e-3, float(np.abs(values).max())) for name, values in series.items()}
    steps = [whole_127ths(values / largest[name]) for name, values in series.items()]
    return {
        "names": [*series, "feature"],
        "largest": [*(round(value, 4) for value in largest.values()), 0],
        "values": packed(np.stack([*steps, feature])),
    }


def _chosen_lines(cell: FollowedCell, generator: np.random.Generator) -> list[tuple[str, Place, float]]:
    """Return (group, place, agreement) of the lines of all groups, no line twice."""
    places, expected = _competing_lines(cell), _expected(cell)
    agreements = [_agreement(cell, expected, place) for place in places]
    drawn = sorted(generator.permutation(len(places))[: GROUPS["drawn"]].tolist())
    others = sorted(set(range(len(places))) - set(drawn), key=lambda line: -agreements[line])
    best = others[: min(GROUPS["best"], len(others) // 2)]
    doubtful = _doubtful(cell.text, cell.signal)
    certain = [line for line in others[len(best) :] if not doubtful[_span(cell, places[line])].any()]
    groups = {"drawn": drawn, "best": best, "worst": certain[::-1][: GROUPS["worst"]]}
    return [(name, places[line], agreements[line]) for name, lines in groups.items() for line in lines]


def _competing_lines(cell: FollowedCell) -> list[Place]:
    """Return the places of lines around the characters where the feature goes on.

    No two lines overlap, and no text stands in two lines. A counter goes on where it starts again.
    """
    length = CHARACTERS_BEFORE + CHARACTERS_AFTER
    last = cell.positions.shape[1] - length
    places: list[Place] = []
    texts: set[str] = set()
    for stretch, character in np.argwhere(_beginnings(cell)).tolist():
        place = Place(stretch, character - CHARACTERS_BEFORE, length)
        before = places[-1] if places and places[-1].stretch == stretch else None
        text = cell.text[_span(cell, place)][CHARACTERS_BEFORE:] if 0 <= place.first <= last else ""
        if text and text not in texts and (before is None or place.first >= before.first + length):
            places.append(place)
            texts.add(text)
    return places


def _beginnings(cell: FollowedCell) -> Flags:
    """Return (stretches, characters) bool: where the feature goes on, or a counter starts again."""
    values, feature = cell.signal.values[cell.positions], cell.signal.feature
    begins = np.zeros_like(values, np.bool_)
    if feature.kind == "counter":
        begins[:, 1:] = values[:, 1:] < values[:, :-1]
    else:
        high = is_high(values, feature.kind)
        begins[:, 1:] = high[:, 1:] & ~high[:, :-1]
    return begins


def _expected(cell: FollowedCell) -> NDArray[np.float64]:
    """Return (values,) float64: the mean c at each value of the feature, NaN where that is rare."""
    values = cell.signal.values[cell.positions].ravel()
    counts = np.bincount(values)
    means = np.bincount(values, weights=cell.c.ravel()) / np.maximum(1, counts)
    return np.where(counts >= _LEAST_OCCURRENCES, means, np.nan)


def _agreement(cell: FollowedCell, expected: NDArray[np.float64], place: Place) -> float:
    """Return how near c is in a line to its mean at the feature's value, in [0, 1].

    1 says that it is there at every character, 0 that it is as far away as the largest and the smallest of
    these means are from each other, or farther.
    """
    apart = np.nanmax(expected) - np.nanmin(expected)
    distances = np.abs(_values_at(cell.c, [place]) - expected[_features_at(cell, [place])])
    known = distances[~np.isnan(distances)]
    return float(np.clip(1 - known.mean() / apart, 0, 1)) if known.size and apart > 0 else 0.0


def _span(cell: FollowedCell, place: Place) -> slice:
    """Return the positions of a place in the text."""
    position = int(cell.positions[place.stretch, place.first])
    return slice(position, position + place.length)


def _doubtful(text: str, signal: Signal) -> Flags:
    """Return where the rule that computes a feature has surely lost its way, (characters,) bool.

    A switch or a depth that goes down at another character than a closer met an opener without one: since the
    last blank line, but not longer than _LONGEST_DOUBT_CHARACTERS, the rule may be wrong and the cell right.
    """
    doubtful = np.zeros(len(text), np.bool_)
    feature = signal.feature
    if feature.kind == "counter":
        return doubtful
    for position in (np.flatnonzero(signal.values[1:] < signal.values[:-1]) + 1).tolist():
        end = position + 1 - feature.lag
        if not any(text.endswith(closer, 0, end) for closer in feature.closers):
            blank = text.rfind("\n\n", 0, max(0, position - 2)) + 1
            doubtful[max(blank, position - _LONGEST_DOUBT_CHARACTERS) : position + 1] = True
    return doubtful
