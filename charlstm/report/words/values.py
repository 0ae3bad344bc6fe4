"""The values of findings.json as text for a reader, and as numbers that a script can take."""

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from charlstm.report.words.symbols import visible

# What stands where a value is missing or is not a finite number.
MISSING = "–"
# The most lines that tell the values of one object, which has below 200 in what an inspection writes, and the
# characters of a name in them: names of features are the longest.
_MOST_FACTS, _LONGEST_NAME_CHARACTERS = 2_000, 300

# The features that end with a line at the latest, in words.
_WITHIN_LINES = {
    f"after_{opener}_until_newline_or_{closer}": f"inside {marks} of one line"
    for opener, closer, marks in (
        ("double_quote", "double_quote", "double quotes"),
        ("single_quote", "single_quote", "single quotes"),
        ("left_parenthesis", "right_parenthesis", "parentheses"),
        ("left_square_bracket", "right_square_bracket", "brackets"),
        ("left_curly_bracket", "right_curly_bracket", "braces"),
        ("less_than_sign", "greater_than_sign", "angle brackets"),
    )
}

# Lines of (label, value).
Facts = list[tuple[str, str]]


def facts(mapping: Mapping[str, Any]) -> Facts:
    """Return a line (label, value) for every value of nested mappings that is not None.

    The labels of a nested mapping begin with its own: {"a": {"b": 1}} becomes [("a: b", "1")]. There are at
    most _MOST_FACTS lines, and one more that counts the values that have none; a long name is cut.
    """
    lines: Facts = []
    left_out = 0
    for label, value in _labelled(mapping, ""):
        if len(lines) < _MOST_FACTS:
            lines.append((label, text(value)))
        else:
            left_out += 1
    return [*lines, ("more values in findings.json", text(left_out))] if left_out else lines


def _labelled(mapping: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """Yield (label, value) of every value of nested mappings that is not None; before begins the labels."""
    for name, value in mapping.items():
        short = name if len(name) <= _LONGEST_NAME_CHARACTERS else f"{name[:_LONGEST_NAME_CHARACTERS]}…"
        label = before + words(short)
        if isinstance(value, Mapping):
            yield from _labelled(value, f"{label}: ")
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value, 1):
                yield from _labelled(one, f"{label} {number}: ")
        elif value is not None:
            yield label, value


def text(value: Any) -> str:
    """Return any value of findings.json as text for a reader.

    A whole number keeps all digits, another number has three; a list becomes its items with commas between.
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(text(item) for item in value) or "none"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        number = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
        return number.replace("-", "−")
    return visible(str(value))


def words(name: object) -> str:
    """Return an identifier as words: inside_double_quotes becomes "inside double quotes".

    Features that are read within lines have shorter words than their names.
    """
    return _WITHIN_LINES.get(str(name)) or visible(str(name)).replace("_", " ")


def plural(count: int, noun: str) -> str:
    """Return count with its noun, whose plural ends in s: "1 cell", "2 cells"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def is_number(value: Any) -> bool:
    """Whether a value of the findings is one number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finite(value: Any) -> float | None:
    """Return value as a float, or None where it is not a finite number."""
    return float(value) if isinstance(value, (int, float)) and abs(value) <= sys.float_info.max else None


def rounded(value: Any) -> float | int | None:
    """Return value rounded to three decimals, whole numbers as int, or None where it is not a finite number.

    JSON has no NaN and no infinity, so the script gets None for them.
    """
    number = finite(value)
    return None if number is None else int(number) if number.is_integer() else round(number, 3)
