"""A page is no larger than this: what is least missed goes first, and the page says what is missing."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from charlstm.findings import Json

MOST_BYTES = 10_000_000


def cut_to_fit(data: Json, room: int) -> tuple[Json, list[str]]:
    """The script's data (see extracts.page_data) in at most room bytes of JSON, and what was left out of it.

    Nothing is cut but what CUTS names, in its order: beyond that the data stay as large as they are.
    """
    left_out: list[str] = []
    for name, cut in CUTS.items():
        if size(data) <= room:
            break
        data = cut(data)
        left_out.append(name)
    return data, left_out


def size(data: Mapping[str, Any]) -> int:
    """Bytes of the data in the page."""
    return len(json.dumps(data, separators=(",", ":")))


def _without_grids(data: Json) -> Json:
    return {**data, "excerpts": [{**one, "grid": None} for one in data["excerpts"]]}


def _without_gates(data: Json) -> Json:
    def bare(cells: Json) -> Json:
        return {name: {"tanh_c": lines["tanh_c"]} for name, lines in cells.items()}

    return {**data, "excerpts": [{**one, "cells": bare(one["cells"])} for one in data["excerpts"]]}


def _with_one_excerpt(data: Json) -> Json:
    return {**data, "excerpts": data["excerpts"][:1]}


def _without_portraits(data: Json) -> Json:
    return {**data, "rows": [{**one, "portrait": None} for one in data["rows"]]}


CUTS: dict[str, Callable[[Json], Json]] = {
    "the values of all cells, and with them the search for cells that mark a passage": _without_grids,
    "the gates along the text": _without_gates,
    "all excerpts but the first": _with_one_excerpt,
    "the cells' portraits": _without_portraits,
}
