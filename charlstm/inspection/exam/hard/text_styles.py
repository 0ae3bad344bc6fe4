"""Texts of the exam that its rules did not grow up with: other characters, other rates, source code."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from charlstm.errors import CorpusError
from charlstm.inspection.exam.exam_texts import PLAIN, Roles, TextStyle

# Few openers are open at once in each of these styles, so that a depth counter has few levels.
_GREEK = TextStyle(
    letters="αβγδεζηθικλμ",
    marks="«»„“‹›†‡§¶•·¿¡=+%&",
    gaps=((" ", 0.6), ("_", 0.2), ("\n", 0.2)),
    begin=0.05,
    end=0.3,
    largest_depth=2,
)
_CAPITALS = TextStyle(
    letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    marks="$%&+-=_`~^\\0123456789",
    gaps=((" ", 0.7), ("\t", 0.1), ("\n", 0.2)),
    begin=0.15,
    end=0.15,
    largest_depth=3,
)
_FEW_LEVELS = replace(PLAIN, largest_depth=2)
STYLES = (_GREEK, _CAPITALS, _FEW_LEVELS)
# In this style a mark tells much about the next one: there is something for a network to learn.
TELLING = replace(PLAIN, begin=0.04, end=0.4, opener=0.08, closer=0.4, largest_depth=3)

# These modules of Python's standard library are read as text; all are longer than an exam text.
_MODULES = ("argparse", "tarfile", "zipfile", "pydoc", "mailbox", "optparse", "imaplib", "configparser")
# A character that occurs fewer times than this in a text is replaced by a letter.
_LEAST_OCCURRENCES = 20
_REPLACEMENT = "x"


def code_roles(text: str) -> Roles:
    """Return the roles of marks in source code; the symbols are those of `text` and of all roles.

    Only quote, line, setter, resetter, opener and closer have the meaning that a role says.
    """
    marks = "\"'\n:[](){}"
    letters = "".join(sorted(set(text) - set(marks)))
    style = replace(PLAIN, letters=letters, gaps=((" ", 1.0),))
    return Roles(
        quote='"',
        other_quote="'",
        line="\n",
        other_line=":",
        setter="[",
        resetter="]",
        opener="(",
        closer=")",
        pair=("{", "}"),
        style=style,
    )


def code_text(random: np.random.Generator, characters: int) -> str:
    """Return `characters` characters of the source of Python's standard library, from a place that is drawn.

    They differ from one version of Python to the next. Raises CorpusError where there is no source.
    """
    first = int(random.integers(len(_MODULES)))
    text = ""
    for number in range(len(_MODULES)):
        text += _source(_MODULES[(first + number) % len(_MODULES)])
        if len(text) > 2 * characters:
            break
    start = int(random.integers(max(1, len(text) - characters)))
    text = text[start : start + characters]
    rare = {character for character in set(text) if text.count(character) < _LEAST_OCCURRENCES}
    return "".join(_REPLACEMENT if character in rare else character for character in text)


def _source(module: str) -> str:
    """Return the source of a module of the standard library. Raises CorpusError where it has none."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise CorpusError(
            f"this Python has no source of its module {module}", "run the exam with another Python"
        )
    return Path(spec.origin).read_text(encoding="utf-8")
