"""An automaton is the form of every proposed feature and of a user's set/reset feature.

It is a switch, a counter or a depth counter that follows given drivers along a text. A cell that follows no
listed feature may still follow an automaton: `detecting.proposals` reads from a cell's movements which
characters might drive it, and the automaton of these characters is tested as a feature. A driver is one
character or several in a row; "*" as the only step of a counter is any character.

An automaton starts at 0 wherever the model's state is zero, because the model cannot know what came before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.features import text_signals
from charlstm.inspection.features.feature import ANY_CHARACTER, CAP, Drivers, Feature, FeatureKind, Signal
from charlstm.inspection.features.listed_features import symbol_name
from charlstm.inspection.features.text_signals import Counts, Flags


@dataclass(frozen=True)
class Automaton:
    """An Automaton is described by the drivers that move it up and down, and by its lag in characters.

    up sets a switch, steps a counter, and takes a depth up by 1. down resets a switch or a counter, and takes
    a depth down by 1. The signal follows its drivers `lag` characters late, lag >= 0.
    """

    kind: FeatureKind
    up: tuple[str, ...]
    down: tuple[str, ...]
    lag: int = 0

    def reversed(self) -> "Automaton":
        """Return an automaton with the drivers `up` and `down` exchanged."""
        return replace(self, up=self.down, down=self.up)

    @property
    def drivers(self) -> Drivers:
        """Return `up` and `down` under the keys of a feature of this kind, see `feature.Drivers`."""
        up, down = {"switch": ("set", "reset"), "counter": ("step", "reset"), "depth": ("step", "unstep")}[
            self.kind
        ]
        return {up: list(self.up), down: list(self.down)}

    @property
    def name(self) -> str:
        """Return the feature's name, made of its drivers, such as after_number_sign_until_newline."""
        up, down = _drivers_name(self.up), _drivers_name(self.down)
        late = f"_{self.lag}_late" if self.lag else ""
        if self.kind == "depth":
            return f"depth_of_{up}_to_{down}{late}"
        if self.kind == "counter":
            return f"{'characters' if list(self.up) == ANY_CHARACTER else up}_since_{down}{late}"
        return (f"parity_of_{up}" if self.up == self.down else f"after_{up}_until_{down}") + late

    def signal(self, text: str, starts: Sequence[int] | NDArray[np.int64]) -> Signal:
        """Return the signal along `text`; it starts at 0 at each position in `starts`, which ascend from 0.

        A driver of several characters counts only where all of them are behind the same start.
        """
        values_of = {"switch": _switch, "counter": _counter, "depth": _depth}[self.kind]
        values = np.zeros(len(text), np.int64)
        for start, stop in pairwise([*starts, len(text)]):
            stretch = text[start:stop]
            ups = events(stretch, self.up, self.kind == "counter")
            unlagged = values_of(ups, events(stretch, self.down))
            values[start + self.lag : stop] = unlagged[: max(0, stop - start - self.lag)]
        feature = Feature(self.name, self.kind, self.drivers, self.lag)
        return Signal(feature, np.minimum(values, CAP).astype(np.uint8))

    def unmatched(self, text: str) -> float:
        """Return for a depth the share of the drivers `down`, in [0, 1], that come at depth 0 in `text`.

        The depth is counted through the whole text.
        """
        up, down = events(text, self.up), events(text, self.down)
        walk = np.cumsum(up.astype(np.int64) - down)
        return float(max(0, -walk.min(initial=0)) / max(1, down.sum()))


def events(text: str, drivers: Sequence[str], steps: bool = False) -> Flags:
    """Return (characters,) bool: whether one of the drivers ends at each character of text.

    With `steps`, the drivers are the steps of a counter, and "*" alone means any character.
    """
    if steps and list(drivers) == ANY_CHARACTER:
        return np.ones(len(text), np.bool_)
    any_ends = np.zeros(len(text), np.bool_)
    for driver in drivers:
        any_ends |= _ends(text, driver)
    return any_ends


def _ends(text: str, driver: str) -> Flags:
    """Return (characters,) bool: whether the string `driver` ends at each character of `text`."""
    ends = text_signals.where(text, driver[-1])
    for back, character in enumerate(reversed(driver[:-1]), start=1):
        ends[back:] &= text_signals.where(text, character)[:-back]
        ends[:back] = False
    return ends


def _switch(setters: Flags, resetters: Flags) -> Counts:
    """Return (characters,): 1 from a setter to a resetter, else 0; a character that is both toggles it."""
    toggles = np.cumsum(setters & resetters)
    decided = text_signals.last_position(setters ^ resetters)
    since = decided.clip(0)
    on = setters[since] & (decided >= 0)
    toggles_before = np.where(decided >= 0, toggles[since], 0)
    odd = (toggles - toggles_before) % 2 == 1
    return np.where(on ^ odd, 1, 0)


def _counter(steppers: Flags, resetters: Flags) -> Counts:
    """Return (characters,): the steps since the last resetter, 0 at a resetter even if it is a step too."""
    return text_signals.count_since(steppers, resetters)


def _depth(openers: Flags, closers: Flags) -> Counts:
    """Return (characters,): openers less closers, never below 0; a closer at depth 0 changes nothing."""
    walk = np.cumsum(openers.astype(np.int64) - closers)
    return walk - np.minimum(0, np.minimum.accumulate(walk))


def _drivers_name(drivers: Sequence[str]) -> str:
    """Return the drivers' part of a feature's name, such as comma_or_left_parenthesis_then_space."""
    return "_or_".join("_then_".join(symbol_name(character) for character in driver) for driver in drivers)
