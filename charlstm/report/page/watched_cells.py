"""What the model inside is told of the cells with a finding: their words, and which c is on and off."""

from collections.abc import Mapping
from typing import Any

from charlstm.findings import Json
from charlstm.report.words.values import finite, words


def watched_cells(findings: Mapping[str, Any]) -> dict[str, Json]:
    """By "layer:cell", of its best finding, a verified one first: words, verdict, polarity, and levels where
    they are known.
    """
    cells: dict[str, Json] = {}
    for finding in findings.get("findings") or []:
        told = {
            "words": f"{words(finding['kind'])}, {words(finding['feature'])}",
            "verdict": words(finding.get("verdict") or "not tested"),
            "levels": levels(finding),
            "polarity": finding.get("polarity") or 1,
        }
        name = f"{finding['layer']}:{finding['cell']}"
        if name not in cells or (told["verdict"] == "verified") > (cells[name]["verdict"] == "verified"):
            cells[name] = told
    return cells


def levels(finding: Mapping[str, Any]) -> dict[str, float] | None:
    """The cell states for off and on: a switch's two levels; of what counts, the mean c at 0 and at 1 for a
    depth, at 0 and at the last value for a counter. None where the findings do not say.
    """
    found = (finding.get("detection") or {}).get("levels") or {}
    stairs = ((finding.get("portrait") or {}).get("staircase") or {}).get("mean") or []
    if not found and len(stairs) > 1:
        found = {"off": stairs[0], "on": stairs[1 if finding["kind"] == "depth_counter" else -1]}
    off, on = finite(found.get("off")), finite(found.get("on"))
    return None if off is None or on is None else {"off": round(off, 4), "on": round(on, 4)}
