"""findings.json -> the plain data that the page's template lays out.

Every number becomes text here, so that the template only places it and the script only draws.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.errors import UsageError
from charlstm.report.symbols import symbol, symbols_of, visible
from charlstm.report.wording import MISSING, Facts, facts, finite, is_number, plural, rounded, text, words

SCHEMA_VERSION = 1
BEST_FINDINGS = 5
ANY_CHARACTER = "*"
ROLES = {"set": "set by", "reset": "reset by", "step": "steps at", "unstep": "steps back at"}
DEPTH_ROLES = {"step": "up at", "unstep": "down at"}
# Effects below this are not put in words, and larger factors than e^9 are one and the same to a reader.
LEAST_TOLD_NATS, MOST_NATS = 0.02, 9.0
REACHES = (4, 8, 16, 32)
CARRY_MEASURES = {
    "kept": "product of the forget gates from opener to closer",
    "direct_share": "share of the gradient that comes straight along c",
    "same_sign": "how often it has the direct path's sign",
    "deviation": "distance from the direct path, in nats",
}
VERBS = {"toggle": "is on", "latch": "is on", "counter": "counts", "depth_counter": "counts"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Driver:
    """What a character does to a cell: "set by", and the characters as symbols."""

    role: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One finding: a line of the table and a sentence of the summary."""

    cell: str
    order: int
    kind: str
    verb: str
    feature: str
    drivers: tuple[Driver, ...]
    polarity: int
    held_out_score: float | None
    null_max: float | None
    p_value: float | None
    verdict: str
    effect: str


@dataclass(frozen=True)
class Gradient:
    """One measure of how gradient reaches cells: in the finding's cells, matched ones and untrained ones."""

    name: str
    cells: str
    controls: str
    untrained: str


@dataclass(frozen=True)
class Gate:
    """Saturation of one gate of one layer; `low` and `high` are shares of positions in [0, 1]."""

    layer: int
    name: str
    low: float | None
    high: float | None
    shares: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """All that the template reads."""

    title: str
    headline: str
    model: str
    corpus: str
    rows: tuple[Row, ...]
    best: tuple[Row, ...]
    unproven: int
    verdicts: Facts
    gate_columns: tuple[str, ...]
    gates: tuple[Gate, ...]
    gradient_feature: str
    gradients: tuple[Gradient, ...]
    method: Facts
    provenance: Facts
    data: Json


def view(findings: Mapping[str, Any]) -> Page:
    """Findings as read from findings.json -> what the page says, best held-out score first.

    Raises UsageError when the findings are of another schema or an excerpt does not fit its text.
    """
    if findings.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"the findings have schema_version {findings.get('schema_version')!r}, this page reads "
            f"{SCHEMA_VERSION}",
            "draw them with the charlstm that wrote them, or run `charlstm inspect` again",
        )
    found = sorted(findings.get("findings") or [], key=held_out_score, reverse=True)
    rows = tuple(row(finding) for finding in found)
    model, corpus = findings.get("model") or {}, findings.get("corpus") or {}
    columns, gates = gate_table(findings.get("gates") or {})
    return Page(
        title=visible(str(model.get("checkpoint") or "an LSTM")).rstrip("/").rpartition("/")[2],
        headline=headline(rows, model, findings.get("method") or {}),
        model=model_line(model),
        corpus=corpus_line(corpus),
        rows=rows,
        best=best_per_feature(rows),
        unproven=sum(not finding.get("verdict") for finding in found),
        verdicts=[
            (name, text(count)) for name, count in Counter(r.verdict for r in rows if r.verdict).items()
        ],
        gate_columns=columns,
        gates=gates,
        gradient_feature=words((findings.get("credit") or {}).get("feature") or ""),
        gradients=tuple(gradient_table(findings.get("credit") or {})),
        method=[*split_lines(corpus), *facts(findings.get("method") or {})],
        provenance=facts(findings.get("provenance") or {}),
        data=page_data(found, findings.get("excerpts") or []),
    )


