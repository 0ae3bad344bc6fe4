"""A cell is named by its kind and by the characters that drive it.

A toggle is a switch that the same characters set and reset; a latch has different ones. A cell that follows
the feature of a switch without two levels of its own is graded.
"""

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


def name_of(
    feature: Feature, cell: int, sign: int, values_told_apart: int, movements: Movements, *, two_levels: bool
) -> Name:
    """Return the name of a cell that follows feature.

    cell counts over all layers, sign (-1 or 1) is the sign of its correlation with the feature, and
    values_told_apart is the number of values of a depth that it tells apart. two_levels says whether it has
    two levels as a switch must. A switch is named by the characters that predict the flips of the cell, where
    movements has such characters. Otherwise, and for a counter or a depth counter, the drivers are the
    feature's.
    """
    if feature.kind == "counter":
        return Name("counter", feature.drivers)
    if feature.kind == "depth" and values_told_apart >= _LEAST_VALUES_OF_DEPTH:
        return Name("depth_counter", feature.drivers)
    drivers = feature.drivers
    if feature.kind == "depth":
        drivers = {"set": drivers["step"], "reset": drivers["unstep"]}
    flipping = flip_drivers(movements, cell)
    if flipping:
        up, down = (flipping.up, flipping.down) if sign > 0 else (flipping.down, flipping.up)
        drivers = {"set": list(up), "reset": list(down)}
    kind: Kind = "toggle" if set(drivers["set"]) == set(drivers["reset"]) else "latch"
    return Name(kind if two_levels else "graded", drivers, "cell" if flipping else "feature")
