"""Generated texts whose state is known at every character, to learn from, and to test an inspection on.

    grammar:quotes      he "so do! we" go.      one switch: which marks may come, and where a quote may stand
    grammar:brackets    so (do [we go] he).     nested to depth 4: which closer may come
    grammar:records     4k7q...                 24 random characters a line: only counting tells when it ends
    grammar:indent      blocks as in Python: how far the next line is indented

Words come from one small lexicon that no seed changes, so that a text with another seed is more of the same
language. Every choice is made by known probabilities, so a text's entropy can be computed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from charlstm.errors import CorpusError
from charlstm.machine.interrupts import end_if_asked

# The version of the generated texts: raised whenever an equal name, number and seed give another text.
FORMAT = 1
PREFIX = "grammar:"
RECORD_CHARACTERS = 24
INDENT_SPACES = 4
DEEPEST = 4  # brackets or blocks inside each other
# Texts of more characters take gigabytes of memory to generate.
_MOST_CHARACTERS = 20_000_000
# Pieces of a text that are made before a signal is looked for: some milliseconds of work.
_PIECES_AT_ONCE = 10_000
_BRACKETS = ("()", "[]", "{}")
_RECORD_SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789"

# Some characters, and the state after each of them: one number for each name in `_Grammar.truth`, in order.
Piece = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class GrammarName:
    """What a name such as grammar:quotes:100000:7 stands for.

    Raises CorpusError for an unknown grammar and for a number of characters that is out of range.
    """

    grammar: str
    characters: int = 2_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.grammar not in GRAMMARS:
            raise CorpusError(
                f"there is no grammar {self.grammar!r}",
                f"give {', '.join(PREFIX + grammar for grammar in GRAMMARS)}",
            )
        if not 1 <= self.characters <= _MOST_CHARACTERS:
            raise CorpusError(
                f"a generated text cannot have {self.characters:,} characters",
                f"give 1 to {_MOST_CHARACTERS:,}, as in {PREFIX}{self.grammar}:100000",
            )


@dataclass(frozen=True, eq=False)
class GrammarText:
    """A text and the truth about it: by name an array (characters,) of bool or int64.

    The value at t describes the text after character t has been read. A name that is also the name of a
    feature in inspection/features means that feature.
    """

    text: str
    truth: dict[str, NDArray[np.bool_] | NDArray[np.int64]]


def parse_name(name: str) -> GrammarName:
    """Read a name of the form "grammar:NAME[:CHARACTERS[:SEED]]". Raises CorpusError for anything else."""
    found = re.fullmatch(rf"{PREFIX}([^:]*)((?::\d{{1,18}}){{0,2}})", name, re.ASCII)
    if found is None:
        raise CorpusError(
            f"{name!r} is not a grammar, a number of characters and a seed",
            f"write {PREFIX}NAME[:CHARACTERS[:SEED]] with NAME one of {', '.join(GRAMMARS)}",
        )
    return GrammarName(found[1], *map(int, found[2].split(":")[1:]))


def generate(grammar: str, *, characters: int, seed: int) -> GrammarText:
    """Return a text of exactly that number of characters; an equal seed gives an equal text.

    It ends early where a signal asked to (machine/interrupts.py). Raises CorpusError for an unknown grammar
    and for a number of characters that is out of range.
    """
    GrammarName(grammar, characters, seed)
    pieces = GRAMMARS[grammar].pieces(Random(f"{grammar} {seed}"))
    texts, blocks, length = [], [], 0
    while length < characters:
        end_if_asked()
        # No piece is empty, so that more pieces than characters are missing are never needed.
        made = list(islice(pieces, min(_PIECES_AT_ONCE, characters - length)))
        lengths = [len(text) for text, _ in made]
        texts.append("".join(text for text, _ in made))
        blocks.append(np.repeat(np.array([state for _, state in made], np.int64), lengths, axis=0))
        length += sum(lengths)
    values = np.concatenate(blocks)[:characters]
    truth: dict[str, NDArray[np.bool_] | NDArray[np.int64]] = {
        name: column.astype(np.bool_) if kind is bool else column
        for (name, kind), column in zip(GRAMMARS[grammar].truth.items(), values.T, strict=True)
    }
    return GrammarText("".join(texts)[:characters], truth)


def _lexicon() -> tuple[str, ...]:
    """Return forty different words of one to three syllables, equal at every call."""
    random = Random(0)
    found: dict[str, None] = {}
    while len(found) < 40:
        syllables = random.choices("bdfghklmnprstvz", k=random.randint(1, 3))
        found["".join(consonant + random.choice("aeiou") for consonant in syllables)] = None
    return tuple(found)


_WORDS = _lexicon()


def _quotes(random: Random) -> Iterator[Piece]:
    """Yield runs of 3 to 12 words, alternately outside and inside quotation marks.

    A quotation opens after a space and closes right after a word. A word before the last of its run ends
    a sentence with probability 1/5: with "." outside and "!" inside. A line ends after 1/3 of the sentences
    outside.
    """
    while True:
        for inside in (0, 1):
            for left in reversed(range(random.randint(3, 12))):
                yield random.choice(_WORDS), (inside,)
                ends = left > 0 and random.random() < 0.2
                if ends:
                    yield ".!"[inside], (inside,)
                if left > 0 or not inside:
                    yield "\n" if ends and not inside and random.random() < 1 / 3 else " ", (inside,)
            yield ('" ', (0,)) if inside else ('"', (1,))


def _brackets(random: Random) -> Iterator[Piece]:
    """Yield words, and brackets around words and brackets; all are closed before the line ends.

    A bracket begins with a word. Outside, a word or closer is followed by a word (.55), an opener (.25) or
    the line's end (.2); inside by a word (.4), an opener (.2, but 0 at the greatest depth) or the closer.
    """
    stack: list[str] = []
    while True:
        yield random.choice(_WORDS), _depths(stack)
        chance = random.random()
        while stack and chance >= (0.6 if len(stack) < DEEPEST else 0.4):
            closer = stack.pop()[1]
            yield closer, _depths(stack)
            chance = random.random()
        if not stack and chance >= 0.8:
            yield "\n", _depths(stack)
            continue
        yield " ", _depths(stack)
        if len(stack) < DEEPEST and chance >= (0.4 if stack else 0.55):
            stack.append(random.choice(_BRACKETS))
            yield stack[-1][0], _depths(stack)


def _depths(stack: list[str]) -> tuple[int, ...]:
    """Return the number of open brackets of each kind, and of all kinds."""
    return (*(stack.count(pair) for pair in _BRACKETS), len(stack))


def _records(random: Random) -> Iterator[Piece]:
    """Yield RECORD_CHARACTERS letters and digits, all equally likely everywhere, and a line feed."""
    while True:
        for position in range(1, RECORD_CHARACTERS + 1):
            yield random.choice(_RECORD_SYMBOLS), (position,)
        yield "\n", (0,)


def _indent(random: Random) -> Iterator[Piece]:
    """Yield lines that say how far the next one is indented: "name:" one level more, "return name" one less.

    A line opens a block with probability 1/4 and, in a block, returns with 1/4; the first line of a block
    does neither.
    """
    level, first = 0, True
    while True:
        name, chance = random.choice(_WORDS), random.random()
        opens = not first and level < DEEPEST and chance < 0.25
        returns = not first and level > 0 and chance >= 0.75
        spaces = INDENT_SPACES * level
        line = f"{name}:" if opens else f"return {name}" if returns else f"{name} = {random.choice(_WORDS)}"
        yield line, (level, spaces, 0)
        level, first = level + opens - returns, opens
        yield "\n", (level, 0, 1)
        for number in range(1, INDENT_SPACES * level + 1):
            yield " ", (level, number, 1)


@dataclass(frozen=True)
class _Grammar:
    """How a text is made, and the name and type of each number of its state."""

    pieces: Callable[[Random], Iterator[Piece]]
    truth: dict[str, type[bool] | type[int]]


GRAMMARS = {
    "quotes": _Grammar(_quotes, {"inside_double_quotes": bool}),
    "brackets": _Grammar(
        _brackets,
        {
            "parenthesis_depth": int,
            "bracket_depth": int,
            "brace_depth": int,
            "total_depth": int,
        },
    ),
    "records": _Grammar(_records, {"column": int}),
    "indent": _Grammar(_indent, {"level": int, "indentation": int, "in_indentation": bool}),
}
