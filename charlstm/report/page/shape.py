"""The check of what the page and the figures read of the parts of findings.json that are free in form.

`Findings.load` checks the fields that have a type of their own. The others are JSON objects there: portraits,
interventions, weights, gates, gradients, controls and packed values. They are checked here, once, so that all
that draws them can rely on their types and lengths. Any part may be missing or null but for what `_object` is
told to need; fields that are not named here are not looked at.
"""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from charlstm.errors import UsageError

# A check raises UsageError where a value, at the path that it is told, is not what is drawn.
Check = Callable[[Any, str], None]

# A number that is drawn is at most this large: a script tells whole numbers apart up to about here.
_LARGEST = 1e15
# The most of what the page has a line, a table or a picture for; an inspection writes far less.
_MOST_FINDINGS, _MOST_LAYERS, _MOST_EXCERPTS, _MOST_BINS, _MOST_NAMES = 10_000, 1_000, 1_000, 1_000, 100
_LONGEST_FEATURE_CHARACTERS = 1_000
_AGAIN = "write the findings again with `charlstm inspect`"
_NUMBER_TYPES = {int, float}


def refuse_other_shapes(findings: Mapping[str, Any]) -> None:
    """Raise UsageError, with the path of the field, where findings have a part that cannot be drawn."""
    _DOCUMENT(findings, "findings.json")


def _refuse(path: str, wanted: str, value: Any) -> UsageError:
    return UsageError(
        f"{path} must be {wanted}, not {reprlib.repr(value)}",
        _AGAIN,
    )


def _number(value: Any, path: str) -> None:
    """Refuse what is not one number that can be drawn. NaN is drawn as missing; no file holds it."""
    if type(value) not in _NUMBER_TYPES or abs(value) > _LARGEST:
        raise _refuse(path, f"a number of at most {_LARGEST:g}", value)


def _whole(value: Any, path: str) -> None:
    if type(value) is not int or abs(value) > _LARGEST:
        raise _refuse(path, f"a whole number of at most {_LARGEST:g}", value)


def _count(value: Any, path: str) -> None:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise _refuse(path, f"a whole number from 0 to {_LARGEST:g}", value)


