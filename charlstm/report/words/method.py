"""How the findings were measured, in a few sentences with the findings' own numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

from charlstm.report.words.values import finite, plural

Json = Mapping[str, Any]

# What happens on each part of the text, in the order of the parts.
_PARTS = {
    "calibrate": "the threshold of each cell is fixed on {}",
    "discover": "cells and features are paired on {}",
    "confirm": "the pairs are scored again on {}",
    "intervene": "cells are changed on {}",
}
# The controls of an inspection, as the page calls them.
_CONTROLS = {
    "untrained": "an untrained network",
    "gate_shuffled": "a network with shuffled gates",
    "pseudo_features": "features about letters",
}


def method_told(findings: Json) -> tuple[str, ...]:
    """Return the method in sentences, one for each part of it whose numbers are in findings."""
    method, corpus = findings.get("method") or {}, findings.get("corpus") or {}
    return (
        *_parts(corpus.get("splits") or {}),
        *_chance(method),
        *_required(method.get("rules") or {}),
        *_controls(method),
    )


def _parts(splits: Json) -> Iterable[str]:
    """Yield what is done on which part of the text."""
    told = [
        doing.format(f"{end - start:,} characters")
        for name, doing in _PARTS.items()
        for start, end in [splits.get(name) or (0, 0)]
        if end > start
    ]
    if told:
        yield f"The text is cut into parts: {', '.join(told)}."


def _chance(method: Json) -> Iterable[str]:
    """Yield what a score is compared with."""
    null, features = method.get("null") or {}, len(method.get("features") or [])
    if not null.get("shifts") or not features:
        return
    significance = finite(null.get("significance"))
    counts = "" if significance is None else f"; a p-value of {significance:g} at most counts"
    yield (
        f"The score of a cell is compared with the highest that any cell reaches with any of "
        f"{plural(features, 'feature')} when the features are shifted along the text, by "
        f"{plural(null['shifts'], 'distance')}{counts}."
    )


def _required(rules: Json) -> Iterable[str]:
    """Yield what a finding and a verified cell have to reach."""
    score, effect = finite(rules.get("least_held_out_score")), finite(rules.get("least_effect_nats"))
    if score is not None:
        yield f"A finding has a score of at least {score:g} on the part on which nothing was chosen."
    if effect is not None:
        yield (
            "A verified cell changes the log probability of the closing character by more than "
            f"{effect:g} nats, and by far more than other cells do."
        )


def _controls(method: Json) -> Iterable[str]:
    """Yield which controls the same search was run on."""
    known = method.get("controls") or {}
    controls = [words for name, words in _CONTROLS.items() if isinstance(known.get(name), Mapping)]
    if controls:
        yield f"The same search was run on controls: {', '.join(controls)}."
