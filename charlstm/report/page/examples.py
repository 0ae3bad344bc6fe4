"""The examples of a finding, which findings.json has packed -> an excerpt and lines with plain numbers."""

import base64
import binascii
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from charlstm.errors import UsageError
from charlstm.findings import Json
from charlstm.report.page.rows import cell_name

_DECIMALS = 3
_EXAMPLES = "the examples of a finding"


def own_excerpt(finding: Mapping[str, Any]) -> Json | None:
    """Return the finding's own excerpt in the form of findings.json's `excerpts[]`, None where it has none.

    Raises UsageError where its values do not fit its text.
    """
    excerpt = (finding.get("examples") or {}).get("excerpt")
    if not excerpt:
        return None
    rows = unpacked(excerpt["rows"], len(excerpt["text"]))
    feature = [int(value) for value in rows.pop("feature")]
    lines = {name: [round(value, _DECIMALS) for value in values] for name, values in rows.items()}
    return {
        "split": "confirm",
        "start": excerpt.get("start") or 0,
        "text": excerpt["text"],
        "cells": {cell_name(finding): {"tanh_c": _tanh(rows["c"]), **lines}},
        "features": {finding["feature"]: feature},
    }


def example_lines(finding: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the finding's short lines for the script, with tanh(c) in hundredths and the feature along each.

    Raises UsageError where the values do not fit the texts.
    """
    lines = (finding.get("examples") or {}).get("lines")
    if not lines:
        return
    rows = unpacked(lines["rows"], sum(len(line["text"]) for line in lines["each"]))
    tanh_c, feature = _tanh(rows["c"]), rows["feature"]
    start = 0
    for line in lines["each"]:
        span = slice(start, start + len(line["text"]))
        start = span.stop
        yield {
            "group": line["group"],
            "start": line.get("start") or 0,
            "text": line["text"],
            "agreement": line.get("agreement"),
            "tanh_c_hundredths": [round(100 * value) for value in tanh_c[span]],
            "feature": [int(value) for value in feature[span]],
        }


def unpacked(rows: Mapping[str, Any], length: int) -> dict[str, list[float]]:
    """Return rows as findings.json packs them, by name, each with `length` values.

    Raises UsageError where they are not packed as they should be, or have another length.
    """
    names, largest = rows["names"], rows["largest"]
    if not {"c", "feature"} <= set(names):
        raise _refusal(_EXAMPLES, "do not fit the text")
    values = unpacked_bytes(rows["values"], len(names), length, of=_EXAMPLES)
    return {name: _scaled(row, top) for name, row, top in zip(names, values, largest, strict=True)}


def unpacked_bytes(values: str, rows: int, length: int, *, of: str) -> "np.typing.NDArray[np.uint8]":
    """Return values as findings.json packs them, (rows, length) uint8; of says in words what they are.

    Raises UsageError where they are not packed as they should be, or have another length.
    """
    try:
        # One byte more than wanted is enough to see that there are too many.
        inflater = zlib.decompressobj()
        steps = inflater.decompress(base64.b64decode(values, validate=True), rows * length + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise _refusal(of, "cannot be unpacked") from error
    if len(steps) != rows * length:
        raise _refusal(of, "do not fit the text")
    return np.frombuffer(steps, np.uint8).reshape(rows, length).cumsum(axis=1, dtype=np.uint8)


def _scaled(row: "np.typing.NDArray[np.uint8]", largest: float) -> list[float]:
    """Return the values of a row of bytes, in which 127 stands for largest; 0 stands for whole numbers."""
    plain = row.astype(float) if largest == 0 else row.view(np.int8) * (largest / 127)
    values: list[float] = plain.tolist()
    return values


def _tanh(values: Sequence[float]) -> list[float]:
    return [round(math.tanh(value), _DECIMALS) for value in values]


def _refusal(of: str, what: str) -> UsageError:
    return UsageError(f"{of} {what}", "write the findings again with `charlstm inspect`")
