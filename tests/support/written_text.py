"""A text of words, quotes and brackets for planted networks to read."""

import numpy as np

SYMBOLS = 'abcdefgh \n"()[],.'


def written(length: int, seed: int) -> str:
    """Words in lines of uneven length, with quotes and nested brackets that are all closed."""
    random = np.random.default_rng(seed)
    pieces: list[str] = []
    opened: list[str] = []
    closers = {"(": ")", "[": "]", '"': '"'}
    size = 0
    while size < length:
        pieces.append("".join(random.choice(list("abcdefgh"), random.integers(1, 9))))
        chance = random.random()
        if chance < 0.12 and len(opened) < 4:
            opener = str(random.choice([c for c in closers if c != '"' or c not in opened]))
            opened.append(opener)
            pieces.append(" " + opener)
        elif chance < 0.3 and opened:
            pieces.append(closers[opened.pop()] + " ")
        elif chance < 0.35:
            pieces.append(", ")
        else:
            pieces.append("\n" if chance > 0.93 else " ")
        size += len(pieces[-1]) + len(pieces[-2])
    return "".join(pieces)[:length]


def ids_of(text: str, symbols: str = SYMBOLS) -> np.ndarray:
    """(characters,) uint8."""
    return np.array([symbols.index(character) for character in text], dtype=np.uint8)
