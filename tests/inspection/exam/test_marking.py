"""Inspections give right answers about exam networks, and right and wrong answers are counted as such."""

import pytest

from charlstm.inspection.exam import marking
from charlstm.inspection.exam.marking import (
    Answer,
    ExamProgress,
    ExamResult,
    answers_to,
    count_findings_in_untrained,
    duplicates_told_apart,
    run_exam,
    scores_by_kind_and_design,
)
from charlstm.inspection.exam.planted_cells import toggle
from charlstm.inspection.exam.planted_networks import make_exam_network
from charlstm.inspection.exam.questions import Question


@pytest.mark.parametrize("seed", [1002, 1003])
def test_every_answer_about_a_network_with_a_hard_drive_is_right(seed: int) -> None:
    network = make_exam_network(seed)
    assert network.drive.is_hard
    answers = answers_to(network, seed=seed)
    counted = [a for a in answers if not (a.tolerated and a.found in (None, a.wanted))]
    wrong = [a for a in counted if a.found != a.wanted or (a.wanted and not a.drivers_right)]
    assert wrong == []
    assert sum(a.wanted is not None for a in answers) >= 5


def test_there_is_no_finding_in_an_untrained_network() -> None:
    assert count_findings_in_untrained(1000) == 0


def answer(**changes: object) -> Answer:
    """Return a right answer about a verified toggle in a hard network, with changes."""
    right = {"label": "toggle", "wanted": "toggle", "found": "toggle", "drivers_right": True}
    verdicts = {"wanted_verdict": "verified", "verdict": "verified", "tolerated": False, "hard": True}
    return Answer(**{**right, **verdicts, **changes})


def test_scores_count_what_is_missed_misnamed_and_found_where_nothing_is() -> None:
    answers = [
        answer(),
        answer(drivers_right=False, verdict="correlate"),
        answer(found=None, drivers_right=False, verdict=None),
        answer(label="nothing", wanted=None, found="toggle", wanted_verdict=None),
        answer(label="word counter", wanted="counter", found="counter", tolerated=True),
    ]
    kind, design = scores_by_kind_and_design(answers)
    assert (kind.name, kind.asked, kind.found) == ("toggle", 3, 2)
    assert (kind.precision, kind.recall, kind.drivers, kind.verdicts) == pytest.approx(
        (2 / 3, 2 / 3, 0.5, 0.5)
    )
    assert (design.name, design.recall, design.precision) == ("toggle", 2 / 3, None)


def test_twins_are_told_apart_where_the_unread_one_is_found_and_not_verified() -> None:
    assert duplicates_told_apart([answer()]) is None
    assert duplicates_told_apart([answer(label="twin", verdict="correlate")])
    assert not duplicates_told_apart([answer(label="twin")])
    assert not duplicates_told_apart([answer(label="twin", found=None, verdict=None)])


@pytest.mark.parametrize(
    ("wanted", "tolerated", "found", "right"),
    [
        ({"set": ["("], "reset": [")"]}, False, {"set": ["("], "reset": [")"]}, True),
        ({"set": ["("], "reset": [")"]}, False, {"set": [")"], "reset": ["("]}, True),
        ({"set": ["("], "reset": [")"]}, False, {"set": ["("], "reset": ["("]}, False),
        ({"set": ["("], "reset": [")"]}, False, {"set": ["a("], "reset": [")"]}, False),
        ({"set": ["("], "reset": [")"]}, True, {"set": ["a(", "b("], "reset": [")"]}, True),
        ({"step": ["("], "unstep": [")"]}, False, {"step": [")"], "unstep": ["("]}, False),
        ({"step": ["*"], "reset": ["\n"]}, False, {"step": ["*"], "reset": ["\n"]}, True),
        ({"step": ["*"], "reset": ["\n"]}, False, {"step": ["*"], "reset": ["\n", " "]}, False),
    ],
)
def test_drivers_are_right_up_to_the_sides_of_a_switch_and_a_tolerated_cells_pairs(
    wanted: dict[str, list[str]], tolerated: bool, found: dict[str, list[str]], right: bool
) -> None:
    question = Question(
        label="any", cell=toggle("("), kind="latch", drivers=wanted, verdict="verified", tolerated=tolerated
    )
    assert marking._drivers_right(question, found) is right


def test_an_exam_reads_consecutive_seeds_and_separates_hard_cells_from_soft_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answers_of_seed(network: int, *, seed: int) -> list[Answer]:
        assert network == seed
        return [
            answer(hard=seed % 2 == 0),
            answer(label="twin", verdict="correlate" if seed < 7 else "verified"),
        ]

    monkeypatch.setattr(marking, "make_exam_network", lambda seed: seed)
    monkeypatch.setattr(marking, "answers_to", answers_of_seed)
    monkeypatch.setattr(marking, "count_findings_in_untrained", lambda seed: 10 * seed)
    *progress, result = run_exam(3, 2, seed=5)
    assert progress == [ExamProgress(pytest.approx(number / 5)) for number in range(1, 6)]
    assert isinstance(result, ExamResult)
    assert (result.networks, result.seed, result.untrained) == (3, 5, [50, 60])
    assert result.twins == pytest.approx(2 / 3)
    assert [(score.name, score.asked) for score in result.soft] == [("toggle", 2), ("toggle", 2)]
    assert [(score.name, score.asked) for score in result.hard] == [("toggle", 4), ("toggle", 1), ("twin", 3)]