def row(finding: Mapping[str, Any]) -> Row:
    """One finding as a line of the table."""
    detection = finding.get("detection") or {}
    return Row(
        cell=cell_name(finding),
        order=finding["layer"] * 1_000_000 + finding["cell"],
        kind=words(finding["kind"]),
        verb=VERBS.get(finding["kind"], "follows"),
        feature=words(finding["feature"]),
        drivers=tuple(drivers(finding)),
        polarity=finding.get("polarity") or 1,
        held_out_score=finite(detection.get("held_out_score")),
        # Held-out scores are compared with chance on the same text, where the findings have that.
        null_max=finite(detection.get("held_out_null_max", detection.get("null_max"))),
        p_value=finite(detection.get("p_value")),
        verdict=words(finding.get("verdict") or ""),
        effect=effect_words(finding.get("causal") or {}),
    )


def effect_words(causal: Mapping[str, Any]) -> str:
    """What changing the cell did, in words; nothing where it was not changed or did hardly anything."""
    nats, ratio = finite(causal.get("effect_nats")), finite(causal.get("ratio"))
    if nats is None or ratio is None or abs(nats) < LEAST_TOLD_NATS:
        return ""
    times = math.exp(min(abs(nats), MOST_NATS))
    change = f"{text(times)} times {'less' if nats < 0 else 'more'} likely"
    count = (causal.get("control_effects") or {}).get("count")
    closers = "".join(symbol(character) for character in causal.get("target") or "")
    return (
        f"Changed {plural(causal.get('lag') or 0, 'character')} before, it makes {closers or 'the closer'} "
        f"{change}, {text(ratio)} times what 95% of {text(count)} matched controls reach"
    )


def drivers(finding: Mapping[str, Any]) -> Iterable[Driver]:
    """The characters that move the cell, by what they do to it."""
    roles = ROLES | (DEPTH_ROLES if finding["kind"] == "depth_counter" else {})
    for role, characters in (finding.get("drivers") or {}).items():
        signs = [
            "any character" if is_any(role, driver) else "".join(map(symbol, driver)) for driver in characters
        ]
        if signs:
            yield Driver(roles.get(role, words(role)), tuple(signs))


def is_any(role: str, driver: str) -> bool:
    """A counter that steps at every character says so with a star."""
    return role == "step" and driver == ANY_CHARACTER


def held_out_score(finding: Mapping[str, Any]) -> float:
    """What findings are ranked by; one without a score comes last."""
    score = finite((finding.get("detection") or {}).get("held_out_score"))
    return -math.inf if score is None else score


def best_per_feature(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The first row of each feature, a few of them: ten cells on one feature are one thing to tell."""
    firsts: dict[str, Row] = {}
    for candidate in rows:
        firsts.setdefault(candidate.feature, candidate)
    return tuple(firsts.values())[:BEST_FINDINGS]


def headline(rows: tuple[Row, ...], model: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """The page's answer in one sentence."""
    cells = (model.get("layers") or 0) * (model.get("cells") or 0)
    among = f" of {cells:,}" if cells else ""
    if not rows:
        features = len(method.get("features") or [])
        tested = f"any of the {features} features" if features else "any feature"
        return (
            f"Nothing passed: no cell{among} follows {tested} beyond chance on text held out for the check."
        )
    following = len({r.cell for r in rows})
    verb = "follows" if following == 1 else "follow"
    count = len({r.feature for r in rows})
    return f"{plural(following, 'cell')}{among} {verb} {plural(count, 'feature')} of the text."


def model_line(model: Mapping[str, Any]) -> str:
    """The model in one line, of what is known about it."""
    known = {name: text(value) for name, value in model.items() if value is not None}
    size = f"{plural(model['layers'], 'layer')} of " if model.get("layers") else ""
    wordings = {
        "cells": f"{size}{{}} cells",
        "activation": "activation {}",
        "parameters": "{} parameters",
        "vocabulary_size": "a vocabulary of {}",
        "bits_per_character": "{} bits per character",
        "checkpoint": "in {}",
    }
    return ", ".join(wording.format(known[name]) for name, wording in wordings.items() if name in known)


def corpus_line(corpus: Mapping[str, Any]) -> str:
    """The text in one line, with the start of its fingerprint."""
    known = {name: text(value) for name, value in corpus.items() if value is not None}
    if "sha256" in known:
        known["sha256"] = known["sha256"][:12]
    wordings = {"name": "{}", "characters": "{} characters", "sha256": "sha256 {}…"}
    return ", ".join(wording.format(known[name]) for name, wording in wordings.items() if name in known)


def split_lines(corpus: Mapping[str, Any]) -> Facts:
    """Where each part of the text lies."""
    splits = (corpus.get("splits") or {}).items()
    return [(f"text to {words(name)} on", f"{start:,} to {end:,}") for name, (start, end) in splits]


def gate_table(gates: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Gate, ...]]:
    """(the names of the shares, one Gate per layer and gate), whatever shares the findings carry."""
    found = [
        (layer.get("layer", index), name, {key: share for key, share in shares.items() if is_number(share)})
        for index, layer in enumerate(gates.get("layers") or [])
        for name, shares in layer.items()
        if isinstance(shares, Mapping)
    ]
    columns = list(dict.fromkeys(column for _, _, shares in found for column in shares))
    rows = tuple(
        Gate(
            layer=layer,
            name=words(name),
            low=finite(shares.get("below_0.1")),
            high=finite(shares.get("above_0.9")),
            shares=tuple(text(shares.get(column)) for column in columns),
        )
        for layer, name, shares in found
    )
    return tuple(words(column) for column in columns), rows


