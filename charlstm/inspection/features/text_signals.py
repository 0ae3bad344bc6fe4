"""This module computes elementary arrays along a text, from which features are made.

Every array has one value per character. The value at position t describes the text up to and with character
t: an opening quotation mark is already inside the quotes, the closing one no longer.

`Flags` are (characters,) bool, `Counts` are (characters,) int64.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# The first quotation marks of a text, at most this many, decide whether it begins inside quotes.
_QUOTES_EXAMINED = 20

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

# The positions start..stop-1 of a text.
Span = tuple[int, int]


class Bracket(NamedTuple):
    """A Bracket pairs an opener with its closer, each one character.

    An opener without a closer counts as open for `life` characters. The closer of a weak pair is ignored
    where another bracket is still open inside the pair, because < and > are also comparisons.
    """

    name: str
    opener: str
    closer: str
    life: int
    weak: bool = False


# A life is short enough that an unbalanced bracket, such as a smiley, affects little text, and long enough
# for sentences in parentheses and for blocks of C in braces.
BRACKETS = (
    Bracket("parenthesis", "(", ")", 1_000),
    Bracket("bracket", "[", "]", 1_000),
    Bracket("brace", "{", "}", 10_000),
    Bracket("angle_bracket", "<", ">", 200, weak=True),
)

# A string on one line, with backslash escapes; an unclosed one ends with its line.
_LITERAL = r"""(?P<literal>"(?:\\.?|[^"\\\n])*(?:["\n]|\Z)|'(?:\\.?|[^'\\\n])*(?:['\n]|\Z))"""
_TRIPLE = r'(?P<triple>"""(?:\\.?|[^\\])*?(?:"""|\Z)|' + r"'''(?:\\.?|[^\\])*?(?:'''|\Z))"
_HASH_CODE = re.compile(rf"{_TRIPLE}|{_LITERAL}|(?P<comment>#[^\n]*)", re.DOTALL)
_SLASH_CODE = re.compile(rf"{_LITERAL}|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))", re.DOTALL)


class CodeSpans(NamedTuple):
    """CodeSpans lists where in a program string literals, triple-quoted strings and comments are.

    Triple-quoted strings are among the literals too.
    """

    literals: list[Span]
    triples: list[Span]
    comments: list[Span]


def where(text: str, characters: str) -> Flags:
    """Return which positions of `text` hold one of the characters of the string `characters`."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(characters) == 1:  # the usual call, made about a hundred times for each text
        return np.asarray(points == ord(characters))
    return np.isin(points, [ord(character) for character in characters])


def last_position(events: Flags) -> Counts:
    """Return the position of the last event up to and with each character, -1 before the first event."""
    return np.maximum.accumulate(np.where(events, np.arange(len(events)), -1))


def distance_since(events: Flags) -> Counts:
    """Return the characters since the last event, 0 at an event.

    Before the first event they count as if position -1 were an event: 1 at the first character.
    """
    return np.arange(len(events)) - last_position(events)


def count_since(events: Flags, resets: Flags) -> Counts:
    """Return the number of events since the last reset; an event at a reset's position does not count."""
    total = np.concatenate(([0], np.cumsum(events)))
    return total[1:] - total[last_position(resets) + 1]


def blank_line_ends(text: str) -> Flags:
    """Return which characters are line feeds that end a line of white space alone.

    Lines may end in LF or CRLF.
    """
    feeds = where(text, "\n")
    blank = np.fromiter(map(str.isspace, text), dtype=np.bool_, count=len(text))
    before = np.concatenate(([-1], last_position(feeds)[:-1])) if len(text) else feeds.astype(np.int64)
    return np.asarray(feeds & (last_position(~blank) <= before))


def parity(events: Flags, resets: Flags) -> Counts:
    """Return 1 where the number of events since the last reset is odd, else 0."""
    return count_since(events, resets) & 1


def double_quotes(text: str, blanks: Flags) -> Flags:
    """Return which positions of `text` are inside "...", starting anew, outside, at each True in `blanks`.

    blanks are the ends of blank lines, from `blank_line_ends`. Whether the text begins inside quotes is
    decided by the white space beside its first quotation marks before a blank line.
    """
    marks = where(text, '"')
    inside = parity(marks, blanks).astype(np.bool_)
    first = int(np.argmax(blanks)) if blanks.any() else len(text)
    if _begins_inside(text, np.flatnonzero(marks[:first])[:_QUOTES_EXAMINED].tolist()):
        inside[:first] ^= True
    return inside


def _begins_inside(text: str, quotes: Sequence[int]) -> bool:
    """Return whether the first of the quotation marks at the positions `quotes` of `text` is a closer.

    Openers and closers alternate. White space precedes openers and follows closers, so each mark votes.
    """
    votes_for_opener = 0
    for number, position in enumerate(quotes):
        before, after = text[position - 1 : position].isspace(), text[position + 1 : position + 2].isspace()
        votes_for_opener += (int(before) - int(after)) * (-1) ** number
    return votes_for_opener < 0


def latch(setters: Flags, resetters: Flags) -> Flags:
    """Return True from each setter up to the next resetter, and False at the resetter."""
    return np.asarray(last_position(setters) > last_position(resetters))


def fill(spans: Iterable[Span], length: int) -> Counts:
    """Return (length,) int64: how many of the spans contain each position.

    A span may end behind the last position, not begin there.
    """
    steps = np.zeros(length + 1, dtype=np.int64)
    pairs = np.array(list(spans), dtype=np.int64).reshape(-1, 2)
    np.add.at(steps, pairs[:, 0], 1)
    np.add.at(steps, pairs[:, 1].clip(max=length), -1)
    return np.cumsum(steps)[:-1]


def single_quotes(text: str) -> Flags:
    """Return which positions of `text` are inside '...', from the opener up to the closer or a blank line.

    An apostrophe between two letters or digits (don't) is not a quotation mark. A mark after a letter or a
    digit does not open quotes (the dogs' tails), unless the letter is a string prefix of Python (b'...').
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
    """Return whether `text` has a letter or a digit at `position`; False outside the text."""
    return 0 <= position < len(text) and text[position].isalnum()


def _is_prefix(text: str, position: int) -> bool:
    """Return whether the character at `position` is a string prefix of Python, such as b, of one letter."""
    return text[position] in "bBrRuUfF" and not (
        _is_word(text, position - 1) or text[position - 1 : position] == "_"
    )


def _first_after(positions: list[int], position: int, otherwise: int) -> int:
    """Return the first of `positions`, ascending, that is greater than `position`, else `otherwise`."""
    index = bisect_right(positions, position)
    return positions[index] if index < len(positions) else otherwise


def bracket_spans(text: str) -> dict[str, list[Span]]:
    """Return for each opener in BRACKETS the spans of text over which one is open, the closer excluded.

    A closer closes the innermost opener of its kind whose life is not over, together with all brackets left
    open inside. A closer without such an opener is ignored, so that the depth is never below 0.
    """
    spans: dict[str, list[Span]] = {bracket.opener: [] for bracket in BRACKETS}
    by_closer = {bracket.closer: bracket for bracket in BRACKETS}
    by_opener = {bracket.opener: bracket for bracket in BRACKETS}
    opened: list[tuple[int, Bracket]] = []
    for position in np.flatnonzero(where(text, "".join([*by_opener, *by_closer]))).tolist():
        if text[position] in by_opener:
            opened.append((position, by_opener[text[position]]))
            continue
        index = _matching(opened, by_closer[text[position]], position)
        for start, bracket in opened[index:]:
            spans[bracket.opener].append((start, min(position, start + bracket.life)))
        del opened[index:]
    for start, bracket in opened:
        spans[bracket.opener].append((start, min(len(text), start + bracket.life)))
    return spans


def _matching(opened: list[tuple[int, Bracket]], closing: Bracket, position: int) -> int:
    """Return the index in `opened` of the bracket that is closed by the closer of `closing` at `position`.

    opened are the positions and pairs of the open brackets, the innermost last; len(opened) means none.
    """
    for index in range(len(opened) - 1, -1, -1):
        start, bracket = opened[index]
        if position - start >= bracket.life:
            continue
        if bracket == closing:
            return index
        if closing.weak:
            break
    return len(opened)


def hash_code_spans(text: str) -> CodeSpans:
    """Return the strings and comments of a program text whose comments begin with #.

    A text that begins inside a triple-quoted string would be read inside out. So it is read a second time
    from behind its first triple quote on, and the second result is taken if its triple-quoted strings cover
    less than half as many characters.
    """
    first = re.search(r'"""|' + r"'''", text)
    outside = _hash_code_spans(text, 0)
    inside = _hash_code_spans(text, first.end()) if first else outside
    return inside if 2 * _covered(inside.triples) < _covered(outside.triples) else outside


def _covered(spans: list[Span]) -> int:
    """Return the number of characters in the spans together."""
    return sum(stop - start for start, stop in spans)


def _hash_code_spans(text: str, begin: int) -> CodeSpans:
    """Return the spans in `text` from position `begin` on, where a triple-quoted string ends if begin > 0."""
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
    """Return the strings and comments of a program text whose comments begin with // or /*."""
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
    """Return where the string of `token` ends: at its closing quote, its line feed, or the text's end."""
    quote = token[0][:3] if token.lastgroup == "triple" else token[0][0]
    closed = len(token[0]) >= 2 * len(quote) and token[0].endswith((quote, "\n"))
    return token.end() - 1 if closed else token.end()
