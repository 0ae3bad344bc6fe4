"""Questions about odd cells ask for the drivers, verdicts and shares that their cells have."""

import numpy as np
import torch

from charlstm.inspection.exam.exam_texts import draw_roles
from charlstm.inspection.exam.hard.odd_cells import (
    forgetting_depth_question,
    misused_questions,
    plain_questions,
    slow_questions,
    toggle_used_elsewhere,
)
from charlstm.inspection.exam.planted_cells import Drive
from charlstm.inspection.features.feature import specific_drivers

ROLES = draw_roles(np.random.default_rng(0))
DRIVE = Drive(8.0)


def random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_misused_cell_is_read_for_a_character_that_does_not_end_what_it_follows() -> None:
    questions = [*misused_questions(ROLES, DRIVE, random()), toggle_used_elsewhere("|", "\n", 2.0, DRIVE)]
    for question in questions:
        assert question.cell.reads
        assert not set(question.cell.reads) & set(question.drivers.get("reset", []))
        assert question.verdict == "correlate"
        assert question.share == (0.0 if question.kind else None)
    assert [question.kind for question in questions] == ["counter", None, "toggle"]


def test_a_plain_question_is_about_a_cell_that_carries_all_of_its_behaviour() -> None:
    questions = [*plain_questions(ROLES, DRIVE, random()), forgetting_depth_question(ROLES, DRIVE, random())]
    for question in questions:
        assert set(specific_drivers(question.drivers)) == question.cell.driven_by
        closers = question.drivers.get("reset") or question.drivers["unstep"]
        assert list(question.cell.reads) == closers
        assert (question.verdict, question.share) == ("verified", 1.0)
    assert [question.kind for question in questions] == ["toggle", "latch", "counter", "depth_counter"]


def test_of_the_slow_cells_only_the_depth_counter_is_asked_for() -> None:
    level, depth = slow_questions(ROLES, DRIVE, 3.0, torch.Generator().manual_seed(0))
    assert (level.kind, level.cell.reads) == (None, {})
    assert (depth.kind, depth.cell.reads) == ("depth_counter", {ROLES.closer: 3.0})
    assert depth.cell.driven_by == {*ROLES.style.letters, ROLES.opener, ROLES.closer}
