"""A small exam network is planted: a toggle, its unread twin, a counter and a depth counter."""

from functools import cache

import numpy as np
import torch

from charlstm.inspection.exam.planted_cells import Drive, depth_counter, line_counter, plant, toggle
from charlstm.inspection.exam.planted_networks import ExamNetwork

SYMBOLS = " ();abcd|"


def _text(words: int) -> str:
    """Return words of letters, with quotes, ends of lines and brackets between them at random."""
    random, depth, pieces = np.random.default_rng(0), 0, []
    for _ in range(words):
        pieces.append("".join(random.choice(list("abcd"), random.integers(1, 6))))
        chance = random.random()
        if chance < 0.15 and depth < 3:
            pieces.append("(")
            depth += 1
        elif chance > 0.8 and depth:
            pieces.append(")")
            depth -= 1
        pieces.append(str(random.choice(["| ", "; ", " ", " "])))
    return "".join(pieces)


@cache
def planted_network() -> ExamNetwork:
    """Return a network of three used cells of different kinds, a twin of the first, and idle cells."""
    cells = [
        toggle("|").read("|", 3.0),
        line_counter(";").read(";", 6.0),
        depth_counter("(", ")").read(")", 4.0),
        toggle("|"),
    ]
    model = plant(cells, SYMBOLS, idle=4, generator=torch.Generator().manual_seed(0))
    return ExamNetwork(model, _text(2_500), SYMBOLS, (), (), Drive())
