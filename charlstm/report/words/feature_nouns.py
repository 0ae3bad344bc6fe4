"""The name of a feature -> a noun that says what the feature is, such as "text inside single quotes".

The listed features have their nouns here. Features that a cell proposed have names that are made of their
driving characters, as after_left_square_bracket_until_newline; they are taken apart again. Every other name
is a user's own.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product, zip_longest

from charlstm.report.words.phrases import Phrase, Sentence, characters_in_words, sentence_text
from charlstm.report.words.values import plural, words

_CLOSERS = {"(": ")", "[": "]", "{": "}", "<": ">"}

_SWITCHES = {
    "inside_double_quotes": "text inside double quotes",
    "inside_single_quotes": "text inside single quotes",
    "inside_curly_quotes": "text inside curly quotes",
    "inside_guillemets": "text inside guillemets",
    "inside_string_literal": "text inside a string literal",
    "inside_triple_quotes": "text inside triple quotes",
    "inside_comment": "text inside a comment",
    "after_double_quote_until_newline_or_double_quote": "text inside double quotes of one line",
    "after_single_quote_until_newline_or_single_quote": "text inside single quotes of one line",
}
_OPENERS_OF_SWITCHES = {
    "inside_parentheses": "(",
    "inside_brackets": "[",
    "inside_braces": "{",
    "inside_angle_brackets": "<",
}
_OPENERS_OF_DEPTHS = {
    "nesting_depth": "([{",
    "parenthesis_depth": "(",
    "bracket_depth": "[",
    "brace_depth": "{",
    "angle_bracket_depth": "<",
}
_COUNTERS = {
    "column": "the column",
    "indentation": "the indentation of the line",
    "indentation_so_far": "the spaces and tabs read so far at the beginning of the line",
    "text_column": "the column, counted from the end of the indentation",
    "characters_since_space": "the characters since the last white space",
    "word_length": "the length of the current word",
    "lines_since_blank_line": "the lines since the last blank line",
}

# The names of symbols in features' names that are not Unicode's.
_SYMBOLS_BY_NAME = {
    "newline": "\n",
    "carriage_return": "\r",
    "tab": "\t",
    "double_quote": '"',
    "single_quote": "'",
    "period": ".",
}
# Names of more parts are not looked up: the spaces and hyphens between them have too many combinations.
_MOST_PARTS_OF_A_NAME = 10


@dataclass(frozen=True)
class FeatureNoun:
    """A feature in words: `noun` names it.

    `verb` says what a cell that the model uses does with it: marks, tracks or counts.
    """

    verb: str
    noun: Sentence


def feature_noun(name: str, *, counted: bool) -> FeatureNoun:
    """Return the noun of a feature, and the verb for a cell that follows it: marks, tracks or counts.

    `counted` says that the cell counts. If it does not count, a depth feature is described as being inside or
    outside.
    """
    late = re.fullmatch(r"(.+)_(\d{1,9})_late", name)
    found = _noun(late[1] if late else name, counted=counted)
    if found is None:
        return FeatureNoun("tracks" if counted else "marks", (Phrase(f"the feature {words(name)}"),))
    if late:
        delay = Phrase(f", {plural(int(late[2]), 'character')} late")
        return FeatureNoun(found.verb, (*found.noun, delay))
    return found


def _noun(name: str, *, counted: bool) -> FeatureNoun | None:
    """Return what is known of a feature's name, or None."""
    switch = _switch_noun(name)
    if switch:
        return FeatureNoun("marks", switch)
    depth = _depth_noun(name, counted=counted)
    if depth:
        return FeatureNoun("tracks" if counted else "marks", depth)
    count = _count_noun(name)
    if count:
        counts = sentence_text(count).startswith(("the characters", "the lines"))
        return FeatureNoun("counts" if counts else "tracks", count)
    return None


def _switch_noun(name: str) -> Sentence | None:
    """Return "text inside ..." or "text after ..." for the name of a switch, or None."""
    if name in _SWITCHES:
        return (Phrase(_SWITCHES[name]),)
    if name in _OPENERS_OF_SWITCHES:
        return (Phrase("text inside "), *_brackets(_OPENERS_OF_SWITCHES[name], last="or"))
    if name.startswith("parity_of_"):
        marks = _symbols(name.removeprefix("parity_of_"))
        counted = characters_in_words(marks or [], last="and")
        return (Phrase("text after an odd number of "), *counted) if marks else None
    setters, _, resetters = name.removeprefix("after_").partition("_until_")
    if not name.startswith("after_") or not resetters:
        return None
    return _text_between(_symbols(setters), _symbols(resetters))


