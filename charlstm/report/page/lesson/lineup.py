"""The findings -> a lineup: a cell that the network uses for a feature, among cells that it does not."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.first_cell import plainness
from charlstm.report.page.rows import Row, cell_name
from charlstm.report.page.watched_cells import closers
from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import sentence_text
from charlstm.report.words.proof_numbers import earlier_effect
from charlstm.report.words.sentences import likelier
from charlstm.report.words.values import finite

_SWITCHES = ("toggle", "latch")
# A cell with one of these verdicts may be shown as one that is not used; a redundant one is, with others.
_UNUSED = ("correlate", "undecided")
# A cell counts as not used for a feature where its effect is at most this share of that of the used cell.
_SMALL_SHARE = 0.1
# What the verdicts say, for a reader who does not know their names; {} is what a cell is used for.
_VERDICTS = {
    "verified": "used{}",
    "redundant": "used{}, together with other cells",
    "correlate": "follows it, but is hardly used",
    "undecided": "not shown to be used",
}
_OTHER_FEATURES = 3
_LEAST_CELLS = 4
# The network in the page reads this many characters of a text, which takes it a second.
_READ_CHARACTERS = 1_000


def lineup(
    findings: Mapping[str, Any], found: Sequence[Json], rows: Sequence[Row], data: Mapping[str, Any]
) -> Json | None:
    """Return the lineup, None where the run has no verified switch or too few other cells.

    found are the findings of rows, data is what `page_data` returns. The used cell is the plainest verified
    switch of a kind of quotes, or else of any feature; `used` is the number of its row, and `noun` names what
    it marks. `inert` is the row of a cell that follows the same feature and was found to matter little, None
    where there is none. `likelier` and `inert_likelier` say what the end of the feature, one of `closers`,
    becomes without them. The others are the plainest cells of other features, and one that follows none.

    `cells` has all of them in an order drawn by lot, each with its name, the number of its `row`, None where
    it has no finding, and `who` it is in words. They are shown in the text of `excerpt`, up to `stop`; its
    number is None where it is that of the used cell.
    """
    for used in _used(rows, found):
        excerpt, inert = _excerpt(used, found[used], data), _inert(used, found, rows)
        known = [used, *([] if inert is None else [inert]), *_others(used, findings, found, rows)]
        cells: list[Json] = [
            {"cell": rows[place].cell, "row": place, "who": _who(rows[place], found[place], found[used])}
            for place in known
        ]
        lot = random.Random(str((findings.get("corpus") or {}).get("sha256")))
        quiet = _without_finding(found[used]["feature"], findings, found, data)
        drawn = lot.sample(quiet, min(1, len(quiet)))
        cells += [{"cell": name, "row": None, "who": "follows nothing that was looked for"} for name in drawn]
        lot.shuffle(cells)
        if excerpt is not None and len(cells) >= _LEAST_CELLS:
            noun = sentence_text(feature_noun(found[used]["feature"], counted=False).noun)
            effects = {"likelier": _effect(rows, used), "inert_likelier": _effect(rows, inert)}
            return {"used": used, "inert": inert, "noun": noun, "cells": cells, **effects, **excerpt}
    return None


def _who(row: Row, finding: Json, used: Json) -> str:
    """Return what the cell of a row follows, and what its verdict says.

    finding is that of the row. Its cell may be used for other closers than that of the finding used.
    """
    ends = closers(finding)
    elsewhere = "" if set(ends) & set(closers(used)) else " elsewhere,"
    return f"{row.feature}: " + _VERDICTS.get(row.verdict, "not tested").format(
        f"{elsewhere} for {_end(ends, row)}"
    )


def _end(ends: str, row: Row) -> str:
    """Return the characters that end the feature of a row in words, such as "the closing )"."""
    if ends == "\n":
        return "the line break"
    return f"the closing {' or '.join(ends)}" if ends and set(ends) <= set("\"')]}>") else row.feature


def _effect(rows: Sequence[Row], place: int | None) -> str:
    """Return what a closer becomes without the memory of a row's cell, such as "11 times less likely"."""
    nats = None if place is None else rows[place].effect_nats
    return "" if nats is None else likelier(nats)


