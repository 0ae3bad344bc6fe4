"""The findings -> rounds of an exercise: lines of text on which a reader predicts where a cell is on."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.first_cell import FirstCell, excerpt_of, plainness, window
from charlstm.report.page.rows import Row
from charlstm.report.words.values import finite

_MOST_ROUNDS = 3
# The lines of a round: few enough to mark with a finger.
_MOST_LINES, _MOST_CHARACTERS = 4, 220
# Where the reader is not told what the cell follows, at least this share of the text is coloured.
_GIVEN_SHARE = 0.4
# Fewer characters would leave nothing to predict.
_LEAST_ASKED_CHARACTERS = 50


def predictions(
    found: Sequence[Json], rows: Sequence[Row], data: Mapping[str, Any], first: FirstCell | None
) -> list[Json]:
    """Return the rounds of the exercise, each about another feature; [] where no cell has values along text.

    found are the findings of rows, data is what `page_data` returns, first the cell of the first screen, with
    which the exercise begins. The second cell is a counter, where there is one.

    A round has the number of its `row`, the `threshold` in tanh(c) between low and high, and places in the
    text of the row's excerpt: it is shown from `start` to `stop`, and what lies before `given` is coloured.
    In the first round nothing is given, since the reader is told what the cell follows.
    """
    if first is None:
        return []
    places = sorted(range(len(rows)), key=lambda place: plainness(rows[place]))
    counting = [place for place in places if rows[place].kind == "counter"]
    rounds: list[Json] = []
    features: set[str] = set()
    for place in [first.place, *counting[:1], *places]:
        if rows[place].feature in features or len(rounds) == _MOST_ROUNDS:
            continue
        one = _round(place, data, found[place], first, is_told=not rounds)
        if one is not None:
            rounds.append(one)
            features.add(rows[place].feature)
    return rounds


def _threshold(finding: Json, values: Sequence[float]) -> float:
    """Return the tanh(c) between the low and the high values of a finding's cell.

    It is 0 for a counter whose values have both signs: where its colours change. 0 stands for an unknown one.
    """
    if finding["kind"] == "counter" and min(values) < 0 < max(values):
        return 0.0
    return round(math.tanh(finite((finding.get("detection") or {}).get("threshold")) or 0.0), 3)


def _round(
    place: int, data: Mapping[str, Any], finding: Json, first: FirstCell, *, is_told: bool
) -> Json | None:
    """Return the round of a row; None where no lines of its excerpt show the cell both on and off."""
    row, number = data["rows"][place], excerpt_of(place, data)
    if number is None:
        return None
    excerpt = data["excerpts"][number]
    values = [value or 0.0 for value in excerpt["cells"][row["cell"]]["tanh_c"]]
    threshold = _threshold(finding, values)
    on = [(value - threshold) * row["polarity"] > 0 for value in values]
    start, stop = window(
        excerpt["text"],
        on if row["kind"] == "counter" else excerpt["features"].get(row["feature"]) or [],
        seen=(first.start, first.stop) if number == first.excerpt else (0, 0),
        most_lines=_MOST_LINES,
        most_characters=_MOST_CHARACTERS,
    )
    given = start if is_told else _end_of_line(excerpt["text"], start, stop)
    if given is None or stop - given < _LEAST_ASKED_CHARACTERS:
        return None
    parts = [on[given:stop], *([] if is_told else [on[start:given]])]
    if any(all(one == other for one, other in pairwise(part)) for part in parts):
        return None
    return {"row": place, "start": start, "given": given, "stop": stop, "threshold": threshold}


def _end_of_line(text: str, start: int, stop: int) -> int | None:
    """Return the place behind the first line break after the given share of a text; None without one."""
    least = start + math.ceil(_GIVEN_SHARE * (stop - start))
    end = text.find("\n", least, stop)
    return end + 1 if end >= 0 else None
