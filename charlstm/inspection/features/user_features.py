"""Features that a user names: NAME=REGEX for spans, NAME=set:A,reset:B for a switch between two drivers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charlstm.errors import UsageError
from charlstm.inspection.features import text_signals
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.features.feature import Feature, Signal

_LATCH = re.compile(r"set:(?P<set>.+?),reset:(?P<reset>.+)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_COMMON, _MOST = 0.2, 3


def user_feature(spec: str, text: str, starts: Sequence[int] | NDArray[np.int64]) -> Signal:
    """The feature of a specification along a text; starts are where the model's state was zero.

    A regular expression's feature is on over all characters that it matches. A switch goes on where A ends
    and off where B ends; \\n, \\r, \\t and \\, stand for what they do in Python.
    Raises UsageError for a specification that cannot be read.
    """
    name, rule = name_and_rule(spec)
    latch = _LATCH.fullmatch(rule)
    return _latch(name, latch, text, starts) if latch else _spans(name, rule, text)


def name_and_rule(spec: str) -> tuple[str, str]:
    """The two sides of a specification. Raises UsageError where it has not both."""
    name, _, rule = spec.partition("=")
    name = name.strip()
    if not rule or not re.fullmatch(r"\w+", name):
        raise UsageError(f"the feature {spec!r} has no NAME=RULE", "write NAME=REGEX or NAME=set:A,reset:B")
    return name, rule


def _latch(name: str, rule: re.Match[str], text: str, starts: Sequence[int] | NDArray[np.int64]) -> Signal:
    setter, resetter = (
        _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), rule[side]) for side in ("set", "reset")
    )
    found = Automaton("switch", (setter,), (resetter,)).signal(text, starts)
    return Signal(replace(found.feature, name=name), found.values)


def _spans(name: str, rule: str, text: str) -> Signal:
    try:
        pattern = re.compile(rule, re.MULTILINE)
    except re.error as error:
        raise UsageError(f"the feature {name} is no regular expression: {error}", "mend its REGEX") from error
    spans = [match.span() for match in pattern.finditer(text) if match.end() > match.start()]
    inside = text_signals.fill(spans, len(text)) > 0
    drivers = {
        "set": _commonest(text[start] for start, _ in spans),
        "reset": _commonest(text[stop - 1] for _, stop in spans),
    }
    return Signal(Feature(name, "switch", drivers), inside.astype(np.uint8))


def _commonest(characters: Iterable[str]) -> list[str]:
    """The few characters that most of the spans have there."""
    counts = Counter(characters)
    return [c for c, count in counts.most_common(_MOST) if count >= _COMMON * counts.total()]
