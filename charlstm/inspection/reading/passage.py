"""A passage is a whole split in one piece: its text and the signals of some features along it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlstm.inspection.features.feature import Signal
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import Cut


@dataclass(frozen=True, eq=False)
class Passage:
    """A Passage has the chunks of a split one behind the other, which is one text of equal stretches.

    ids (characters,) are indices into symbols, the vocabulary, and text is the same as a string. cut divides
    both into stretches. signals has the signal of each chosen feature by the feature's name.
    """

    ids: Ids
    text: str
    symbols: Sequence[str]
    cut: Cut
    signals: Mapping[str, Signal]


def passage_of(split: Split, names: Iterable[str]) -> Passage:
    """Return the passage of a split, with the signals of the features called `names`.

    Raises ValueError where the split's table has no feature of such a name.
    """
    names = list(dict.fromkeys(names))
    chunks = list(split)
    signals = {
        name: Signal(
            chunks[0].signal(name).feature, np.concatenate([chunk.signal(name).values for chunk in chunks])
        )
        for name in names
    }
    ids = np.concatenate([chunk.ids for chunk in chunks])
    text = "".join(chunk.text for chunk in chunks)
    return Passage(ids, text, split.symbols, Cut(len(ids), split.stretches), signals)
