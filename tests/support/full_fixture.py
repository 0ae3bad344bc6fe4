"""Findings with every part that an inspection writes: portraits, interventions, gates and packed values."""

import base64
import math
import random
import zlib
from typing import Any

from report_fixture import HOSTILE, LENGTH, follow, inside_quotes, sample_findings, sample_text

GRID = ["0:5", "0:7", "0:31", "0:194"]
# Characters of the sample text in which cell 0:5 alone is high.
PASSAGE = (300, 340)


def full_findings(length: int = LENGTH) -> dict[str, Any]:
    """Return the sample with every part for a toggle and a counter, on a text of length characters."""
    findings = sample_findings()
    excerpt = findings["excerpts"][0]
    excerpt["text"] = excerpt["text"][:length]
    for lines in [*excerpt["cells"].values(), excerpt["features"]]:
        lines |= {name: values[:length] for name, values in lines.items()}
    toggle, counter = findings["findings"][0], findings["findings"][2]
    toggle |= {
        "verdict": "verified",
        "causal": causal(-1.79),
        "portrait": portrait(("off", "on"), ("set", "reset")),
    }
    toggle["detection"] |= {
        "survival": [1 - step / 100 for step in range(64)],
        "levels": {"off": -1.2, "on": 1.4},
        **DETECTED_SWITCH,
    }
    counter["detection"]["rising"] = 0.97
    findings["method"]["null"]["independent_shifts"] = 80
    findings["method"]["rules"] |= RULES
    findings["method"]["precision"] = "bfloat16"
    toggle["mechanism"] |= {"weights": WEIGHTS, "input_gate_at_drivers": 0.99, "forget_gate_at_drivers": 0.11}
    counter |= {"verdict": "correlate", "causal": causal(0.08) | {"steps": 5, "insertion_nats": None}}
    # A cell below another layer has weights to the cells above it, and none to the characters.
    counter["mechanism"] |= {
        "weights": {"from_self": WEIGHTS["from_self"], "to_cells": {"1:3": 2.5, "1:9": 0.5}}
    }
    counter["causal"]["control_effects"] |= {"quantiles": [0.0953 * step / 20 for step in range(21)]}
    counter["portrait"] = portrait(("0 to 9", "10 to 19", "20 and more"), ("reset",))
    counter["portrait"]["staircase"] = {
        "count": [50] * 20,
        **{name: [0.1 * step + shift for step in range(20)] for name, shift in BANDS.items()},
    }
    excerpt["cells"]["0:194"] |= gates(excerpt["cells"]["0:194"]["tanh_c"])
    excerpt["grid"] = grid({cell: excerpt["cells"].get(cell, {}).get("tanh_c") for cell in GRID}, length)
    findings["gates"] = gate_shares()
    findings["credit"] = {"feature": "inside_double_quotes", **{name: reach(name) for name in REACHES}}
    findings |= {
        "behaviours": [behaviour()],
        "unexpected": [UNEXPECTED],
        "edges": EDGES,
        "rules": {"version": 1},
    }
    findings["method"]["controls"]["gate_shuffled"] = {
        "candidates": 1,
        "findings": 0,
        "best_score": 0.31,
        "networks": 3,
        "candidates_of_each": [1, 0, 2],
        "findings_of_each": [0, 0, 1],
    }
    findings["method"]["controls"]["same_text"] = {"candidates": 4, "findings": 3, "best_score": 0.97}
    several = {"networks": 3, "candidates_of_each": [0, 0, 1], "findings_of_each": [0, 0, 0]}
    findings["method"]["controls"]["untrained"] |= several
    findings["method"]["controls"]["pseudo_features"] = {"findings": 0, "false_finding_rate": 0.0}
    return findings


