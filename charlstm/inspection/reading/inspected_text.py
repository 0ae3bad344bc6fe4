"""An inspected text is cut into four splits; its features are chosen on one of them and tested on all.

Each split serves one step: thresholds are set on `calibrate`, cells are paired with features on `discover`,
pairs are tested anew on `confirm`, and interventions are made on `intervene`. No step sees the text of a
later one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from charlstm.config import LEAST_INSPECTED_CHARACTERS, TracePrecision
from charlstm.errors import CorpusError
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.feature_table import FeatureTable, Positions
from charlstm.inspection.features.listed_features import Traits, features, gated_counter
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.inspection.features.user_features import name_and_rule, user_feature
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.splits import Split

# Each split begins at this share of the text; the last one goes on to the text's end.
_SPLIT_BEGINS = {"calibrate": 0.0, "discover": 0.10, "confirm": 0.45, "intervene": 0.80}


@dataclass(frozen=True, eq=False)
class InspectedText:
    """An InspectedText has a text, its splits by name, and the table of the features that are tested in it.

    ids (characters,) are indices into symbols, the vocabulary.
    """

    ids: Ids
    symbols: Sequence[str]
    splits: dict[str, Split]
    table: FeatureTable

    @property
    def bounds(self) -> dict[str, tuple[int, int]]:
        """Return for each split its first position in the text and the position behind its last."""
        return {name: (split.start, split.start + len(split.ids)) for name, split in self.splits.items()}

    def extended(self, automata: Sequence[Automaton]) -> "InspectedText":
        """Return this text with further features: the automata, and a counter for each switch among them.

        The counter counts characters while its switch is on. Features that vary too little on the split
        discover, or equal an earlier one there, are left out.
        """

        def recipe(text: str, starts: Positions) -> Iterator[Signal]:
            signals = [automaton.signal(text, starts) for automaton in automata]
            yield from signals
            for signal in signals:
                if signal.feature.kind == "switch":
                    yield gated_counter(signal)

        table = self.table.extended(recipe, self.splits["discover"].counted_texts())
        splits = {name: split.extended(table) for name, split in self.splits.items()}
        return replace(self, table=table, splits=splits)


def read_text(
    ids: Ids,
    symbols: Sequence[str],
    streams: int,
    user_specs: Sequence[str] = (),
    *,
    device: torch.device | None = None,
    precision: TracePrecision = "float32",
    require_user_features: bool = True,
) -> InspectedText:
    """Cut the text ids (characters,) into splits, choose its features on the split discover, and return both.

    ids are indices into symbols, the vocabulary. Each chunk of a split is cut into at most `streams`
    stretches. user_specs are the user's features, see `user_features.user_feature`; they come before the
    listed features. Models read the text on device, None for the one that a model is on, with
    products in that precision. Raises CorpusError
    for a text that is too short or has no feature that varies enough, UsageError for a specification that
    cannot be read or, with require_user_features, is 0 throughout the split.
    """
    if len(ids) < LEAST_INSPECTED_CHARACTERS:
        raise CorpusError(
            f"an inspection needs {LEAST_INSPECTED_CHARACTERS:,} characters, the text has {len(ids):,}",
            "give a longer text",
        )
    splits = {
        name: replace(split, device=device, precision=precision)
        for name, split in _cut_into_splits(ids, symbols, streams).items()
    }
    traits = Traits.of(next(splits["discover"].counted_texts())[0], symbols)

    def recipe(text: str, starts: Positions) -> Iterator[Signal]:
        for spec in user_specs:
            yield user_feature(spec, text, starts)
        yield from features(text, traits, starts=starts)

    names = [name_and_rule(spec)[0] for spec in user_specs] if require_user_features else []
    table = FeatureTable().extended(recipe, splits["discover"].counted_texts(), required=names)
    if all(feature.pseudo for feature in table.features):
        raise CorpusError(
            "no feature of the text varies enough to be tested", "give a text with punctuation and lines"
        )
    return InspectedText(ids, symbols, {name: split.extended(table) for name, split in splits.items()}, table)


def _cut_into_splits(ids: Ids, symbols: Sequence[str], streams: int) -> dict[str, Split]:
    """Return the splits of the text ids (characters,) by name, without features."""
    edges = [int(share * len(ids)) for share in _SPLIT_BEGINS.values()] + [len(ids)]
    return {
        name: Split(ids[start:stop], symbols, start, streams)
        for name, (start, stop) in zip(_SPLIT_BEGINS, pairwise(edges), strict=True)
    }
