"""Evidence, and the sets, edges and unexpected cells of behaviours -> what the page lays out and draws."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charlstm.findings import Json
from charlstm.report.words.network.sets import mechanism, share_of
from charlstm.report.words.phrases import Sentence, characters_in_words
from charlstm.report.words.proof_numbers import Estimate
from charlstm.report.words.values import MISSING, finite, text, words

# How the two interventions take a cell's memory away.
_INTERVENTIONS = {
    "resample": "other state's value",
    "conditional_mean": "other state's mean",
}
# The most effects at other characters' places that are drawn.
_MOST_OTHERS = 8
# The most behaviours and unexpected cells that the page lists.
_MOST_LISTED = 100


@dataclass(frozen=True)
class Unexpected:
    """A line of the table of cells that a behaviour needs though they follow no feature.

    linked says whether the page can show the cell along the text.
    """

    cell: str
    linked: bool
    feature: str
    target: Sentence
    effect: str
    attribution: str
    rank: str


@dataclass(frozen=True)
class Circuits:
    """What the page tells of behaviours: a sentence for each, and the unexpected cells.

    drawn says of each sentence whether the script has curves for it.
    """

    sentences: tuple[Sentence, ...]
    drawn: tuple[bool, ...]
    unexpected: tuple[Unexpected, ...]
    more: int


def evidence(found: Mapping[str, Any]) -> Json | None:
    """Return what is drawn of a finding's evidence, with estimates as `estimate` has them; None without."""
    if not found:
        return None
    necessity, sufficiency = found.get("necessity") or {}, found.get("sufficiency") or {}
    interchange, rank = found.get("interchange") or {}, found.get("rank") or {}
    return {
        "limit": finite(found.get("limit_nats")),
        "necessity": list(_interventions(necessity)),
        "by_lag": [
            {"lag": one["lag"], "sites": one.get("sites"), "nats": estimate(one.get("nats"))}
            for one in necessity.get("by_lag") or []
        ],
        "monotone": (found.get("dose") or {}).get("monotone") is True,
        "insertion": estimate(sufficiency.get("insertion")),
        "restoration": estimate(sufficiency.get("restoration")),
        "restoration_baseline": finite(sufficiency.get("restoration_baseline")),
        "interchange": {
            "pairs": interchange.get("pairs"),
            "share": estimate(interchange.get("share")),
            "random_cells": finite(interchange.get("random_cells")),
            "linear_direction": finite(interchange.get("linear_direction")),
        },
        "own": estimate((found.get("specificity") or {}).get("own")),
        "others": list(_others(found.get("specificity") or {})),
        "rank": {name: rank.get(name) for name in ("rank", "cells", "p95", "p95_without_roles", "others")},
    }


def _interventions(necessity: Mapping[str, Any]) -> Iterable[Json]:
    """Yield the effects of the two interventions by their names on the page."""
    for name, told in _INTERVENTIONS.items():
        one = necessity.get(name) or {}
        effect = estimate(one.get("nats"))
        if effect:
            yield {"name": told, "sites": one.get("sites"), "nats": effect}


def _others(specificity: Mapping[str, Any]) -> Iterable[Json]:
    """Yield the effects at the closing characters of other features, the largest first."""
    for one in (specificity.get("behaviours") or [])[:_MOST_OTHERS]:
        effect = estimate(one.get("nats"))
        if effect:
            feature, target = words(one.get("feature") or ""), one.get("target") or ""
            yield {"feature": feature, "target": target, "nats": effect}


def estimate(value: Any) -> Json | None:
    """Return an estimate of the findings as {value, low, high}, ends that are not known as None."""
    known = value if isinstance(value, Mapping) else {"value": value}
    if finite(known.get("value")) is None:
        return None
    return {name: finite(known.get(name)) for name in ("value", "low", "high")}


def circuits(findings: Mapping[str, Any]) -> Circuits:
    """Return what the page tells of the behaviours of findings; empty where they have none."""
    behaviours, unexpected = findings.get("behaviours") or [], findings.get("unexpected") or []
    stored = {
        cell
        for excerpt in findings.get("excerpts") or []
        for cell in [*(excerpt.get("cells") or {}), *((excerpt.get("grid") or {}).get("cells") or [])]
    }
    return Circuits(
        sentences=tuple(mechanism(behaviour) for behaviour in behaviours[:_MOST_LISTED]),
        drawn=tuple(bool(curves(behaviour)) for behaviour in behaviours[:_MOST_LISTED]),
        unexpected=tuple(_unexpected(cell, stored) for cell in unexpected[:_MOST_LISTED]),
        more=max(0, len(unexpected) - _MOST_LISTED),
    )


def _unexpected(cell: Mapping[str, Any], stored: Container[str]) -> Unexpected:
    """Return the line of one unexpected cell; stored are the cells with values along the text."""
    name = f"{cell['layer']}:{cell['cell']}"
    place = f"{text(cell['rank'])} of {text(cell['of'])}" if cell.get("rank") and cell.get("of") else MISSING
    return Unexpected(
        cell=name,
        linked=name in stored,
        feature=words(cell.get("feature") or ""),
        target=characters_in_words(list(cell.get("target") or "")),
        effect=_nats(cell.get("effect")),
        attribution=_nats(cell.get("attribution")),
        rank=place,
    )


def _nats(value: Any) -> str:
    """Return a change in nats with its interval, where it has one."""
    known = share_of(value)
    return known.nats if isinstance(known, Estimate) else MISSING if known is None else f"{text(known)} nats"


def circuit_data(findings: Mapping[str, Any]) -> Json:
    """Return what the script draws: the curves of each behaviour, and the edges."""
    return {
        "behaviours": [
            {"feature": words(behaviour.get("contrast") or behaviour["feature"]), "curves": curves(behaviour)}
            for behaviour in (findings.get("behaviours") or [])[:_MOST_LISTED]
        ],
        "edges": [
            {
                "from": edge["from"],
                "to": edge["to"],
                "kind": edge.get("kind") or "",
                "feature": edge.get("feature"),
                "value": estimate(edge.get("value")),
                "of": finite(edge.get("of")),
            }
            for edge in findings.get("edges") or []
            if estimate(edge.get("value"))
        ],
    }


def curves(behaviour: Mapping[str, Any]) -> Sequence[Json]:
    """Return the curves of a behaviour: what sets of cells keep alone, and what is left without them."""
    return [
        {
            "order": words(curve.get("order") or ""),
            **{side: [_point(point) for point in curve.get(side) or []] for side in ("keep", "remove")},
        }
        for curve in behaviour.get("curves") or []
        if curve.get("keep") or curve.get("remove")
    ]


def _point(point: Mapping[str, Any]) -> Json:
    """Return one set of a curve: its number of cells, and the share with its interval."""
    return {"cells": point["cells"], **{name: finite(point.get(name)) for name in ("share", "low", "high")}}
