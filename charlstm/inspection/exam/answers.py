"""An answer says of a cell of an exam network what it is; here are those of the inspection.

A method is a function from an exam network, whose questions it must not look at, and its seed to its answers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from charlstm.config import InspectionConfig
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.features.feature import Drivers
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import study

# All methods read an exam text in this many stretches.
STREAMS = 8
_INTERVENTIONS = 64


@dataclass(frozen=True)
class CellAnswer:
    """A CellAnswer is what a method says of a cell that it found.

    kind: what it calls the cell, as findings.json does.
    drivers: the characters that drive the cell, by what they do.
    verdict: whether the model uses the cell, as findings.json says it; None where the method does not say.
    share: the part of the behaviour at the closer that the cell carries; None where it does not say.
    """

    kind: str
    drivers: Drivers = field(default_factory=dict)
    verdict: str | None = None
    share: float | None = None


# What a method found in a network, by the number of the cell; the numbers go on from layer to layer.
Answers = dict[int, CellAnswer]
Method = Callable[[ExamNetwork, int], Answers]


def ids_of(network: ExamNetwork) -> Ids:
    """Return (characters,) uint8: the text of network in its symbols."""
    numbers = {symbol: number for number, symbol in enumerate(network.symbols)}
    return np.array([numbers[character] for character in network.text], np.uint8)


def inspection_answers(network: ExamNetwork, seed: int) -> Answers:
    """Return the answers of an inspection of network, which `seed` seeds."""
    config = InspectionConfig(streams=STREAMS, seed=seed, interventions=_INTERVENTIONS)
    text = read_text(ids_of(network), network.symbols, config.streams)
    confirmed_pairs = study(network.model, text, config).confirmed_pairs
    answers = {}
    for pair in confirmed_pairs:
        share = pair.proof.grade.share.value if pair.proof.grade else None
        answers[pair.cell] = CellAnswer(pair.name.kind, pair.name.drivers, pair.proof.verdict, share)
    return answers
