"""What the script draws, as plain data: the findings' own numbers and the excerpts with their values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charlstm.config import GATES
from charlstm.errors import UsageError
from charlstm.findings import Json
from charlstm.report.page.rows import Row, cell_name, is_any
from charlstm.report.words.sentences import effect_nats
from charlstm.report.words.symbols import symbols_of
from charlstm.report.words.values import facts, finite, rounded, words


def page_data(found: Sequence[Json], rows: Sequence[Row], excerpts: Sequence[Json]) -> Json:
    """The rows' cells, drivers and portraits, and the excerpts with their values."""
    portraits = [one for finding in found for one in portrait_excerpts(finding)]
    targets = [str((finding.get("causal") or {}).get("target") or "") for finding in found]
    characters = "".join([one["text"] for one in [*excerpts, *portraits]] + targets)
    return {
        "rows": [row_data(*told) for told in zip(found, rows, strict=True)],
        "excerpts": [excerpt_data(excerpt) for excerpt in excerpts],
        "symbols": symbols_of(characters + "".join(mark for finding in found for mark in logits(finding))),
    }


def portrait_excerpts(finding: Mapping[str, Any]) -> Iterable[Json]:
    """The excerpts of one finding's portrait."""
    return ((finding.get("portrait") or {}).get("excerpts") or {}).values()


def logits(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    """The characters that a cell's h raises and lowers, with the weights."""
    weights = (finding.get("mechanism") or {}).get("weights") or {}
    return {**(weights.get("to_logits") or {}), **(weights.get("from_driver") or {})}


def row_data(finding: Mapping[str, Any], row: Row) -> Json:
    """One finding for the script: its portrait, its proof, its mechanism, and all numbers for the reader."""
    marks = [
        driver
        for role, characters in (finding.get("drivers") or {}).items()
        for driver in characters
        if not is_any(role, driver)
    ]
    shown = {name: finding[name] for name in ("detection", "mechanism", "causal") if finding.get(name)}
    detection = finding.get("detection") or {}
    return {
        "cell": cell_name(finding),
        "kind": finding["kind"],
        "feature": finding["feature"],
        "feature_words": words(finding["feature"]),
        "drivers": list(dict.fromkeys(marks)),
        "told": row.told,
        "numbers": facts(shown),
        "levels": detection.get("levels"),
        "survival": detection.get("survival"),
        "portrait": finding.get("portrait"),
        "proof": proof(finding.get("causal") or {}),
        "mechanism": finding.get("mechanism") or None,
    }


def proof(causal: Mapping[str, Any]) -> Json | None:
    """What is drawn of an intervention, in nats; nothing where there was none."""
    if not causal:
        return None
    names = ("target", "lag", "sites", "steps", "natural_nats", "dose_response", "control_effects", "p_value")
    measures = ("hold_nats", "resample_nats", "insertion_nats")
    return {
        **{name: causal.get(name) for name in names},
        "effect_nats": effect_nats(causal),
        "others": {words(name.removesuffix("_nats")): finite(causal.get(name)) for name in measures},
    }


def excerpt_data(excerpt: Mapping[str, Any]) -> Json:
    """One excerpt; whole numbers take half the room that fractions take, and lose nothing."""
    length = len(excerpt["text"])
    cells = excerpt.get("cells") or {}
    features = excerpt.get("features") or {}
    lines = [(name, line) for name, lines in cells.items() for line in lines.values()]
    for name, values in [*lines, *features.items()]:
        if len(values) != length:
            raise UsageError(
                f"an excerpt of {length:,} characters has {len(values):,} values of {name}",
                "write the findings again with `charlstm inspect`",
            )
    return {
        "split": words(excerpt.get("split") or "text"),
        "start": excerpt.get("start") or 0,
        "text": excerpt["text"],
        "cells": {name: cell_data(lines) for name, lines in cells.items()},
        "features": {name: [rounded(value) for value in values] for name, values in features.items()},
        "grid": excerpt.get("grid") or None,
    }


def cell_data(lines: Mapping[str, Sequence[Any]]) -> Json:
    """tanh(c) to three decimals, finer than a screen's colours, c in thousandths, gates in hundredths."""
    shown: Json = {"tanh_c": [rounded(value) for value in lines["tanh_c"]]}
    if "c" in lines:
        shown["c_thousandths"] = [whole(value, 1_000) for value in lines["c"]]
    for gate in GATES:
        if gate in lines:
            shown[f"{gate}_hundredths"] = [whole(value, 100) for value in lines[gate]]
    return shown


def whole(value: Any, parts: int) -> int | None:
    """A value in parts of one."""
    number = finite(value)
    return None if number is None else round(number * parts)
