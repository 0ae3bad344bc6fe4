"""The kind and the drivers of a cell, from its feature and from its own flips."""

import pytest
from handmade_movements import flipping_cell

from charlstm.inspection.detecting.naming import name_of
from charlstm.inspection.features.feature import Feature

SWITCH = Feature("s", "switch", {"set": ["a"], "reset": ["a"]})
DEPTH = Feature("d", "depth", {"step": ["("], "unstep": [")"]})
COUNTER = Feature("c", "counter", {"step": ["*"], "reset": ["a"]})


@pytest.mark.parametrize(
    ("feature", "sign", "levels", "movements", "kind", "drivers"),
    [
        (SWITCH, 1, 0, flipping_cell(), "toggle", {"set": ["a"], "reset": ["a"]}),
        (SWITCH, 1, 0, flipping_cell("(", ")"), "latch", {"set": ["("], "reset": [")"]}),
        (SWITCH, -1, 0, flipping_cell("(", ")"), "latch", {"set": [")"], "reset": ["("]}),
        (DEPTH, 1, 3, flipping_cell("(", ")"), "depth_counter", {"step": ["("], "unstep": [")"]}),
        (DEPTH, 1, 2, flipping_cell(), "latch", {"set": ["("], "reset": [")"]}),
        (COUNTER, -1, 0, flipping_cell("(", ")"), "counter", {"step": ["*"], "reset": ["a"]}),
    ],
)
def test_a_switch_is_named_by_its_own_flips_and_a_counter_by_its_feature(
    feature, sign, levels, movements, kind, drivers
) -> None:
    name = name_of(feature, 0, sign, levels, movements)
    assert (name.kind, name.drivers) == (kind, drivers)
