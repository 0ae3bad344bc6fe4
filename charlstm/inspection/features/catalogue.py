"""The reference signals that cells are compared with: inside quotes, depth, column, distances, parities.

The value at position t describes the text after character t has been read (an opening quote is already
inside, the closing one no longer), because that is what the cell state at t can know. "Inside quotes"
and every count of lines start afresh at a blank line: counted through a whole book, one odd paragraph
would turn the labels over for the rest of it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.features import text_signals
from charlstm.inspection.features.feature import ANY, CAP, Feature, Signal
from charlstm.inspection.features.text_signals import BRACKETS, Flags

# Comment lines per character from which a text is read as a program.
_CODE = 1 / 5_000

# Marks for which a letter of like frequency gives pseudo features.
_PSEUDO = 8

_NESTING = "([{", ")]}"

_PLURALS = {"parenthesis": "parentheses"}

_NAMES = {
    "\n": "newline",
    "\r": "carriage_return",
    "\t": "tab",
    '"': "double_quote",
    "'": "single_quote",
    ".": "period",
}


@dataclass(frozen=True)
class Traits:
    """What of a text decides which features there are: the marks in it, letters that are as frequent as
    these, and how its comments begin, None where it is no program.
    """

    marks: tuple[str, ...]
    letters: tuple[str, ...]
    code: Literal["#", "/"] | None

    @classmethod
    def of(cls, text: str, symbols: Iterable[str]) -> "Traits":
        """The traits of a text; symbols are the vocabulary's characters."""
        marks = [symbol for symbol in dict.fromkeys(symbols) if is_punctuation(symbol) and symbol in text]
        return cls(tuple(marks), tuple(_letters_like(text, marks)), _comment_style(text))


def features(text: str, traits: Traits, *, starts: Sequence[int] | NDArray[np.int64]) -> Iterator[Signal]:
    """Yield the signal of every feature that a text of such traits has, always in the same order.

    starts are the positions where the model's state was zero: parities are counted from there, since
    nobody can know how many quotes came before. Everything else is about the text itself.
    """
    yield from _quotes(text)
    yield from _brackets(text)
    yield from _lines(text)
    if traits.code:
        yield from _code(text, traits.code)
    for mark in traits.marks:
        yield from _marks(text, mark, starts)
    for letter in traits.letters:
        for feature, values in _marks(text, letter, starts):
            yield Signal(replace(feature, name=f"pseudo_{feature.name}", pseudo=True), values)


def is_punctuation(symbol: str) -> bool:
    """One character that is punctuation, symbol or space; of the controls only line ends and the tab."""
    return len(symbol) == 1 and (symbol in "\n\r\t" or unicodedata.category(symbol)[0] in "PSZ")


def symbol_name(symbol: str) -> str:
    """A character as part of a feature's name: ',' is comma, '“' is left_double_quotation_mark."""
    name = _NAMES.get(symbol, unicodedata.name(symbol, f"character_{ord(symbol):04x}"))
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _switch(name: str, values: Flags | NDArray[np.int64], setters: list[str], resetters: list[str]) -> Signal:
    return Signal(Feature(name, "switch", {"set": setters, "reset": resetters}), values.astype(np.uint8))


def _counter(
    name: str,
    values: NDArray[np.int64],
    steps: list[str],
    resetters: list[str],
    *,
    lag: int = 0,
    ends: Iterable[str] = (),
) -> Signal:
    drivers = {"step": steps, "reset": resetters}
    return Signal(Feature(name, "counter", drivers, lag, frozenset(ends)), _capped(values))


