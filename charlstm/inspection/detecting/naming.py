"""What a cell is called: its kind, and the characters that drive it, from how it moves itself."""

from dataclasses import dataclass

from charlstm.findings import Kind
from charlstm.inspection.detecting.movements import Movements
from charlstm.inspection.detecting.proposals import flip_drivers
from charlstm.inspection.features.feature import Drivers, Feature

# A depth needs this many levels told apart; with fewer it is a switch.
_DEPTH_LEVELS = 3


@dataclass(frozen=True)
class Name:
    """The kind of a cell and its drivers."""

    kind: Kind
    drivers: Drivers


def name_of(feature: Feature, cell: int, sign: int, levels: int, seen: Movements) -> Name:
    """Name a cell that follows a feature with a sign; levels are the values of a depth it tells apart.

    A switch is named by the characters that predict its own flips, where they do; otherwise, and for what
    counts, by those of the feature.
    """
    if feature.kind == "counter":
        return Name("counter", feature.drivers)
    if feature.kind == "depth" and levels >= _DEPTH_LEVELS:
        return Name("depth_counter", feature.drivers)
    drivers = feature.drivers
    if feature.kind == "depth":
        drivers = {"set": drivers["step"], "reset": drivers["unstep"]}
    own = flip_drivers(seen, cell)
    if own:
        up, down = (own.up, own.down) if sign > 0 else (own.down, own.up)
        drivers = {"set": list(up), "reset": list(down)}
    return Name("toggle" if set(drivers["set"]) == set(drivers["reset"]) else "latch", drivers)
