"""The text of an inspection cut into its splits, and the passes of the detectors over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.errors import CorpusError
from charlstm.inspection import confirmation, detectors, signals
from charlstm.inspection.confirmation import Confirmation
from charlstm.inspection.detectors import Calibration, Discovery, Pairs, Split
from charlstm.inspection.features import Feature, FeatureTable, feature_table, features, gated_counter
from charlstm.inspection.movements import Movements, proposals, watch
from charlstm.inspection.trace import WARMUP, Cut
from charlstm.inspection.user_features import user_feature
from charlstm.model import CharLSTM

Ids = NDArray[np.unsignedinteger]

# Where each split begins, as shares of the text; the last one is for interventions.
_BEGINS = {"calibrate": 0.0, "discover": 0.10, "confirm": 0.45, "intervene": 0.80}
_LEAST_CHARACTERS = 20_000
# A stretch is at least this long, so that the warm-up takes no more than a tenth of the text.
_STRETCH = 10 * WARMUP
# Untrained cells whose best score every candidate has to beat, so that a small network has a fair floor.
_UNTRAINED_CELLS = 512
# And how much text they are read on.
_UNTRAINED_CHARACTERS = 100_000
# Features that cells may add to the listed ones.
_MOST_PROPOSED = 64
# No finding may rest on these: their linear part is taken out.
_NUISANCES = ("column", "characters_since_space")


@dataclass(frozen=True, eq=False)
class InspectedText:
    """The text under inspection: ids (characters,), the symbols they stand for, the same as text, the
    bounds of its splits, the positions where a stretch of reading starts, and what was made of them.
    """

    ids: Ids
    symbols: Sequence[str]
    text: str
    bounds: dict[str, tuple[int, int]]
    cuts: dict[str, Cut]
    starts: NDArray[np.int64]
    table: FeatureTable
    splits: dict[str, Split]

    def counted(self, split: str) -> NDArray[np.int64]:
        """(rows,) positions in the whole text of a split's counted characters."""
        return self.bounds[split][0] + self.cuts[split].counted

    def extended(self, found: Sequence[Feature]) -> "InspectedText":
        """The same text with further features."""
        table = self.table.extended(found, self.counted("discover"))
        splits = {name: split.extended(self.bounds[name][0], table) for name, split in self.splits.items()}
        return replace(self, table=table, splits=splits)


@dataclass(frozen=True, eq=False)
class Detected:
    """What the passes over one model gave; stands (pairs,) bool are the pairs that are findings.

    text has the features that the model's own cells proposed; pseudo_found is how many cells a feature
    about letters that mean nothing would have named.
    """

    text: InspectedText
    calibration: Calibration
    movements: Movements
    discovery: Discovery
    untrained: Tensor
    pairs: Pairs
    confirmation: Confirmation
    stands: Tensor
    shortest_shift: int
    pseudo_found: int


def read_text(ids: Ids, symbols: Sequence[str], streams: int, wanted: Sequence[str] = ()) -> InspectedText:
    """Cut the text into splits and stretches, and compute its features; wanted are the user's own."""
    if len(ids) < _LEAST_CHARACTERS:
        raise CorpusError(
            f"an inspection needs {_LEAST_CHARACTERS:,} characters, the text has {len(ids):,}",
            "give a longer text",
        )
    edges = [int(share * len(ids)) for share in _BEGINS.values()] + [len(ids)]
    bounds = dict(zip(_BEGINS, pairwise(edges), strict=True))
    cuts = {name: _cut(stop - start, streams) for name, (start, stop) in bounds.items()}
    starts = np.concatenate([bounds[name][0] + cut.starts for name, cut in cuts.items()])
    text = "".join(map(symbols.__getitem__, ids.tolist()))
    own = [user_feature(spec, text, starts) for spec in wanted]
    listed = features(text, symbols, starts=starts)
    table = feature_table([*own, *listed], bounds["discover"][0] + cuts["discover"].counted)
    if all(feature.pseudo for feature in table.features):
        raise CorpusError(
            "no feature of the text varies enough to be tested", "give a text with punctuation and lines"
        )
    used = ("calibrate", "discover", "confirm")
    splits = {name: Split.of(ids, bounds[name][0], cuts[name], table) for name in used}
    return InspectedText(ids, symbols, text, bounds, cuts, starts, table, splits)


