"""Set the limits of the exam's rivals: those with the best answers on some exam networks.

For each rival the limit of a found cell is the one with the largest F1 (the harmonic mean of precision and
recall) over all kinds, then the limit of a verified cell the one with the most right verdicts.

    python tests/benchmarks/rival_limits.py --networks 40 --seed 100
"""

import argparse
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.exam.exam_networks import exam_network
from charlstm.inspection.exam.marking import ExamScore, mark, total_score
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.exam.rivals.readings import read_network
from charlstm.inspection.exam.rivals.sitting import RIVALS, Measured, Rival, answers_by

# What one rival measured in one network.
Scored = tuple[ExamNetwork, Measured]
_CANDIDATES = 80


def best_limits(rival: Rival, scored: list[Scored]) -> tuple[Rival, ExamScore]:
    """Return rival with its best limits on the scored networks, and its score with them."""
    best_scores = np.concatenate([measured.scores.max(axis=1) for _, measured in scored])
    uses = np.concatenate([_uses(measured) for _, measured in scored])
    found = max(_limits(best_scores), key=lambda limit: _f1(_score(replace(rival, found=limit), scored)))
    rival = replace(rival, found=found)
    used = max(_limits(uses), key=lambda limit: _score(replace(rival, used=limit), scored).verdicts or 0)
    rival = replace(rival, used=used)
    return rival, _score(rival, scored)


def _uses(measured: Measured) -> NDArray[np.float64]:
    """Return (cells,): the use of each cell for its best feature."""
    best = measured.scores.argmax(axis=1, keepdims=True)
    return np.take_along_axis(measured.use, best, axis=1).ravel()


def _limits(values: NDArray[np.float64]) -> list[float]:
    """Return limits with three digits, each between two neighbours among values (n,)."""
    ordered = np.unique(values)
    between = (ordered[:-1] + ordered[1:]) / 2
    chosen = np.linspace(0, len(between) - 1, _CANDIDATES).astype(int)
    return [float(f"{limit:.3g}") for limit in between[np.unique(chosen)]]


def _score(rival: Rival, scored: Iterable[Scored]) -> ExamScore:
    answers = [mark(network, answers_by(rival, measured)) for network, measured in scored]
    return total_score("all", [answer for of_network in answers for answer in of_network])


def _f1(score: ExamScore) -> float:
    precision, recall = score.precision or 0.0, score.recall or 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=100)
    options = parser.parse_args()
    scored: dict[str, list[Scored]] = {name: [] for name in RIVALS}
    for number in range(options.networks):
        reading = read_network(exam_network(options.seed + number))
        for name, rival in RIVALS.items():
            scored[name].append((reading.network, rival.measured(reading)))
    for name, rival in RIVALS.items():
        limited, score = best_limits(rival, scored[name])
        print(f"{name:<22} found {limited.found:g} used {limited.used:g}   {score}", flush=True)


if __name__ == "__main__":
    main()
