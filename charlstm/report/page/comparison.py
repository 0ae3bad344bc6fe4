"""Two findings.json documents about the same text -> the data of a page with both models side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from charlstm.errors import UsageError
from charlstm.findings import Json, Verdict
from charlstm.report.page.network import network_data
from charlstm.report.page.rows import cell_name, polarity_of
from charlstm.report.page.script_data import excerpt_data
from charlstm.report.page.view import provenance_of
from charlstm.report.words.detection_numbers import held_out_score, rank_score
from charlstm.report.words.proof_numbers import carried_share, effect_of
from charlstm.report.words.symbols import symbols_of, visible
from charlstm.report.words.values import MISSING, facts, text, words


@dataclass(frozen=True)
class Line:
    """One fact about both models: its name, and its value for the left and for the right one."""

    name: str
    left: str
    right: str


@dataclass(frozen=True)
class Comparison:
    """Everything that the template reads; left and right are the models' names, data is for the script."""

    left: str
    right: str
    lines: tuple[Line, ...]
    features: tuple[Line, ...]
    provenance: tuple[Line, ...]
    data: Json


def compare(left: Mapping[str, Any], right: Mapping[str, Any]) -> Comparison:
    """Return the page of two findings.json documents about the same text, left and right.

    Raises UsageError when their first excerpts are not the same text.
    """
    sides = (left, right)
    excerpts = _same_excerpts(sides)
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


def _same_excerpts(sides: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return the first excerpt of each document. Raises UsageError when these are not the same text."""
    excerpts = [(side.get("excerpts") or [{}])[0] for side in sides]
    if not excerpts[0] or any(excerpts[0].get(key) != excerpts[1].get(key) for key in ("text", "start")):
        raise UsageError(
            "the two findings do not show the same text",
            "inspect both at once: `charlstm inspect A --compare B`",
        )
    return excerpts


def name_of(findings: Mapping[str, Any]) -> str:
    """Return the last part of the path of the run that was inspected."""
    path = visible(str((findings.get("model") or {}).get("checkpoint") or "an LSTM"))
    return path.rstrip("/").rpartition("/")[2]


def side_data(findings: Mapping[str, Any], name: str, excerpt: Mapping[str, Any]) -> Json:
    """Return what the script draws of one model: its excerpt, its cells with findings and its gates."""
    found = sorted(findings.get("findings") or [], key=rank_score, reverse=True)
    return {
        "name": name,
        "excerpt": excerpt_data(excerpt),
        "rows": [
            {
                "cell": cell_name(finding),
                "feature": finding["feature"],
                "feature_words": words(finding["feature"]),
                "polarity": polarity_of(finding),
            }
            for finding in found
        ],
        "network": network_data(findings.get("gates") or {}, findings.get("credit") or {}),
    }


def model_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """Return size, quality and numbers of findings of both models, one line each."""
    of_left, of_right = dict(side_facts(left)), dict(side_facts(right))
    return [Line(name, value, of_right.get(name, MISSING)) for name, value in of_left.items()]


def side_facts(findings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of every fact that is compared, of one model."""
    model, method = findings.get("model") or {}, findings.get("method") or {}
    found = findings.get("findings") or []
    verdicts = [finding.get("verdict") for finding in found]
    scores = [rank_score(finding) for finding in found]
    values: list[tuple[str, Any]] = [
        ("layers", model.get("layers")),
        ("cells in a layer", model.get("cells")),
        ("parameters", model.get("parameters")),
        ("bits per character", model.get("bits_per_character")),
        ("cells with a finding", len({cell_name(finding) for finding in found})),
        *((name, verdicts.count(name)) for name in get_args(Verdict)),
        ("best held-out score", max(scores, default=None)),
        ("features tested", len(method.get("features") or [])),
    ]
    return [(name, text(value)) for name, value in values]


def feature_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """Return the best cells of every feature that either model has a finding for, the best score first."""
    best = [best_by_feature(side.get("findings") or []) for side in (left, right)]
    names = sorted(
        {*best[0], *best[1]}, key=lambda name: -max(rank_score(b[name]) for b in best if name in b)
    )
    return [Line(words(name), *(cell_line(b.get(name)) for b in best)) for name in names]


def best_by_feature(findings: Sequence[Json]) -> dict[str, Json]:
    """Return the finding with the best held-out score of each feature."""
    return {finding["feature"]: finding for finding in sorted(findings, key=rank_score)}


def cell_line(finding: Mapping[str, Any] | None) -> str:
    """Return the cell of a finding, its score, its verdict and what it carries; a dash for None."""
    if finding is None:
        return MISSING
    score = held_out_score(finding)
    verdict = finding.get("verdict") or "not tested"
    carries = f", carries {share.percent}" if (share := carried_share(finding)) else ""
    effect = f", {told.nats}" if (told := effect_of(finding.get("causal") or {})) else ""
    shown = MISSING if score is None else f"{score:.2f}"
    return f"{cell_name(finding)}, {shown}, {words(verdict)}{effect}{carries}"


def provenance_lines(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Line]:
    """Return what wrote the findings of each model, a line for every fact of the left one."""
    of_left, of_right = (dict(facts(provenance_of(side))) for side in (left, right))
    return [Line(name, value, of_right.get(name, MISSING)) for name, value in of_left.items()]
