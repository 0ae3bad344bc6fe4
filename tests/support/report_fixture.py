"""Findings in the schema of findings.json: each cell's values are those of its feature, plus noise."""

import pickle
import random
from functools import cache
from typing import Any

LINES = (
    'def greet(name, mark="!"):\n',
    '    """Say hello, once."""\n',
    '    words = ["hello", name, "it\'s", (1 + (2 * 3))]\n',
    '\tprint(", ".join(words) + mark)  # tab: "kept"\n',
    "\n",
    'table = {"alpha": [1, 2, 3], "beta": (4, 5), "gamma": "quoted, with (brackets)"}\n',
    "for key, value in sorted(table.items()):\n",
    '    assert key != "delta", f"{key} has no {value}"\n',
)
LENGTH = 2_000


def sample_text(length: int = LENGTH) -> str:
    """Return text that looks like a program, with quotes, brackets, tabs and blank lines."""
    return ("".join(LINES) * (length // 100))[:length]


def inside_quotes(text: str) -> list[int]:
    """Return 1 for each character from an opening double quote to the one before its closer, else 0."""
    level, signal = 0, []
    for character in text:
        level ^= character == '"'
        signal.append(int(level))
    return signal


def bracket_depth(text: str) -> list[int]:
    """Return how many round or square brackets are open after each character."""
    depth, signal = 0, []
    for character in text:
        depth = max(0, depth + (character in "([") - (character in ")]"))
        signal.append(depth)
    return signal


def since_newline(text: str) -> list[int]:
    """Return the characters since the last line break, for each character."""
    steps, signal = 0, []
    for character in text:
        steps = 0 if character == "\n" else steps + 1
        signal.append(steps)
    return signal


def follow(signal: list[int], *, low: float, high: float, noise: float, seed: int) -> list[float]:
    """Return tanh(c) in (-1, 1) of a cell that goes from low to high with signal, plus Gaussian noise."""
    source = random.Random(seed)
    top = max(signal) or 1
    return [
        max(-0.999, min(0.999, low + (high - low) * value / top + source.gauss(0, noise))) for value in signal
    ]


def finding(
    cell: int, kind: str, feature: str, drivers: dict[str, list[str]], score: float, *, polarity: int = 1
) -> dict[str, Any]:
    """Return one finding whose cell no experiment has changed."""
    counts = kind in ("counter", "depth_counter")
    return {
        "layer": 0,
        "cell": cell,
        "kind": kind,
        "feature": feature,
        "drivers": drivers,
        "polarity": polarity,
        "detection": {
            "score": score + 0.02,
            "discovery_p_value": 0.01,
            "null_max": 0.21,
            "held_out_score": score,
            "held_out_partial": score - 0.03,
            "held_out_null_max": 0.21,
            "p_value": 0.01,
            "untrained_score": 0.33,
            "memory": 0.72,
            "level_share": 0.88,
            "threshold": 0.05,
            "slope": polarity * 0.6,
            "accuracy": None if counts else 0.97,
            "balanced_accuracy": None if counts else 0.94,
            "straightness": 0.96 if counts else None,
        },
        "mechanism": {
            "input_gate": 0.03,
            "input_gate_at_drivers": 0.93,
            "forget_gate": 0.97,
            "forget_gate_at_drivers": 0.18,
            "output_gate": 0.35,
            "output_saturation": 0.41,
        },
        "causal": None,
        "verdict": None,
    }


QUOTE = {"set": ['"'], "reset": ['"']}
BRACKETS = {"step": ["(", "["], "unstep": [")", "]"]}
LINE = {"step": ["*"], "reset": ["\n"]}


def sample_findings() -> dict[str, Any]:
    """Return findings with seven cells and one excerpt of 2,000 characters, as read from findings.json."""
    made: dict[str, Any] = pickle.loads(_pickled())
    return made


@cache
def _pickled() -> bytes:
    """Make the findings once; each test gets a copy of its own."""
    text = sample_text()
    quotes, depth, column = inside_quotes(text), bracket_depth(text), since_newline(text)
    findings = {
        "schema_version": 1,
        "model": {
            "layers": 1,
            "cells": 256,
            "bits_per_character": 1.69,
            "vocabulary_size": 98,
            "parameters": 363_874,
            "activation": "tanh",
            "gate_activation": "sigmoid",
            "checkpoint": "checkpoints/demo",
        },
        "corpus": {
            "trained_on_characters": 0,
            "name": "stdlib",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "characters": 12_345_678,
            "splits": {
                "calibrate": [0, 50_000],
                "discover": [50_000, 150_000],
                "confirm": [150_000, 250_000],
                "intervene": [250_000, 300_000],
            },
        },
        "method": {
            "features": ["inside_double_quotes", "bracket_depth", "characters_since_newline"],
            "dropped_features": ["inside_guillemets"],
            "aliases": {"distance_since_newline": "characters_since_newline"},
            "null": {
                "kind": "circular shift of the features, the same for all cells, largest score of any pair",
                "shifts": 99,
                "significance": 0.01,
            },
            "rules": {"least_score": 0.5},
            "controls": {"untrained": {"candidates": 0, "findings": 0, "best_score": 0.28}},
            "seed": 0,
        },
        "findings": [
            finding(194, "toggle", "inside_double_quotes", QUOTE, 0.86),
            finding(31, "depth_counter", "bracket_depth", BRACKETS, 0.83, polarity=-1),
            finding(7, "counter", "characters_since_newline", LINE, 0.74),
            finding(88, "toggle", "inside_double_quotes", QUOTE, 0.71, polarity=-1),
            finding(120, "latch", "after_hash", {"set": ["#"], "reset": ["\n"]}, 0.64),
            finding(3, "counter", "characters_since_newline", LINE, 0.42),
            finding(240, "latch", "inside_double_quotes", {"set": [' "'], "reset": ['"']}, 0.38),
        ],
        "gates": {
            "layers": [
                {
                    "layer": 0,
                    "input": {"below_0.1": 0.38, "above_0.9": 0.09, "mean": 0.27},
                    "forget": {"below_0.1": 0.06, "above_0.9": 0.57, "mean": 0.78},
                    "output": {"below_0.1": 0.21, "above_0.9": 0.12, "mean": 0.39},
                }
            ]
        },
        "credit": {},
        "excerpts": [
            {
                "split": "confirm",
                "start": 151_234,
                "text": text,
                "cells": {
                    "0:194": {"tanh_c": follow(quotes, low=-0.85, high=0.9, noise=0.07, seed=1)},
                    "0:31": {"tanh_c": follow(depth, low=0.05, high=-0.95, noise=0.05, seed=2)},
                    "0:7": {"tanh_c": follow(column, low=-0.7, high=0.9, noise=0.04, seed=3)},
                    "0:88": {"tanh_c": follow(quotes, low=0.55, high=-0.8, noise=0.15, seed=4)},
                    "0:3": {"tanh_c": follow(column, low=0.0, high=0.6, noise=0.15, seed=5)},
                    "0:240": {"tanh_c": follow(quotes, low=-0.2, high=0.7, noise=0.2, seed=6)},
                },
                "features": {
                    "inside_double_quotes": quotes,
                    "bracket_depth": depth,
                    "characters_since_newline": column,
                },
            }
        ],
        "provenance": {
            "charlstm": "0.1.0",
            "torch": "2.13.0",
            "command": "charlstm inspect checkpoints/demo",
            "created": "2025-01-01T00:00:00Z",
        },
    }
    return pickle.dumps(findings)


HOSTILE = "</script><img src=x onerror=alert(1)>\u202e<!--\u2028{{ 7 * 7 }}&amp;\x00\u0301"


def hostile_findings() -> dict[str, Any]:
    """Return findings each of whose texts would change the page if it were read as HTML."""
    findings = sample_findings()
    text = (HOSTILE * 3)[:100]
    findings["model"]["checkpoint"] = HOSTILE
    findings["corpus"]["name"] = HOSTILE
    findings["provenance"]["command"] = HOSTILE
    findings["findings"] = [finding(1, HOSTILE, HOSTILE, {"set": [HOSTILE], HOSTILE: ["<"]}, 0.5)]
    findings["excerpts"] = [
        {
            "split": HOSTILE,
            "start": 0,
            "text": text,
            "cells": {"0:1": {"tanh_c": [0.5] * len(text)}},
            "features": {HOSTILE: [1] * len(text)},
        }
    ]
    return findings
