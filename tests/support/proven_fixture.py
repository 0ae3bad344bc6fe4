"""Findings of schema version 2 of a planted network: cells of every verdict, with evidence that was measured.

The findings lie in proven_findings.json. `python tests/support/proven_fixture.py` inspects the network and
writes them again, in half a minute.
"""

import json
import pickle
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from charlstm.inspection.describing.packing import packed, whole_127ths

FILE = Path(__file__).with_suffix("").with_name("proven_findings.json")
_CHARACTERS = 60_000
# The excerpt keeps this many characters, and the first findings alone keep their portraits.
_LENGTH, _PORTRAITS = 300, 2
_DIGITS = 4

# Sets, edges and unexpected cells, in the form in which an inspection writes them.
BEHAVIOURS = [
    {
        "feature": "parity_of_double_quote",
        "target": '"',
        "sites": 50,
        "advantage_nats": {"natural": 4.2, "trigram": -1.1, "donor": -0.4},
        "curves": [
            {
                "order": order,
                "keep": [
                    {
                        "cells": cells,
                        "share": share * best,
                        "low": share * best - 0.03,
                        "high": share * best + 0.03,
                    }
                    for cells, share in ((0, 0.0), (1, 0.5), (2, 0.8), (4, 0.94), (8, 0.97), (160, 1.0))
                ],
                "remove": [
                    {
                        "cells": cells,
                        "share": 1 - share * best,
                        "low": 0.97 - share * best,
                        "high": 1.03 - share * best,
                    }
                    for cells, share in ((0, 0.0), (1, 0.5), (2, 0.8), (4, 0.96), (8, 0.97), (160, 1.0))
                ],
            }
            for order, best in (("effect", 1.0), ("attribution", 0.9), ("correlation", 0.7), ("random", 0.2))
        ],
        "smallest_set": {
            "cells": ["0:0", "0:8", "0:9", "0:1"],
            "share": {"value": 0.94, "low": 0.91, "high": 0.97},
            "without": {"value": 0.04, "low": 0.01, "high": 0.07},
            "order": "effect",
            "tied": [],
            "equivalent": True,
            "leave_one_out": [{"cell": "0:0", "lost": {"value": 0.6, "low": 0.5, "high": 0.7}}],
            "jaccard": 0.75,
        },
        "attribution": {
            "top": [{"cell": "0:0", "attribution": -3.9, "real": -4.1}],
            "checked": 50,
            "correlation": 0.96,
        },
    },
    {
        "feature": "column",
        "target": "\n",
        "sites": 62,
        "advantage_nats": {"natural": 0.2, "trigram": 0.3, "donor": 0.1},
        "sentence": "No small set is enough: the 64 cells that matter most keep 40%, and 90% was asked for.",
        "curves": [],
        "smallest_set": None,
        "attribution": None,
    },
    {
        "feature": "inside_double_quotes",
        "contrast": "double, not single quote",
        "target": '"',
        "rival": "'",
        "sites": 32,
        "advantage_nats": {"natural": 4.0, "trigram": 0.9, "donor": -2.8},
        "sentence": "No small set is enough: the 64 cells that matter most keep 40%, and 90% was asked for.",
        "curves": [],
        "smallest_set": None,
        "attribution": None,
    },
]
UNEXPECTED = [
    {
        "layer": 0,
        "cell": 41,
        "feature": "parity_of_double_quote",
        "target": '"',
        "effect": {"value": -0.31, "low": -0.42, "high": -0.22},
        "attribution": -0.28,
        "rank": 2,
        "of": 160,
    }
]
EDGES = [
    {
        "from": start,
        "to": end,
        "kind": kind,
        "feature": "parity_of_double_quote",
        "value": {"value": value, "low": value - 0.1, "high": value + 0.1},
        "of": -4.3,
    }
    for start, end, kind, value in (
        ('"', "0:0:input", "driver_gate", -2.4),
        ('"', "0:0:forget", "driver_gate", -0.6),
        ('"', "0:0:candidate", "driver_gate", 0.2),
        ("0:0", '"', "cell_logit", -4.0),
        ("0:0", "0:8", "cell_cell", -0.1),
        ("0:0", '"', "cell_others", -0.05),
        ("0:0", '"', "cell_longer", -0.15),
    )
]


@cache
def _pickled() -> bytes:
    """Read the file once; each test gets a copy of its own."""
    return pickle.dumps(json.loads(FILE.read_text(encoding="utf-8")))


def _over_time(cell: int, feature: str, scores: list[float], effects: list[float]) -> dict[str, Any]:
    """Return what a cell did at four moments, in the form in which an inspection writes it."""
    on = [score > 0.6 for score in scores]
    return {
        "layer": 0,
        "cell": cell,
        "feature": feature,
        "score": scores,
        "level_share": [0.93 if two else 0.64 for two in on],
        "two_levels": on,
        "input_gate": [{"at_drivers": 0.9 if two else 0.3, "elsewhere": 0.1} for two in on],
        "forget_gate": [{"at_drivers": 0.2 if two else 0.7, "elsewhere": 0.9} for two in on],
        "effect": [{"value": nats, "low": nats - 0.1, "high": nats + 0.1} for nats in effects],
    }


