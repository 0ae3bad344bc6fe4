"""Count the kinds of cells that inspections of several runs found, with intervals.

    python tests/benchmarks/kinds.py RUN... [--json]

Each RUN is a folder with findings.json, as `charlstm inspect` leaves it. For each kind of cell, and for
each family of features, the table has the mean number of found and of verified cells in a run with its 95%
interval (Student's t over the runs), and the share of runs with a verified cell with its 95% interval
(Wilson 1927).
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from charlstm.findings import Finding, Findings
from charlstm.inspection.estimates import student_quantile

KINDS = ("toggle", "latch", "counter", "depth_counter", "graded")
# A feature belongs to the first family one of whose words is in its name.
FAMILIES = {
    "indentation": ("indentation",),
    "quotes": ("quote", "string"),
    "comments": ("comment", "number_sign"),
    "brackets": ("bracket", "parenthes", "brace", "nesting"),
    "column": ("column", "since_newline"),
}


def family_of(finding: Finding) -> str:
    """Return the family of a finding's feature."""
    for family, words in FAMILIES.items():
        if any(word in finding.feature for word in words):
            return family
    return "other"


def interval_of_mean(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of values and the two ends of its 95% interval; without ends for a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = student_quantile(0.975, len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, max(0.0, mean - half), mean + half


def interval_of_share(count: int, total: int) -> tuple[float, float, float]:
    """Return count / total and the two ends of its 95% interval."""
    z = 1.959964
    share, weight = count / total, z * z / total
    centre = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return share, max(0.0, centre - half), min(1.0, centre + half)


def rows(inspections: Sequence[Findings]) -> Iterator[dict[str, object]]:
    """Yield for all findings, each kind and each family how many cells are found and verified."""
    groups: dict[str, Callable[[Finding], bool]] = {"all": lambda finding: True}
    groups |= {kind: lambda finding, kind=kind: finding.kind == kind for kind in KINDS}
    families = [*FAMILIES, "other"]
    groups |= {name: lambda finding, name=name: family_of(finding) == name for name in families}
    for name, belongs in groups.items():
        found = [[one for one in findings.findings if belongs(one)] for findings in inspections]
        verified = [sum(one.verdict == "verified" for one in of_run) for of_run in found]
        yield {
            "cells": name,
            "found": interval_of_mean([len(of_run) for of_run in found]),
            "verified": interval_of_mean(verified),
            "runs with a verified one": interval_of_share(sum(map(bool, verified)), len(inspections)),
        }


def verdicts(inspections: Sequence[Findings]) -> dict[str, int]:
    """Return how often each verdict came out, over all runs."""
    names = ("verified", "redundant", "correlate", "undecided", None)
    every = [finding.verdict for findings in inspections for finding in findings.findings]
    return {str(name): every.count(name) for name in names}


def in_controls(inspections: Sequence[Findings]) -> dict[str, list[int]]:
    """Return how many findings each control network of each kind has, over all runs."""
    counts: dict[str, list[int]] = {}
    for findings in inspections:
        for name in ("untrained", "gate_shuffled"):
            counts.setdefault(name, []).extend(findings.method.controls[name]["findings_of_each"])
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a folder with findings.json")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    inspections = [Findings.load(folder / "findings.json") for folder in options.runs]
    table = list(rows(inspections))
    versions = sorted({int(findings.rules["version"]) for findings in inspections})
    totals = {"verdicts": verdicts(inspections), "controls": in_controls(inspections), "rules": versions}
    if options.json:
        print(json.dumps({"runs": len(inspections), "rows": table, **totals}))
        return
    for row in table:
        numbers = [
            f"{name} {value:.2f} ({low:.2f} to {high:.2f})"
            for name, (value, low, high) in list(row.items())[1:]
        ]
        print(f"{row['cells']:14s}", ", ".join(numbers))
    for name, counts in totals.items():
        print(name, counts)


if __name__ == "__main__":
    main()
