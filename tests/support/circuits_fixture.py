"""A planted network with the behaviours, the roles and the states that circuits are made from."""

from functools import cache
from typing import NamedTuple

import torch
from quoted_text import SYMBOLS, quoted
from written_text import ids_of

from charlstm.config import ModelConfig
from charlstm.inspection.circuits.behaviour_sites import SITES, BehaviourSites
from charlstm.inspection.circuits.single_cells import SingleCells, single_cells
from charlstm.inspection.circuits.trigram import Trigram
from charlstm.inspection.exam.planted_cells import PlantedCell, plant
from charlstm.inspection.intervening.behaviours import behaviour_of
from charlstm.inspection.intervening.census import CellRoles
from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.reading.passage import passage_of
from charlstm.model.char_lstm import CharLSTM

QUOTES, BRACKETS = "inside_double_quotes", "inside_parentheses"


class Planted(NamedTuple):
    """A planted network and one behaviour of it."""

    context: InterventionContext
    roles: CellRoles
    sites: BehaviourSites
    single: SingleCells
    text: InspectedText


@cache
def inspected() -> InspectedText:
    """A written text, cut into splits, with its features."""
    return read_text(ids_of(quoted(80_000, seed=5), SYMBOLS), tuple(SYMBOLS), 1, ())


def network(cells: list[PlantedCell], idle: int = 20) -> CharLSTM:
    """A network of planted cells and idle ones, which the head hardly reads."""
    model = plant(cells, SYMBOLS, idle=idle, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.head.weight[:, len(cells) :] *= 0.01
        model.head.bias.zero_()
    return model.requires_grad_(False)


def random_network() -> CharLSTM:
    """A network of two layers that has learned nothing."""
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=6, layers=2, embedding=8)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    model.head.weight *= 4
    return model


def roles_of(model: CharLSTM, text: InspectedText) -> CellRoles:
    """How strongly every cell follows every feature on the split "discover"."""
    chunk = text.splits["discover"].first
    features = [feature for feature in chunk.table.features if not feature.pseudo]
    columns = torch.tensor([chunk.table.names.index(feature.name) for feature in features])
    c, values = [], []
    for block in chunk.blocks(model):
        c.append(block.c)
        values.append(chunk.features(block.rows)[:, columns])
    both = torch.cat((torch.cat(c), torch.cat(values)), dim=1).double().t()
    total = model.config.layers * model.config.cells
    correlations = torch.corrcoef(both)[:total, total:].nan_to_num(0).abs()
    names = {feature.name: column for column, feature in enumerate(features)}
    return CellRoles(correlations, names, model.config.layers)


def context_of(model: CharLSTM, names: list[str]) -> InterventionContext:
    """The behaviours at the ends of features, with the states at their sites."""
    passage = passage_of(inspected().splits["intervene"], names)
    behaviours = [behaviour_of(name, passage) for name in names]
    thresholds = torch.zeros(model.config.layers, model.config.cells, dtype=torch.float64)
    return InterventionContext(model, passage, [one for one in behaviours if one], thresholds)


def planted(model: CharLSTM, feature: str = QUOTES, count: int = SITES) -> Planted:
    """What circuits of one behaviour are made from."""
    text, context = inspected(), context_of(model, [feature])
    behaviour = context.behaviours[feature]
    trigram = Trigram(text.ids[: text.splits["intervene"].start], len(SYMBOLS))
    sites = BehaviourSites.of(context, behaviour, behaviour.deciding_sites.thinned(count), trigram)
    return Planted(context, roles_of(model, text), sites, single_cells(sites, []), text)