def demo_sized() -> dict[str, Any]:
    """Return findings as large as the demo's: gates of twelve cells, noisy values of 256."""
    findings = full_findings()
    excerpt = findings["excerpts"][0]
    series = excerpt["cells"]["0:194"]["tanh_c"]
    for cell in ("0:88", "0:3", "0:31", "0:7", "0:240", *(f"0:{number}" for number in range(10, 16))):
        excerpt["cells"].setdefault(cell, {"tanh_c": series})
        excerpt["cells"][cell] |= gates(excerpt["cells"][cell]["tanh_c"])
    noise = random.Random(0)
    values = {f"0:{cell}": [noise.gauss(0, 0.05) + value * 0.8 for value in series] for cell in range(256)}
    excerpt["grid"] = grid(values, LENGTH)
    return findings


def estimate(value: float) -> dict[str, float]:
    """Return a number with its interval."""
    return {"value": value, "low": value - 0.05, "high": value + 0.05}


def behaviour() -> dict[str, Any]:
    """Return the sets of cells that the end of a double quotation rests on."""
    points = [
        {"cells": cells, "share": share, "low": share - 0.05, "high": share + 0.05}
        for cells, share in [(0, -0.2), (1, 0.55), (2, 0.93), (368, 1.0)]
    ]
    lines = {"keep": points, "remove": points[::-1]}
    return {
        "feature": "inside_double_quotes",
        "target": '"',
        "sites": 48,
        "advantage_nats": {"natural": 0.6, "trigram": -3.9, "donor": -4.9},
        "sentence": "Alone these 2 cells keep 93% of what the network knows beyond a trigram.",
        "curves": [
            {"order": "effect", **lines, "keep_mean": points, "remove_mean": points[::-1]},
            {"order": "random", **lines},
        ],
        "smallest_set": {
            "cells": ["0:194", "0:9"],
            "order": "effect",
            "tied": ["effect", "attribution"],
            "share": estimate(0.93),
            "without": estimate(0.04),
            "equivalent": False,
            "leave_one_out": [
                {"cell": "0:194", "lost": estimate(0.7)},
                {"cell": "0:9", "lost": estimate(0.38)},
            ],
            "jaccard": 0.5,
        },
        "attribution": {
            "top": [{"cell": "0:194", "attribution": -3.2, "real": -3.7}],
            "checked": 50,
            "correlation": 0.99,
        },
    }


UNEXPECTED = {
    "layer": 0,
    "cell": 31,
    "feature": "inside_double_quotes",
    "target": '"',
    "effect": estimate(-0.4),
    "limit_nats": 0.1,
    "attribution": -0.5,
    "rank": 3,
    "of": 368,
}
EDGES = [
    {
        "from": start,
        "to": end,
        "kind": kind,
        "feature": "inside_double_quotes",
        "value": estimate(value),
        "of": -3.7,
    }
    for start, end, kind, value in [
        ('"', "0:194:input", "driver_gate", -3.7),
        ("0:194", '"', "cell_logit", -3.5),
        ("0:194", "0:9", "cell_cell", -0.1),
        ("0:194", '"', "cell_others", -0.06),
        ("0:194", '"', "cell_longer", -0.04),
    ]
]
DETECTED_SWITCH = {
    "equal_share": 0.9,
    "feature_null_max": 0.19,
    "held_out_equal_share": 0.88,
    "held_out_interval": [0.84, 0.91],
    "near_limit": False,
    "auc": 0.99,
    "auc_interval": [0.98, 0.995],
    "two_levels": {
        "passes": True,
        "share": 0.93,
        "middle": 0.02,
        "rarer": 0.21,
        "of_tanh": False,
        "dwell": 31,
    },
    "runner_up": {"feature": "inside_string_literal", "score": 0.8, "contrast": 0.9},
    "drivers_from": "cell",
    "partners": [3],
}
RULES = {
    "least_held_out_score": 0.4,
    "rising_share": 0.9,
    "level_share": 0.85,
    "feature_share": 0.95,
    "middle_share": 0.12,
    "rarer_share": 0.005,
    "dwell": 5,
}
BANDS = {"mean": 0.0, "low": -0.2, "high": 0.2}
REACHES = {"cells": 0.995, "controls": 0.8, "untrained": 0.9}
WEIGHTS = {
    "from_self": {"input": 0.1, "forget": -1.5, "candidate": 0.2, "output": 0.7},
    "from_cells": {gate: {"0:9": 1.25} for gate in ("input", "forget", "candidate", "output")},
    "from_driver": {'"': {"input": 6.0, "forget": -5.0, "candidate": 4.0, "output": 0.5}},
    "to_logits": {'"': 3.1, "\n": 1.2, "a": 0.4, "b": -0.4, "(": -2.2},
}


