"""Two findings of the same text -> the plain data of a page that puts them side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charlstm.errors import UsageError
from charlstm.findings import Json
from charlstm.report.page.network import network_data
from charlstm.report.page.rows import cell_name, held_out_score
from charlstm.report.page.script_data import excerpt_data
from charlstm.report.page.view import provenance_of
from charlstm.report.words.symbols import symbols_of, visible
from charlstm.report.words.values import MISSING, facts, finite, text, words


@dataclass(frozen=True)
class Line:
    """One fact of both models."""

    name: str
    left: str
    right: str


@dataclass(frozen=True)
class Comparison:
    """All that the template reads; left and right are the models' names."""

    left: str
    right: str
    lines: tuple[Line, ...]
    features: tuple[Line, ...]
    provenance: tuple[Line, ...]
    data: Json


def compare(left: Mapping[str, Any], right: Mapping[str, Any]) -> Comparison:
    """Two findings as read from findings.json, of the same text.

    Raises UsageError when their excerpts are not of the same text.
    """
    sides = (left, right)
    excerpts = [(side.get("excerpts") or [{}])[0] for side in sides]
    if not excerpts[0] or any(excerpts[0].get(key) != excerpts[1].get(key) for key in ("text", "start")):
        raise UsageError(
            "the two findings do not show the same text",
            "inspect both at once: `charlstm inspect A --compare B`",
        )
    names = [name_of(side) for side in sides]
    if names[0] == names[1]:
        names = [str((side.get("model") or {}).get("checkpoint")) for side in sides]
    return Comparison(
        left=names[0],
        right=names[1],
        lines=tuple(model_lines(left, right)),
        features=tuple(feature_lines(left, right)),
        provenance=tuple(provenance_lines(left, right)),
        data={
            "symbols": symbols_of(excerpts[0]["text"]),
            "rows": [],
            "excerpts": [],
            "sides": [
                side_data(side, name, excerpt)
                for side, name, excerpt in zip(sides, names, excerpts, strict=True)
            ],
        },
    )


def name_of(findings: Mapping[str, Any]) -> str:
    """The last part of the checkpoint's path."""
    return (
        visible(str((findings.get("model") or {}).get("checkpoint") or "an LSTM"))
        .rstrip("/")
        .rpartition("/")[2]
    )


def side_data(findings: Mapping[str, Any], name: str, excerpt: Mapping[str, Any]) -> Json:
    """What the script draws of one model."""
    found = sorted(findings.get("findings") or [], key=held_out_score, reverse=True)
    return {
        "name": name,
        "excerpt": excerpt_data(excerpt),
        "rows": [
            {"cell": cell_name(one), "feature": one["feature"], "feature_words": words(one["feature"])}
            for one in found
        ],
        "network": network_data(findings.get("gates") or {}, findings.get("credit") or {}),
    }


def model_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """Size, quality and what was found, one line each."""
    told = [dict(side_facts(side)) for side in (left, right)]
    return [Line(name, told[0][name], told[1].get(name, MISSING)) for name in told[0]]


def side_facts(findings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is told of one model."""
    model, method = findings.get("model") or {}, findings.get("method") or {}
    found = findings.get("findings") or []
    verdicts = [one.get("verdict") for one in found]
    scores = [held_out_score(one) for one in found]
    lines: list[tuple[str, Any]] = [
        ("layers", model.get("layers")),
        ("cells in a layer", model.get("cells")),
        ("parameters", model.get("parameters")),
        ("bits per character", model.get("bits_per_character")),
        ("cells with a finding", len({cell_name(one) for one in found})),
        *((name, verdicts.count(name)) for name in ("verified", "redundant", "correlate")),
        ("best held-out score", max(scores, default=None)),
        ("features tested", len(method.get("features") or [])),
    ]
    return [(name, text(value)) for name, value in lines]


def feature_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """The best cell of every feature that either model has a finding for, the best score first."""
    best = [best_by_feature(side.get("findings") or []) for side in (left, right)]
    names = sorted(
        {*best[0], *best[1]}, key=lambda name: -max(held_out_score(b[name]) for b in best if name in b)
    )
    return [Line(words(name), *(told(b.get(name)) for b in best)) for name in names]


def best_by_feature(findings: Sequence[Json]) -> dict[str, Json]:
    """The finding with the best held-out score of each feature."""
    return {one["feature"]: one for one in sorted(findings, key=held_out_score)}


def told(finding: Mapping[str, Any] | None) -> str:
    """The cell, its score and its verdict."""
    if finding is None:
        return MISSING
    score = finite((finding.get("detection") or {}).get("held_out_score"))
    verdict = finding.get("verdict") or "not tested"
    return f"{cell_name(finding)}, {MISSING if score is None else f'{score:.2f}'}, {words(verdict)}"


def provenance_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """What wrote the findings of each."""
    found = [dict(facts(provenance_of(side))) for side in (left, right)]
    return [Line(name, found[0][name], found[1].get(name, MISSING)) for name in found[0]]
