"""Rivals make answers of their scores by two limits, and tell no lie about an easy network."""

from collections.abc import Callable

import numpy as np
import pytest
from exam_reading import planted_network

from charlstm.inspection.exam.answers import CellAnswer
from charlstm.inspection.exam.rivals import sitting
from charlstm.inspection.exam.rivals.scores import correlation_scores
from charlstm.inspection.exam.rivals.sitting import (
    RIVALS,
    Measured,
    Rival,
    answers_by,
    kind_of,
    rival_methods,
)
from charlstm.inspection.features.feature import Feature

TOGGLE = Feature("toggle |", "switch", {"set": ["|"], "reset": ["|"]})
LATCH = Feature("from ( to )", "switch", {"set": ["("], "reset": [")"]})
COUNTER = Feature("since ;", "counter", {"step": ["*"], "reset": [";"]})
DEPTH = Feature("depth ()", "depth", {"step": ["("], "unstep": [")"]})


def test_a_cell_is_found_and_verified_where_its_scores_reach_the_limits() -> None:
    rival = Rival(correlation_scores, found=0.5, used=0.7)
    scores = np.array([[0.9, 0.2], [0.4, 0.3], [0.1, 0.5], [0.6, 0.1]])
    use = np.array([[0.7, 0.0], [1.0, 1.0], [1.0, 0.6], [0.9, 1.0]])
    assert answers_by(rival, Measured(scores, use, (TOGGLE, COUNTER))) == {
        0: CellAnswer("toggle", TOGGLE.drivers, "verified"),
        2: CellAnswer("counter", COUNTER.drivers, "correlate"),
        3: CellAnswer("toggle", TOGGLE.drivers, "verified"),
    }


@pytest.mark.parametrize(
    ("feature", "kind"),
    [(TOGGLE, "toggle"), (LATCH, "latch"), (COUNTER, "counter"), (DEPTH, "depth_counter")],
)
def test_a_cell_is_called_what_its_feature_is(feature: Feature, kind: str) -> None:
    assert kind_of(feature) == kind


@pytest.mark.parametrize(
    ("name", "found"), [("highest |r|", 3), ("mutual information", 2), ("|r| and gradient", 3)]
)
def test_a_rival_finds_the_cells_of_an_easy_network(name: str, found: int) -> None:
    """Mutual information misses the depth counter, whose level differs between stretches."""
    answers = rival_methods()[name](planted_network(), 0)
    kinds = ["toggle", "counter", "depth_counter"][:found]
    assert [answers[cell].kind for cell in range(found)] == kinds
    assert {answers[cell].verdict for cell in range(found)} == {"verified"}


def test_only_the_gradient_tells_twins_apart() -> None:
    methods = rival_methods()
    verdicts = {
        name: methods[name](planted_network(), 0)[3].verdict for name in RIVALS if "gradient" not in name
    }
    assert set(verdicts.values()) <= {"verified"}
    assert methods["|r| and gradient"](planted_network(), 0)[3].verdict == "correlate"


def test_a_network_is_read_once_for_all_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def counting(read_network: Callable[[object], object]) -> Callable[[object], object]:
        return lambda network: read.append(network) or read_network(network)  # type: ignore[func-returns-value]

    monkeypatch.setattr(sitting, "read_network", counting(sitting.read_network))
    methods = rival_methods()
    for name in ("highest |r|", "linear probe"):
        methods[name](planted_network(), 0)
    assert read == [planted_network()]
