"""The values of findings.json as text for a reader, and as numbers that a script can take."""

import math
from collections.abc import Mapping
from typing import Any

from charlstm.report.words.symbols import visible

# What stands where a value is missing or is not a finite number.
MISSING = "–"

# Lines of (label, value).
Facts = list[tuple[str, str]]


def facts(mapping: Mapping[str, Any]) -> Facts:
    """Return a line (label, value) for every value of nested mappings that is not None.

    The labels of a nested mapping begin with its own: {"a": {"b": 1}} becomes [("a: b", "1")].
    """
    lines: Facts = []
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            lines += [(f"{words(name)}: {label}", nested) for label, nested in facts(value)]
        elif value is not None:
            lines.append((words(name), text(value)))
    return lines


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
    """Return an identifier as words: inside_double_quotes becomes "inside double quotes"."""
    return visible(str(name)).replace("_", " ")


def plural(count: int, noun: str) -> str:
    """Return count with its noun, whose plural ends in s: "1 cell", "2 cells"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def is_number(value: Any) -> bool:
    """Whether a value of the findings is one number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finite(value: Any) -> float | None:
    """Return value as a float, or None where it is not a finite number."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def rounded(value: Any) -> float | int | None:
    """Return value rounded to three decimals, whole numbers as int, or None where it is not a finite number.

    JSON has no NaN and no infinity, so the script gets None for them.
    """
    number = finite(value)
    return None if number is None else int(number) if number.is_integer() else round(number, 3)
