"""The listed features are computed from a text by rules: inside quotes, bracket depth, column and others.

The value of a signal at position t describes the text up to and with character t, because that is what the
cell state at t can know: an opening quotation mark is already inside the quotes, the closing one no longer.
Quotes and counts of lines start anew at a blank line; otherwise one unclosed quotation mark would invert
"inside quotes" for the rest of a book.
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
from charlstm.inspection.features.feature import ANY_CHARACTER, CAP, Feature, Signal
from charlstm.inspection.features.text_signals import BRACKETS, Flags

# A text with at least this many comments per character is treated as a program.
_LEAST_COMMENTS_PER_CHARACTER = 1 / 5_000

# For each of at most this many marks, the commonest ones, a letter of similar frequency gives pseudo
# features.
_PSEUDO_MARKS = 8

# The openers and the closers of the feature nesting_depth; < and > are left out, being also comparisons.
_NESTING_OPENERS, _NESTING_CLOSERS = "([{", ")]}"

_IRREGULAR_PLURALS = {"parenthesis": "parentheses"}

# These names replace the longer names of Unicode.
_SHORT_NAMES = {
    "\n": "newline",
    "\r": "carriage_return",
    "\t": "tab",
    '"': "double_quote",
    "'": "single_quote",
    ".": "period",
}


@dataclass(frozen=True)
class Traits:
    """Traits of a text decide which features it has.

    marks are the vocabulary's punctuation, symbols and spaces that occur in the text; letters are about as
    frequent as the commonest marks; code is the first character of a comment, None for a text that is not a
    program.
    """

    marks: tuple[str, ...]
    letters: tuple[str, ...]
    code: Literal["#", "/"] | None

    @classmethod
    def of(cls, text: str, symbols: Iterable[str]) -> "Traits":
        """Return the traits of text; symbols are the entries of the vocabulary."""
        marks = [symbol for symbol in dict.fromkeys(symbols) if is_punctuation(symbol) and symbol in text]
        return cls(tuple(marks), tuple(_letters_like(text, marks)), _comment_style(text))


def features(text: str, traits: Traits, *, starts: Sequence[int] | NDArray[np.int64]) -> Iterator[Signal]:
    """Yield the signals along `text` of all features that `traits` asks for.

    Names and order depend on `traits` alone, so that the signals of several texts can be matched.
    starts, ascending from 0, are the positions where the model's state is zero. Parities are counted from
    there, since the model cannot know how many events came before. All other features depend on `text` alone.
    """
    yield from _quotes(text)
    yield from _brackets(text)
    yield from _within_lines(text)
    yield from _lines(text)
    if traits.code:
        yield from _code(text, traits.code)
    for mark in traits.marks:
        yield from _marks(text, mark, starts)
    for letter in traits.letters:
        for feature, values in _marks(text, letter, starts):
            yield Signal(replace(feature, name=f"pseudo_{feature.name}", pseudo=True), values)


def is_punctuation(symbol: str) -> bool:
    """Return whether symbol is one character of punctuation, a symbol, a space, a line end or a tab.

    The classes are Unicode's general categories P, S and Z.
    """
    return len(symbol) == 1 and (symbol in "\n\r\t" or unicodedata.category(symbol)[0] in "PSZ")


def symbol_name(symbol: str) -> str:
    """Return the name that the character `symbol` has within a feature's name.

    ',' becomes comma, '“' becomes left_double_quotation_mark.
    """
    name = _SHORT_NAMES.get(symbol, unicodedata.name(symbol, f"character_{ord(symbol):04x}"))
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _switch(name: str, values: Flags | NDArray[np.int64], setters: list[str], resetters: list[str]) -> Signal:
    """Return the signal of a switch whose values (characters,) are 0 or 1."""
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
    """Return the signal of a counter with values (characters,) int64 >= 0, limited to CAP."""
    drivers = {"step": steps, "reset": resetters}
    return Signal(Feature(name, "counter", drivers, lag, frozenset(ends)), _capped(values))


def _capped(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return values (characters,), at least 0, with everything above CAP replaced by CAP."""
    return np.minimum(values, CAP).astype(np.uint8)


