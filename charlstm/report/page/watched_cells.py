"""What the part of the page with the model shows of cells with a finding: names, and the c of off and on."""

from collections.abc import Mapping
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.rows import cell_name, polarity_of
from charlstm.report.words.values import finite, words


def watched_cells(findings: Mapping[str, Any]) -> dict[str, Json]:
    """Return, by "layer:cell", the kind, words, verdict, polarity and levels of the cells with a finding.

    A cell with several findings has those of the first verified one, or of the first where none is verified.
    levels is what `levels` returns.
    """
    cells: dict[str, Json] = {}
    for finding in findings.get("findings") or []:
        cell = {
            "kind": finding["kind"],
            "words": f"{words(finding['kind'])}, {words(finding['feature'])}",
            "verdict": words(finding.get("verdict") or "not tested"),
            "levels": levels(finding),
            "polarity": polarity_of(finding),
        }
        name = cell_name(finding)
        if name not in cells or (cell["verdict"] == "verified") > (cells[name]["verdict"] == "verified"):
            cells[name] = cell
    return cells


def levels(finding: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the cell states for "off" and "on", or None where the findings do not have them.

    A switch has two levels. For a depth counter they are the mean c at depth 0 and at depth 1, for a counter
    the mean c at 0 and at its last value.
    """
    known = (finding.get("detection") or {}).get("levels") or {}
    stairs = ((finding.get("portrait") or {}).get("staircase") or {}).get("mean") or []
    if not known and len(stairs) > 1:
        known = {"off": stairs[0], "on": stairs[1 if finding["kind"] == "depth_counter" else -1]}
    off, on = finite(known.get("off")), finite(known.get("on"))
    return None if off is None or on is None else {"off": round(off, 4), "on": round(on, 4)}
