"""The form in which a page carries its data, its largest size, and what is left out of a larger one.

The page says what it lacks.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from charlstm.findings import Json

# A page can be sent by mail.
MOST_BYTES = 10_000_000
# The most that zlib does: a page is written once and sent often.
_LEVEL = 9


def packed(data: Mapping[str, Any]) -> str:
    """Return base64 of the deflated JSON of data, which holds neither NaN nor infinity."""
    plain = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(plain.encode("ascii"), _LEVEL)).decode("ascii")


def cut_to_fit(data: Json, room_bytes: int) -> tuple[Json, list[str]]:
    """Return the script's data in at most room_bytes of a page, and the names of what was left out of it.

    data is what `script_data.page_data` returns; it is not changed. Only what CUTS names is left out, in the
    order of CUTS, so the result may still be larger than room_bytes.
    """
    left_out: list[str] = []
    for name, cut in CUTS.items():
        # Packing takes long, and makes no JSON larger than 1.4 times its size.
        if size_bytes(data) * 1.4 <= room_bytes or len(packed(data)) <= room_bytes:
            break
        data = cut(data)
        left_out.append(name)
    return data, left_out


def size_bytes(data: Mapping[str, Any]) -> int:
    """Return how many bytes data takes as JSON in ASCII."""
    return len(json.dumps(data, separators=(",", ":")))


def _without_grids(data: Json) -> Json:
    return {**data, "excerpts": [{**excerpt, "grid": None} for excerpt in data["excerpts"]]}


def _without_text_over_time(data: Json) -> Json:
    training = data.get("overTime")
    return {**data, "overTime": training and {**training, "excerpt": None}}


def _without_gates(data: Json) -> Json:
    def only_states(cells: Json) -> Json:
        return {name: {"tanh_c": lines["tanh_c"]} for name, lines in cells.items()}

    excerpts = [{**excerpt, "cells": only_states(excerpt["cells"])} for excerpt in data["excerpts"]]
    return {**data, "excerpts": excerpts}


def _with_one_excerpt(data: Json) -> Json:
    kept = [place for place, excerpt in enumerate(data["excerpts"]) if place == 0 or excerpt["own"]]
    rows = [
        {**row, "excerpt": None if row["excerpt"] is None else kept.index(row["excerpt"])}
        for row in data["rows"]
    ]
    return {**data, "rows": rows, "excerpts": [data["excerpts"][place] for place in kept]}


def _without_lines(data: Json) -> Json:
    return {**data, "rows": [{**row, "lines": []} for row in data["rows"]]}


def _without_portraits(data: Json) -> Json:
    return {**data, "rows": [{**row, "portrait": None} for row in data["rows"]]}


def _without_evidence(data: Json) -> Json:
    rows = [{**row, "evidence": None} for row in data["rows"]]
    return {**data, "rows": rows, "circuits": {"behaviours": [], "edges": []}}


# What is left out, by the words that the page has for it; what is missed least comes first.
CUTS: dict[str, Callable[[Json], Json]] = {
    "the values of all cells, and with them the search for cells that mark a passage": _without_grids,
    "the colours of a text at moments of the training": _without_text_over_time,
    "the gates along the text": _without_gates,
    "the one-line examples": _without_lines,
    "all excerpts that cells share but the first": _with_one_excerpt,
    "the cells' portraits": _without_portraits,
    "the charts of evidence and of sets of cells": _without_evidence,
}
