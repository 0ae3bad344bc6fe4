"""The findings -> rounds of an exercise: lines of text on which a reader predicts where a cell is on."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.first_cell import FirstCell, differing, excerpt_of, plainness, threshold, window
from charlstm.report.page.rows import Row

_MOST_ROUNDS = 3
# A feature with such a word was found by a search, and takes long to say.
_LONG = (" until ", " since ")
_SIGNS = {
    "quote": "An opening quote is inside already, a closing one outside again.",
    "bracket": "An opening bracket is inside already; the closing one ends it.",
    "nesting": "An opening bracket is inside already; the closing one ends it.",
}
# The lines of a round: few enough to mark with a finger.
_MOST_LINES, _MOST_CHARACTERS = 4, 220
# Where the reader is not told what the cell follows, at least this share of the text is coloured.
_GIVEN_SHARE = 0.4
# A reader can predict a cell that is on where its feature is, at this share of the characters at least.
_LEAST_AGREEMENT = 0.9
# Fewer characters would leave nothing to predict.
_LEAST_ASKED_CHARACTERS = 50


def predictions(
    found: Sequence[Json], rows: Sequence[Row], data: Mapping[str, Any], first: FirstCell | None
) -> list[Json]:
    """Return the rounds of the exercise, each about another feature; [] where no cell has values along text.

    found are the findings of rows, data is what `page_data` returns, first the cell of the first screen, with
    which the exercise begins. A cell that is not on where its feature is has no round, nor has a graded one,
    which is on by degrees.

    A round has the number of its `row`, the `threshold` in tanh(c) between low and high, and places in the
    text of the row's excerpt: it is shown from `start` to `stop`, and what lies before `given` is coloured.
    In the first round nothing is given, since the reader is told what the cell follows. `hint` says which
    quotes and brackets count as inside; it is "" for other features.
    """
    if first is None:
        return []
    places = sorted(range(len(rows)), key=lambda place: plainness(rows[place]))
    rounds: list[Json] = []
    features: set[str] = set()
    for place in [first.place, *places]:
        feature = rows[place].feature
        is_hard = rows[place].kind == "graded" or any(word in feature for word in _LONG)
        if is_hard or feature in features or len(rounds) == _MOST_ROUNDS:
            continue
        one = _round(place, data, found[place], first, is_told=not rounds)
        if one is not None:
            rounds.append(one)
            features.add(feature)
    return rounds


def _round(
    place: int, data: Mapping[str, Any], finding: Json, first: FirstCell, *, is_told: bool
) -> Json | None:
    """Return the round of a row; None where no lines of its excerpt show the cell both on and off."""
    row, number = data["rows"][place], excerpt_of(place, data)
    if number is None:
        return None
    excerpt = data["excerpts"][number]
    values = [value or 0.0 for value in excerpt["cells"][row["cell"]]["tanh_c"]]
    limit = threshold(finding)
    on = [(value - limit) * row["polarity"] > 0 for value in values]
    start, stop = window(
        excerpt["text"],
        on if row["kind"] == "counter" else excerpt["features"].get(row["feature"]) or [],
        differing=differing(row, excerpt, finding),
        seen=(first.start, first.stop) if number == first.excerpt else (0, 0),
        most_lines=_MOST_LINES,
        most_characters=_MOST_CHARACTERS,
    )
    given = start if is_told else _end_of_line(excerpt["text"], start, stop)
    if given is None or stop - given < _LEAST_ASKED_CHARACTERS:
        return None
    parts = [on[given:stop], *([] if is_told else [on[start:given]])]
    feature = [(value or 0) > 0 for value in excerpt["features"].get(row["feature"]) or []][start:stop]
    agreed = sum(one == other for one, other in zip(on[start:stop], feature, strict=False))
    is_unclear = agreed < _LEAST_AGREEMENT * (stop - start)
    if is_unclear or any(all(one == other for one, other in pairwise(part)) for part in parts):
        return None
    found = {"row": place, "start": start, "given": given, "stop": stop, "threshold": limit}
    return found | {"hint": _hint(finding["feature"])}


def _hint(feature: str) -> str:
    """Return what counts as inside for a feature of quotes or brackets, else ""."""
    sign = next((word for word in _SIGNS if word in feature), None)
    return _SIGNS[sign] if sign else ""


def _end_of_line(text: str, start: int, stop: int) -> int | None:
    """Return the place behind the first line break after the given share of a text; None without one."""
    least = start + math.ceil(_GIVEN_SHARE * (stop - start))
    end = text.find("\n", least, stop)
    return end + 1 if end >= 0 else None
