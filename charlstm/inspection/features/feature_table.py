"""Which features are worth testing in a text, and their signals wherever in it they are asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from charlstm.errors import UsageError
from charlstm.inspection.features.feature import CAP, Feature, Signal

# A feature is dropped when its commonest value leaves less than this share to all others.
RARE = 0.005
# A feature is dropped when it starts afresh fewer times: so few periods match anything slow by chance.
EVENTS = 50
# A depth is at 0 in this share of the text at least.
GROUNDED = 0.05

Positions = NDArray[np.int64]
# A text, and the positions where the model's state was zero -> signals, the same ones in the same order for
# every text.
Recipe = Callable[[str, Positions], Iterable[Signal]]
# A text, those positions, and the positions that count.
CountedText = tuple[str, Positions, Positions]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """The features worth testing, the names of those that are not, and names for the same signal.

    They come from recipes, each with the names of its signals that are kept; known has the content of each
    signal on the text that they were chosen on.
    """

    features: tuple[Feature, ...] = ()
    dropped: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    recipes: tuple[tuple[Recipe, frozenset[str]], ...] = ()
    known: dict[bytes, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The features' names, in order."""
        return [feature.name for feature in self.features]

    def signals(self, text: str, starts: Positions, *, recipes: int = 0) -> NDArray[np.uint8]:
        """(characters, features) uint8: the features along a text, those of the recipes from one on."""
        columns = list(chain.from_iterable(self._kept(text, starts, recipes)))
        return np.stack(columns, axis=1) if columns else np.zeros((len(text), 0), np.uint8)

    def _kept(self, text: str, starts: Positions, recipes: int) -> Iterator[list[NDArray[np.uint8]]]:
        for recipe, names in self.recipes[recipes:]:
            yield [signal.values for signal in _named(recipe(text, starts)) if signal.feature.name in names]

    def extended(
        self, recipe: Recipe, readings: Iterable[CountedText], *, required: Sequence[str] = ()
    ) -> "FeatureTable":
        """The table with what a recipe makes of some readings of a text behind its own features.

        Kept is what varies enough where it counts, each signal once under its first name. Raises UsageError
        where one of the required names is on nowhere.
        """
        seen: dict[str, _Seen] = {}
        for text, starts, counted in readings:
            for feature, values in _named(recipe(text, starts)):
                seen.setdefault(feature.name, _Seen(feature)).update(values, values[counted])
        for name in required:
            if not seen[name].moved:
                raise UsageError(
                    f"the feature {name} is on nowhere in the text", "see that its rule fits the text"
                )
        known, aliases = dict(self.known), dict(self.aliases)
        kept, dropped = [], list(self.dropped)
        for name, one in seen.items():
            content = one.content.digest()
            if name in self.names:
                continue
            if content in known:
                aliases[name] = known[content]
            elif one.varies():
                known[content] = name
                kept.append(one.feature)
            else:
                dropped.append(name)
        recipes = (*self.recipes, (recipe, frozenset(feature.name for feature in kept)))
        return FeatureTable((*self.features, *kept), tuple(dropped), aliases, recipes, known)


def _named(signals: Iterable[Signal]) -> Iterator[Signal]:
    """The first signal of every name."""
    told: set[str] = set()
    for signal in signals:
        if signal.feature.name not in told:
            told.add(signal.feature.name)
            yield signal


class _Seen:
    """What a choice needs to know of a feature, summed over parts of a text."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self.content = sha256()
        self.moved = False
        self._counts = np.zeros(CAP + 1, np.int64)
        self._events = 0

    def update(self, values: NDArray[np.uint8], counted: NDArray[np.uint8]) -> None:
        """Add a part: its values (characters,), and those that count (rows,)."""
        self.content.update(values.tobytes())
        self.moved = self.moved or bool(values.any())
        self._counts += np.bincount(counted, minlength=CAP + 1)
        fallen = (counted[1:] == 0) | (self.feature.kind != "depth")
        self._events += int(np.count_nonzero((counted[1:] < counted[:-1]) & fallen))

    def varies(self) -> bool:
        """Whether its commonest value leaves enough to others, and it starts afresh often enough.

        A depth that hardly ever reaches 2 is a switch, and is listed as one; it starts afresh at 0, and one
        that is seldom there is a walk that goes away.
        """
        counts, total = self._counts, self._counts.sum()
        if total == 0:
            return False
        deep = counts[2:].sum() >= RARE * total and counts[0] >= GROUNDED * total
        changing = 1 - counts.max() / total >= RARE and self._events >= EVENTS
        return bool(changing and (deep or self.feature.kind != "depth"))