def _text_between(setters: Sequence[str] | None, resetters: Sequence[str] | None) -> Sentence | None:
    """Return the noun of text from setters on up to resetters, each drivers or None; None where one is None.

    Where the setters are opening brackets and the resetters close all of them, the text is inside them, but
    no further than to the first resetter.
    """
    if setters is None or resetters is None:
        return None
    closers = {_CLOSERS.get(setter) for setter in setters}
    if not closers <= set(resetters):
        beginning: Sentence = (Phrase("text after "), *characters_in_words(setters))
    else:
        beginning = (Phrase("text inside "), *_brackets(setters, last="or"))
        if closers == set(resetters):
            return (*beginning, Phrase(", up to the next closing bracket" if len(setters) > 1 else ""))
    return (*beginning, Phrase(", up to the next "), *characters_in_words(resetters))


def _depth_noun(name: str, *, counted: bool) -> Sentence | None:
    """Return the noun of a depth, or of its being above 0 where the cell does not count; or None."""
    if name in _OPENERS_OF_DEPTHS:
        return _bracket_depth(_OPENERS_OF_DEPTHS[name], counted=counted)
    openers, _, closers = name.removeprefix("depth_of_").partition("_to_")
    up, down = _symbols(openers), _symbols(closers)
    if not name.startswith("depth_of_") or up is None or down is None:
        return None
    if {_CLOSERS.get(opener) for opener in up} == set(down):
        return _bracket_depth(up, counted=counted)
    beginning = "the number of " if counted else "text after more of "
    between = " less the number of " if counted else " than of "
    return (Phrase(beginning), *characters_in_words(up), Phrase(between), *characters_in_words(down))


def _bracket_depth(openers: Sequence[str], *, counted: bool) -> Sentence:
    if counted:
        return (Phrase("the depth of brackets "), *_brackets(openers, last="and"))
    return (Phrase("text inside "), *_brackets(openers, last="or"))


def _count_noun(name: str) -> Sentence | None:
    """Return the noun of a counter that counts no depth, or None."""
    if name in _COUNTERS:
        return (Phrase(_COUNTERS[name]),)
    if name.startswith("characters_") and (inside := _switch_noun(name.removeprefix("characters_"))):
        return (Phrase("the position in "), *inside)
    name = re.sub("^distance_since_", "characters_since_", name)
    steppers, _, resetters = name.partition("_since_")
    resets = _symbols(resetters) if resetters else None
    if resets is None:
        return None
    since = (Phrase(" since the last "), *characters_in_words(resets))
    if steppers == "characters":
        return (Phrase("the characters"), *since)
    steps = _symbols(steppers)
    return (Phrase("the number of "), *characters_in_words(steps, last="and"), *since) if steps else None


def _brackets(openers: Sequence[str], *, last: str) -> Sentence:
    """Return pairs of brackets: "( ), [ ] or { }" with last before the last pair."""
    phrases: list[Phrase] = []
    for place, opener in enumerate(openers):
        if place:
            phrases.append(Phrase(f" {last} " if place + 1 == len(openers) else ", "))
        phrases.append(Phrase(f"{opener} {_CLOSERS[opener]}", code=True))
    return tuple(phrases)


def _symbols(names: str) -> list[str] | None:
    """Return the drivers in a part of a feature's name: "space_then_comma_or_tab" is [" ,", TAB].

    None where a name in it is no symbol's.
    """
    drivers: list[str] = []
    for sequence in names.split("_or_"):
        symbols = ""
        for name in sequence.split("_then_"):
            symbol = _symbol(name)
            if symbol is None or len(symbol) != 1:
                return None
            symbols += symbol
        drivers.append(symbols)
    return drivers


@lru_cache(maxsize=10_000)
def _symbol(name: str) -> str | None:
    """Return the character that a feature's name calls name, or None.

    A feature's name has Unicode's names with underscores for spaces and for hyphens: both are tried.
    """
    if name in _SYMBOLS_BY_NAME:
        return _SYMBOLS_BY_NAME[name]
    if re.fullmatch("character_[0-9a-f]{4,5}", name):
        return chr(int(name.removeprefix("character_"), 16))
    parts = name.upper().split("_")
    if len(parts) > _MOST_PARTS_OF_A_NAME:
        return None
    for separators in product(" -", repeat=len(parts) - 1):
        with suppress(KeyError):
            return unicodedata.lookup("".join(chain(*zip_longest(parts, separators, fillvalue=""))))
    return None
