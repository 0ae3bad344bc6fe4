"""The findings of an inspection as a table of plain text, for a terminal and a Python session."""

import textwrap
from dataclasses import replace
from typing import Any

from charlstm.findings import Findings, Json
from charlstm.report.words.detection_numbers import (
    false_discoveries,
    held_out_score,
    near_limit,
    rank_score,
    runner_up,
)
from charlstm.report.words.network.appearances import Appearance, appearances
from charlstm.report.words.plain_table import table
from charlstm.report.words.proof_numbers import effect_nats, share_in_short
from charlstm.report.words.symbols import spelled
from charlstm.report.words.values import words

FINDING_COLUMNS = ("cell", "kind", "feature", "driven by", "score", "verdict", "effect", "carries")
# Said below the table: what the score is; the marks where they occur; the effect where a cell was changed.
_SCORE_LEGEND = "score    correlation on held-out text, switches taken as on half of the time"
_NEAR_LIMIT, _RUNNER_UP = "~", "*"
_MARKS_LEGEND = {
    _NEAR_LIMIT: f"{_NEAR_LIMIT}        near the least score of a candidate: another text may miss it",
    _RUNNER_UP: f"{_RUNNER_UP}        another feature fits nearly as well; report.html names it",
}
_EFFECT_LEGEND = (
    "effect   change of the closer's log probability when the cell is changed, nats\n"
    "carries  share of what all cells remember for it; intervals are in report.html"
)

_APPEARANCE_COLUMNS = ("cell", "feature", "follows", "two levels", "needed")
_APPEARANCE_LEGEND = (
    "the training step from which on a cell follows its feature, has two levels, and\n"
    "the closer needs it; empty where that is not so at the end"
)

# Said where a cell has no verdict: its feature ends too seldom in the part of the text that is left for it.
_NOT_TESTED_LEGEND = "not tested: the feature ends at too few places of the text; inspect a longer one"


def findings_table(findings: Findings, *, most: int = 20, width: int | None = None) -> str:
    """Return the findings as a table, the best held-out score first, or a sentence where there are none.

    The column effect is the change of the closer's log probability in nats, and carries the share of the
    behaviour that the cell carries, "?" where that is not known. Only the first most findings are listed.
    Lines have at most width characters, and are uncut where that is None.
    """
    if not findings.findings:
        return "no cell follows a feature of the text better than chance and what single characters explain"
    # Excerpts are most of a document, and nothing here reads them.
    document = replace(findings, excerpts=[]).to_json()
    found = sorted(document["findings"], key=rank_score, reverse=True)
    left = len(found) - most
    parts = [
        table(map(finding_row, found[:most]), header=FINDING_COLUMNS, width=width),
        f"{left} more in findings.json" if left > 0 else "",
        *findings_legend(found[:most]),
        textwrap.fill(false_discoveries(document), 80),
    ]
    return "\n".join(part for part in parts if part)


def appearances_table(findings: Findings, *, width: int | None = None) -> str:
    """Return from which training step on each cell did what it does at the end, the earliest first.

    The result is "" where the findings have nothing about earlier moments. Lines have at most width
    characters, and are uncut where that is None.
    """
    document = replace(findings, excerpts=[]).to_json()
    last = (findings.over_time.get("steps") or [0])[-1]

    def order(one: Appearance) -> tuple[int, ...]:
        return tuple(last + 1 if step is None else step for step in (one.follows, one.needed))

    rows = [
        (one.cell, words(one.feature), *map(_step, (one.follows, one.two_levels, one.needed)))
        for one in sorted(appearances(document), key=order)
    ]
    if not rows:
        return ""
    return f"{table(rows, header=_APPEARANCE_COLUMNS, width=width)}\n{_APPEARANCE_LEGEND}"


def _step(step: int | None) -> str:
    """Return a training step as a cell of a table."""
    return "" if step is None else f"{step:,}"


def finding_row(finding: Json) -> tuple[str, ...]:
    """Return a finding as the cells of a table's row, with the marks of _MARKS_LEGEND."""
    score = held_out_score(finding)
    mark = _RUNNER_UP if runner_up(finding) else ""
    return (
        f"{finding['layer']}:{finding['cell']}",
        finding["kind"].removesuffix("_counter"),
        mark + words(finding["feature"]),
        drivers_in_words(finding["drivers"]),
        "" if score is None else (_NEAR_LIMIT if near_limit(finding) else "") + f"{score:.2f}",
        finding["verdict"] or "not tested",
        _effect(finding["causal"]),
        share_in_short(finding),
    )


def findings_legend(found: list[Json]) -> list[str]:
    """Return a line for every column and mark of the table of found that has to be explained."""
    marks = {_NEAR_LIMIT: any(map(near_limit, found)), _RUNNER_UP: any(map(runner_up, found))}
    lines = [_SCORE_LEGEND, *(line for mark, line in _MARKS_LEGEND.items() if marks[mark])]
    lines += [_EFFECT_LEGEND] if any(finding["causal"] for finding in found) else []
    return [*lines, _NOT_TESTED_LEGEND] if any(not finding["verdict"] for finding in found) else lines


def _effect(causal: dict[str, Any] | None) -> str:
    """Return the effect in nats as a cell of a table."""
    nats = effect_nats(causal or {})
    return "" if nats is None else "0.00" if abs(nats) < 0.005 else f"{nats:+.2f}"[:6]


def drivers_in_words(drivers: dict[str, list[str]]) -> str:
    """Return drivers such as {"set": ["("], "reset": [")"]} as `( on, ) off`.

    A role whose driver is any character ("*") is left out.
    """
    words = {"set": "on", "step": "up", "unstep": "down", "reset": "to 0" if "step" in drivers else "off"}
    if drivers.get("set") == drivers.get("reset") is not None:
        return f"{_spelled(drivers['set'])} on and off"
    parts = [
        f"{_spelled(drivers[role])} {words[role]}" for role in words if drivers.get(role, ["*"]) != ["*"]
    ]
    return ", ".join(parts)


def _spelled(characters: list[str]) -> str:
    """Return drivers separated by spaces, with escapes; a space is named, and in a pair of characters `␣`."""
    return " ".join("space" if driver == " " else spelled(driver).replace(" ", "␣") for driver in characters)
