"""Every edit of one field of a findings.json: what a damaged, hand-edited or hostile one may look like."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from findings_document import findings_document
from full_fixture import full_findings
from proven_fixture import proven_findings

CHECKPOINT = Path(__file__).parents[2] / "checkpoints" / "stdlib" / "findings.json"
# What a field becomes. REMOVED takes the key away, LONGER and SHORTER give a list or a text another length.
REMOVED, LONGER, SHORTER = object(), object(), object()
REPLACEMENTS: tuple[Any, ...] = (
    *(None, True, "text", "", 0, -1, 0.5, -1e308, 1e308, 10**400, [], [[]], [None], {}, {"a": {}}),
    *(REMOVED, LONGER, SHORTER),
)
# Of a list or an object of numbers, this many items are edited: the others are like them.
MOST_ITEMS = 3
# Characters of the excerpt that is kept.
LENGTH = 60


def small_documents() -> dict[str, Any]:
    """Return whole documents by name: that of the checkpoint, thinned, that of the page's tests, and one of
    schema version 2 with the evidence of every verdict.
    """
    document = json.loads(CHECKPOINT.read_text(encoding="utf-8"))
    kinds = {finding["kind"]: finding for finding in document["findings"]}
    document["findings"] = list(kinds.values())
    excerpt = document["excerpts"][0]
    cells = list(excerpt["cells"].items())[:2]
    excerpt |= {
        "text": excerpt["text"][:LENGTH],
        "cells": {name: {line: v[:LENGTH] for line, v in lines.items()} for name, lines in cells},
        "features": {name: values[:LENGTH] for name, values in list(excerpt["features"].items())[:2]},
    }
    excerpt["grid"] = {}
    document["excerpts"] = [excerpt]
    document["behaviours"] = document["behaviours"][:MOST_ITEMS]
    document["gates"].pop("separate_weights", None)
    document["gates"]["untrained"].pop("separate_weights", None)
    fixture = findings_document(sample=full_findings(LENGTH))
    return {"checkpoint": document, "fixture": fixture, "proven": _proven()}


def _proven() -> Any:
    """Return findings with evidence, of which one of each verdict is kept, on a short text."""
    document = proven_findings()
    kept = {finding["verdict"]: finding for finding in document["findings"]}
    document["findings"] = list(kept.values())
    (excerpt,) = document["excerpts"]
    excerpt["text"] = excerpt["text"][:LENGTH]
    for lines in [*excerpt["cells"].values(), excerpt["features"]]:
        lines |= {name: values[:LENGTH] for name, values in lines.items()}
    return document


def edits(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield (path, replacement) of every edit of one field of document."""
    for path in _paths(document, ()):
        for replacement in REPLACEMENTS:
            yield path, replacement


def edited(document: Any, path: tuple[str | int, ...], replacement: Any) -> Any:
    """Return a copy of document in which the field at path is replaced, removed, or of another length.

    The copy shares with document what is not edited.
    """
    result: Any = copy.copy(document)
    parent = result
    for key in path[:-1]:
        parent[key] = copy.copy(parent[key])
        parent = parent[key]
    value: Any = parent[path[-1]]
    if replacement is REMOVED:
        del parent[path[-1]]
    elif replacement is LONGER:
        parent[path[-1]] = value + value if type(value) in (list, str) else [value]
    elif replacement is SHORTER:
        parent[path[-1]] = value[:-1] if type(value) in (list, str) else [value, value]
    else:
        parent[path[-1]] = replacement
    return result


def told(path: tuple[str | int, ...], replacement: Any) -> str:
    """Return an edit in words, for the message of a failing test."""
    names = {REMOVED: "removed", LONGER: "longer", SHORTER: "shorter"}
    what = next((name for mark, name in names.items() if mark is replacement), None)
    return f"{'.'.join(map(str, path))}: {what or f'{replacement!r:.40}'}"


def _paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field in value, but of many alike only the first few."""
    if path:
        yield path
    if isinstance(value, dict):
        plain = all(not isinstance(item, (dict, list)) for item in value.values())
        # Where all values are plain and of one kind, they are a table: gates by cell, weights by character.
        for name in list(value)[: None if not plain or len(value) < 40 else MOST_ITEMS]:
            yield from _paths(value[name], (*path, name))
    elif isinstance(value, list):
        for place in range(min(len(value), MOST_ITEMS)):
            yield from _paths(value[place], (*path, place))