def causal(nats: float) -> dict[str, Any]:
    """Return an intervention with all its numbers, whose effect is nats."""
    return {
        "target": '"',
        "effect_nats": nats,
        "specific_nats": nats,
        "control_effects": {"count": 99, "median": 0.01, "p95": 0.05, "max": 0.0953},
        "ratio": abs(nats) / 0.05,
        "p_value": 0.01,
        "lag": 8,
        "sites": 40,
        "steps": None,
        "natural_nats": -1.2,
        "dose_response": [{"dose": dose, "effect_nats": dose * nats} for dose in (-0.5, 0.25, 0.5, 1.0, 1.5)],
        "hold_nats": 1.1 * nats,
        "resample_nats": 0.7 * nats,
        "insertion_nats": -nats,
    }


def portrait(levels: tuple[str, ...], events: tuple[str, ...]) -> dict[str, Any]:
    """Return a portrait of plausible shape, with three excerpts of the sample text."""
    trace = {
        name: [math.tanh(place / 4 + shift) for place in range(-16, 49)] for name, shift in BANDS.items()
    }
    text = sample_text()
    starts = {"strongest": 100, "weakest": 400, "counter_example": 700}
    return {
        "characters": 140_000,
        "trace": {"first": -16, "events": {event: {"count": 1_234, **trace} for event in events}},
        "histogram": {
            name: [round(500 * math.exp(-(((bin_ - 8 - 12 * place) / 4) ** 2))) for bin_ in range(40)]
            for place, name in enumerate(levels)
        },
        "staircase": None,
        "excerpts": {
            name: {
                "start": 151_234 + start,
                "text": text[start : start + 128],
                "tanh_c": follow(inside_quotes(text), low=-0.8, high=0.8, noise=0.1, seed=9)[
                    start : start + 128
                ],
                "feature": inside_quotes(text)[start : start + 128],
                "r": 0.97 - 0.3 * place,
                "step": 0.9 - 0.3 * place,
            }
            for place, (name, start) in enumerate(starts.items())
        },
    }


def gates(tanh_c: list[float]) -> dict[str, list[float]]:
    """Return c and four gates along a text with these values of tanh(c)."""
    return {
        "c": [round(math.atanh(value), 3) for value in tanh_c],
        "input": [round(abs(value) ** 4, 2) for value in tanh_c],
        "forget": [round(1 - abs(value) ** 8 / 2, 2) for value in tanh_c],
        "candidate": [round(value, 2) for value in tanh_c],
        "output": [0.25] * len(tanh_c),
    }


def grid(series: dict[str, list[float] | None], length: int) -> dict[str, Any]:
    """Return cells packed as an inspection packs them; a cell without values is high in PASSAGE alone."""
    lone = [0.8 if PASSAGE[0] <= index < PASSAGE[1] else -0.6 for index in range(length)]
    packed = bytearray()
    for values in series.values():
        steps = [round(127 * value) for value in values or lone]
        packed += bytes((after - before) % 256 for before, after in zip([0, *steps], steps, strict=False))
    return {
        "cells": list(series),
        "of": 256,
        "thresholds": [0.0] * len(series),
        "tanh_c": base64.b64encode(zlib.compress(bytes(packed), 9)).decode("ascii"),
    }