def _cut(characters: int, streams: int) -> Cut:
    return Cut(characters, max(1, min(streams, characters // _STRETCH)))


def fresh(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """An untrained network of the same shape, on the same device."""
    return CharLSTM(model.config, generator=generator).to(model.device).eval()


def detect(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    generator: torch.Generator,
    progress: Callable[[str, float], None] = lambda stage, fraction: None,
) -> Detected:
    """Calibrate, let the cells propose features, discover and confirm, each on its split."""
    progress("calibration", 0.0)
    calibration = detectors.calibrate(model, text.splits["calibrate"])
    discovering = text.splits["discover"]
    progress("movements", 0.05)
    seen = watch(model, discovering, calibration.thresholds, calibration.means, text.symbols)
    listed = len(text.table.features)
    text = text.extended(_proposed(seen, text))
    discovering, confirming = text.splits["discover"], text.splits["confirm"]
    progress("untrained scores", 0.15)
    untrained = _untrained_scores(model, discovering, generator)
    progress("discovery", 0.3)
    pseudo = torch.tensor([feature.pseudo for feature in text.table.features])
    drawn = [
        detectors.draw_shifts(split.features, config.shifts, generator) for split in (discovering, confirming)
    ]
    tested = (~pseudo).nonzero().flatten()
    discovery = detectors.discover(model, discovering, calibration.means, drawn[0], tested=tested)

    def chosen(eligible: Tensor) -> Pairs:
        return detectors.choose(
            discovery,
            eligible=eligible,
            proposed=torch.arange(len(eligible)) >= listed,
            untrained=untrained,
            significance=config.significance,
        )

    pairs = chosen(~pseudo)
    progress("confirmation", 0.5)
    confirmed, stands = _confirmed(model, text, pairs, calibration, drawn[1], config.significance)
    return Detected(
        text,
        calibration,
        seen,
        discovery,
        untrained,
        pairs,
        confirmed,
        stands,
        int(torch.cat(drawn).min()),
        len(chosen(pseudo)),
    )


def _confirmed(
    model: CharLSTM,
    text: InspectedText,
    pairs: Pairs,
    calibration: Calibration,
    shifts: Tensor,
    significance: float,
) -> tuple[Confirmation, Tensor]:
    """The frozen pairs on the confirm split, and which of them stand, (pairs,) bool."""
    confirmed = confirmation.confirm(
        model,
        text.splits["confirm"],
        pairs,
        calibration,
        shifts,
        since=_since(text, pairs),
        nuisances=[place for place, name in enumerate(text.table.names) if name in _NUISANCES],
    )
    kinds = [text.table.features[place].kind for place in pairs.features.tolist()]
    stands = confirmed.holds(
        pairs,
        counters=torch.tensor([kind == "counter" for kind in kinds], dtype=torch.bool),
        depths=torch.tensor([kind == "depth" for kind in kinds], dtype=torch.bool),
        significance=significance,
    )
    return confirmed, stands


def _proposed(seen: Movements, text: InspectedText) -> list[Feature]:
    """The features that cells propose, and counters that run while one of their switches is on.

    A switch is on in the rarer of its two states, and a depth goes up at what comes first.
    """
    found = []
    for automaton in proposals(seen)[:_MOST_PROPOSED]:
        if automaton.kind == "depth":
            automaton = min((automaton, automaton.reversed()), key=lambda a: a.unmatched(text.text))
        feature = automaton.feature(text.text, text.starts)
        if feature.kind == "switch" and feature.values.mean() > 0.5:
            feature = automaton.reversed().feature(text.text, text.starts)
        found.append(feature)
    return found + [gated_counter(feature) for feature in found if feature.kind == "switch"]


def _untrained_scores(model: CharLSTM, split: Split, generator: torch.Generator) -> Tensor:
    """(features,) float64: the largest |r| of any cell of untrained networks of the same shape."""
    split = split.first(_UNTRAINED_CHARACTERS)
    networks = max(2, -(-_UNTRAINED_CELLS // (model.config.layers * model.config.cells)))
    scores = [detectors.strongest(fresh(model, generator), split) for _ in range(networks)]
    return torch.stack(scores).amax(0)


def _since(text: InspectedText, pairs: Pairs) -> Tensor:
    """(rows, used) int64: characters since each used feature last went on or off, on the confirm split."""
    positions = text.counted("confirm")
    columns = [
        _changed(text.table.features[place].values > 0)[positions]
        for place in torch.unique(pairs.features).tolist()
    ]
    return torch.from_numpy(np.stack(columns, axis=1)) if columns else torch.zeros(len(positions), 0)


def _changed(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Characters since the last change, 0 at it."""
    return signals.distance_since(np.concatenate(([True], on[1:] != on[:-1])))
