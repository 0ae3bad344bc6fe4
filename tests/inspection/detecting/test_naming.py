"""A cell's name is that of what it does itself, where its own flips tell."""

import numpy as np
import pytest

from charlstm.inspection.detecting.movements import Flips, Movements
from charlstm.inspection.detecting.naming import name_of
from charlstm.inspection.features.feature import Feature

SYMBOLS = ["a", "(", ")"]


def seen(up: str = "", down: str = "") -> Movements:
    """One cell that flips up and down at every such character, and nowhere else."""
    rises, falls = ([[100.0 * (s == side) for s in SYMBOLS]] for side in (up, down))
    flips = Flips(np.array(rises), np.array(falls), np.array(rises), np.array(falls))
    none = np.zeros((1, 3))
    return Movements(
        {"lag_0": flips}, {"lag_0": SYMBOLS}, SYMBOLS, np.full(3, 100.0), *[none] * 4, np.ones(1)
    )


SWITCH = Feature("s", "switch", {"set": ["a"], "reset": ["a"]})
DEPTH = Feature("d", "depth", {"step": ["("], "unstep": [")"]})
COUNTER = Feature("c", "counter", {"step": ["*"], "reset": ["a"]})


@pytest.mark.parametrize(
    ("feature", "sign", "levels", "movements", "kind", "drivers"),
    [
        (SWITCH, 1, 0, seen(), "toggle", {"set": ["a"], "reset": ["a"]}),
        (SWITCH, 1, 0, seen("(", ")"), "latch", {"set": ["("], "reset": [")"]}),
        (SWITCH, -1, 0, seen("(", ")"), "latch", {"set": [")"], "reset": ["("]}),
        (DEPTH, 1, 3, seen("(", ")"), "depth_counter", {"step": ["("], "unstep": [")"]}),
        (DEPTH, 1, 2, seen(), "latch", {"set": ["("], "reset": [")"]}),
        (COUNTER, -1, 0, seen("(", ")"), "counter", {"step": ["*"], "reset": ["a"]}),
    ],
)
def test_names(feature, sign, levels, movements, kind, drivers) -> None:
    name = name_of(feature, 0, sign, levels, movements)
    assert (name.kind, name.drivers) == (kind, drivers)