def _excerpt_over_time() -> dict[str, Any]:
    """Return a text with two cells that come to follow its brackets and its quotes, moment by moment."""
    text = 'one "two" [three [four]] "five"\n' * 4
    depth = [text[: place + 1].count("[") - text[: place + 1].count("]") for place in range(len(text))]
    inside = [text[: place + 1].count('"') % 2 for place in range(len(text))]
    ends = np.array([[0.45 * value for value in depth], [1.8 * value - 0.9 for value in inside]])
    states = ends[:, None] * np.array([0, 0.1, 0.4, 1])[:, None]
    return {
        "split": "confirm",
        "start": 30_000,
        "text": text,
        "features": {"bracket_depth": depth, "parity_of_double_quote": inside},
        "cells": ["0:4", "0:0"],
        "tanh_c": packed(whole_127ths(states.reshape(-1, len(text)))),
    }


OVER_TIME = {
    "steps": [0, 40, 320, 2560],
    "characters": [0, 163_840, 1_310_720, 10_485_760],
    "bits_per_character": [4.6, 3.1, 2.0, 1.5],
    "closers": {
        "bracket_depth": [-4.0, -3.0, -1.5, -0.4],
        "parity_of_double_quote": [-4.0, -3.5, -3.0, -0.5],
    },
    "cells": [
        _over_time(4, "bracket_depth", [0.05, 0.3, 0.9, 0.97], [0.0, -0.02, -0.6, -1.5]),
        _over_time(0, "parity_of_double_quote", [-0.02, 0.1, 0.3, 0.95], [0.0, 0.01, -0.05, -1.2]),
    ],
    "excerpt": _excerpt_over_time(),
}


def proven_findings(*, circuits: bool = True) -> dict[str, Any]:
    """Return the findings of the planted network; circuits says whether they have sets and edges."""
    findings = pickle.loads(_pickled()) | {"rules": {"version": 1}}
    if circuits:
        circuit = {"behaviours": BEHAVIOURS, "unexpected": UNEXPECTED, "edges": EDGES}
        findings |= pickle.loads(pickle.dumps(circuit | {"over_time": OVER_TIME}))
    return findings


def _inspected() -> dict[str, Any]:
    """Inspect the planted network: cells that are used, spared together, hardly used and not used."""
    import torch
    from written_text import SYMBOLS, ids_of, written

    from charlstm.config import InspectionConfig
    from charlstm.inspection.exam.planted_cells import (
        character_detector,
        depth_counter,
        latch,
        line_counter,
        plant,
        toggle,
    )
    from charlstm.inspection.inspect import InspectionRequest, inspect_model

    parentheses = latch("(", ")").read(")", 1.5)
    cells = [toggle('"').read('"', 3), parentheses, parentheses, line_counter("\n").read("\n", 0.2)]
    cells += [depth_counter("[", "]").read("]", 2), toggle('"'), character_detector('"')]
    cells += [latch("[", "]").read("]", 0.6), toggle('"').read('"', 0.07), toggle('"').read('"', 0.07)]
    model = plant(cells, SYMBOLS, idle=150, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    with torch.no_grad():
        model.head.weight[:, len(cells) :] *= 0.3
    request = InspectionRequest(
        model=model,
        ids=ids_of(written(_CHARACTERS, seed=1)),
        vocabulary=SimpleNamespace(symbols=tuple(SYMBOLS)),
        config=InspectionConfig(streams=8, seed=3, characters=_CHARACTERS),
        corpus_name="written",
        corpus_sha256="0" * 64,
        checkpoint="runs/planted",
        bits_per_character=1.5,
        command="charlstm inspect runs/planted",
    )
    return inspect_model(request).to_json()


def _shortened(findings: dict[str, Any]) -> dict[str, Any]:
    """Return findings without what other fixtures have: most portraits, packed values and gates by cell."""
    for finding in findings["findings"][_PORTRAITS:]:
        finding["portrait"] = finding["examples"] = None
    (excerpt,) = findings["excerpts"]
    excerpt |= {"text": excerpt["text"][:_LENGTH], "grid": {}}
    for lines in [*excerpt["cells"].values(), excerpt["features"]]:
        lines |= {name: values[:_LENGTH] for name, values in lines.items()}
    findings |= {"gates": {}, "behaviours": [], "unexpected": [], "edges": []}
    return findings


def _rounded(value: Any) -> Any:
    """Return a JSON value whose numbers have _DIGITS digits."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    FILE.write_text(json.dumps(_rounded(_shortened(_inspected())), separators=(",", ":")) + "\n")
