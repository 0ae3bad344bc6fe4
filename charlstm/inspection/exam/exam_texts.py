"""An exam text is a random text of words, with marks that come and go independently of one another."""

from dataclasses import dataclass

import numpy as np

LETTERS = "abcdefghijklmnop"
_MARKS = "\"'()[]{}<>|/;:.!?#@*~^"
_SEPARATORS = " ,\n"
_LONGEST_WORD_CHARACTERS = 8
# For each mark that begins a span: the chance that it begins one behind a word, and the chance that the span
# ends behind a word.
_CHANCE_TO_BEGIN, _CHANCE_TO_END = 0.1, 0.2
# The chances that a word is followed by an opener and by a closer, and how many openers may be open.
_CHANCE_OF_OPENER, _CHANCE_OF_CLOSER, _LARGEST_DEPTH = 0.12, 0.22, 4
# These strings come between two words, each with its chance.
_GAPS, _GAP_CHANCES = [" ", " ", " ", ", ", "\n"], [0.3, 0.3, 0.25, 0.1, 0.05]
# The first line that each line mark ends has these lengths; the lengths of later lines have these bounds.
_FIRST_LINE_CHARACTERS, _FIRST_OTHER_LINE_CHARACTERS = 40, 60
_LINE_CHARACTERS = (25, 70)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Roles say which mark, a single character, plays which role in an exam text.

    quote, other_quote: begin and end a quotation, each with itself.
    line, other_line: end a line, each independently of the other.
    setter, resetter: begin and end a span; spans of this kind do not nest.
    opener, closer: brackets, which may be nested.
    pair: a second setter and resetter.
    """

    quote: str
    other_quote: str
    line: str
    other_line: str
    setter: str
    resetter: str
    opener: str
    closer: str
    pair: tuple[str, str]

    @property
    def symbols(self) -> str:
        """Return the characters of a text with these roles: letters, separators and the ten marks, sorted."""
        single = (self.quote, self.other_quote, self.line, self.other_line)
        spans = (self.setter, self.resetter, self.opener, self.closer, *self.pair)
        return "".join(sorted({*LETTERS, *_SEPARATORS, *single, *spans}))


def draw_roles(random: np.random.Generator) -> Roles:
    """Return roles with ten different marks drawn by `random`."""
    marks = [str(mark) for mark in random.permutation(list(_MARKS))]
    return Roles(
        quote=marks[0],
        other_quote=marks[1],
        line=marks[2],
        other_line=marks[3],
        setter=marks[4],
        resetter=marks[5],
        opener=marks[6],
        closer=marks[7],
        pair=(marks[8], marks[9]),
    )


def write_exam_text(roles: Roles, random: np.random.Generator, characters: int) -> str:
    """Return a text of `characters` characters, in which each role comes and goes independently of others.

    The text is words of letters with marks behind them. It may end inside a span, a bracket or a line.
    """
    words: list[str] = []
    size = depth = 0
    inside = {roles.quote: False, roles.other_quote: False, roles.setter: False, roles.pair[0]: False}
    left = {roles.line: _FIRST_LINE_CHARACTERS, roles.other_line: _FIRST_OTHER_LINE_CHARACTERS}
    while size < characters:
        word = "".join(random.choice(list(LETTERS), random.integers(1, _LONGEST_WORD_CHARACTERS + 1)))
        word += _span_marks(roles, inside, random)
        chance = random.random()
        if chance < _CHANCE_OF_OPENER and depth < _LARGEST_DEPTH:
            word, depth = word + roles.opener, depth + 1
        elif chance > 1 - _CHANCE_OF_CLOSER and depth:
            word, depth = word + roles.closer, depth - 1
        word += str(random.choice(_GAPS, p=_GAP_CHANCES))
        word += _line_marks(left, word, random)
        words.append(word)
        size += len(word)
    return "".join(words)[:characters]


def _span_marks(roles: Roles, inside: dict[str, bool], random: np.random.Generator) -> str:
    """Return the marks behind a word that begin or end spans, and update `inside`.

    inside says for each mark that begins a span whether the text is inside of the span.
    """
    enders = {roles.setter: roles.resetter, roles.pair[0]: roles.pair[1]}
    marks = ""
    for mark, is_inside in inside.items():
        if random.random() < (_CHANCE_TO_END if is_inside else _CHANCE_TO_BEGIN):
            marks += enders.get(mark, mark) if is_inside else mark
            inside[mark] = not is_inside
    return marks


def _line_marks(left: dict[str, int], word: str, random: np.random.Generator) -> str:
    """Return the line marks that are due behind `word`, and update `left`.

    left has for each line mark the number of characters until it is due; a mark that is put behind word
    counts as a character of it.
    """
    marks = ""
    for mark in left:
        left[mark] -= len(word + marks)
        if left[mark] <= 0:
            marks += mark
            left[mark] = int(random.integers(*_LINE_CHARACTERS))
    return marks
