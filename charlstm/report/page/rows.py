"""One finding -> a line of the page's table and a sentence of its summary."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.common_words import common_words
from charlstm.report.words.detection_numbers import (
    held_out_score,
    near_limit_sentence,
    partners_sentence,
    runner_up_sentence,
    score_sentence,
)
from charlstm.report.words.doubts import doubt, grounds
from charlstm.report.words.phrases import ANY_CHARACTER, Phrase, Sentence
from charlstm.report.words.proof_numbers import (
    carried_share,
    effect_nats,
    effect_of,
    share_in_short,
    signed,
)
from charlstm.report.words.sentences import behaviour, effect
from charlstm.report.words.symbols import symbol
from charlstm.report.words.values import finite, words

# The summary tells this many features at most.
_FEATURES_IN_SUMMARY = 5
# More than the cells of any layer, so that sorting by layer * this + cell is sorting by layer, then by cell.
_CELLS_PER_LAYER = 1_000_000

# Said where the grade of a cell tells nothing.
_UNKNOWN_SHARE = (
    "not known: what the whole layer does for the feature is too little or too uncertain to divide by"
)

_ROLES = {"set": "set by", "reset": "reset by", "step": "steps at", "unstep": "steps back at"}
_ROLES_OF_DEPTHS = {"step": "up at", "unstep": "down at"}


@dataclass(frozen=True)
class Driver:
    """Characters that move a cell: role says what they do to it, as "set by", and symbols shows them."""

    role: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Bar:
    """One bin of a small histogram: x is its place from 0, height is in [0, 1], and level is the tanh(c) in
    its middle times the finding's polarity, in hundredths.
    """

    x: int
    height: float
    level: int


@dataclass(frozen=True)
class Row:
    """One finding as a line of the table and a sentence of the summary.

    order sorts by layer and cell; held_out_score is the score by which the finding was accepted, and null_max
    the largest that chance reached on its text; p_value is that of the intervention; effect_nats is the
    change of the closer's log probability, effect_interval its interval and effect_told both; grounds says
    what decided for a verified cell; carries is the share of the behaviour in short, by carries_share it is
    sorted, and carries_told has its interval. verdict is "" where the cell was not tested. detected has the
    sentences about the score and the name; search has common words by which the table's filter finds the
    line.
    """

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
    effect_told: str
    effect_interval: str
    carries: str
    carries_share: float | None
    carries_told: str
    verdict: str
    histogram: tuple[Bar, ...]
    behaviour: Sentence
    effect: Sentence
    doubt: Sentence
    grounds: Sentence
    detected: tuple[Sentence, ...]
    search: str

    @property
    def sentences(self) -> list[list[list[Any]]]:
        """What is said of the cell, for the script: each sentence is a list of [text, is code]."""
        verdict = Phrase(f"{(self.verdict or 'not tested').capitalize()}. ")
        behaviour = (Phrase("It "), *self.behaviour, Phrase("."))
        effect = (*self.effect, Phrase(".")) if self.effect else ()
        sentences = [behaviour, effect, *self.detected, (verdict, *self.grounds, *self.doubt)]
        return [[[phrase.text, phrase.code] for phrase in sentence] for sentence in sentences if sentence]


def row(finding: Mapping[str, Any], significance: float | None) -> Row:
    """Return the line of one finding; significance is the largest p-value that counts, None where unknown."""
    detection, causal = finding.get("detection") or {}, finding.get("causal") or {}
    polarity = polarity_of(finding)
    return Row(
        cell=cell_name(finding),
        order=finding["layer"] * _CELLS_PER_LAYER + finding["cell"],
        kind=words(finding["kind"]),
        feature=words(finding["feature"]),
        drivers=tuple(drivers(finding)),
        polarity=polarity,
        held_out_score=held_out_score(finding),
        # A held-out score is compared with chance on its own text, where the findings have that.
        null_max=finite(detection.get("held_out_null_max", detection.get("null_max"))),
        p_value=finite(causal.get("p_value")),
        effect_nats=effect_nats(causal),
        effect_told=f"{measured.nats}, at 95%" if (measured := effect_of(causal)) else "",
        effect_interval=f"{signed(measured.low)} to {signed(measured.high)}" if measured else "",
        carries=share_in_short(finding),
        carries_share=share.value if (share := carried_share(finding)) else None,
        carries_told=share.percent if share else _UNKNOWN_SHARE if finding.get("evidence") else "",
        verdict=words(finding.get("verdict") or ""),
        histogram=tuple(histogram(finding.get("portrait") or {}, polarity)),
        behaviour=behaviour(finding),
        effect=effect(finding),
        doubt=doubt(finding, significance),
        grounds=grounds(finding),
        detected=(
            score_sentence(finding),
            near_limit_sentence(finding),
            partners_sentence(finding),
            runner_up_sentence(finding),
        ),
        search=common_words(finding),
    )


def polarity_of(finding: Mapping[str, Any]) -> int:
    """Return 1, or -1 where c of the finding's cell falls with its feature: "on" is then a low c."""
    return -1 if (finding.get("polarity") or 1) < 0 else 1


def histogram(portrait: Mapping[str, Any], polarity: int) -> Iterable[Bar]:
    """Yield how often tanh(c) falls in each bin of [-1, 1], as bars of which the highest has height 1.

    The bars have the colours of the text, where polarity, 1 or -1, gives "on" the same colour in all cells.

    A height is the square root of the share of the fullest bin, so that bins with few values can be seen.
    """
    counts_by_level = list((portrait.get("histogram") or {}).values())
    counts = [sum(counts) for counts in zip(*counts_by_level, strict=True)]
    for place, count in enumerate(counts):
        middle = (2 * place + 1) / len(counts) - 1
        yield Bar(place, round(math.sqrt(count / max(1, *counts)), 3), round(100 * middle * polarity))


def drivers(finding: Mapping[str, Any]) -> Iterable[Driver]:
    """Yield the characters that move the cell of a finding, role by role."""
    roles = _ROLES | (_ROLES_OF_DEPTHS if finding["kind"] == "depth_counter" else {})
    for role, characters in (finding.get("drivers") or {}).items():
        signs = [
            "any character" if is_any(role, driver) else "".join(map(symbol, driver)) for driver in characters
        ]
        if signs:
            yield Driver(roles.get(role, words(role)), tuple(signs))


def is_any(role: str, driver: str) -> bool:
    """Whether a driver stands for any character: a "*" does among a counter's steps, and nowhere else."""
    return role == "step" and driver == ANY_CHARACTER


def best_per_feature(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the first row of each feature, verified rows first, of five features at most.

    Ten cells that follow one feature are one thing to tell.
    """
    firsts: dict[str, Row] = {}
    for candidate in sorted(rows, key=lambda row: row.verdict != "verified"):
        firsts.setdefault(candidate.feature, candidate)
    return tuple(firsts.values())[:_FEATURES_IN_SUMMARY]


def cell_name(finding: Mapping[str, Any]) -> str:
    """Return the cell of a finding as "layer:cell", both from 0."""
    return f"{finding['layer']}:{finding['cell']}"