def _used(rows: Sequence[Row], found: Sequence[Json]) -> list[int]:
    """Return the rows of verified switches that are needed for a closer, those of quotes first."""
    places = [
        place
        for place, row in enumerate(rows)
        if row.verdict == "verified"
        and row.kind in _SWITCHES
        and (row.effect_nats or 0.0) < 0
        and closers(found[place])
    ]
    return sorted(places, key=lambda place: ("quote" not in rows[place].feature, plainness(rows[place])))


def _excerpt(used: int, finding: Json, data: Mapping[str, Any]) -> Json | None:
    """Return in which text the cells are shown; None where none of them ends the feature of the used one."""
    own = data["rows"][used]["excerpt"]
    for number in (0, own):
        if number is None or number >= len(data["excerpts"]):
            continue
        text = data["excerpts"][number]["text"][:_READ_CHARACTERS]
        feature = data["excerpts"][number]["features"].get(finding["feature"]) or []
        inside = [place for place in range(min(len(text) - 1, len(feature))) if feature[place]]
        if any(text[place + 1] in closers(finding) for place in inside):
            excerpt = None if number == own else number
            return {"excerpt": excerpt, "stop": len(text), "closers": closers(finding)}
    return None


def _inert(used: int, found: Sequence[Json], rows: Sequence[Row]) -> int | None:
    """Return the row of a cell that follows the feature of the used one and matters little; None without one.

    A cell that matters where it is changed earlier is none. A correlate comes before an undecided cell.
    """
    places = [
        place
        for place, row in enumerate(rows)
        if found[place]["feature"] == found[used]["feature"]
        and row.cell != rows[used].cell
        and row.verdict in _UNUSED
        and row.effect_nats is not None
        and _is_small(row.effect_nats, rows[used])
        and earlier_effect(found[place]) is None
    ]
    return min(
        places, key=lambda place: (rows[place].verdict != "correlate", plainness(rows[place])), default=None
    )


def _others(
    used: int, findings: Mapping[str, Any], found: Sequence[Json], rows: Sequence[Row]
) -> Iterator[int]:
    """Yield the plainest row of each other feature whose cell is not known to matter for the used one's."""
    feature = found[used]["feature"]
    features, cells = {feature}, _that_matter(feature, findings, found)
    for place in sorted(range(len(rows)), key=lambda place: plainness(rows[place])):
        if len(features) > _OTHER_FEATURES:
            return
        if found[place]["feature"] in features or rows[place].cell in cells:
            continue
        if all(_is_small(nats, rows[used]) for nats in _effects_on(feature, found[place])):
            features.add(found[place]["feature"])
            cells.add(rows[place].cell)
            yield place


def _that_matter(feature: str, findings: Mapping[str, Any], found: Sequence[Json]) -> set[str]:
    """Return the names of the cells that follow a feature or belong to the smallest set that carries it."""
    sets = [
        (one.get("smallest_set") or {}).get("cells") or []
        for one in findings.get("behaviours") or []
        if one["feature"] == feature
    ]
    following = [cell_name(finding) for finding in found if finding["feature"] == feature]
    return {*following, *(cell for cells in sets for cell in cells)}


def _effects_on(feature: str, finding: Json) -> Iterator[float]:
    """Yield the effects in nats that a finding's cell has at the closers of another feature."""
    specificity = (finding.get("evidence") or {}).get("specificity") or {}
    for one in specificity.get("behaviours") or []:
        nats = finite((one.get("nats") or {}).get("value"))
        if one.get("feature") == feature and nats is not None:
            yield nats


def _without_finding(
    feature: str, findings: Mapping[str, Any], found: Sequence[Json], data: Mapping[str, Any]
) -> list[str]:
    """Return the names of the stored cells that follow no feature and are not known to be needed."""
    named = {cell_name(finding) for finding in [*found, *(findings.get("unexpected") or [])]}
    named |= _that_matter(feature, findings, found)
    stored = ((data["excerpts"][0]["grid"] or {}).get("cells") or []) if data["excerpts"] else []
    return [cell for cell in stored if cell not in named]


def _is_small(nats: float, used: Row) -> bool:
    return abs(nats) <= _SMALL_SHARE * abs(used.effect_nats or 0.0)
