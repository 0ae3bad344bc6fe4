"""Planted networks with cells that the head reads and cells that it does not, and interventions on them."""

from typing import NamedTuple

import numpy as np
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.exam.planted_cells import PlantedCell, plant, toggle
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.features.listed_features import Traits, features
from charlstm.inspection.intervening.experiment import (
    Candidate,
    ClosersUnderTest,
    Intervention,
    InterventionContext,
)
from charlstm.inspection.intervening.sites import Sites, sites_of
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import Cut
from charlstm.model.char_lstm import CharLSTM

# Cell 0 decides when a quotation ends, cell 1 follows it and is not read.
TOGGLES = [toggle('"').read('"', 3), toggle('"')]


class Planned(NamedTuple):
    """An intervention on a planted cell, with all that it needs."""

    context: InterventionContext
    closers: ClosersUnderTest
    intervention: Intervention


def network(planted: list[PlantedCell], *, idle: int = 12) -> CharLSTM:
    """A network of planted cells and, behind them, idle ones that the head hardly reads."""
    model = plant(planted, SYMBOLS, idle=idle, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.head.weight[:, len(planted) :] *= 0.01
    return model.requires_grad_(False)


def chunk_of(text: str, streams: int = 4) -> Chunk:
    """A chunk of text without a table of features."""
    no_signals = np.zeros((len(text), 0), np.uint8)
    return Chunk(ids_of(text), SYMBOLS, 0, Cut(len(text), streams), FeatureTable(), no_signals)


def signal_of(chunk: Chunk, feature: str) -> Signal:
    """The signal of a named feature of the catalogue along a chunk."""
    listed = features(chunk.text, Traits.of(chunk.text, SYMBOLS), starts=chunk.cut.starts)
    return next(signal for signal in listed if signal.feature.name == feature)


def context_of(
    model: CharLSTM, chunk: Chunk, sites: list[Sites], excluded: dict[str, list[int]]
) -> InterventionContext:
    """A context in which the excluded cells of layer 0, by feature, may not be controls."""
    flags = {name: torch.zeros(model.config.layers, model.config.cells) > 0 for name in excluded}
    for name, cells in excluded.items():
        flags[name][0, cells] = True
    thresholds = torch.zeros(model.config.layers, model.config.cells, dtype=torch.float64)
    return InterventionContext(model, chunk, thresholds, sites, flags)


def planned(
    planted: list[PlantedCell] = TOGGLES,
    feature: str = "inside_double_quotes",
    *,
    cell: int = 0,
    dose: float = -1.0,
    excluded: tuple[int, ...] = (),
) -> Planned:
    """An intervention that adds dose to c of a planted cell at the sites of a feature in a text."""
    chunk = chunk_of(written(20_000, seed=3))
    signal = signal_of(chunk, feature)
    sites = sites_of(signal, chunk.text, SYMBOLS, chunk.cut, torch.Generator().manual_seed(0))
    assert sites is not None
    context = context_of(network(planted), chunk, [sites], {feature: list(excluded)})
    candidate = Candidate(0, cell, signal.feature, 1.0)
    intervention = Intervention(candidate, sites, torch.full((len(sites.before_closers),), dose), 1)
    return Planned(context, ClosersUnderTest(context, sites), intervention)
