"""Values of findings.json as a reader sees them, and as a script can take them."""

import math
from collections.abc import Mapping
from typing import Any

from charlstm.report.words.symbols import visible

MISSING = "–"

Facts = list[tuple[str, str]]


def facts(mapping: Mapping[str, Any], *, only: set[str] | None = None) -> Facts:
    """Nested findings as (label, value) lines: {"a": {"b": 1}} is ("a: b", "1")."""
    lines: Facts = []
    for name, value in mapping.items():
        if only is not None and name not in only:
            continue
        if isinstance(value, Mapping):
            lines += [(f"{words(name)}: {label}", inner) for label, inner in facts(value)]
        elif value is not None:
            lines.append((words(name), text(value)))
    return lines


def text(value: Any) -> str:
    """Any value of findings.json for a reader; numbers to three digits."""
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
    """An identifier as words: inside_double_quotes -> inside double quotes."""
    return visible(str(name)).replace("_", " ")


def plural(count: int, noun: str) -> str:
    """1 cell, 2 cells."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def is_number(value: Any) -> bool:
    """Whether a value of the findings is one plain number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finite(value: Any) -> float | None:
    """A number that can be drawn, or None."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def rounded(value: Any) -> float | int | None:
    """A value for the script: JSON has no NaN."""
    number = finite(value)
    return None if number is None else int(number) if number.is_integer() else round(number, 3)
