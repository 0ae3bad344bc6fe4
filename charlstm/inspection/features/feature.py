"""What a cell may follow: a feature of a text, and its signal along the text."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FeatureKind = Literal["switch", "counter", "depth"]

Drivers = dict[str, list[str]]

# No count goes higher: nothing follows 5,000 characters without a semicolon, and a few such runs would
# outweigh all others in a correlation.
CAP = 255

ANY = ["*"]


@dataclass(frozen=True)
class Feature:
    """What a cell may follow.

    drivers says which characters move it: set and reset for a switch, step and reset for a counter
    ("*" is any character), step and unstep for a depth. Its signal follows them lag characters late.
    ends are the characters that the model should expect when it ends, where drivers do not say so.
    A pseudo feature is about letters that mean nothing: whatever follows it does so by chance.
    """

    name: str
    kind: FeatureKind
    drivers: Drivers
    lag: int = 0
    ends: frozenset[str] = frozenset()
    pseudo: bool = False

    @property
    def closers(self) -> frozenset[str]:
        """What ends it: a string of one or more characters."""
        return self.ends or frozenset(self.drivers.get("reset") or self.drivers.get("unstep") or [])


class Signal(NamedTuple):
    """A feature along a text: values (characters,) uint8; a switch is 0 or 1, the others count up to CAP."""

    feature: Feature
    values: NDArray[np.uint8]


def named(drivers: Drivers) -> list[str]:
    """All driving characters and sequences once: "*" for any, which steps a counter, is not among them."""
    sides = [side for role, side in drivers.items() if role != "step" or side != ANY]
    return list(dict.fromkeys(driver for side in sides for driver in side))
