"""An exam text is a random text of words, with marks that come and go independently of one another."""

from dataclasses import dataclass

import numpy as np

LETTERS = "abcdefghijklmnop"
_MARKS = "\"'()[]{}<>|/;:.!?#@*~^"
_LONGEST_WORD_CHARACTERS = 8
# The first line that each line mark ends has these lengths; the lengths of later lines have these bounds.
_FIRST_LINE_CHARACTERS, _FIRST_OTHER_LINE_CHARACTERS = 40, 60
_LINE_CHARACTERS = (25, 70)


@dataclass(frozen=True, kw_only=True)
class TextStyle:
    """A TextStyle says of which characters a text consists, and how often marks come.

    letters: the characters of words.
    marks: the characters of which ten get a role.
    gaps: the strings that come between two words, each with its chance; the chances add up to 1.
    begin, end: for each mark that begins a span, the chance that it begins one behind a word, and the chance
        that the span ends behind a word.
    opener, closer: the chances that a word is followed by an opener and by a closer.
    largest_depth: how many openers may be open at once, at least 1.
    """

    letters: str = LETTERS
    marks: str = _MARKS
    gaps: tuple[tuple[str, float], ...] = ((" ", 0.3), (" ", 0.3), (" ", 0.25), (", ", 0.1), ("\n", 0.05))
    begin: float = 0.1
    end: float = 0.2
    opener: float = 0.12
    closer: float = 0.22
    largest_depth: int = 4

    @property
    def separators(self) -> set[str]:
        """Return the characters of the gaps."""
        return {character for gap, _ in self.gaps for character in gap}


# The style of the clear networks' texts.
PLAIN = TextStyle()


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Roles say which mark, a single character, plays which role in an exam text.

    quote, other_quote: begin and end a quotation, each with itself.
    line, other_line: end a line, each independently of the other.
    setter, resetter: begin and end a span; spans of this kind do not nest.
    opener, closer: brackets, which may be nested.
    pair: a second setter and resetter.
    style: the letters and gaps between which the marks stand.
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
    style: TextStyle = PLAIN

    @property
    def symbols(self) -> str:
        """Return the characters of a text with these roles: letters, separators and the ten marks, sorted."""
        single = (self.quote, self.other_quote, self.line, self.other_line)
        spans = (self.setter, self.resetter, self.opener, self.closer, *self.pair)
        return "".join(sorted({*self.style.letters, *self.style.separators, *single, *spans}))


def draw_roles(random: np.random.Generator, style: TextStyle = PLAIN) -> Roles:
    """Return roles with ten different marks of `style`, drawn by `random`."""
    marks = [str(mark) for mark in random.permutation(list(style.marks))]
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
        style=style,
    )


def write_exam_text(roles: Roles, random: np.random.Generator, characters: int) -> str:
    """Return a text of `characters` characters, in which each role comes and goes independently of others.

    The text is words of letters with marks behind them. It may end inside a span, a bracket or a line.
    """
    style = roles.style
    letters = list(style.letters)
    gaps, gap_chances = zip(*style.gaps, strict=True)
    words: list[str] = []
    size = depth = 0
    inside = {roles.quote: False, roles.other_quote: False, roles.setter: False, roles.pair[0]: False}
    left = {roles.line: _FIRST_LINE_CHARACTERS, roles.other_line: _FIRST_OTHER_LINE_CHARACTERS}
    while size < characters:
        word = "".join(random.choice(letters, random.integers(1, _LONGEST_WORD_CHARACTERS + 1)))
        word += _span_marks(roles, inside, random)
        chance = random.random()
        if chance < style.opener and depth < style.largest_depth:
            word, depth = word + roles.opener, depth + 1
        elif chance > 1 - style.closer and depth:
            word, depth = word + roles.closer, depth - 1
        word += str(random.choice(gaps, p=gap_chances))
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
        if random.random() < (roles.style.end if is_inside else roles.style.begin):
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