def gated_counter(switch: Signal) -> Signal:
    """Return the counter of characters since the switch went on; 0 at that character and while it is off."""
    feature, on = switch.feature, switch.values > 0
    rises = on & ~np.concatenate(([False], on[:-1]))
    counts = np.where(on, text_signals.distance_since(rises), 0)
    resetters = list(dict.fromkeys([*feature.drivers["set"], *feature.drivers["reset"]]))
    return _counter(f"characters_{feature.name}", counts, ANY_CHARACTER, resetters, lag=feature.lag)


def _switch_and_counter(switch: Signal) -> Iterator[Signal]:
    """Yield the signal of a switch, then of the counter that runs while it is on."""
    yield switch
    yield gated_counter(switch)


def _quotes(text: str) -> Iterator[Signal]:
    """Yield whether each position is inside quotes, for each kind of marks; a blank line ends all
    quotes.
    """
    blanks = text_signals.blank_line_ends(text)
    double = text_signals.double_quotes(text, blanks)
    yield from _switch_and_counter(_switch("inside_double_quotes", double, ['"'], ['"']))
    single = text_signals.single_quotes(text)
    yield from _switch_and_counter(_switch("inside_single_quotes", single, ["'"], ["'"]))
    for name, opener, closer in (("curly_quotes", "“", "”"), ("guillemets", "«", "»")):
        inside = text_signals.latch(
            text_signals.where(text, opener), text_signals.where(text, closer) | blanks
        )
        yield _switch(f"inside_{name}", inside, [opener], [closer])


def _brackets(text: str) -> Iterator[Signal]:
    """Yield the depth of (), [] and {} together, then whether each pair of brackets is open and its depth."""
    spans = text_signals.bracket_spans(text)
    nesting = text_signals.fill([span for opener in _NESTING_OPENERS for span in spans[opener]], len(text))
    drivers = {"step": [*_NESTING_OPENERS], "unstep": [*_NESTING_CLOSERS]}
    yield Signal(Feature("nesting_depth", "depth", drivers), _capped(nesting))
    for name, opener, closer, _, _ in BRACKETS:
        depth = text_signals.fill(spans[opener], len(text))
        inside = f"inside_{_IRREGULAR_PLURALS.get(name, name + 's')}"
        yield from _switch_and_counter(_switch(inside, depth > 0, [opener], [closer]))
        drivers = {"step": [opener], "unstep": [closer]}
        yield Signal(Feature(f"{name}_depth", "depth", drivers), _capped(depth))


def _within_lines(text: str) -> Iterator[Signal]:
    """Yield whether each position is behind a quotation mark or an opening bracket of its own line, up to the
    next mark or the closing bracket, whatever is nested: what a cell can know that is reset by a line's end.
    """
    feeds = text_signals.where(text, "\n")
    for quote in "\"'":
        odd = text_signals.count_since(text_signals.where(text, quote), feeds) & 1
        yield _switch(_within_line_name(quote, quote), odd, [quote], ["\n", quote])
    for _, opener, closer, _, _ in BRACKETS:
        closers = text_signals.where(text, closer) | feeds
        inside = text_signals.latch(text_signals.where(text, opener), closers)
        yield _switch(_within_line_name(opener, closer), inside, [opener], ["\n", closer])


def _within_line_name(opener: str, closer: str) -> str:
    """Return the name that an automaton with these drivers has when a cell proposes it."""
    return f"after_{symbol_name(opener)}_until_newline_or_{symbol_name(closer)}"


