"""A cell is named by its kind and by the characters that drive it.

A toggle is a switch that the same characters set and reset; a latch has different ones.
"""

from dataclasses import dataclass

from charlstm.findings import Kind
from charlstm.inspection.detecting.movements import Movements
from charlstm.inspection.detecting.proposals import flip_drivers
from charlstm.inspection.features.feature import Drivers, Feature

# A depth counter tells at least this many values of the depth apart. A cell that tells fewer apart is a
# switch.
_LEAST_VALUES_OF_DEPTH = 3


@dataclass(frozen=True)
class Name:
    """A Name has the kind of a cell, and its drivers by what they do, such as set and reset."""

    kind: Kind
    drivers: Drivers


def name_of(feature: Feature, cell: int, sign: int, values_told_apart: int, movements: Movements) -> Name:
    """Return the name of a cell that follows feature.

    cell counts over all layers, sign (-1 or 1) is the sign of its correlation with the feature, and
    values_told_apart is the number of values of a depth that it tells apart. A switch is named by the
    characters that predict the flips of the cell, where movements has such characters. Otherwise, and for a
    counter or a depth counter, the drivers are the feature's.
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
    return Name("toggle" if set(drivers["set"]) == set(drivers["reset"]) else "latch", drivers)
