"""What the part of the page with the model shows of cells with a finding: names, and the c of off and on."""

from collections.abc import Mapping
from typing import Any

from charlstm.findings import Json
from charlstm.report.page.rows import cell_name, polarity_of
from charlstm.report.words.values import finite, words


def watched_cells(findings: Mapping[str, Any]) -> dict[str, Json]:
    """Return, by "layer:cell", the kind, words, verdict, polarity and levels of the cells with a finding.

    A cell with several findings has those of the first verified one, or of the first where none is verified.
    levels, stairs and closers are what the functions of these names return.
    """
    cells: dict[str, Json] = {}
    for finding in findings.get("findings") or []:
        cell = {
            "kind": finding["kind"],
            "words": f"{words(finding['kind'])}, {words(finding['feature'])}",
            "verdict": words(finding.get("verdict") or "not tested"),
            "levels": levels(finding),
            "polarity": polarity_of(finding),
            "stairs": stairs(finding),
            "closers": closers(finding),
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
    means = stairs(finding)
    if not known and means:
        known = {"off": means[0], "on": means[1 if finding["kind"] == "depth_counter" else -1]}
    off, on = finite(known.get("off")), finite(known.get("on"))
    return None if off is None or on is None else {"off": round(off, 4), "on": round(on, 4)}


def stairs(finding: Mapping[str, Any]) -> list[float] | None:
    """Return the mean c of a counter or a depth counter at each of its values from 0 on; None without two."""
    means = ((finding.get("portrait") or {}).get("staircase") or {}).get("mean") or []
    known = [number for mean in means if (number := finite(mean)) is not None]
    whole = finding["kind"] in ("counter", "depth_counter") and len(known) == len(means) > 1
    return [round(mean, 4) for mean in known] if whole else None


def closers(finding: Mapping[str, Any]) -> str:
    """Return the characters that end the feature of a finding; "" where they are unknown or all but some."""
    target = str((finding.get("causal") or {}).get("target") or "")
    return "" if len(target) > 3 and target.startswith("[^") else target
