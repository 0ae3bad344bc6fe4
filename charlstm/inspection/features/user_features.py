"""A user may write features: NAME=REGEX for spans of text, NAME=set:A,reset:B for a switch.

In the second form A and B are strings; the switch goes on where A ends and off where B ends.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charlstm.errors import UsageError
from charlstm.inspection.features import text_signals
from charlstm.inspection.features.expression_spans import ExpressionError, expression_spans
from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.proposed_features import Automaton

_LATCH_RULE = re.compile(r"set:(?P<set>.+?),reset:(?P<reset>.+)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t"}

# The drivers of a regular expression's feature are the characters that begin (or end) at least this share of
# its spans, the commonest ones first, and never more than this number.
_LEAST_DRIVER_SHARE, _MOST_DRIVERS = 0.2, 3


def user_feature(spec: str, text: str, starts: Sequence[int] | NDArray[np.int64]) -> Signal:
    """Return the signal along `text` of the feature that the specification `spec` describes.

    The feature of NAME=REGEX is 1 over all characters that the expression matches. The feature of
    NAME=set:A,reset:B goes on where A ends and off where B ends, and is off at every position in `starts`,
    ascending, where the model's state is zero; in A and B, \\n, \\r and \\t stand for the line feed, the
    carriage return and the tab, and a backslash before any other character stands for that character.
    Raises UsageError where `spec` has no NAME=RULE, or its regular expression is invalid or takes too long.
    """
    name, rule = name_and_rule(spec)
    latch = _LATCH_RULE.fullmatch(rule)
    return _latch_signal(name, latch, text, starts) if latch else _span_signal(name, rule, text)


def name_and_rule(spec: str) -> tuple[str, str]:
    """Split a specification NAME=RULE at its first "=" into the name and the rule.

    Raises UsageError where the name is not made of letters, digits and underscores, or the rule is empty.
    """
    name, _, rule = spec.partition("=")
    name = name.strip()
    if not rule or not re.fullmatch(r"\w+", name):
        raise UsageError(f"the feature {spec!r} has no NAME=RULE", "write NAME=REGEX or NAME=set:A,reset:B")
    return name, rule


def _latch_signal(
    name: str, rule: re.Match[str], text: str, starts: Sequence[int] | NDArray[np.int64]
) -> Signal:
    """Return the signal of a switch between the two strings of a rule set:A,reset:B."""
    setter, resetter = (
        _ESCAPE.sub(lambda match: _ESCAPED_CHARACTERS.get(match[1], match[1]), rule[side])
        for side in ("set", "reset")
    )
    signal = Automaton("switch", (setter,), (resetter,)).signal(text, starts)
    return Signal(replace(signal.feature, name=name), signal.values)


def _span_signal(name: str, rule: str, text: str) -> Signal:
    """Return the signal of a switch that is on over every match of the regular expression `rule`."""
    try:
        spans = expression_spans(rule, text)
    except ExpressionError as error:
        raise UsageError(
            f"the feature {name} is no regular expression that can be used: {error}", "correct its REGEX"
        ) from error
    inside = text_signals.fill(spans, len(text)) > 0
    drivers = {
        "set": _commonest(text[start] for start, _ in spans),
        "reset": _commonest(text[stop - 1] for _, stop in spans),
    }
    return Signal(Feature(name, "switch", drivers), inside.astype(np.uint8))


def _commonest(characters: Iterable[str]) -> list[str]:
    """Return at most _MOST_DRIVERS characters, each at least _LEAST_DRIVER_SHARE of all, commonest first."""
    counts = Counter(characters)
    least = _LEAST_DRIVER_SHARE * counts.total()
    return [character for character, count in counts.most_common(_MOST_DRIVERS) if count >= least]
