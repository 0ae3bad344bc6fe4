"""What the found cells did at earlier points of the training -> a table, charts and a coloured text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.errors import UsageError
from charlstm.findings import Json
from charlstm.findings_file import MOST_VALUES
from charlstm.report.page.examples import unpacked_bytes
from charlstm.report.page.rows import cell_name
from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.network.appearances import (
    Appearance,
    appearance_told,
    appearances,
    done_since,
)
from charlstm.report.words.phrases import Sentence, sentence_text
from charlstm.report.words.values import MISSING, finite, rounded, text

# The most cells that the table lists and the charts show.
_MOST_LISTED = 100
_STATES = "the states over time"


@dataclass(frozen=True)
class AppearingCell:
    """A line of the table of when cells appeared: training steps as text, and told in a sentence."""

    cell: str
    feature: Sentence
    follows: str
    two_levels: str
    needed: str
    told: Sentence


@dataclass(frozen=True)
class OverTime:
    """What the page tells of the training: when cells appeared, and at how many moments they were read.

    start is the number of the row that is shown first.
    """

    rows: tuple[AppearingCell, ...]
    moments: int
    start: int

    @property
    def told(self) -> Sentence:
        """When the cell that is shown first appeared; () without rows."""
        return self.rows[self.start].told if self.rows else ()


def over_time(findings: Mapping[str, Any]) -> OverTime:
    """Return when the cells of findings appeared; without rows where nothing is known of it."""
    known = _known(findings)
    steps = (findings.get("over_time") or {}).get("steps") or []
    rows = tuple(
        AppearingCell(
            cell=one.appeared.cell,
            feature=one.noun,
            follows=_step(one.appeared.follows),
            two_levels=_step(one.appeared.two_levels),
            needed=_step(one.appeared.needed),
            told=appearance_told(one.appeared, one.noun, verified=one.verified, first=steps[0]),
        )
        for one in known
    )
    return OverTime(rows, len(steps), _start(findings, known))


@dataclass(frozen=True)
class _Known:
    """What is known of a cell: when it appeared, its numbers over time, its feature in words, its finding."""

    appeared: Appearance
    numbers: Mapping[str, Any]
    noun: Sentence
    verified: bool
    kind: str


def _known(findings: Mapping[str, Any]) -> list[_Known]:
    """Return the first _MOST_LISTED cells of findings, the earliest first.

    Cells that are never needed come last.
    """
    found = {(cell_name(one), one["feature"]): one for one in findings.get("findings") or []}
    cells = (findings.get("over_time") or {}).get("cells") or []
    known = []
    for appeared, numbers in zip(appearances(findings), cells, strict=True):
        finding = found.get((appeared.cell, appeared.feature)) or {}
        kind = str(finding.get("kind"))
        noun = feature_noun(appeared.feature, counted=kind.endswith("counter")).noun
        known.append(_Known(appeared, numbers, noun, finding.get("verdict") == "verified", kind))
    never = float("inf")

    def order(one: _Known) -> tuple[float, ...]:
        steps = (one.appeared.needed, one.appeared.follows)
        return tuple(never if step is None else step for step in steps)

    return sorted(known, key=order)[:_MOST_LISTED]


def _start(findings: Mapping[str, Any], known: list[_Known]) -> int:
    """Return the number of the cell that is shown first, in the order of known: 0 without any.

    It is one along whose text its feature goes on; of these a verified one, a switch, and that of the largest
    score come first.
    """
    excerpt = (findings.get("over_time") or {}).get("excerpt") or {}

    def rank(one: _Known) -> tuple[bool, bool, bool, float]:
        is_shown = one.appeared.cell in (excerpt.get("cells") or [])
        along = (excerpt.get("features") or {}).get(one.appeared.feature) or []
        moves = is_shown and len(set(along)) > 1
        score = finite((one.numbers["score"] or [None])[-1]) or 0.0
        return moves, one.verified, one.kind in ("toggle", "latch"), score

    return max(range(len(known)), key=lambda place: rank(known[place]), default=0)


def _step(step: int | None) -> str:
    return MISSING if step is None else text(step)


def over_time_data(findings: Mapping[str, Any]) -> Json | None:
    """Return what the script draws of the training, or None where nothing is known of it.

    Effects are in nats, and also shares of the last one, which is 1; these are None where the cell is not
    needed at the end. Raises UsageError when the values along the text do not fit it.
    """
    told, shown = findings.get("over_time") or {}, over_time(findings)
    if not told.get("steps"):
        return None
    return {
        "steps": told["steps"],
        "bits": [finite(bits) for bits in told.get("bits_per_character") or []],
        "cells": [
            {
                "cell": one.appeared.cell,
                "name": one.appeared.feature,
                "feature": sentence_text(one.noun),
                "since": done_since(one.appeared, verified=one.verified),
                "told": [[phrase.text, phrase.code] for phrase in row.told],
                "score": [rounded(score) for score in one.numbers["score"]],
                "nats": [rounded((nats or {}).get("value")) for nats in one.numbers["effect"]],
                "effect": _shares_of_last(one.numbers["effect"], needed=one.appeared.needed is not None),
            }
            for one, row in zip(_known(findings), shown.rows, strict=True)
        ],
        "start": shown.start,
        "excerpt": _excerpt(told),
    }


def _excerpt(told: Mapping[str, Any]) -> Json | None:
    """Return the text over time for the script, None where there is none.

    Raises UsageError where its values do not fit it.
    """
    excerpt = told.get("excerpt") or {}
    if not excerpt:
        return None
    rows, length = len(excerpt["cells"]) * len(told["steps"]), len(excerpt["text"])
    features = excerpt.get("features") or {}
    if rows * length > MOST_VALUES or any(len(values) != length for values in features.values()):
        raise UsageError(
            f"{_STATES} do not fit the text",
            "write the findings again with `charlstm inspect`",
        )
    unpacked_bytes(excerpt["tanh_c"], rows, length, of=_STATES)
    return {name: excerpt[name] for name in ("text", "cells", "tanh_c")} | {"features": features}


def text_over_time(findings: Mapping[str, Any]) -> str:
    """Return the text along which findings have the states of cells at every moment, "" without any."""
    excerpt = (findings.get("over_time") or {}).get("excerpt") or {}
    return str(excerpt.get("text") or "")


def _shares_of_last(effects: list[Mapping[str, Any] | None], *, needed: bool) -> list[float | None]:
    """Return effects as shares of the last of them, or None for all where the cell is not needed."""
    nats = [finite((one or {}).get("value")) for one in effects]
    last = nats[-1]
    if not last or not needed:
        return [None] * len(nats)
    return [None if one is None else rounded(one / last) for one in nats]
