"""The findings -> what the page's script draws: cells with their numbers, excerpts with their values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charlstm.config import GATES
from charlstm.errors import UsageError
from charlstm.findings import Json
from charlstm.report.page.examples import example_lines, own_excerpt
from charlstm.report.page.proof_data import evidence
from charlstm.report.page.rows import Row, cell_name, is_any
from charlstm.report.words.proof_numbers import effect_nats
from charlstm.report.words.symbols import symbols_of
from charlstm.report.words.values import facts, finite, rounded, words


def page_data(found: Sequence[Json], rows: Sequence[Row], excerpts: Sequence[Json]) -> Json:
    """Return what the script reads: `rows`, one object for each finding, `excerpts`, and `symbols`.

    rows are the lines of the findings found, in the same order. The excerpts are those of the findings as a
    whole and then those of single findings, whose rows have the number of theirs as `excerpt`. symbols has
    the sign of every character that is not drawn as itself.
    Raises UsageError when an excerpt's values do not fit its text.
    """
    own, places = own_excerpts(found, len(excerpts))
    lines = [list(example_lines(finding)) for finding in found]
    portraits = [excerpt for finding in found for excerpt in portrait_excerpts(finding)]
    each_line = [line for of_finding in lines for line in of_finding]
    texts = [one["text"] for one in [*excerpts, *own, *portraits, *each_line]]
    targets = [str((finding.get("causal") or {}).get("target") or "") for finding in found]
    targets += [target for finding in found for target in other_targets(finding)]
    weighed = [character for finding in found for character in weighed_characters(finding)]
    all_rows = [row_data(finding, row) for finding, row in zip(found, rows, strict=True)]
    shared = [without_cells_of(own, excerpt_data(excerpt)) for excerpt in excerpts]
    return {
        "rows": [
            row | {"excerpt": place, "lines": of_row}
            for row, place, of_row in zip(all_rows, places, lines, strict=True)
        ],
        "excerpts": [*shared, *(excerpt_data(excerpt) | {"own": True} for excerpt in own)],
        "symbols": symbols_of("".join([*texts, *targets, *weighed])),
    }


def own_excerpts(found: Sequence[Json], first: int) -> tuple[list[Json], list[int | None]]:
    """Return the excerpts of single findings, and which of them each finding has, numbered from first on.

    Findings whose excerpts are the same text share one excerpt.
    """
    excerpts: dict[tuple[int, str], Json] = {}
    numbers: list[int | None] = []
    for excerpt in map(own_excerpt, found):
        if excerpt is None:
            numbers.append(None)
            continue
        shared = excerpts.setdefault((excerpt["start"], excerpt["text"]), excerpt)
        for part in ("cells", "features"):
            shared[part] = shared[part] | excerpt[part]
        numbers.append(first + list(excerpts).index((excerpt["start"], excerpt["text"])))
    return list(excerpts.values()), numbers


def without_cells_of(own: Sequence[Json], excerpt: Json) -> Json:
    """Return a shared excerpt for the script, without what takes room and is shown in one of own better.

    Of a cell with an excerpt of its own it keeps tanh(c) alone, and that in the grid, where the grid has it.
    """
    elsewhere = {name for one in own for name in one["cells"]}
    in_grid = set((excerpt["grid"] or {}).get("cells") or [])
    cells = {
        name: {"tanh_c": lines["tanh_c"]} if name in elsewhere else lines
        for name, lines in excerpt["cells"].items()
        if name not in elsewhere & in_grid
    }
    return excerpt | {"cells": cells}


def portrait_excerpts(finding: Mapping[str, Any]) -> Iterable[Json]:
    """Return the excerpts of a finding's portrait; none where it has no portrait."""
    excerpts = (finding.get("portrait") or {}).get("excerpts") or {}
    return [excerpt for excerpt in excerpts.values() if excerpt]


def weighed_characters(finding: Mapping[str, Any]) -> Iterable[str]:
    """Return the characters that the weights of a finding's cell are told for."""
    weights = (finding.get("mechanism") or {}).get("weights") or {}
    return [*(weights.get("to_logits") or {}), *(weights.get("from_driver") or {})]


def other_targets(finding: Mapping[str, Any]) -> Iterable[str]:
    """Return the closing characters of other features at which the cell of a finding was changed."""
    specificity = (finding.get("evidence") or {}).get("specificity") or {}
    return [str(one.get("target") or "") for one in specificity.get("behaviours") or []]


def row_data(finding: Mapping[str, Any], row: Row) -> Json:
    """Return one finding for the script.

    `told` holds the row's sentences, `numbers` every number as text, `proof` the effects of the intervention,
    `evidence` the tests that the verdict rests on.
    """
    marks = [
        driver
        for role, characters in (finding.get("drivers") or {}).items()
        for driver in characters
        if not is_any(role, driver)
    ]
    parts = ("detection", "mechanism", "causal", "grade", "evidence")
    shown = {name: finding[name] for name in parts if finding.get(name)}
    detection = finding.get("detection") or {}
    return {
        "cell": cell_name(finding),
        "kind": finding["kind"],
        "feature": finding["feature"],
        "feature_words": words(finding["feature"]),
        "polarity": row.polarity,
        "drivers": list(dict.fromkeys(marks)),
        "told": row.sentences,
        "numbers": facts(shown),
        "levels": detection.get("levels"),
        "survival": detection.get("survival"),
        "portrait": finding.get("portrait"),
        "proof": proof(finding.get("causal") or {}),
        "evidence": evidence(finding.get("evidence") or {}),
        "mechanism": finding.get("mechanism") or None,
    }


def proof(causal: Mapping[str, Any]) -> Json | None:
    """Return what is drawn of an intervention, with effects in nats; None where there was none."""
    if not causal:
        return None
    names = ("target", "lag", "sites", "steps", "natural_nats", "dose_response", "control_effects", "p_value")
    measures = ("hold_nats", "resample_nats", "insertion_nats")
    return {
        **{name: causal.get(name) for name in names},
        "effect_nats": effect_nats(causal),
        "interval": causal.get("interval"),
        "others": {words(name.removesuffix("_nats")): finite(causal.get(name)) for name in measures},
    }


def excerpt_data(excerpt: Mapping[str, Any]) -> Json:
    """Return one excerpt for the script, with values of every cell as `cell_data` has them.

    Raises UsageError when there are more or fewer values than characters.
    """
    length = len(excerpt["text"])
    cells = excerpt.get("cells") or {}
    features = excerpt.get("features") or {}
    series = [(name, values) for name, lines in cells.items() for values in lines.values()]
    for name, values in [*series, *features.items()]:
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
        "own": False,
    }


def cell_data(lines: Mapping[str, Sequence[Any]]) -> Json:
    """Return the values of one cell along a text: tanh(c) as numbers, c and gates as whole numbers.

    tanh(c) has three decimals, finer than the colours of a screen. c is in thousandths and the gates are in
    hundredths, the findings' own precision: whole numbers take half the room of fractions in JSON.
    """
    shown: Json = {"tanh_c": [rounded(value) for value in lines["tanh_c"]]}
    if "c" in lines:
        shown["c_thousandths"] = [in_parts(value, 1_000) for value in lines["c"]]
    for gate in GATES:
        if gate in lines:
            shown[f"{gate}_hundredths"] = [in_parts(value, 100) for value in lines[gate]]
    return shown


def in_parts(value: Any, parts: int) -> int | None:
    """Return value in parts of 1, rounded to a whole number; None where it is not a finite number."""
    number = finite(value)
    return None if number is None else round(number * parts)
