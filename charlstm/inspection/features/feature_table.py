"""A feature table lists the features that are tested, and makes their signals for any text.

Features come from recipes, functions that make the signals of a text. `FeatureTable.extended` runs a recipe
over some texts, chooses features by their values there, and remembers the choice. `FeatureTable.signals` then
makes the chosen signals of any other text.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from charlstm.errors import UsageError
from charlstm.inspection.features.feature import CAP, Feature, Signal

# A feature is dropped where all values but its commonest one have together less than this share of the
# counted positions (those behind the first 200 characters of a stretch; a stretch is a piece read from a zero
# state).
_LEAST_SHARE_OF_OTHER_VALUES = 0.005
# A feature is dropped where its value falls fewer times than this (a depth: falls to 0), because a feature of
# few periods matches anything slow by chance.
_LEAST_FALLS = 50
# A depth is dropped where it is at 0 at less than this share of the positions.
_LEAST_SHARE_AT_DEPTH_0 = 0.05

Positions = NDArray[np.int64]
# A recipe makes signals from a text and the positions (stretches,) at which a stretch, a piece of text read
# from a zero state, begins. Which features it makes, and their order, do not depend on the text.
Recipe = Callable[[str, Positions], Iterable[Signal]]
# A counted text is a text, the positions (stretches,) at which its stretches begin, and the counted positions
# (rows,).
CountedText = tuple[str, Positions, Positions]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A FeatureTable lists the features that are tested, and the names of features that are left out.

    features are tested. dropped are the names of features that vary too little. aliases leads from the name
    of a feature whose signal equals a tested feature's to the name of the tested feature. recipes are the
    functions that make the signals, each with the names of its tested features. known leads from the SHA-256
    of a tested signal, on the texts that the choice was made on, to its name.
    """

    features: tuple[Feature, ...] = ()
    dropped: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    recipes: tuple[tuple[Recipe, frozenset[str]], ...] = ()
    known: dict[bytes, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Return the names of the features, in order."""
        return [feature.name for feature in self.features]

    def signals(self, text: str, starts: Positions, *, skipped_recipes: int = 0) -> NDArray[np.uint8]:
        """Return (characters, features) uint8: the signals of the features along `text`, in their order.

        starts (stretches,) are the positions where the model's state is zero. The features of the first
        `skipped_recipes` recipes are left out.
        """
        columns = list(chain.from_iterable(self._chosen_signals(text, starts, skipped_recipes)))
        return np.stack(columns, axis=1) if columns else np.zeros((len(text), 0), np.uint8)

    def _chosen_signals(
        self, text: str, starts: Positions, skipped_recipes: int
    ) -> Iterator[list[NDArray[np.uint8]]]:
        """Yield for each recipe behind the first `skipped_recipes` the values of its chosen signals."""
        for recipe, names in self.recipes[skipped_recipes:]:
            signals = _first_of_each_name(recipe(text, starts))
            yield [signal.values for signal in signals if signal.feature.name in names]

    def extended(
        self, recipe: Recipe, texts: Iterable[CountedText], *, required: Sequence[str] = ()
    ) -> "FeatureTable":
        """Return a table that has the features of this table and, behind them, the features that recipe adds.

        A feature of the recipe is added if it varies enough at the counted positions of `texts`, unless the
        table has its name or its signal. Counted are the positions behind the first 200 characters of a
        stretch; a stretch is a piece of text read from a zero state. Raises UsageError where the signal of
        a feature named in `required` is 0 throughout.
        """
        variations: dict[str, _Variation] = {}
        for text, starts, counted in texts:
            for feature, values in _first_of_each_name(recipe(text, starts)):
                variations.setdefault(feature.name, _Variation(feature)).update(values, values[counted])
        for name in required:
            if not variations[name].ever_on:
                raise UsageError(
                    f"the feature {name} is on nowhere in the text", "see that its rule fits the text"
                )
        known, aliases = dict(self.known), dict(self.aliases)
        chosen, dropped = [], list(self.dropped)
        for name, variation in variations.items():
            content = variation.content.digest()
            if name in self.names:
                continue
            if content in known:
                aliases[name] = known[content]
            elif variation.is_enough():
                known[content] = name
                chosen.append(variation.feature)
            else:
                dropped.append(name)
        recipes = (*self.recipes, (recipe, frozenset(feature.name for feature in chosen)))
        return FeatureTable((*self.features, *chosen), tuple(dropped), aliases, recipes, known)


def _first_of_each_name(signals: Iterable[Signal]) -> Iterator[Signal]:
    """Yield the first signal of each name in signals."""
    names: set[str] = set()
    for signal in signals:
        if signal.feature.name not in names:
            names.add(signal.feature.name)
            yield signal


class _Variation:
    """A _Variation sums over several texts how a feature varies.

    It counts each value, and how often the value falls. content is the SHA-256 of the whole signal; ever_on
    says whether any of its values is above 0.
    """

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self.content = sha256()
        self.ever_on = False
        self._counts = np.zeros(CAP + 1, np.int64)
        self._falls = 0

    def update(self, values: NDArray[np.uint8], counted: NDArray[np.uint8]) -> None:
        """Add a text: values (characters,) uint8 of the signal, and counted (rows,) at counted positions."""
        self.content.update(values.tobytes())
        self.ever_on = self.ever_on or bool(values.any())
        self._counts += np.bincount(counted, minlength=CAP + 1)
        far_enough = (counted[1:] == 0) | (self.feature.kind != "depth")
        self._falls += int(np.count_nonzero((counted[1:] < counted[:-1]) & far_enough))

    def is_enough(self) -> bool:
        """Return whether the feature has enough values beside its commonest one, and falls often enough.

        A depth must also reach 2 often enough, because a depth of 0 and 1 is a switch, which is listed
        as a switch; and be at 0 often enough, because otherwise its openers and closers do not match.
        """
        counts, total = self._counts, self._counts.sum()
        if total == 0:
            return False
        changes = 1 - counts.max() / total >= _LEAST_SHARE_OF_OTHER_VALUES and self._falls >= _LEAST_FALLS
        nests = (
            counts[2:].sum() >= _LEAST_SHARE_OF_OTHER_VALUES * total
            and counts[0] >= _LEAST_SHARE_AT_DEPTH_0 * total
        )
        return bool(changes and (nests or self.feature.kind != "depth"))
