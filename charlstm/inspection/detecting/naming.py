"""A cell is named by its kind and by the characters that drive it.

A toggle is a switch that the same characters set and reset; a latch has different ones. A cell that follows
the feature of a switch without two levels of its own is graded, and so is one of several cells that move at
the same characters in different directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from charlstm.findings import Kind
from charlstm.inspection.detecting.movements import Movements
from charlstm.inspection.detecting.proposals import flip_drivers
from charlstm.inspection.features.feature import Drivers, Feature

# A depth counter tells at least this many values of the depth apart. A cell that tells fewer apart is a
# switch.
_LEAST_VALUES_OF_DEPTH = 3


@dataclass(frozen=True)
class Name:
    """A Name has the kind of a cell, and its drivers by what they do, such as set and reset.

    drivers_from says whether the drivers are those that predict the cell's own flips, or the feature's.
    """

    kind: Kind
    drivers: Drivers
    drivers_from: Literal["cell", "feature"] = "feature"


def partners_of(layers: Sequence[int], features: Sequence[Feature]) -> list[list[int]]:
    """Return for each of several cells the places, in their order, of the cells that it shares depths with.

    layers are those of the cells, and features those that they follow. Of two depths that step alike at the
    characters of one pair, and in opposite directions at those of another, one is the sum and one the
    difference of the depths of these pairs. So the layer has these depths in the directions that both cells
    span, and neither cell is a depth counter of its own.
    """
    moving = list(zip(layers, map(_steps, features), strict=True))
    return [
        [
            place
            for place, (other, others) in enumerate(moving)
            if other == layer and _are_sum_and_difference(own, others)
        ]
        for layer, own in moving
    ]


def _steps(feature: Feature) -> dict[str, int]:
    """Return the direction, 1 or -1, in which a depth steps at each of its drivers; {} for other features."""
    if feature.kind != "depth":
        return {}
    return {driver: sign for role, sign in (("step", 1), ("unstep", -1)) for driver in feature.drivers[role]}


def _are_sum_and_difference(first: dict[str, int], second: dict[str, int]) -> bool:
    """Return whether two depths step alike up and down at some characters, and oppositely at others."""
    moves = {(first[driver], second[driver]) for driver in first.keys() & second.keys()}
    return moves == {(1, 1), (-1, -1), (1, -1), (-1, 1)}


def name_of(
    feature: Feature,
    cell: int,
    sign: int,
    values_told_apart: int,
    movements: Movements,
    *,
    two_levels: bool,
    has_partners: bool = False,
) -> Name:
    """Return the name of a cell that follows feature.

    cell counts over all layers, sign (-1 or 1) is the sign of its correlation with the feature, and
    values_told_apart is the number of values of a depth that it tells apart. two_levels says whether it has
    two levels as a switch must, and has_partners whether it shares depths with others, as `partners_of` says;
    such a cell is graded. A switch is named by the characters that predict the flips of the cell, where
    movements has such characters. Otherwise, and for a counter or a depth counter, the drivers are the
    feature's.
    """
    if feature.kind == "counter":
        return Name("counter", feature.drivers)
    drivers = feature.drivers
    if feature.kind == "depth":
        if values_told_apart >= _LEAST_VALUES_OF_DEPTH and not has_partners:
            return Name("depth_counter", drivers)
        drivers = {"set": drivers["step"], "reset": drivers["unstep"]}
        if has_partners:
            return Name("graded", drivers)
    flipping = flip_drivers(movements, cell)
    if flipping:
        up, down = (flipping.up, flipping.down) if sign > 0 else (flipping.down, flipping.up)
        drivers = {"set": list(up), "reset": list(down)}
    kind: Kind = "toggle" if set(drivers["set"]) == set(drivers["reset"]) else "latch"
    return Name(kind if two_levels else "graded", drivers, "cell" if flipping else "feature")
