"""Findings as lines of the table and sentences of the summary."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.sentences import (
    ANY_CHARACTER,
    Phrase,
    Sentence,
    behaviour,
    doubt,
    effect,
    effect_nats,
)
from charlstm.report.words.symbols import symbol
from charlstm.report.words.values import finite, words

BEST_FINDINGS = 5
ROLES = {"set": "set by", "reset": "reset by", "step": "steps at", "unstep": "steps back at"}
DEPTH_ROLES = {"step": "up at", "unstep": "down at"}


@dataclass(frozen=True)
class Driver:
    """What a character does to a cell: "set by", and the characters as symbols."""

    role: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Bar:
    """One bin of a small histogram: its place, its height in [0, 1], its middle in hundredths of tanh(c)."""

    x: int
    height: float
    level: int


@dataclass(frozen=True)
class Row:
    """One finding: a line of the table and a sentence of the summary."""

    cell: str
    order: int
    kind: str
    feature: str
    drivers: tuple[Driver, ...]
    polarity: int
    held_out_score: float | None
    null_max: float | None
    p_value: float | None
    effect_nats: float | None
    verdict: str
    histogram: tuple[Bar, ...]
    behaviour: Sentence
    effect: Sentence
    doubt: str

    @property
    def told(self) -> list[list[list[Any]]]:
        """All that is said of it as sentences of [text, whether it is the corpus's]."""
        verdict = (self.verdict or "not tested").capitalize()
        behaviour = (Phrase("It "), *self.behaviour, Phrase("."))
        effect = (*self.effect, Phrase(".")) if self.effect else ()
        sentences = [behaviour, effect, (Phrase(f"{verdict}. {self.doubt}"),)]
        return [[[part.text, part.code] for part in sentence] for sentence in sentences if sentence]


def row(finding: Mapping[str, Any], significance: float | None) -> Row:
    """One finding as a line of the table."""
    detection, causal = finding.get("detection") or {}, finding.get("causal") or {}
    return Row(
        cell=cell_name(finding),
        order=finding["layer"] * 1_000_000 + finding["cell"],
        kind=words(finding["kind"]),
        feature=words(finding["feature"]),
        drivers=tuple(drivers(finding)),
        polarity=finding.get("polarity") or 1,
        held_out_score=finite(detection.get("held_out_score")),
        # Held-out scores are compared with chance on the same text, where the findings have that.
        null_max=finite(detection.get("held_out_null_max", detection.get("null_max"))),
        p_value=finite(detection.get("p_value")),
        effect_nats=effect_nats(causal),
        verdict=words(finding.get("verdict") or ""),
        histogram=tuple(histogram(finding.get("portrait") or {})),
        behaviour=behaviour(finding),
        effect=effect(finding),
        doubt=doubt(finding, significance),
    )


def histogram(portrait: Mapping[str, Any]) -> Iterable[Bar]:
    """How often tanh(c) falls in each bin of [-1, 1], the fullest 1; by square root, so that few are seen."""
    by_level = list((portrait.get("histogram") or {}).values())
    counts = [sum(counts) for counts in zip(*by_level, strict=True)]
    for place, count in enumerate(counts):
        middle = (2 * place + 1) / len(counts) - 1
        yield Bar(place, round(math.sqrt(count / max(1, *counts)), 3), round(100 * middle))


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
    """The first row of each feature, verified ones before others, a few of them: ten cells on one feature are
    one thing to tell.
    """
    firsts: dict[str, Row] = {}
    for candidate in sorted(rows, key=lambda row: row.verdict != "verified"):
        firsts.setdefault(candidate.feature, candidate)
    return tuple(firsts.values())[:BEST_FINDINGS]


def cell_name(finding: Mapping[str, Any]) -> str:
    """layer:cell."""
    return f"{finding['layer']}:{finding['cell']}"
