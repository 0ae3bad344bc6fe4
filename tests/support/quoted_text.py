"""A random text in which every quotation and every bracket ends soon, for cells that are all that matters."""

import numpy as np

SYMBOLS = 'abcdefgh \n"()'


def quoted(length: int, seed: int) -> str:
    """Return a text of length characters: words, some of them in quotes, some in brackets, in lines."""
    random = np.random.default_rng(seed)
    pieces: list[str] = []
    size = 0
    while size < length:
        words = " ".join(_word(random) for _ in range(random.integers(2, 6)))
        chance = random.random()
        piece = f'"{words}"' if chance < 0.3 else f"({words})" if chance < 0.5 else words
        pieces.append(piece + ("\n" if random.random() < 0.2 else " "))
        size += len(pieces[-1])
    return "".join(pieces)[:length]


def _word(random: np.random.Generator) -> str:
    """Return a word of two to eight letters."""
    return "".join(random.choice(list("abcdefgh"), random.integers(2, 9)))
