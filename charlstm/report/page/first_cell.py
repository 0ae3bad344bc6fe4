"""The cell on the first screen of the page: which one it is, and the few lines that it is shown in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.rows import Row
from charlstm.report.words.symbols import visible
from charlstm.report.words.values import finite

# From this held-out score on, the colours of the text show the feature plainly.
_PLAIN_SCORE = 0.8
# Which verdict comes first; a cell that was not tested comes last.
_VERDICTS = ("verified", "redundant", "undecided", "correlate")
# The text has at most this many lines and characters: what a screen has room for in large letters.
_MOST_LINES, _MOST_CHARACTERS = 5, 330


@dataclass(frozen=True)
class FirstCell:
    """The cell of the first screen.

    place is the number of its row, excerpt that of the excerpt of the page's data; text stands there from the
    character start on.
    """

    row: Row
    place: int
    excerpt: int
    start: int
    text: str

    @property
    def shown(self) -> str:
        """The text as it stands in the page before its script colours it, with symbols for controls."""
        return "\n".join(map(visible, self.text.split("\n")))

    @property
    def stop(self) -> int:
        """The place in the excerpt behind the text's last character."""
        return self.start + len(self.text)


def first_cell(rows: Sequence[Row], data: Mapping[str, Any], found: Sequence[Json]) -> FirstCell | None:
    """Return the cell that shows best what cells do, None where no cell has values along a text.

    found are the findings of rows, data is what `page_data` returns. Cells whose feature goes on or off in
    their excerpt come first: of others there is nothing to see. Among these a verified cell comes first. Of
    those with one verdict, the cells come first that follow their feature plainly and in clear steps, and of
    these the one without which the prediction loses most.
    """
    shown = [
        (place, excerpt) for place in range(len(rows)) if (excerpt := excerpt_of(place, data)) is not None
    ]
    if not shown:
        return None
    place, excerpt = min(
        shown,
        key=lambda one: (_is_still(data["rows"][one[0]], data["excerpts"][one[1]]), plainness(rows[one[0]])),
    )
    script_row, along = data["rows"][place], data["excerpts"][excerpt]
    feature = along["features"].get(script_row["feature"]) or []
    start, stop = window(along["text"], feature, differing=differing(script_row, along, found[place]))
    return FirstCell(rows[place], place, excerpt, start, along["text"][start:stop])


def _is_still(row: Json, excerpt: Json) -> bool:
    """Return whether the feature of a row of the page's data is always on, or always off, in an excerpt."""
    return len({(value or 0) > 0 for value in excerpt["features"].get(row["feature"]) or []}) < 2


def threshold(finding: Json) -> float:
    """Return the tanh(c) between the low and the high values of a cell; 0 stands for an unknown one.

    It is the cell's own threshold or, where that does not lie between the means of c with the switch off and
    on, the middle of these: the histogram of a cell that is seldom on may not show its other level.
    """
    detection = finding.get("detection") or {}
    own = finite(detection.get("threshold")) or 0.0
    off, on = (finite((detection.get("levels") or {}).get(state)) for state in ("off", "on"))
    if off is not None and on is not None and not min(off, on) <= own <= max(off, on):
        own = (off + on) / 2
    return round(math.tanh(own), 3)


def differing(row: Json, excerpt: Json, finding: Json) -> list[bool]:
    """Return at which characters of an excerpt the cell of a switch is on and its feature off, or vice versa.

    row is that of the page's data, finding that of the row. The list is empty for a cell that counts.
    """
    if row["kind"].endswith("counter"):
        return []
    limit = threshold(finding)
    on = [((value or 0.0) - limit) * row["polarity"] > 0 for value in excerpt["cells"][row["cell"]]["tanh_c"]]
    feature = [(value or 0) > 0 for value in excerpt["features"].get(row["feature"]) or []]
    return [one != other for one, other in zip(on, feature, strict=False)]


def plainness(row: Row) -> tuple[int, bool, bool, float]:
    """Return what sorts rows, that of the cell first which shows best what cells do."""
    verdict = _VERDICTS.index(row.verdict) if row.verdict in _VERDICTS else len(_VERDICTS)
    is_plain = (row.held_out_score or 0) >= _PLAIN_SCORE
    return verdict, not is_plain, row.kind == "graded", -abs(row.effect_nats or 0)


def excerpt_of(place: int, data: Mapping[str, Any]) -> int | None:
    """Return the number of an excerpt that has the values of a row's cell, None where there is none."""
    row: Json = data["rows"][place]
    if row["excerpt"] is not None:
        own: int = row["excerpt"]
        return own
    holding = (number for number, one in enumerate(data["excerpts"]) if row["cell"] in one["cells"])
    return next(holding, None)


def window(
    text: str,
    feature: Sequence[float | None],
    *,
    differing: Sequence[bool] = (),
    seen: tuple[int, int] = (0, 0),
    most_lines: int = _MOST_LINES,
    most_characters: int = _MOST_CHARACTERS,
) -> tuple[int, int]:
    """Return where the lines of text begin and end in which the feature, on above 0, goes on and off most.

    These are at most most_lines lines and most_characters characters; a longer line is cut. Where there are
    others, they have nothing in common with the characters seen, from the first to before the last number.
    A character at which the cell is differing from the feature counts against its lines as much as a change
    for them.
    """
    begins = [0, *(place + 1 for place, character in enumerate(text[:-1]) if character == "\n")]
    ends = [*begins[1:], len(text)]
    high = [(value or 0) > 0 for value in feature]
    best, most = (0, min(len(text), most_characters)), -math.inf
    for line, begin in enumerate(begins):
        stop = seen[0] if begin < seen[0] else len(text)
        fitting = [end for end in ends[line : line + most_lines] if end <= min(begin + most_characters, stop)]
        end = fitting[-1] if fitting else min(stop, begin + most_characters)
        changes = sum(
            one != other for one, other in zip(high[begin:end], high[begin + 1 : end], strict=False)
        )
        worth = changes - sum(differing[begin:end])
        if worth > most and not seen[0] <= begin < seen[1]:
            best, most = (begin, end), worth
    begin, end = best
    return begin, begin + len(text[begin:end].rstrip("\n"))
