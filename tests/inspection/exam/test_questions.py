"""The answers that questions ask for agree with the planted cells that the questions are about."""

import numpy as np
import pytest
import torch

from charlstm.inspection.exam.exam_texts import LETTERS, draw_roles
from charlstm.inspection.exam.planted_cells import Drive
from charlstm.inspection.exam.questions import (
    Question,
    clear_questions,
    decoy_questions,
    duplicate_question,
    flip_missing_toggle_questions,
    gated_counter_questions,
    turned_question,
)
from charlstm.inspection.features.feature import specific_drivers


def clear(seed: int = 0) -> list[Question]:
    random = np.random.default_rng(seed)
    return list(clear_questions(draw_roles(random), Drive(), random))


def decoys(seed: int = 0) -> list[Question]:
    roles = draw_roles(np.random.default_rng(seed))
    return list(decoy_questions(roles, torch.Generator().manual_seed(seed)))


def every_question(seed: int) -> list[Question]:
    gated = gated_counter_questions("~", Drive(), np.random.default_rng(seed), number=3)
    return [
        *clear(seed),
        *decoys(seed),
        *gated,
        *flip_missing_toggle_questions("^"),
        duplicate_question(clear(seed)[0]),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_cell_must_be_verified_exactly_if_a_logit_depends_on_it(seed: int) -> None:
    for question in every_question(seed):
        assert (question.verdict == "verified") == bool(question.cell.reads), question.label


@pytest.mark.parametrize("seed", range(3))
def test_the_right_drivers_are_the_characters_that_drive_the_cell(seed: int) -> None:
    for question in every_question(seed):
        if question.kind:
            assert set(specific_drivers(question.drivers)) == question.cell.driven_by, question.label


def test_there_is_a_clear_question_about_every_kind() -> None:
    assert {question.kind for question in clear()} == {"toggle", "latch", "counter", "depth_counter"}
    assert not any(question.tolerated for question in clear())


def test_a_question_is_made_only_when_it_is_asked_for() -> None:
    random = np.random.default_rng(0)
    questions = clear_questions(draw_roles(random), Drive(), random)
    state = random.bit_generator.state
    next(questions)
    after_one = random.bit_generator.state
    list(questions)
    assert state != after_one != random.bit_generator.state


def test_a_decoy_must_not_be_found_and_only_the_word_counter_may() -> None:
    allowed = [question for question in decoys() if question.kind]
    assert [question.label for question in allowed] == ["word counter"]
    assert allowed[0].tolerated


def test_a_twin_is_the_cell_without_its_effect_on_the_logits() -> None:
    question = clear()[0]
    twin = duplicate_question(question)
    assert twin.cell.read(*next(iter(question.cell.reads.items()))) == question.cell
    assert (twin.kind, twin.drivers, twin.verdict) == (question.kind, question.drivers, "correlate")


def test_half_of_the_cells_are_negated() -> None:
    random, question = np.random.default_rng(0), clear()[1]
    turned = [turned_question(question, random) for _ in range(400)]
    negated = sum(other.cell == question.cell.negated() for other in turned)
    assert negated + sum(other == question for other in turned) == 400
    assert 150 < negated < 250


def test_a_gated_counter_hears_the_toggle_at_the_given_place() -> None:
    toggle, counter = gated_counter_questions("~", Drive(), np.random.default_rng(0), number=5)
    assert (toggle.kind, counter.kind) == ("toggle", "counter")
    assert list(counter.cell.i_from) == [5]


def test_a_toggle_that_misses_flips_hears_the_detector_just_before_it() -> None:
    detector, toggle = flip_missing_toggle_questions("^")
    assert detector.cell.driven_by == set(LETTERS[:5])
    assert list(toggle.cell.i_from) == list(toggle.cell.f_from) == [-1]
    assert toggle.tolerated
