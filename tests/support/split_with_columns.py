"""A split of a text whose features are given number by number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from written_text import SYMBOLS, ids_of

from charlstm.inspection.features.feature import Feature, FeatureKind, Signal
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.reading.splits import Split


def split_with_columns(
    text: str,
    *columns: NDArray[np.uint8],
    kinds: Sequence[FeatureKind] = (),
    pseudo: Sequence[int] = (),
    names: Sequence[str] = (),
) -> Split:
    """Return text, short enough for one chunk, in four stretches, with columns (characters,) as its features.

    The features are counters unless kinds says otherwise, those numbered in pseudo are pseudo features, and
    they are called "0", "1" and so on unless names says otherwise.
    """
    features = tuple(
        Feature(
            names[place] if names else str(place),
            kinds[place] if kinds else "counter",
            {},
            pseudo=place in pseudo,
        )
        for place in range(len(columns))
    )

    def recipe(read: str, starts: NDArray[np.int64]) -> list[Signal]:
        return [
            Signal(feature, column[: len(read)]) for feature, column in zip(features, columns, strict=True)
        ]

    table = FeatureTable(features, recipes=((recipe, frozenset(feature.name for feature in features)),))
    return Split(ids_of(text), SYMBOLS, 0, 4, table)
