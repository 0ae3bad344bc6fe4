"""A random program text with strings in both quotes and comments, for contrasts."""

import numpy as np

from charlstm.inspection.reading.passage import Passage
from charlstm.inspection.reading.trace import Cut

PROGRAM_SYMBOLS = "abcdef =\n\"'#"


def program(length: int, seed: int) -> str:
    """Return a text of length characters: lines that are a comment or set a name to a string."""
    random = np.random.default_rng(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < length:
        word, chance = "".join(random.choice(list("abcdef"), random.integers(5, 9))), random.random()
        quote = "\"'"[random.integers(2)]
        lines.append(f"# {word}\n" if chance < 0.2 else f"a = {quote}{word}{quote}\n")
    return "".join(lines)[:length]


def passage_of_program(text: str) -> Passage:
    """Return the text in one stretch, without the signal of any feature."""
    ids = np.array([PROGRAM_SYMBOLS.index(character) for character in text], np.uint16)
    return Passage(ids, text, tuple(PROGRAM_SYMBOLS), Cut(len(ids), 1), {})