def _capped(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.minimum(values, CAP).astype(np.uint8)


def gated_counter(switch: Signal) -> Signal:
    """Characters since a switch went on, 0 at that one and while it is off."""
    feature, on = switch.feature, switch.values > 0
    risen = on & ~np.concatenate(([False], on[:-1]))
    counts = np.where(on, text_signals.distance_since(risen), 0)
    movers = list(dict.fromkeys([*feature.drivers["set"], *feature.drivers["reset"]]))
    return _counter(f"characters_{feature.name}", counts, ANY, movers, lag=feature.lag)


def _and_counted(switch: Signal) -> Iterator[Signal]:
    yield switch
    yield gated_counter(switch)


def _quotes(text: str) -> Iterator[Signal]:
    """Quotation marks, each kind starting afresh at a blank line."""
    blanks = text_signals.blank_line_ends(text)
    double = text_signals.double_quotes(text, blanks)
    yield from _and_counted(_switch("inside_double_quotes", double, ['"'], ['"']))
    yield from _and_counted(_switch("inside_single_quotes", text_signals.single_quotes(text), ["'"], ["'"]))
    for name, opener, closer in (("curly_quotes", "“", "”"), ("guillemets", "«", "»")):
        inside = text_signals.latch(
            text_signals.where(text, opener), text_signals.where(text, closer) | blanks
        )
        yield _switch(f"inside_{name}", inside, [opener], [closer])


def _brackets(text: str) -> Iterator[Signal]:
    """For each pair whether one is open, and how many are; and how many of (), [] and {} together."""
    spans = text_signals.bracket_spans(text)
    nesting = text_signals.fill([span for opener in _NESTING[0] for span in spans[opener]], len(text))
    drivers = {"step": [*_NESTING[0]], "unstep": [*_NESTING[1]]}
    yield Signal(Feature("nesting_depth", "depth", drivers), _capped(nesting))
    for name, opener, closer, _, _ in BRACKETS:
        depth = text_signals.fill(spans[opener], len(text))
        inside = f"inside_{_PLURALS.get(name, name + 's')}"
        yield from _and_counted(_switch(inside, depth > 0, [opener], [closer]))
        drivers = {"step": [opener], "unstep": [closer]}
        yield Signal(Feature(f"{name}_depth", "depth", drivers), _capped(depth))


def _lines(text: str) -> Iterator[Signal]:
    """Lines, words and what they begin with.

    column counts from the line feed, 0 at it. indentation counts the spaces and tabs that begin the
    line and keeps their number to its end; indentation_so_far goes back to 0 where it ends, and text_column
    counts from there. word_length counts letters, digits and underscores.
    """
    feeds, spaces = text_signals.where(text, "\n"), text_signals.where(text, " \t")
    yield _counter("column", text_signals.distance_since(feeds), ANY, ["\n"])
    beginning = text_signals.count_since(~(spaces | feeds), feeds) == 0
    indentation = text_signals.count_since(spaces & beginning, feeds)
    yield _counter("indentation", indentation, [" ", "\t"], ["\n"])
    so_far = np.where(beginning, indentation, 0)
    ends = set(text) - {" ", "\t"}
    yield _counter("indentation_so_far", so_far, [" ", "\t"], ["\n"], ends=ends)
    yield _counter("text_column", np.where(beginning, 0, text_signals.distance_since(beginning)), ANY, ["\n"])
    white = text_signals.where(text, " \t\r\n")
    yield _counter("characters_since_space", text_signals.distance_since(white), ANY, [" ", "\n"])
    letters = np.fromiter((c.isalnum() or c == "_" for c in text), dtype=np.bool_, count=len(text))
    yield _counter("word_length", text_signals.distance_since(~letters), ANY, [" ", "\n"])
    yield _counter(
        "lines_since_blank_line",
        text_signals.count_since(feeds, text_signals.blank_line_ends(text)),
        ["\n"],
        ["\n\n"],
    )


def _comment_style(text: str) -> Literal["#", "/"] | None:
    """How comments begin, if the text has enough lines with either; the commoner way counts."""
    hashes = len(re.findall(r"^\s*#[ !]", text, re.MULTILINE))
    slashes = len(re.findall(r"//|/\*", text))
    if max(hashes, slashes) < _CODE * len(text):
        return None
    return "#" if hashes >= slashes else "/"


def _code(text: str, style: Literal["#", "/"]) -> Iterator[Signal]:
    """Strings and comments of a program."""
    hashed = style == "#"
    spans = text_signals.hash_code_spans(text) if hashed else text_signals.slash_code_spans(text)
    openers, closers = (["#"], ["\n"]) if hashed else (["//", "/*"], ["\n", "*/"])
    inside = {name: text_signals.fill(found, len(text)) > 0 for name, found in spans._asdict().items()}
    yield _switch("inside_string_literal", inside["literals"], ['"', "'"], ['"', "'"])
    yield _switch("inside_triple_quotes", inside["triples"], ['"""', "'''"], ['"""', "'''"])
    yield from _and_counted(_switch("inside_comment", inside["comments"], openers, closers))


def _letters_like(text: str, marks: Sequence[str]) -> list[str]:
    """For the commonest marks the letter of most equal frequency, each letter once."""
    counts = Counter(text)
    letters = [symbol for symbol in counts if symbol.isalpha() and symbol.isascii()]
    chosen: list[str] = []
    for mark in sorted(marks, key=lambda mark: -counts[mark])[:_PSEUDO]:
        free = [letter for letter in letters if letter not in chosen]
        if free:
            chosen.append(min(free, key=lambda letter: abs(counts[letter] - counts[mark])))
    return chosen


def _marks(text: str, symbol: str, starts: Sequence[int] | NDArray[np.int64]) -> Iterator[Signal]:
    """The parity of a character's count since the last start, and the characters since the last one."""
    events = text_signals.where(text, symbol)
    odd = np.cumsum(events) & 1
    begun = np.searchsorted(starts, np.arange(len(text)), side="right") - 1
    before = np.concatenate(([0], odd))[np.asarray(starts)][begun]
    yield _switch(f"parity_of_{symbol_name(symbol)}", odd ^ before, [symbol], [symbol])
    yield _counter(
        f"distance_since_{symbol_name(symbol)}", text_signals.distance_since(events), ANY, [symbol]
    )
