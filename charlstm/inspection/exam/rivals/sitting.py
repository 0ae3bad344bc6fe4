"""Rivals sit the exam: their scores become answers by one rule, with two limits for each rival.

A cell is found where its score with its best feature reaches the first limit; its kind and its drivers are
those of the feature. It is called verified where its use reaches the second limit. The use is the score as a
share of the best cell's score with that feature or, for gradient attribution, the change of the logit. The
limits are those with the best answers on the exam networks of seeds 100 to 139;
tests/benchmarks/rival_limits.py sets them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from charlstm.inspection.exam.answers import Answers, CellAnswer, Method
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.exam.rivals.attribution import attribution_scores
from charlstm.inspection.exam.rivals.readings import Matrix, Reading, read_network
from charlstm.inspection.exam.rivals.scores import (
    component_scores,
    correlation_scores,
    information_scores,
    probe_scores,
    share_of_largest,
)
from charlstm.inspection.features.feature import Feature

Measure = Callable[[Reading], Matrix]


class Measured(NamedTuple):
    """Measured are the scores and the uses, (cells, features) each, of a network's cells and features."""

    scores: Matrix
    use: Matrix
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Rival:
    """A Rival has two measures of cells and features, and a limit for each.

    score: says for a reading how well cells follow features, (cells, features).
    found: the least score of a found cell.
    used: the least use of a verified cell.
    use: says how much the model uses the cell for the feature, (cells, features); None where that is the
        score as a share of the best cell's score with the feature.
    """

    score: Measure
    found: float
    used: float
    use: Measure | None = None

    def measured(self, reading: Reading) -> Measured:
        """Return what the rival measures in reading."""
        scores = self.score(reading)
        use = share_of_largest(scores) if self.use is None else self.use(reading)
        return Measured(scores, use, reading.features)


RIVALS: dict[str, Rival] = {
    "highest |r|": Rival(correlation_scores, 0.822, 0.98),
    "linear probe": Rival(probe_scores, 0.849, 0.996),
    "mutual information": Rival(information_scores, 0.699, 0.895),
    "gradient attribution": Rival(attribution_scores, 0.0382, 0.0382, attribution_scores),
    "|r| and gradient": Rival(correlation_scores, 0.822, 0.35, attribution_scores),
    "principal components": Rival(component_scores, 0.537, 0.24),
}


class Readings:
    """Readings keeps the reading of the last network, which all rivals share."""

    def __init__(self) -> None:
        self._last: Reading | None = None

    def of(self, network: ExamNetwork) -> Reading:
        """Return the reading of network."""
        if self._last is None or self._last.network is not network:
            self._last = read_network(network)
        return self._last


def rival_methods(rivals: Mapping[str, Rival] = RIVALS) -> dict[str, Method]:
    """Return a method for each of rivals, by its name."""
    readings = Readings()

    def sit(rival: Rival, network: ExamNetwork, seed: int) -> Answers:
        reading = readings.of(network)
        return answers_by(rival, rival.measured(reading))

    return {name: partial(sit, rival) for name, rival in rivals.items()}


def answers_by(rival: Rival, measured: Measured) -> Answers:
    """Return the answers that the limits of rival make of what it measured."""
    scores, use, features = measured
    answers = {}
    for cell, best in enumerate(scores.argmax(axis=1)):
        if scores[cell, best] >= rival.found:
            verdict = "verified" if use[cell, best] >= rival.used else "correlate"
            answers[cell] = CellAnswer(kind_of(features[best]), features[best].drivers, verdict)
    return answers


def kind_of(feature: Feature) -> str:
    """Return what a cell is called that follows feature."""
    if feature.kind == "switch":
        return "toggle" if feature.drivers["set"] == feature.drivers["reset"] else "latch"
    return "counter" if feature.kind == "counter" else "depth_counter"
