"""A feature is a quantity that a cell may follow; its signal is the value of that quantity along a text.

Three kinds of features are told apart by how their drivers, the characters that move them, act:

    switch    0 or 1; set by some drivers, reset by others
    counter   steps up at some drivers, back to 0 at others
    depth     steps up at openers and down at closers, as the number of open brackets does
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FeatureKind = Literal["switch", "counter", "depth"]

# This leads from what drivers do to the drivers that do it, each a string of one or more characters. The keys
# are set and reset for a switch, step and reset for a counter, step and unstep for a depth.
Drivers = dict[str, list[str]]

# The largest value of a signal. A larger count is replaced by it: a few runs of thousands of characters
# without a semicolon, say, would otherwise outweigh all others in a correlation.
CAP = 255

# The "step" drivers of a counter that steps at every character.
ANY_CHARACTER = ["*"]


@dataclass(frozen=True)
class Feature:
    """A Feature describes a quantity that a cell may follow by its name, its kind and its drivers.

    The signal follows the drivers `lag` characters late. ends are the characters that a model should expect
    where the feature ends; they are empty where the resetting drivers are these characters. A pseudo feature
    is computed from a letter that structures nothing: a cell that follows it does so by chance.
    """

    name: str
    kind: FeatureKind
    drivers: Drivers
    lag: int = 0
    ends: frozenset[str] = frozenset()
    pseudo: bool = False

    @property
    def closers(self) -> frozenset[str]:
        """Return the strings, each of one or more characters, at which the feature ends."""
        return self.ends or frozenset(self.drivers.get("reset") or self.drivers.get("unstep") or [])


class Signal(NamedTuple):
    """A Signal is a feature with its values (characters,) uint8 along a text.

    The value at position t describes the text up to and with character t. A switch is 0 or 1; a counter and a
    depth are integers in [0, CAP].
    """

    feature: Feature
    values: NDArray[np.uint8]


def specific_drivers(drivers: Drivers) -> list[str]:
    """Return each driver in drivers once, in order, without the "*" that steps a counter everywhere."""
    roles = [side for role, side in drivers.items() if role != "step" or side != ANY_CHARACTER]
    return list(dict.fromkeys(driver for side in roles for driver in side))
