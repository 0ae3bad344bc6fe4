"""Little automata over a text: a switch, a counter or a depth moved by its driving characters.

A cell is described by the automaton that it follows best, whether or not somebody listed that feature. A
driver is one character or two in a row; "*" as what steps a counter is any character. Each automaton begins
at 0 wherever the model's state was zero, because that is all that a cell can know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.features import text_signals
from charlstm.inspection.features.catalogue import symbol_name
from charlstm.inspection.features.feature import ANY, CAP, Drivers, Feature, FeatureKind, Signal
from charlstm.inspection.features.text_signals import Counts, Flags


@dataclass(frozen=True)
class Automaton:
    """What moves a signal: setters and resetters of a switch, steppers and resetters of a counter, steppers
    up and down of a depth. It follows its drivers lag characters late.
    """

    kind: FeatureKind
    up: tuple[str, ...]
    down: tuple[str, ...]
    lag: int = 0

    def reversed(self) -> "Automaton":
        """The same with what goes up and what goes down exchanged."""
        return replace(self, up=self.down, down=self.up)

    @property
    def drivers(self) -> Drivers:
        """The driving characters by what they do."""
        up, down = {"switch": ("set", "reset"), "counter": ("step", "reset"), "depth": ("step", "unstep")}[
            self.kind
        ]
        return {up: list(self.up), down: list(self.down)}

    @property
    def name(self) -> str:
        """A feature's name made of its drivers, such as after_number_sign_until_newline."""
        up, down = _named(self.up), _named(self.down)
        late = f"_{self.lag}_late" if self.lag else ""
        if self.kind == "depth":
            return f"depth_of_{up}_to_{down}{late}"
        if self.kind == "counter":
            return f"{'characters' if list(self.up) == ANY else up}_since_{down}{late}"
        return (f"parity_of_{up}" if self.up == self.down else f"after_{up}_until_{down}") + late

    def signal(self, text: str, starts: Sequence[int] | NDArray[np.int64]) -> Signal:
        """The signal along a text; starts are the positions where it begins at 0."""
        signal = {"switch": _switch, "counter": _counter, "depth": _depth}[self.kind]
        values = np.zeros(len(text), np.int64)
        for start, stop in pairwise([*starts, len(text)]):
            stretch = text[start:stop]
            part = signal(events(stretch, self.up, self.kind == "counter"), events(stretch, self.down))
            values[start + self.lag : stop] = part[: max(0, stop - start - self.lag)]
        feature = Feature(self.name, self.kind, self.drivers, self.lag)
        return Signal(feature, np.minimum(values, CAP).astype(np.uint8))

    def unmatched(self, text: str) -> float:
        """Of a depth, the share of what takes it down that comes at depth 0, over the whole text."""
        up, down = events(text, self.up), events(text, self.down)
        walk = np.cumsum(up.astype(np.int64) - down)
        return float(max(0, -walk.min(initial=0)) / max(1, down.sum()))


def events(text: str, drivers: Sequence[str], steps: bool = False) -> Flags:
    """(characters,) where any of the drivers ends; steps says that "*" is any character."""
    if steps and list(drivers) == ANY:
        return np.ones(len(text), np.bool_)
    found = np.zeros(len(text), np.bool_)
    for driver in drivers:
        found |= _ends(text, driver)
    return found


def _ends(text: str, driver: str) -> Flags:
    """Where a sequence of characters ends."""
    ends = text_signals.where(text, driver[-1])
    for back, character in enumerate(reversed(driver[:-1]), start=1):
        ends[back:] &= text_signals.where(text, character)[:-back]
        ends[:back] = False
    return ends


def _switch(setters: Flags, resetters: Flags) -> Counts:
    """On from a setter to a resetter; what is both turns it over."""
    toggles = np.cumsum(setters & resetters)
    decided = text_signals.last_position(setters ^ resetters)
    since = decided.clip(0)
    on, turned = setters[since] & (decided >= 0), np.where(decided >= 0, toggles[since], 0)
    odd = (toggles - turned) % 2 == 1
    return np.where(on ^ odd, 1, 0)


def _counter(steppers: Flags, resetters: Flags) -> Counts:
    """Steps since the last resetter, whose own step does not count."""
    return text_signals.count_since(steppers, resetters)


def _depth(openers: Flags, closers: Flags) -> Counts:
    """Openers less closers, never below 0: a closer without an opener is nothing."""
    walk = np.cumsum(openers.astype(np.int64) - closers)
    return walk - np.minimum(0, np.minimum.accumulate(walk))


def _named(drivers: Sequence[str]) -> str:
    return "_or_".join("_then_".join(symbol_name(character) for character in driver) for driver in drivers)
