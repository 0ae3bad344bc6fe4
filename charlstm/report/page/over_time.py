"""What the found cells did at earlier points of the training -> a table and charts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.findings import Json
from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.network.appearances import Appearance, appearances
from charlstm.report.words.phrases import Sentence, sentence_text
from charlstm.report.words.values import MISSING, finite, text

# The most cells that the table lists, and the most that have a chart.
_MOST_LISTED, _MOST_DRAWN = 100, 11


@dataclass(frozen=True)
class AppearingCell:
    """A line of the table of when cells appeared: steps of the training as text."""

    cell: str
    feature: Sentence
    follows: str
    two_levels: str
    needed: str


@dataclass(frozen=True)
class OverTime:
    """What the page tells of the training: when cells appeared, and at how many moments they were read."""

    rows: tuple[AppearingCell, ...]
    moments: int


def over_time(findings: Mapping[str, Any]) -> OverTime:
    """Return when the cells of findings appeared; without rows where nothing is known of it."""
    nouns = _nouns(findings)
    rows = tuple(
        AppearingCell(
            cell=one.cell,
            feature=nouns[one.cell],
            follows=_step(one.follows),
            two_levels=_step(one.two_levels),
            needed=_step(one.needed),
        )
        for one in _by_appearance(findings)[:_MOST_LISTED]
    )
    return OverTime(rows, len((findings.get("over_time") or {}).get("steps") or []))


def _nouns(findings: Mapping[str, Any]) -> dict[str, Sentence]:
    """Return the features of the cells over time in words, by the cell."""
    counting = {
        f"{one['layer']}:{one['cell']}"
        for one in findings.get("findings") or []
        if str(one.get("kind")).endswith("counter")
    }
    return {
        one.cell: feature_noun(one.feature, counted=one.cell in counting).noun
        for one in appearances(findings)
    }


def _by_appearance(findings: Mapping[str, Any]) -> list[Appearance]:
    """Return the appearances of cells, the earliest first; cells that are never needed come last."""
    never = float("inf")

    def order(one: Appearance) -> tuple[float, ...]:
        return tuple(never if step is None else step for step in (one.needed, one.follows))

    return sorted(appearances(findings), key=order)


def _step(step: int | None) -> str:
    return MISSING if step is None else text(step)


def over_time_data(findings: Mapping[str, Any]) -> Json | None:
    """Return what the script draws of the training, or None where nothing is known of it.

    Effects are shares of the last one, which is 1; they are None where the cell is not needed at the end.
    """
    known = findings.get("over_time") or {}
    by_cell = {f"{cell['layer']}:{cell['cell']}": cell for cell in known.get("cells") or []}
    if not known.get("steps"):
        return None
    nouns = _nouns(findings)
    return {
        "steps": known["steps"],
        "bits": [finite(bits) for bits in known.get("bits_per_character") or []],
        "cells": [
            {
                "cell": one.cell,
                "feature": sentence_text(nouns[one.cell]),
                "score": [finite(score) for score in by_cell[one.cell]["score"]],
                "effect": _shares_of_last(by_cell[one.cell]["effect"], needed=one.needed is not None),
            }
            for one in _by_appearance(findings)[:_MOST_DRAWN]
        ],
    }


def _shares_of_last(effects: list[Mapping[str, Any] | None], *, needed: bool) -> list[float | None]:
    """Return effects as shares of the last of them, or None for all where the cell is not needed."""
    nats = [finite((one or {}).get("value")) for one in effects]
    last = nats[-1]
    if not last or not needed:
        return [None] * len(nats)
    return [None if one is None else one / last for one in nats]