def _lines(text: str) -> Iterator[Signal]:
    """Yield the counters of lines and words.

    column counts characters from the line feed, 0 at it. indentation counts the spaces and tabs at the
    beginning of a line and keeps their number up to the line's end; indentation_so_far returns to 0 at the
    first other character, from which text_column counts. word_length counts letters, digits and underscores.
    """
    feeds, blanks = text_signals.where(text, "\n"), text_signals.where(text, " \t")
    yield _counter("column", text_signals.distance_since(feeds), ANY_CHARACTER, ["\n"])
    beginning = text_signals.count_since(~(blanks | feeds), feeds) == 0
    indentation = text_signals.count_since(blanks & beginning, feeds)
    yield _counter("indentation", indentation, [" ", "\t"], ["\n"])
    so_far = np.where(beginning, indentation, 0)
    ends = set(text) - {" ", "\t"}
    yield _counter("indentation_so_far", so_far, [" ", "\t"], ["\n"], ends=ends)
    text_column = np.where(beginning, 0, text_signals.distance_since(beginning))
    yield _counter("text_column", text_column, ANY_CHARACTER, ["\n"])
    white = text_signals.where(text, " \t\r\n")
    yield _counter("characters_since_space", text_signals.distance_since(white), ANY_CHARACTER, [" ", "\n"])
    in_word = np.fromiter((c.isalnum() or c == "_" for c in text), dtype=np.bool_, count=len(text))
    yield _counter("word_length", text_signals.distance_since(~in_word), ANY_CHARACTER, [" ", "\n"])
    yield _counter(
        "lines_since_blank_line",
        text_signals.count_since(feeds, text_signals.blank_line_ends(text)),
        ["\n"],
        ["\n\n"],
    )


def _comment_style(text: str) -> Literal["#", "/"] | None:
    """Return the first character of the commoner kind of comment, None where text has few comments.

    "#" counts where it begins a line and a space or "!" follows; "/" counts for // and /* anywhere.
    """
    hashes = len(re.findall(r"^\s*#[ !]", text, re.MULTILINE))
    slashes = len(re.findall(r"//|/\*", text))
    if max(hashes, slashes) < _LEAST_COMMENTS_PER_CHARACTER * len(text):
        return None
    return "#" if hashes >= slashes else "/"


def _code(text: str, style: Literal["#", "/"]) -> Iterator[Signal]:
    """Yield whether a program text is inside a string, a triple-quoted string, and a comment."""
    hash_comments = style == "#"
    code_spans = text_signals.hash_code_spans if hash_comments else text_signals.slash_code_spans
    openers, closers = (["#"], ["\n"]) if hash_comments else (["//", "/*"], ["\n", "*/"])
    inside = {
        name: text_signals.fill(spans, len(text)) > 0 for name, spans in code_spans(text)._asdict().items()
    }
    yield _switch("inside_string_literal", inside["literals"], ['"', "'"], ['"', "'"])
    yield _switch("inside_triple_quotes", inside["triples"], ['"""', "'''"], ['"""', "'''"])
    yield from _switch_and_counter(_switch("inside_comment", inside["comments"], openers, closers))


def _letters_like(text: str, marks: Sequence[str]) -> list[str]:
    """Return for each of the commonest marks the letter of the nearest frequency in text, no letter twice."""
    counts = Counter(text)
    letters = [symbol for symbol in counts if symbol.isalpha() and symbol.isascii()]
    chosen: list[str] = []
    for mark in sorted(marks, key=lambda mark: -counts[mark])[:_PSEUDO_MARKS]:
        free = [letter for letter in letters if letter not in chosen]
        if free:
            chosen.append(min(free, key=lambda letter: abs(counts[letter] - counts[mark])))
    return chosen


def _marks(text: str, symbol: str, starts: Sequence[int] | NDArray[np.int64]) -> Iterator[Signal]:
    """Yield two features of one character, `symbol`, which may be any character.

    The first is the parity of its occurrences since the last position in `starts`, the second is the number
    of characters since its last occurrence.
    """
    events = text_signals.where(text, symbol)
    odd = np.cumsum(events) & 1
    stretch = np.searchsorted(starts, np.arange(len(text)), side="right") - 1
    odd_before_start = np.concatenate(([0], odd))[np.asarray(starts)][stretch]
    yield _switch(f"parity_of_{symbol_name(symbol)}", odd ^ odd_before_start, [symbol], [symbol])
    yield _counter(
        f"distance_since_{symbol_name(symbol)}", text_signals.distance_since(events), ANY_CHARACTER, [symbol]
    )