def _string(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise _refuse(path, "a string", value)


def _feature(value: Any, path: str) -> None:
    _string(value, path)
    if len(value) > _LONGEST_FEATURE_CHARACTERS:
        raise _refuse(path, f"a name of at most {_LONGEST_FEATURE_CHARACTERS:,} characters", value)


def _any(value: Any, path: str) -> None:
    """Accept every value: it is only ever shown as text."""


def _numbers(value: Any, path: str) -> None:
    """Refuse what is not a list of numbers that can be drawn."""
    if not isinstance(value, list) or not set(map(type, value)) <= _NUMBER_TYPES:
        raise _refuse(path, "a list of numbers", value)
    if value and max(map(abs, value)) > _LARGEST:
        raise _refuse(path, f"a list of numbers of at most {_LARGEST:g}", value)


def _series(value: Any, path: str) -> None:
    """Refuse what is not a list of numbers, or of null where one is not known."""
    if not isinstance(value, list):
        raise _refuse(path, "a list of numbers", value)
    _numbers([item for item in value if item is not None], path)


def _pair(value: Any, path: str) -> None:
    _numbers(value, path)
    if len(value) != 2:
        raise _refuse(path, "two numbers", value)


def _counts(value: Any, path: str) -> None:
    """Refuse what is not the bins of a histogram."""
    _numbers(value, path)
    if not 0 < len(value) <= _MOST_BINS or min(value) < 0:
        raise _refuse(path, f"1 to {_MOST_BINS:,} numbers of at least 0", value)


def _list(item: Check, most: int | None = None) -> Check:
    """Return the check of a list of at most `most` items, each of which passes item."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list) or (most is not None and len(value) > most):
            raise _refuse(path, "a list" if most is None else f"a list of at most {most:,}", value)
        for place, one in enumerate(value):
            item(one, f"{path}[{place}]")

    return check


def _by_name(item: Check, most: int | None = None) -> Check:
    """Return the check of an object with at most `most` names, each value of which passes item."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping) or (most is not None and len(value) > most):
            raise _refuse(path, "an object" if most is None else f"an object of at most {most:,}", value)
        for name, one in value.items():
            item(one, f"{path}.{name:.80}")

    return check


def _or_null(check: Check) -> Check:
    """Return the check that also takes null."""
    return lambda value, path: None if value is None else check(value, path)


def _object(known: Mapping[str, Check], needs: Sequence[str] = (), alike: Sequence[str] = ()) -> Check:
    """Return the check of an object whose fields pass the checks in known; others are not looked at.

    A field of needs has to be there and not null. The values of those fields of alike that are there have to
    be of one length.
    """

    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _refuse(path, "an object", value)
        for name in needs:
            if value.get(name) is None:
                raise UsageError(f"{path} lacks the field {name!r}", _AGAIN)
        for name, field in known.items():
            if value.get(name) is not None:
                field(value[name], f"{path}.{name}")
        lengths = {name: len(value[name]) for name in alike if value.get(name) is not None}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{length:,} in {name}" for name, length in lengths.items())
            raise _refuse(path, "as long in every list as in its text or in the first list", told)

    return check


def _histogram(value: Any, path: str) -> None:
    """Refuse histograms of a cell, by level of its feature, that do not have the same bins."""
    _by_name(_counts, _MOST_NAMES)(value, path)
    if len({len(counts) for counts in value.values()}) > 1:
        raise _refuse(path, "lists of one length", value)


def _along_text(value: Any, path: str) -> None:
    """Refuse an excerpt whose values do not fit its text; `script_data.excerpt_data` compares the lengths."""
    _object({"text": _string, "start": _whole}, needs=["text"])(value, path)
    _object({"cells": _by_name(_LINES), "features": _by_name(_series), "grid": _grid})(value, path)


def _grid(value: Any, path: str) -> None:
    """Refuse packed values that lack a part; an empty object stands for none."""
    if value != {}:
        _object(_PACKED, needs=list(_PACKED), alike=["cells", "thresholds"])(value, path)


def _gates_of_layer(value: Any, path: str) -> None:
    """Refuse a layer of which some gate has other shares than the page draws."""
    _by_name(_any, _MOST_NAMES)(value, path)
    for name, shares in value.items():
        if isinstance(shares, Mapping):
            _SHARES(shares, f"{path}.{name:.80}")
        elif name in ("input", "forget", "output") and shares is not None:
            raise _refuse(f"{path}.{name}", "an object", shares)


_BY_GATE = _by_name(_by_name(_number))
_LINES = _object(
    dict.fromkeys(("tanh_c", "c", "input", "forget", "candidate", "output"), _series), needs=["tanh_c"]
)
_PACKED = {"cells": _list(_string), "of": _count, "thresholds": _numbers, "tanh_c": _string}
_BANDS = {"mean": _numbers, "low": _numbers, "high": _numbers}
_EVENT = _object({"count": _count} | _BANDS, needs=["count", *_BANDS], alike=list(_BANDS))
_PORTRAIT_EXCERPT = _object(
    {"start": _whole, "text": _string, "tanh_c": _series, "feature": _series, "r": _number, "step": _number},
    needs=["text", "tanh_c", "feature"],
    alike=["text", "tanh_c", "feature"],
)
_PORTRAIT = _object(
    {
        "trace": _object({"first": _whole, "events": _by_name(_EVENT, _MOST_NAMES)}, ["first", "events"]),
        "histogram": _histogram,
        "staircase": _object({"count": _numbers} | _BANDS, list(_BANDS), list(_BANDS)),
        "excerpts": _by_name(_or_null(_PORTRAIT_EXCERPT), _MOST_NAMES),
    },
    needs=["trace", "histogram"],
)
_CAUSAL = _object(
    {
        "target": _string,
        **dict.fromkeys(("effect_nats", "specific_nats", "natural_nats", "steps", "p_value"), _number),
        **dict.fromkeys(("hold_nats", "resample_nats", "insertion_nats"), _number),
        **dict.fromkeys(("lag", "sites"), _count),
        "control_effects": _object(
            {"count": _count, "quantiles": _numbers} | dict.fromkeys(("median", "p95", "max"), _number)
        ),
        "dose_response": _list(
            _object({"dose": _number, "effect_nats": _number}, needs=["dose", "effect_nats"]), _MOST_BINS
        ),
        "displacement": _object({"steps": _number, "characters": _number, "interval": _pair}),
        "group": _object({"cells": _list(_string)}),
    }
)
_WEIGHTS = _object(
    {
        "from_driver": _BY_GATE,
        "from_self": _by_name(_number),
        "from_cells": _BY_GATE,
        "to_logits": _by_name(_number),
        "to_cells": _by_name(_number),
    }
)
_DETECTION = _object({"levels": _by_name(_number), "survival": _numbers})
_FINDING = _object(
    {
        "layer": _count,
        "cell": _count,
        "feature": _feature,
        "drivers": _by_name(_list(_string), _MOST_NAMES),
        "polarity": _whole,
        "detection": _DETECTION,
        "mechanism": _object({"weights": _WEIGHTS}),
        "causal": _CAUSAL,
        "portrait": _PORTRAIT,
    }
)
_SHARES = _object(
    {"cells": _object({"below_0.1": _numbers, "above_0.9": _numbers}, alike=["below_0.1", "above_0.9"])}
)
_GATES = _list(_gates_of_layer, _MOST_LAYERS)
_GROUP = _object({"carry": _by_name(_any), "reach_since_opener": _series})
_METHOD = _object(
    {
        "features": _list(_any),
        "null": _by_name(_any),
        "controls": _by_name(_any, _MOST_NAMES),
        "share": _object({"above_untrained": _number, "above_untrained_interval": _pair}),
    }
)
_DOCUMENT = _object(
    {
        "model": _object({"layers": _count, "cells": _count}),
        "corpus": _object({"splits": _by_name(_pair, _MOST_NAMES)}),
        "method": _METHOD,
        "findings": _list(_FINDING, _MOST_FINDINGS),
        "gates": _object({"layers": _GATES, "untrained": _object({"layers": _GATES})}),
        "credit": _object({"cells": _GROUP, "controls": _GROUP, "untrained": _GROUP}),
        "excerpts": _list(_along_text, _MOST_EXCERPTS),
        "provenance": _by_name(_any),
    }
)
