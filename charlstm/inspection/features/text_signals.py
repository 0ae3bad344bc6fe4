"""Text -> arrays: the parts that features are made of, each one pass over the text.

Every array has one value per character, and the value at position t describes the text after its
character t has been read: an opening quote is already inside, the closing one no longer.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# So many quotation marks at its beginning tell whether a text begins inside them.
_TELLING = 20

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

# A stretch of the text, from start up to but not including stop.
Span = tuple[int, int]


class Bracket(NamedTuple):
    """An opener and its closer. An opener left open for life characters is forgotten.

    A weak pair is matched only where nothing else is open inside it: < and > are also comparisons.
    """

    name: str
    opener: str
    closer: str
    life: int
    weak: bool = False


# An unbalanced bracket in prose, a smiley say, must not colour the rest of the text; blocks of C are long.
BRACKETS = (
    Bracket("parenthesis", "(", ")", 1_000),
    Bracket("bracket", "[", "]", 1_000),
    Bracket("brace", "{", "}", 10_000),
    Bracket("angle_bracket", "<", ">", 200, weak=True),
)

# Both dialects: strings of one line with backslash escapes; an unclosed one ends with its line.
_LITERAL = r"""(?P<literal>"(?:\\.?|[^"\\\n])*(?:["\n]|\Z)|'(?:\\.?|[^'\\\n])*(?:['\n]|\Z))"""
_TRIPLE = r'(?P<triple>"""(?:\\.?|[^\\])*?(?:"""|\Z)|' + r"'''(?:\\.?|[^\\])*?(?:'''|\Z))"
_HASH_CODE = re.compile(rf"{_TRIPLE}|{_LITERAL}|(?P<comment>#[^\n]*)", re.DOTALL)
_SLASH_CODE = re.compile(rf"{_LITERAL}|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))", re.DOTALL)


class CodeSpans(NamedTuple):
    """Where a program's string literals, triple-quoted strings and comments are."""

    literals: list[Span]
    triples: list[Span]
    comments: list[Span]


def where(text: str, characters: str) -> Flags:
    """Which positions hold one of these characters."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(characters) == 1:  # as nearly always, a hundred times for each text
        return np.asarray(points == ord(characters))
    return np.isin(points, [ord(character) for character in characters])


def last_position(events: Flags) -> Counts:
    """The position of the last event up to and with each character, -1 before the first."""
    return np.maximum.accumulate(np.where(events, np.arange(len(events)), -1))


def distance_since(events: Flags) -> Counts:
    """Characters since the last event, 0 at the event; the text's start counts as one before it."""
    return np.arange(len(events)) - last_position(events)


def count_since(events: Flags, resets: Flags) -> Counts:
    """Events since the last reset; 0 at the reset, whose own event does not count."""
    total = np.concatenate(([0], np.cumsum(events)))
    return total[1:] - total[last_position(resets) + 1]


def blank_line_ends(text: str) -> Flags:
    """The line feeds that end a line of nothing but white space, whether lines end in LF or CRLF."""
    feeds = where(text, "\n")
    blank = np.fromiter(map(str.isspace, text), dtype=np.bool_, count=len(text))
    before = np.concatenate(([-1], last_position(feeds)[:-1])) if len(text) else feeds.astype(np.int64)
    return np.asarray(feeds & (last_position(~blank) <= before))


def parity(events: Flags, resets: Flags) -> Counts:
    """1 after an odd number of events since the last reset, else 0."""
    return count_since(events, resets) & 1


def double_quotes(text: str, blanks: Flags) -> Flags:
    """Inside "...", starting afresh at a blank line (blanks are their ends).

    A text may begin inside: its first quotes up to a blank line tell, by the white space beside them.
    """
    marks = where(text, '"')
    inside = parity(marks, blanks).astype(np.bool_)
    first = int(np.argmax(blanks)) if blanks.any() else len(text)
    if _begins_inside(text, np.flatnonzero(marks[:first])[:_TELLING].tolist()):
        inside[:first] ^= True
    return inside


def _begins_inside(text: str, quotes: Sequence[int]) -> bool:
    """Whether quotes that take turns at these positions begin with a closer: white space follows closers."""
    told = 0
    for number, place in enumerate(quotes):
        before, after = text[place - 1 : place].isspace(), text[place + 1 : place + 2].isspace()
        told += (int(before) - int(after)) * (-1) ** number
    return told < 0


def latch(setters: Flags, resetters: Flags) -> Flags:
    """True from a setter up to the next resetter; False at the resetter."""
    return np.asarray(last_position(setters) > last_position(resetters))


def fill(spans: Iterable[Span], length: int) -> Counts:
    """How many of the spans lie over each of length positions."""
    steps = np.zeros(length + 1, dtype=np.int64)
    pairs = np.array(list(spans), dtype=np.int64).reshape(-1, 2)
    np.add.at(steps, pairs[:, 0], 1)
    np.add.at(steps, pairs[:, 1].clip(max=length), -1)
    return np.cumsum(steps)[:-1]


def single_quotes(text: str) -> Flags:
    """Inside '...', from the opener up to the closer or a blank line.

    An apostrophe between two letters or digits (don't) is none. One after a letter or digit never
    opens (the dogs' tails), unless that is a lone string prefix (b'...').
    """
    spans: list[Span] = []
    blanks = np.flatnonzero(blank_line_ends(text)).tolist()
    opened, ends = -1, len(text)
    for position in np.flatnonzero(where(text, "'")).tolist():
        after_word, before_word = _is_word(text, position - 1), _is_word(text, position + 1)
        if opened >= 0 and ends <= position:
            spans.append((opened, ends))
            opened = -1
        if opened < 0 and (not after_word or _is_prefix(text, position - 1)):
            opened, ends = position, _first_after(blanks, position, len(text))
        elif opened >= 0 and not (after_word and before_word):
            spans.append((opened, position))
            opened = -1
    return fill([*spans, (opened, ends)] if opened >= 0 else spans, len(text)) > 0


def _is_word(text: str, position: int) -> bool:
    return 0 <= position < len(text) and text[position].isalnum()


def _is_prefix(text: str, position: int) -> bool:
    """A letter that makes a Python literal a special one, standing alone."""
    return text[position] in "bBrRuUfF" and not (
        _is_word(text, position - 1) or text[position - 1 : position] == "_"
    )


def _first_after(positions: list[int], position: int, otherwise: int) -> int:
    place = bisect_right(positions, position)
    return positions[place] if place < len(positions) else otherwise


def bracket_spans(text: str) -> dict[str, list[Span]]:
    """For each opener in BRACKETS the spans it is open, from itself to its closer.

    A closer closes the innermost live opener of its kind and discards what was left open inside it;
    a closer without one is nothing. So depth is never below 0 and an unbalanced bracket heals.
    """
    spans: dict[str, list[Span]] = {bracket.opener: [] for bracket in BRACKETS}
    by_closer = {bracket.closer: bracket for bracket in BRACKETS}
    by_opener = {bracket.opener: bracket for bracket in BRACKETS}
    opened: list[tuple[int, Bracket]] = []
    for position in np.flatnonzero(where(text, "".join([*by_opener, *by_closer]))).tolist():
        if text[position] in by_opener:
            opened.append((position, by_opener[text[position]]))
            continue
        level = _matching(opened, by_closer[text[position]], position)
        for start, bracket in opened[level:]:
            spans[bracket.opener].append((start, min(position, start + bracket.life)))
        del opened[level:]
    for start, bracket in opened:
        spans[bracket.opener].append((start, min(len(text), start + bracket.life)))
    return spans


def _matching(opened: list[tuple[int, Bracket]], closing: Bracket, position: int) -> int:
    """The index in opened that closing at position closes, len(opened) for none."""
    for level in range(len(opened) - 1, -1, -1):
        start, bracket = opened[level]
        if position - start >= bracket.life:
            continue
        if bracket == closing:
            return level
        if closing.weak:
            break
    return len(opened)


def hash_code_spans(text: str) -> CodeSpans:
    """Strings and comments of a language whose comments begin with #.

    A text that begins inside a triple-quoted string would be read inside out. So it is also read from
    behind its first triple quote on, and that reading wins if it leaves less than half as much inside.
    """
    first = re.search(r'"""|' + r"'''", text)
    outside = _hash_code_spans(text, 0)
    inside = _hash_code_spans(text, first.end()) if first else outside
    return inside if 2 * _covered(inside.triples) < _covered(outside.triples) else outside


def _covered(spans: list[Span]) -> int:
    return sum(stop - start for start, stop in spans)


def _hash_code_spans(text: str, begin: int) -> CodeSpans:
    spans = CodeSpans([], [(0, begin - 1)] if begin else [], [])
    for token in _HASH_CODE.finditer(text, begin):
        start, stop = token.span()
        if token.lastgroup == "comment":
            spans.comments.append((start, stop))
            continue
        spans.literals.append((start, _closing(token)))
        if token.lastgroup == "triple":
            spans.triples.append((min(start + 2, stop), _closing(token)))
    return spans


def slash_code_spans(text: str) -> CodeSpans:
    """Strings and comments of a language with // and /* */ comments."""
    spans = CodeSpans([], [], [])
    for token in _SLASH_CODE.finditer(text):
        start, stop = token.span()
        if token.lastgroup == "comment":
            closed = token[0].startswith("/*") and token[0].endswith("*/") and stop - start >= 4
            spans.comments.append((start + 1, stop - 1 if closed else stop))
        else:
            spans.literals.append((start, _closing(token)))
    return spans


def _closing(token: re.Match[str]) -> int:
    """Where a string stops being open: at its closing quote or line feed, else at the end of the text."""
    quote = token[0][:3] if token.lastgroup == "triple" else token[0][0]
    closed = len(token[0]) >= 2 * len(quote) and token[0].endswith((quote, "\n"))
    return token.end() - 1 if closed else token.end()
