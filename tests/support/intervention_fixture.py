"""Planted networks whose head reads some cells and not others, and interventions on them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from written_text import SYMBOLS, ids_of

from charlstm.inspection.exam.planted_cells import PlantedCell, plant, toggle
from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.features.listed_features import Traits, features
from charlstm.inspection.intervening.behaviours import VERDICT_LAG, Behaviour, behaviour_of
from charlstm.inspection.intervening.census import CellRoles
from charlstm.inspection.intervening.experiment import Candidate, ClosersUnderTest, InterventionContext
from charlstm.inspection.reading.passage import Passage, passage_of
from charlstm.inspection.reading.splits import Split
from charlstm.model.char_lstm import CharLSTM

QUOTES, COLUMN = "inside_double_quotes", "column"
PARENTHESES, BRACKETS, DEPTH = "inside_parentheses", "inside_brackets", "bracket_depth"
STRETCHES, STRETCH_CHARACTERS = 4, 6_000
# Cell 0 decides when a quotation ends, cell 1 follows it and is not read.
TOGGLES = [toggle('"').read('"', 3), toggle('"')]


def network(planted: Sequence[PlantedCell], *, idle: int = 12, line_break: float = 0.0) -> CharLSTM:
    """A network of planted cells and, behind them, idle ones that the head hardly reads.

    line_break is added to the logit of the line break.
    """
    model = plant(planted, SYMBOLS, idle=idle, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.head.weight[:, len(planted) :] *= 0.01
        model.head.bias[SYMBOLS.index("\n")] += line_break
    return model.requires_grad_(False)


def split_of(text: str, names: Sequence[str], *, streams: int = 4) -> Split:
    """A split of text whose table has the listed features called `names`."""

    def recipe(part: str, starts: NDArray[np.int64]) -> Iterator[Signal]:
        listed = features(part, Traits.of(part, SYMBOLS), starts=starts)
        return (signal for signal in listed if signal.feature.name in names)

    found = tuple(signal.feature for signal in recipe(text, np.zeros(1, np.int64)))
    return Split(
        ids_of(text), SYMBOLS, 0, streams, FeatureTable(found, recipes=((recipe, frozenset(names)),))
    )


@cache
def tidy_text() -> str:
    """A text whose stretches all begin and end outside of quotes and brackets; square brackets are nested."""
    random = np.random.default_rng(3)

    def words(most: int) -> str:
        count = random.integers(2, most + 1)
        return " ".join("".join(random.choice(list("abcdefgh"), random.integers(1, 7))) for _ in range(count))

    stretches = []
    for _ in range(STRETCHES):
        stretch = ""
        while len(stretch) < STRETCH_CHARACTERS - 200:
            ending = random.choice(["quote", "parentheses", "brackets", "line", "line"])
            stretch += words(6)
            if ending == "quote":
                stretch += f' "{words(10)}", '
            elif ending == "parentheses":
                stretch += f" ({words(10)}). "
            elif ending == "brackets":
                stretch += f" [{words(6)} [{words(6)}] {words(3)}], "
            else:
                stretch += "\n"
        stretches.append((stretch + " abc de" * 40)[:STRETCH_CHARACTERS])
    return "".join(stretches)


@cache
def tidy_split() -> Split:
    """The tidy text with some listed features."""
    return split_of(tidy_text(), (QUOTES, COLUMN, PARENTHESES, BRACKETS, DEPTH), streams=STRETCHES)


@cache
def tidy_passage() -> Passage:
    """The passage of `tidy_split` with all of its features."""
    split = tidy_split()
    return passage_of(split, split.table.names)


def behaviour(name: str, passage: Passage | None = None) -> Behaviour:
    """The behaviour at the end of a feature of the tidy text, or of another passage."""
    found = behaviour_of(name, passage or tidy_passage())
    assert found is not None
    return found


def context_of(model: CharLSTM, *names: str, passage: Passage | None = None) -> InterventionContext:
    """A context with the behaviours of the named features."""
    passage = passage or tidy_passage()
    thresholds = torch.zeros(model.config.layers, model.config.cells, dtype=torch.float64)
    return InterventionContext(model, passage, [behaviour(name, passage) for name in names], thresholds)


def closers_of(
    planted: Sequence[PlantedCell] = TOGGLES, name: str = QUOTES, *, line_break: float = 0.0
) -> ClosersUnderTest:
    """The closers of a feature under test, in a network of planted cells."""
    context = context_of(network(planted, line_break=line_break), name)
    return ClosersUnderTest(context, context.behaviours[name], context.behaviours[name].deciding_sites)


def feature(name: str) -> Feature:
    """A feature of the tidy text."""
    return tidy_passage().signals[name].feature


def candidate(cell: int, name: str = QUOTES, slope: float = 2.0) -> Candidate:
    """A candidate of the first layer that follows a feature of the tidy text."""
    return Candidate(0, cell, feature(name), slope)


def roles_of(
    model: CharLSTM, followed: Mapping[int, Mapping[str, float]], names: Sequence[str] = (QUOTES, COLUMN)
) -> CellRoles:
    """The roles of the cells of a network of one layer: followed has |r| by cell and feature, else 0."""
    correlations = torch.zeros(model.config.cells, len(names))
    for cell, scores in followed.items():
        for name, score in scores.items():
            correlations[cell, names.index(name)] = score
    return CellRoles(correlations, {name: column for column, name in enumerate(names)}, 1)


class Run(NamedTuple):
    """What a network of one layer does along a passage: logits (characters, vocabulary), h and c
    (characters, cells), float64.
    """

    logits: NDArray[np.float64]
    h: NDArray[np.float64]
    c: NDArray[np.float64]


class ByHand:
    """The equations of a network of one layer with tanh, written once more in numpy."""

    def __init__(self, model: CharLSTM) -> None:
        weights = model.weights(0)
        parts = (model.embedding.weight @ weights.input.t() + weights.bias, weights.recurrent.t())
        self.from_ids, self.recurrent = (part.detach().double().numpy() for part in parts)
        self.head = model.head.weight.detach().double().numpy().T
        self.bias = model.head.bias.detach().double().numpy()

    def step(
        self, ids: NDArray[np.int64], h: NDArray[np.float64], c: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return h and c (rows, cells) after ids (rows,)."""
        i, f, g, o = np.split(self.from_ids[ids] + h @ self.recurrent, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        return np.tanh(c) / (1 + np.exp(-o)), c

    def logits(self, h: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (rows, vocabulary) the logits of h (rows, cells)."""
        return h @ self.head + self.bias

    def after_edit(
        self,
        run: Run,
        passage: Passage,
        start: int,
        site: int,
        values: Mapping[int, float],
        length: int = VERDICT_LAG + 1,
    ) -> NDArray[np.float64]:
        """Return (vocabulary,) the logits after `length` characters from `site`, read from the state before
        the position `start`, with c of some cells set to values at the first of them.
        """
        h, c = run.h[[start - 1]], run.c[[start - 1]]
        for place in range(length):
            ids = passage.ids[[site + place]].astype(np.int64)
            output = 1 / (1 + np.exp(-np.split(self.from_ids[ids] + h @ self.recurrent, 4, axis=1)[3]))
            h, c = self.step(ids, h, c)
            if place == 0:
                c[0, list(values)] = list(values.values())
                h = output * np.tanh(c)
        return self.logits(h)[0]


def run_by_itself(model: CharLSTM, passage: Passage) -> Run:
    """Read a passage with a model of one layer, one character after the other, each stretch from zeros."""
    network, cut = ByHand(model), passage.cut
    ids = passage.ids.astype(np.int64).reshape(cut.streams, cut.length)
    h = c = np.zeros((cut.streams, model.config.cells))
    states = []
    for place in range(cut.length):
        h, c = network.step(ids[:, place], h, c)
        states.append((h, c))
    hidden, cells = (
        np.stack(parts, axis=1).reshape(len(passage.ids), -1) for parts in zip(*states, strict=True)
    )
    return Run(network.logits(hidden), hidden, cells)
