"""Planted cells do what they were planted for, whatever is idle beside them."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.exam.planted_cells import (
    depth_counter,
    gated_counter,
    latch,
    line_counter,
    plant,
    toggle,
)
from charlstm.inspection.reading.trace import trace

CELLS = [
    toggle('"'),
    latch("(", ")", level=0.5),
    line_counter("\n", step=0.01),
    depth_counter("[", "]"),
    gated_counter('"', 0, step=0.01),
]
TEXT = written(2_000, seed=1)


def states(idle: int, seed: int) -> np.ndarray:
    """(characters, planted) of c."""
    model = plant(CELLS, SYMBOLS, idle=idle, generator=torch.Generator().manual_seed(seed))
    (block,) = trace(model, ids_of(TEXT), streams=1, window=len(TEXT))
    return block.layers[0].c[0, :, : len(CELLS)].numpy()


def test_planted_cells_follow_a_character_at_a_time() -> None:
    found = states(6, 0)
    toggled = latched = count = depth = inside = 0.0
    for character, c in zip(TEXT, found, strict=True):
        opening = character == '"' and toggled <= 0
        if character == '"':
            toggled = 1.0 if opening else -1.0
        latched = 0.5 if character == "(" else -0.5 if character == ")" else latched
        count = 0 if character == "\n" else count + 0.01
        depth += np.tanh(0.5) * ((character == "[") - (character == "]"))
        inside = 0 if opening or toggled <= 0 else inside + 0.01
        assert c == pytest.approx([toggled, latched, count, depth, inside], abs=0.03)


def test_no_planted_cell_hears_an_idle_one() -> None:
    np.testing.assert_allclose(states(6, 0), states(30, 1), atol=1e-5, rtol=1e-4)