def gradient_table(credit: Mapping[str, Any]) -> Iterable[Gradient]:
    """The main measures of the gradient claim, of three groups of cells."""
    groups = [credit.get(name) or {} for name in ("cells", "controls", "untrained")]
    if not groups[0]:
        return
    yield Gradient("cells", *(text(group.get("cells")) for group in groups))
    for key, name in CARRY_MEASURES.items():
        yield Gradient(name, *(text((group.get("carry") or {}).get(key)) for group in groups))
    for distance in REACHES:
        told = ((group.get("reach_since_opener") or [])[distance : distance + 1] for group in groups)
        reached = (text(values[0]) if values else MISSING for values in told)
        yield Gradient(f"gradient {distance} characters before the closer, against at it", *reached)


def page_data(found: list[Json], excerpts: list[Json]) -> Json:
    """What the script draws: the rows' cells and drivers, and the excerpts with their values."""
    characters = "".join(excerpt["text"] for excerpt in excerpts)
    return {
        "rows": [row_data(finding) for finding in found],
        "excerpts": [excerpt_data(excerpt) for excerpt in excerpts],
        "symbols": symbols_of(characters),
    }


def row_data(finding: Mapping[str, Any]) -> Json:
    """One finding for the script, with all its numbers for the reader."""
    marks = [
        driver
        for role, characters in (finding.get("drivers") or {}).items()
        for driver in characters
        if not is_any(role, driver)
    ]
    numbers = [fact for part in ("detection", "mechanism", "causal") for fact in facts(finding, only={part})]
    return {
        "cell": cell_name(finding),
        "feature": finding["feature"],
        "feature_words": words(finding["feature"]),
        "drivers": list(dict.fromkeys(marks)),
        "numbers": numbers,
    }


def excerpt_data(excerpt: Mapping[str, Any]) -> Json:
    """One excerpt with tanh(c) to three decimals, which is finer than a screen's colours."""
    length = len(excerpt["text"])
    cells = {name: recorded["tanh_c"] for name, recorded in (excerpt.get("cells") or {}).items()}
    features = excerpt.get("features") or {}
    for name, values in [*cells.items(), *features.items()]:
        if len(values) != length:
            raise UsageError(
                f"an excerpt of {length:,} characters has {len(values):,} values of {name}",
                "write the findings again with `charlstm inspect`",
            )
    return {
        "split": words(excerpt.get("split") or "text"),
        "start": excerpt.get("start") or 0,
        "text": excerpt["text"],
        "cells": {name: [rounded(value) for value in values] for name, values in cells.items()},
        "features": {name: [rounded(value) for value in values] for name, values in features.items()},
    }


def cell_name(finding: Mapping[str, Any]) -> str:
    """layer:cell."""
    return f"{finding['layer']}:{finding['cell']}"