def with_examples(findings: dict[str, Any]) -> dict[str, Any]:
    """Give the first finding an excerpt of its own, from character 500 of the sample on, and three lines."""
    excerpt, finding = findings["excerpts"][0], findings["findings"][0]
    c = [math.atanh(value) for value in excerpt["cells"]["0:194"]["tanh_c"]]
    feature = inside_quotes(excerpt["text"])

    def rows(spans: list[slice], names: list[str]) -> dict[str, Any]:
        steps = [round(127 * value / 4) for span in spans for value in c[span]]
        levels = [value for span in spans for value in feature[span]]
        series = [*([steps] * len(names)), levels]
        flat = bytes(
            (after - before) % 256 for one in series for before, after in zip([0, *one], one, strict=False)
        )
        return {
            "names": [*names, "feature"],
            "largest": [*([4.0] * len(names)), 0],
            "values": base64.b64encode(zlib.compress(flat, 9)).decode("ascii"),
        }

    own, lines = slice(500, 1_200), [slice(start, start + 72) for start in (100, 300, 700)]
    start, text = excerpt["start"], excerpt["text"]
    finding["examples"] = {
        "excerpt": {
            "start": start + own.start,
            "text": text[own],
            "rows": rows([own], ["c", "input", "forget", "candidate", "output"]),
        },
        "lines": {
            "each": [
                {"group": group, "start": start + span.start, "text": text[span], "agreement": 0.9}
                for group, span in zip(("drawn", "best", "worst"), lines, strict=True)
            ],
            "rows": rows(lines, ["c"]),
        },
    }
    return findings


def gate_shares() -> dict[str, Any]:
    """Return shares of low and high positions of every cell's gates, trained and untrained."""

    def layer(low: float, high: float) -> dict[str, Any]:
        cells = {
            "below_0.1": [low * k / 256 for k in range(256)],
            "above_0.9": [high * k / 256 for k in range(256)],
        }
        shares = {"below_0.1": low, "above_0.9": high, "mean": 0.4, "cells": cells}
        return {"layer": 0, **dict.fromkeys(("input", "forget", "output"), shares)}

    return {"layers": [layer(0.6, 0.3)], "untrained": {"layers": [layer(0.05, 0.01)]}}


def reach(name: str) -> dict[str, Any]:
    """Return the gradient that reaches a group of cells; it fades with the distance from the closer."""
    kept = REACHES[name]
    return {
        "cells": 2,
        "carry": {"kept": kept**20},
        "reach_since_opener": [kept**step for step in range(40)] + [None] * 24,
    }


def odd_text(length: int) -> str:
    """Return a line of length characters that could break a page: markup, controls, right-to-left, emoji."""
    piece = (
        HOSTILE.replace("\n", "")
        + "אבג דهر \U0001f469\u200d\U0001f680\U0001f1e9\U0001f1ea \t\r\x07\x1b[31m\ufeff\ud800"
    )
    return (piece * (length // len(piece) + 1))[:length]


def odd_findings(length: int) -> dict[str, Any]:
    """Return findings with odd text in every place where text of a corpus may stand."""
    findings = full_findings()
    text = odd_text(length)
    findings["excerpts"] = [
        {
            "split": "confirm",
            "start": 0,
            "text": text,
            "cells": {"0:194": {"tanh_c": [0.5] * length}},
            "features": {"inside_double_quotes": [place % 2 for place in range(length)]},
        }
    ]
    toggle = findings["findings"][0]
    toggle["drivers"] = {"set": [HOSTILE], "reset": ["\U0001f469", "\ud800"]}
    toggle["causal"]["target"] = "<\u202e"
    for excerpt in toggle["portrait"]["excerpts"].values():
        excerpt["text"] = text[:128]
    toggle["mechanism"]["weights"] = WEIGHTS | {"to_logits": {"<": 1.0, "\u202e": -1.0, "\U0001f680": 0.5}}
    return findings


def untrained(length: int = LENGTH) -> dict[str, Any]:
    """Return findings about the same text of a network in which nothing was found."""
    findings = full_findings(length) | {"findings": []}
    findings["model"] = findings["model"] | {"checkpoint": "untrained", "bits_per_character": None}
    return findings
