"""Rules for settings: a setting that is out of its range is told with what to do, together with all others.

A `Rule` says whether it holds, what is wrong where it does not, and what to do about that. A problem names a
setting in backticks, so that a terminal can show the option in its place.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from charlstm.errors import UsageError

# The least and the largest number of minutes or epochs: less than a step of any run, and centuries.
_LEAST_LENGTH, _LARGEST_LENGTH = 1e-9, 1e9
# A larger number is not written out: Python refuses to write one of thousands of digits.
_LARGEST_SHOWN = 10**60


class Rule(NamedTuple):
    """Whether a rule holds for a setting, what is wrong where it does not, and what to do about that."""

    holds: bool
    problem: str
    advice: str = "give a value in that range"


def check(*rules: Rule) -> None:
    """Raise one UsageError that lists the problem of every rule that does not hold, and each advice once."""
    broken = [rule for rule in rules if not rule.holds]
    if broken:
        raise _joined([UsageError(rule.problem, rule.advice) for rule in broken])


def _joined(problems: Sequence[UsageError]) -> UsageError:
    """Return one problem that names all of problems, and each advice once."""
    advice = dict.fromkeys(each.advice for each in problems)
    return UsageError("; ".join(each.problem for each in problems), "; ".join(advice))


def must_be(name: str, wanted: str, value: object, holds: bool) -> Rule:
    """Return the rule that a value is what is wanted; holds says whether it is."""
    return Rule(holds, f"{name} must be {wanted}, not {_shown(value)}")


def _shown(value: object) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a number of more than 60 digits"
    return f"{value!r:.60}"


def one_of(name: str, value: str, choices: tuple[str, ...]) -> Rule:
    """Return the rule that a value is one of some choices."""
    rule = must_be(name, f"one of {', '.join(choices)}", value, value in choices)
    return rule._replace(advice="choose one of these")


def at_least(name: str, value: float, least: float) -> Rule:
    """Return the rule that a value is finite and at least the least one."""
    return must_be(name, f"at least {least}", value, _is_finite(value) and value >= least)


def _is_finite(value: object) -> bool:
    """Return whether a value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def whole(name: str, value: object, least: int, most: int = 2**63 - 1) -> Rule:
    """Return the rule that a value is a whole number from least to most.

    The default of most is what 64 bits hold, so that no number of a file or an option can overflow.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return must_be(name, "a whole number", value, False)._replace(advice="give a whole number")
    within = f"at least {least}" if value < least else f"at most {most:,}"
    return must_be(name, within, value, least <= value <= most)


def length_of_training(name: str, value: float) -> Rule:
    """Return the rule that a value is a number of minutes or epochs that a training can have."""
    wanted = f"from {_LEAST_LENGTH:g} to {_LARGEST_LENGTH:g}"
    return must_be(name, wanted, value, _is_finite(value) and _LEAST_LENGTH <= value <= _LARGEST_LENGTH)


def one_length(lengths: Mapping[str, object]) -> Rule:
    """Return the rule that exactly one of lengths, by the names of their settings, is given."""
    names = [f"`{name}`" for name, value in lengths.items() if value is not None]
    problem = (
        f"{' and '.join(names)} are given together" if names else "the length of the training is not given"
    )
    return Rule(len(names) == 1, problem, "give one of `minutes`, `steps` and `epochs`")


def check_all(*checks: Callable[[], object]) -> None:
    """Call every check, and raise one UsageError that lists the problems of all that raise one."""
    problems: list[UsageError] = []
    for check in checks:
        try:
            check()
        except UsageError as problem:
            problems.append(problem)
    if problems:
        raise _joined(problems)
