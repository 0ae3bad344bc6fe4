"""Checks of JSON values that the page draws: each refuses, in words, a value that cannot be drawn."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from charlstm.errors import UsageError

# A check raises UsageError where a value, at the path that it is told, is not what is drawn.
Check = Callable[[Any, str], None]

# A number that is drawn is at most this large: a script tells whole numbers apart up to about here.
_LARGEST = 1e15
# The most bins, names and characters of a name that the page has room for; an inspection writes far less.
MOST_BINS, MOST_NAMES = 1_000, 100
_LONGEST_FEATURE_CHARACTERS = 1_000
_AGAIN = "write the findings again with `charlstm inspect`"
_NUMBER_TYPES = {int, float}


def refusal(path: str, wanted: str, value: Any) -> UsageError:
    """Return the error that says which value at which path is not what is wanted."""
    return UsageError(f"{path} must be {wanted}, not {reprlib.repr(value)}", _AGAIN)


def number(value: Any, path: str) -> None:
    """Refuse what is not one number that can be drawn. NaN is drawn as missing; no file holds it."""
    if type(value) not in _NUMBER_TYPES or abs(value) > _LARGEST:
        raise refusal(path, f"a number of at most {_LARGEST:g}", value)


def whole(value: Any, path: str) -> None:
    """Refuse what is not one whole number that can be drawn."""
    if type(value) is not int or abs(value) > _LARGEST:
        raise refusal(path, f"a whole number of at most {_LARGEST:g}", value)


def count(value: Any, path: str) -> None:
    """Refuse what is not a whole number from 0 on that can be drawn."""
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise refusal(path, f"a whole number from 0 to {_LARGEST:g}", value)


def string(value: Any, path: str) -> None:
    """Refuse what is not a string."""
    if not isinstance(value, str):
        raise refusal(path, "a string", value)


def feature_name(value: Any, path: str) -> None:
    """Refuse what is not the name of a feature, or is too long for one."""
    string(value, path)
    if len(value) > _LONGEST_FEATURE_CHARACTERS:
        raise refusal(path, f"a name of at most {_LONGEST_FEATURE_CHARACTERS:,} characters", value)


def anything(value: Any, path: str) -> None:
    """Accept every value: it is only ever shown as text."""


def numbers(value: Any, path: str) -> None:
    """Refuse what is not a list of numbers that can be drawn."""
    if not isinstance(value, list) or not set(map(type, value)) <= _NUMBER_TYPES:
        raise refusal(path, "a list of numbers", value)
    if value and max(map(abs, value)) > _LARGEST:
        raise refusal(path, f"a list of numbers of at most {_LARGEST:g}", value)


def series(value: Any, path: str) -> None:
    """Refuse what is not a list of numbers, or of null where one is not known."""
    if not isinstance(value, list):
        raise refusal(path, "a list of numbers", value)
    numbers([item for item in value if item is not None], path)


def pair(value: Any, path: str) -> None:
    """Refuse what is not a list of two numbers."""
    numbers(value, path)
    if len(value) != 2:
        raise refusal(path, "two numbers", value)


def bins(value: Any, path: str) -> None:
    """Refuse what is not the bins of a histogram."""
    numbers(value, path)
    if not 0 < len(value) <= MOST_BINS or min(value) < 0:
        raise refusal(path, f"1 to {MOST_BINS:,} numbers of at least 0", value)


def list_of(item: Check, most: int | None = None) -> Check:
    """Return the check of a list of at most `most` items, each of which passes item."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list) or (most is not None and len(value) > most):
            raise refusal(path, "a list" if most is None else f"a list of at most {most:,}", value)
        for place, one in enumerate(value):
            item(one, f"{path}[{place}]")

    return check


def by_name(item: Check, most: int | None = None) -> Check:
    """Return the check of an object with at most `most` names, each value of which passes item."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping) or (most is not None and len(value) > most):
            raise refusal(path, "an object" if most is None else f"an object of at most {most:,}", value)
        for name, one in value.items():
            item(one, f"{path}.{name:.80}")

    return check


def or_null(check: Check) -> Check:
    """Return the check that also takes null."""
    return lambda value, path: None if value is None else check(value, path)


def estimate(value: Any, path: str) -> None:
    """Refuse what is not a value with the ends of its interval, each a number or null."""
    object_with(dict.fromkeys(("value", "low", "high"), number))(value, path)


def object_with(known: Mapping[str, Check], needs: Sequence[str] = (), alike: Sequence[str] = ()) -> Check:
    """Return the check of an object whose fields pass the checks in known; others are not looked at.

    A field of needs has to be there and not null. The values of those fields of alike that are there have to
    be of one length.
    """

    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise refusal(path, "an object", value)
        for name in needs:
            if value.get(name) is None:
                raise UsageError(f"{path} lacks the field {name!r}", _AGAIN)
        for name, field in known.items():
            if value.get(name) is not None:
                field(value[name], f"{path}.{name}")
        lengths = {name: len(value[name]) for name in alike if value.get(name) is not None}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{length:,} in {name}" for name, length in lengths.items())
            raise refusal(path, "as long in every list as in its text or in the first list", told)

    return check
