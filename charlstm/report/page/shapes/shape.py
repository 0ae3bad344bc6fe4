"""The check of what the page and the figures read of the parts of findings.json that are free in form.

`Findings.load` checks the fields that have a type of their own. The others are JSON objects there: portraits,
interventions, weights, gates, gradients, controls and packed values. They are checked here, once, so that all
that draws them can rely on their types and lengths. Any part may be missing or null but for what
`object_with` is told to need; fields that are not named here are not looked at.
"""

from collections.abc import Mapping
from typing import Any

from charlstm.report.page.shapes.checks import (
    MOST_NAMES,
    anything,
    bins,
    by_name,
    count,
    feature_name,
    list_of,
    number,
    numbers,
    object_with,
    or_null,
    pair,
    refusal,
    series,
    string,
    whole,
)
from charlstm.report.page.shapes.proof_shape import CAUSAL, CIRCUITS, EVIDENCE, GRADE

# The most of what the page has a line, a table or a picture for; an inspection writes far less.
_MOST_FINDINGS, _MOST_LAYERS, _MOST_EXCERPTS = 10_000, 1_000, 1_000


def refuse_other_shapes(findings: Mapping[str, Any]) -> None:
    """Raise UsageError, with the path of the field, where findings have a part that cannot be drawn."""
    _DOCUMENT(findings, "findings.json")


def _histogram(value: Any, path: str) -> None:
    """Refuse histograms of a cell, by level of its feature, that do not have the same bins."""
    by_name(bins, MOST_NAMES)(value, path)
    if len({len(counts) for counts in value.values()}) > 1:
        raise refusal(path, "lists of one length", value)


def _along_text(value: Any, path: str) -> None:
    """Refuse an excerpt whose values do not fit its text; `script_data.excerpt_data` compares the lengths."""
    object_with({"text": string, "start": whole}, needs=["text"])(value, path)
    object_with({"cells": by_name(_LINES), "features": by_name(series), "grid": _grid})(value, path)


def _grid(value: Any, path: str) -> None:
    """Refuse packed values that lack a part; an empty object stands for none."""
    if value != {}:
        object_with(_PACKED, needs=list(_PACKED), alike=["cells", "thresholds"])(value, path)


def _gates_of_layer(value: Any, path: str) -> None:
    """Refuse a layer of which some gate has other shares than the page draws."""
    by_name(anything, MOST_NAMES)(value, path)
    for name, shares in value.items():
        if isinstance(shares, Mapping):
            _SHARES(shares, f"{path}.{name:.80}")
        elif name in ("input", "forget", "output") and shares is not None:
            raise refusal(f"{path}.{name}", "an object", shares)


_BY_GATE = by_name(by_name(number))
_LINES = object_with(
    dict.fromkeys(("tanh_c", "c", "input", "forget", "candidate", "output"), series), needs=["tanh_c"]
)
_PACKED = {"cells": list_of(string), "of": count, "thresholds": numbers, "tanh_c": string}
_BANDS = {"mean": numbers, "low": numbers, "high": numbers}
_EVENT = object_with({"count": count} | _BANDS, needs=["count", *_BANDS], alike=list(_BANDS))
_PORTRAIT_EXCERPT = object_with(
    {"start": whole, "text": string, "tanh_c": series, "feature": series, "r": number, "step": number},
    needs=["text", "tanh_c", "feature"],
    alike=["text", "tanh_c", "feature"],
)
_PORTRAIT = object_with(
    {
        "trace": object_with({"first": whole, "events": by_name(_EVENT, MOST_NAMES)}, ["first", "events"]),
        "histogram": _histogram,
        "staircase": object_with({"count": numbers} | _BANDS, list(_BANDS), list(_BANDS)),
        "excerpts": by_name(or_null(_PORTRAIT_EXCERPT), MOST_NAMES),
    },
    needs=["trace", "histogram"],
)
_ROWS = object_with(
    {"names": list_of(string, MOST_NAMES), "largest": numbers, "values": string},
    needs=["names", "largest", "values"],
    alike=["names", "largest"],
)
_EXAMPLE = {"text": string, "start": whole}
_LINE = object_with(_EXAMPLE | {"group": string, "agreement": number}, needs=["text", "group"])
_EXAMPLES = object_with(
    {
        "excerpt": object_with(_EXAMPLE | {"rows": _ROWS}, needs=["text", "rows"]),
        "lines": object_with({"each": list_of(_LINE, MOST_NAMES), "rows": _ROWS}, needs=["each", "rows"]),
    }
)
_WEIGHTS = object_with(
    {
        "from_driver": _BY_GATE,
        "from_self": by_name(number),
        "from_cells": _BY_GATE,
        "to_logits": by_name(number),
        "to_cells": by_name(number),
    }
)
_DETECTION = object_with(
    {"levels": by_name(number), "survival": numbers, "partners": list_of(count, MOST_NAMES)}
)
_FINDING = object_with(
    {
        "layer": count,
        "cell": count,
        "feature": feature_name,
        "drivers": by_name(list_of(string), MOST_NAMES),
        "polarity": whole,
        "detection": _DETECTION,
        "mechanism": object_with({"weights": _WEIGHTS}),
        "causal": CAUSAL,
        "evidence": EVIDENCE,
        "grade": GRADE,
        "portrait": _PORTRAIT,
        "examples": _EXAMPLES,
    }
)
_SHARES = object_with(
    {"cells": object_with({"below_0.1": numbers, "above_0.9": numbers}, alike=["below_0.1", "above_0.9"])}
)
_GATES = list_of(_gates_of_layer, _MOST_LAYERS)
_GROUP = object_with({"carry": by_name(anything), "reach_since_opener": series})
_METHOD = object_with(
    {
        "features": list_of(anything),
        "null": by_name(anything),
        "controls": by_name(anything, MOST_NAMES),
        "share": object_with({"above_untrained": number, "above_untrained_interval": pair}),
    }
)
_DOCUMENT = object_with(
    {
        "model": object_with({"layers": count, "cells": count}),
        "corpus": object_with({"splits": by_name(pair, MOST_NAMES)}),
        "method": _METHOD,
        "findings": list_of(_FINDING, _MOST_FINDINGS),
        "gates": object_with({"layers": _GATES, "untrained": object_with({"layers": _GATES})}),
        "credit": object_with({"cells": _GROUP, "controls": _GROUP, "untrained": _GROUP}),
        "excerpts": list_of(_along_text, _MOST_EXCERPTS),
        "provenance": by_name(anything),
        **CIRCUITS,
    }
)
