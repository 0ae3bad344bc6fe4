"""Movements of one cell that flips at characters of our choice."""

from dataclasses import fields, replace

import numpy as np

from charlstm.inspection.detecting.movements import Flips, Movements

SYMBOLS = ["a", "(", ")"]


def flipping_cell(up: str = "", down: str = "", *, precision: float = 1.0) -> Movements:
    """Return the movements of a cell that flips up at each character of up, and down at each of down.

    Each driver gives the cell 100 chances to flip, and precision is the share of them that it takes.
    """
    rises, falls = (
        np.array([[100.0 * precision * (symbol in side) for symbol in SYMBOLS]]) for side in (up, down)
    )
    chances = (np.array([[100.0 * (symbol in side) for symbol in SYMBOLS]]) for side in (up, down))
    flips = Flips(rises, falls, *chances)
    zeros = np.zeros((1, len(SYMBOLS)))
    return Movements(
        flips={"lag_0": flips},
        drivers={"lag_0": SYMBOLS},
        symbols=SYMBOLS,
        counts=np.full(len(SYMBOLS), 100.0),
        steps=zeros,
        step_squares=zeros,
        landings=zeros,
        landing_variances=zeros,
        variance=np.ones(1),
    )


def side_by_side(*cells: Movements) -> Movements:
    """Return the movements of several cells, given those of each alone."""
    first = cells[0]
    flips = Flips(
        *(
            np.concatenate([getattr(cell.flips["lag_0"], each.name) for cell in cells])
            for each in fields(Flips)
        )
    )
    stacked = {
        name: np.concatenate([getattr(cell, name) for cell in cells])
        for name in ("steps", "step_squares", "landings", "landing_variances", "variance")
    }
    return replace(first, flips={"lag_0": flips}, **stacked)
