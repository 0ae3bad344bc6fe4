"""Scores are large for the cells that follow a feature, and agree with independent references."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from exam_reading import planted_network

from charlstm.inspection.exam.rivals.readings import Matrix, Reading, read_network
from charlstm.inspection.exam.rivals.scores import (
    component_scores,
    correlation_scores,
    information_scores,
    probe_scores,
    share_of_largest,
)

NAMES = ["toggle |", "since ;", "depth ()"]


@pytest.fixture(scope="module")
def reading() -> Reading:
    return read_network(planted_network())


def columns(reading: Reading) -> list[int]:
    names = [feature.name for feature in reading.features]
    return [names.index(name) for name in NAMES]


@pytest.mark.parametrize("score", [correlation_scores, probe_scores, information_scores, component_scores])
def test_the_planted_cell_has_the_largest_score_with_its_feature(
    score: Callable[[Reading], Matrix], reading: Reading
) -> None:
    scores = score(reading)[:, columns(reading)]
    assert np.all(scores >= 0)
    scores[3] = 0  # the twin follows what the first cell follows
    assert scores[:, 1:].argmax(axis=0).tolist() == [1, 2]
    assert scores[0, 0] >= 0.5 * scores[:, 0].max()


def test_a_probe_divides_its_weight_among_twins(reading: Reading) -> None:
    scores = probe_scores(reading)[:, columns(reading)]
    assert scores[0, 0] == pytest.approx(scores[3, 0], rel=0.05)
    target, cells = reading.values[:, columns(reading)[1]], reading.c
    weights = np.linalg.lstsq(cells, target, rcond=0.01)[0]
    assert abs(weights).argmax() == 1
    assert scores[1, 1] == pytest.approx(np.corrcoef(cells @ weights, target)[0, 1], abs=0.02)


def test_information_is_a_share_of_the_entropy_of_the_feature(reading: Reading) -> None:
    """A copy of a feature tells all of it, and noise tells nothing."""
    random = np.random.default_rng(0)
    counts = reading.counts[:, columns(reading)[:2]]
    noise = random.standard_normal(len(counts))
    states = np.concatenate([counts, noise[:, None]], axis=1)
    scores = information_scores(replace(reading, states=states, counts=counts))
    assert scores[0, 0] == pytest.approx(1, abs=1e-6)
    assert scores[1, 1] > 0.99
    assert scores[2].max() < 0.02


def test_information_agrees_with_a_count_by_hand() -> None:
    c = np.array([[-1.0], [-1.0], [1.0], [1.0], [1.0], [1.0], [-1.0], [1.0]])
    counts = np.array([[0], [0], [1], [1], [1], [0], [0], [1]], np.uint8)
    reading = replace(read_network(planted_network()), states=c, counts=counts)
    joint = {(-1, 0): 3 / 8, (1, 0): 1 / 8, (1, 1): 4 / 8}
    of_c, of_value = {-1: 3 / 8, 1: 5 / 8}, {0: 1 / 2, 1: 1 / 2}
    bits = sum(p * np.log2(p / of_c[a] / of_value[b]) for (a, b), p in joint.items())
    assert information_scores(reading)[0, 0] == pytest.approx(bits)


def test_a_share_of_the_largest_is_taken_by_column() -> None:
    scores = np.array([[1.0, 0.0], [4.0, 0.0]])
    assert share_of_largest(scores).tolist() == [[0.25, 0.0], [1.0, 0.0]]
