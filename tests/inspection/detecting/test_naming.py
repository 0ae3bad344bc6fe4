"""The kind and the drivers of a cell, from its feature and from its own flips."""

import pytest
from handmade_movements import flipping_cell

from charlstm.inspection.detecting.naming import name_of, partners_of
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
    name = name_of(feature, 0, sign, levels, movements, two_levels=True)
    assert (name.kind, name.drivers) == (kind, drivers)


def test_a_cell_without_two_levels_is_graded_and_keeps_its_drivers() -> None:
    for feature in (SWITCH, DEPTH):
        name = name_of(feature, 0, 1, 2, flipping_cell("(", ")"), two_levels=False)
        assert (name.kind, name.drivers) == ("graded", {"set": ["("], "reset": [")"]})
    assert name_of(COUNTER, 0, 1, 0, flipping_cell(), two_levels=False).kind == "counter"
    assert name_of(DEPTH, 0, 1, 3, flipping_cell(), two_levels=False).kind == "depth_counter"


def test_a_sum_and_a_difference_of_two_depths_are_graded_and_others_are_not() -> None:
    def depth(up: str, down: str) -> Feature:
        return Feature("d", "depth", {"step": list(up), "unstep": list(down)})

    features = [depth("([", ")]"), depth("(]", ")["), depth(")]", "(["), depth("(", ")"), COUNTER]
    assert partners_of([0] * 5, features) == [[1], [0, 2], [1], [], []], "a depth is as good in reverse"
    assert partners_of([0, 1, 1, 1, 1], features) == [[], [2], [1], [], []], "cells of one layer share"
    name = name_of(features[0], 0, 1, 4, flipping_cell(), two_levels=False, has_partners=True)
    assert (name.kind, name.drivers) == ("graded", {"set": ["(", "["], "reset": [")", "]"]})


def test_it_is_said_where_drivers_come_from() -> None:
    own = name_of(SWITCH, 0, 1, 0, flipping_cell("(", ")"), two_levels=True)
    assert own.drivers_from == "cell"
    assert name_of(SWITCH, 0, 1, 0, flipping_cell(), two_levels=True).drivers_from == "feature"
    assert name_of(COUNTER, 0, 1, 0, flipping_cell("(", ")"), two_levels=True).drivers_from == "feature"
