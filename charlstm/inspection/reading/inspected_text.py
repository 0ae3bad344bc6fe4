"""The text of an inspection, with its splits and the features that are tested in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from charlstm.errors import CorpusError
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.features.catalogue import Traits, features, gated_counter
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.feature_table import FeatureTable, Positions
from charlstm.inspection.features.user_features import name_and_rule, user_feature
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.splits import Split

# Where each split begins, as shares of the text; the last one is for interventions.
_BEGINS = {"calibrate": 0.0, "discover": 0.10, "confirm": 0.45, "intervene": 0.80}

_LEAST_CHARACTERS = 20_000


@dataclass(frozen=True, eq=False)
class InspectedText:
    """The text under inspection: ids (characters,), the symbols they stand for, its splits by name, and the
    features that are tested in it.
    """

    ids: Ids
    symbols: Sequence[str]
    splits: dict[str, Split]
    table: FeatureTable

    @property
    def bounds(self) -> dict[str, tuple[int, int]]:
        """Where each split begins and ends."""
        return {name: (split.start, split.start + len(split.ids)) for name, split in self.splits.items()}

    def extended(self, automata: Sequence[Automaton]) -> "InspectedText":
        """The same text with the signals of automata, and counters that run while one of their switches is
        on, as further features.
        """

        def recipe(text: str, starts: Positions) -> Iterator[Signal]:
            found = [automaton.signal(text, starts) for automaton in automata]
            yield from found
            for signal in found:
                if signal.feature.kind == "switch":
                    yield gated_counter(signal)

        table = self.table.extended(recipe, self.splits["discover"].readings())
        splits = {name: split.extended(table) for name, split in self.splits.items()}
        return replace(self, table=table, splits=splits)


def read_text(ids: Ids, symbols: Sequence[str], streams: int, wanted: Sequence[str] = ()) -> InspectedText:
    """Cut the text into splits, and choose its features; wanted are the user's own."""
    if len(ids) < _LEAST_CHARACTERS:
        raise CorpusError(
            f"an inspection needs {_LEAST_CHARACTERS:,} characters, the text has {len(ids):,}",
            "give a longer text",
        )
    edges = [int(share * len(ids)) for share in _BEGINS.values()] + [len(ids)]
    splits = {
        name: Split(ids[start:stop], symbols, start, streams)
        for name, (start, stop) in zip(_BEGINS, pairwise(edges), strict=True)
    }
    names = [name_and_rule(spec)[0] for spec in wanted]
    traits = Traits.of(next(splits["discover"].readings())[0], symbols)

    def recipe(text: str, starts: Positions) -> Iterator[Signal]:
        for spec in wanted:
            yield user_feature(spec, text, starts)
        yield from features(text, traits, starts=starts)

    table = FeatureTable().extended(recipe, splits["discover"].readings(), required=names)
    if all(feature.pseudo for feature in table.features):
        raise CorpusError(
            "no feature of the text varies enough to be tested", "give a text with punctuation and lines"
        )
    return InspectedText(ids, symbols, {name: split.extended(table) for name, split in splits.items()}, table)
