"""A random text of words, quotes and brackets is written, for planted networks to read."""

from functools import cache

import numpy as np

SYMBOLS = 'abcdefgh \n"()[],.'

_CLOSERS = {"(": ")", "[": "]", '"': '"'}


@cache
def written(length: int, seed: int) -> str:
    """Return a text of length characters: words in lines of uneven length, with quotes and nested brackets.

    Every quotation mark and bracket is closed, unless the end of the text comes first.
    """
    random = np.random.default_rng(seed)
    pieces: list[str] = []
    opened: list[str] = []
    size = 0
    while size < length:
        pieces.append("".join("abcdefgh"[letter] for letter in random.integers(0, 8, random.integers(1, 9))))
        chance = random.random()
        if chance < 0.12 and len(opened) < 4:
            allowed = [c for c in _CLOSERS if c != '"' or c not in opened]
            opener = allowed[random.integers(len(allowed))]
            opened.append(opener)
            pieces.append(" " + opener)
        elif chance < 0.3 and opened:
            pieces.append(_CLOSERS[opened.pop()] + " ")
        elif chance < 0.35:
            pieces.append(", ")
        else:
            pieces.append("\n" if chance > 0.93 else " ")
        size += len(pieces[-1]) + len(pieces[-2])
    return "".join(pieces)[:length]


def ids_of(text: str, symbols: str = SYMBOLS) -> np.ndarray:
    """Return (characters,) uint8: the index in symbols of each character of text."""
    return np.array([symbols.index(character) for character in text], dtype=np.uint8)
