"""The text of an inspection cut into its splits, and the passes of the detectors over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.errors import CorpusError
from charlstm.inspection import confirmation, detectors
from charlstm.inspection.confirmation import Confirmation
from charlstm.inspection.detectors import Calibration, Discovery, Pairs, Split
from charlstm.inspection.features import FeatureTable, feature_table, features
from charlstm.inspection.trace import WARMUP, Cut
from charlstm.model import CharLSTM

Ids = NDArray[np.unsignedinteger]

# Where each split begins, as shares of the text; the last one is for interventions.
_BEGINS = {"calibrate": 0.0, "discover": 0.15, "confirm": 0.50, "intervene": 0.85}
_LEAST_CHARACTERS = 20_000
# A stretch is at least this long, so that the warm-up takes no more than a tenth of the text.
_STRETCH = 10 * WARMUP
# Untrained cells whose best score every candidate has to beat, so that a small network has a fair floor.
_UNTRAINED_CELLS = 512


@dataclass(frozen=True, eq=False)
class InspectedText:
    """The text under inspection: ids (characters,), the symbols they stand for, the same as text, the
    bounds of its splits, and what was made of them.
    """

    ids: Ids
    symbols: Sequence[str]
    text: str
    bounds: dict[str, tuple[int, int]]
    table: FeatureTable
    splits: dict[str, Split]


@dataclass(frozen=True, eq=False)
class Detected:
    """What the three passes over one model gave; stands (pairs,) bool are the pairs that are findings."""

    calibration: Calibration
    discovery: Discovery
    untrained: Tensor
    pairs: Pairs
    confirmation: Confirmation
    stands: Tensor
    shortest_shift: int


def read_text(ids: Ids, symbols: Sequence[str], streams: int) -> InspectedText:
    """Cut the text into splits and stretches, and compute its features."""
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
    table = feature_table(
        features(text, symbols, starts=starts), bounds["discover"][0] + cuts["discover"].counted
    )
    if not table.features:
        raise CorpusError(
            "no feature of the text varies enough to be tested", "give a text with punctuation and lines"
        )
    used = ("calibrate", "discover", "confirm")
    splits = {name: Split.of(ids, bounds[name][0], cuts[name], table) for name in used}
    return InspectedText(ids, symbols, text, bounds, table, splits)


def _cut(characters: int, streams: int) -> Cut:
    return Cut(characters, max(1, min(streams, characters // _STRETCH)))


def fresh(model: CharLSTM, generator: torch.Generator) -> CharLSTM:
    """An untrained network of the same shape, on the same device."""
    return CharLSTM(model.config, generator=generator).to(model.device)


def untrained_scores(model: CharLSTM, text: InspectedText, generator: torch.Generator) -> Tensor:
    """(features,) float64: the largest |r| of any cell of untrained networks of the same shape."""
    split = text.splits["discover"]
    networks = max(2, -(-_UNTRAINED_CELLS // (model.config.layers * model.config.cells)))
    scores = [detectors.strongest(fresh(model, generator), split) for _ in range(networks)]
    return torch.stack(scores).amax(0)


def detect(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    untrained: Tensor,
    generator: torch.Generator,
) -> Detected:
    """Calibrate, discover and confirm, each on its split; untrained are the scores to beat."""
    calibrating, discovering, confirming = (
        text.splits[name] for name in ("calibrate", "discover", "confirm")
    )
    calibration = detectors.calibrate(model, calibrating)
    drawn = [
        detectors.draw_shifts(split.features, config.shifts, generator) for split in (discovering, confirming)
    ]
    discovery = detectors.discover(model, discovering, calibration.means, drawn[0])
    pairs = detectors.choose(discovery, calibration, untrained=untrained, significance=config.significance)
    confirmed = confirmation.confirm(model, confirming, pairs, calibration, drawn[1])
    counts = torch.tensor([feature.kind != "switch" for feature in text.table.features])[pairs.features]
    stands = confirmed.holds(pairs, counts=counts, significance=config.significance)
    return Detected(calibration, discovery, untrained, pairs, confirmed, stands, int(torch.cat(drawn).min()))
