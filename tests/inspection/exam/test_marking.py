"""Answers are compared with the questions, and right and wrong ones are counted as such."""

from dataclasses import replace

import pytest
from answers_of_methods import answer

from charlstm.inspection.exam import marking
from charlstm.inspection.exam.answers import CellAnswer
from charlstm.inspection.exam.marking import (
    duplicates_told_apart,
    mark,
    scores_by_kind_and_design,
    total_score,
)
from charlstm.inspection.exam.planted_cells import toggle
from charlstm.inspection.exam.planted_networks import make_exam_network
from charlstm.inspection.exam.questions import Question


def test_scores_count_what_is_missed_misnamed_and_found_where_nothing_is() -> None:
    answers = [
        answer(),
        answer(drivers_right=False, verdict="correlate"),
        answer(found=None, drivers_right=False, verdict=None),
        answer(label="nothing", wanted=None, found="toggle", wanted_verdicts=()),
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


def test_undecided_verdicts_are_counted_apart_and_not_as_wrong() -> None:
    (score, _) = scores_by_kind_and_design([answer(), answer(verdict="undecided"), answer(verdict=None)])
    assert (score.found, score.verdicts, score.undecided) == (3, 0.5, 1)


def test_a_verdict_is_right_where_it_is_one_of_the_right_ones_and_counts_only_where_one_is_asked() -> None:
    assert answer(wanted_verdicts=("verified", "redundant"), verdict="redundant").verdict_right
    assert answer(verdict="redundant").verdict_right is False
    assert answer(wanted_verdicts=()).verdict_right is None


@pytest.mark.parametrize(
    ("wanted", "share", "right"),
    [
        (0.5, 0.64, True),
        (0.5, 0.36, True),
        (0.5, 0.66, False),
        (1.0, 0.5, False),
        (None, 0.5, None),
        (0.5, None, None),
    ],
)
def test_a_share_is_right_within_fifteen_hundredths(
    wanted: float | None, share: float | None, right: bool | None
) -> None:
    assert answer(wanted_share=wanted, share=share).share_right is right


@pytest.mark.parametrize(
    ("found", "share", "right"),
    [
        (None, None, True),
        ("graded", None, True),
        ("latch", None, False),
        ("latch", 0.3, True),
        ("latch", 0.9, False),
    ],
)
def test_a_cell_of_a_spread_feature_is_told_so_or_not_found(
    found: str | None, share: float | None, right: bool
) -> None:
    spread = answer(
        label="rotated", wanted=None, found=found, share=share, wanted_share=0.25, distributed=True
    )
    assert spread.kind_right is right
    scores = {score.name: score for score in scores_by_kind_and_design([answer(), spread])}
    assert scores["rotated"].recall == float(right)


def test_the_total_is_over_all_kinds_and_counts_what_is_found_where_nothing_is() -> None:
    wrong = answer(label="nothing", wanted=None, found="latch", wanted_verdicts=())
    counter = answer(label="line counter", wanted="counter", found=None, verdict=None)
    total = total_score("all", [answer(), answer(), wrong, counter])
    assert (total.name, total.asked, total.found) == ("all", 3, 2)
    assert (total.precision, total.recall) == pytest.approx((2 / 3, 2 / 3))


def test_marks_belong_to_the_cells_of_the_questions() -> None:
    network = make_exam_network(3, characters=1_000)
    network = replace(network, cells=tuple(reversed(network.cells)))
    asked = network.questions[0]
    assert asked.kind is not None
    said = {
        network.cells[0]: CellAnswer(asked.kind, asked.drivers, "verified", 0.9),
        10_000: CellAnswer("latch"),
    }
    first, *others, last = mark(network, said)
    assert (first.kind_right, first.drivers_right, first.verdict_right, first.share_right) == (True,) * 4
    assert [other.found for other in others] == [None] * len(others)
    assert (last.label, last.found, last.kind_right) == ("nothing", "latch", False)


def test_a_cell_that_carries_a_part_is_soft_in_a_hard_network() -> None:
    network = make_exam_network(3, characters=1_000)
    assert network.drive.is_hard
    whole, part = network.questions[0], replace(network.questions[0], share=0.25)
    marked = mark(replace(network, questions=(whole, part), cells=(0, 1)), {})
    assert [one.hard for one in marked] == [True, False]
