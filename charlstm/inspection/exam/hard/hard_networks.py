"""The hard networks of the exam whose cells are all set by hand: "shared", "upper" and "noisy"."""

from dataclasses import replace

import numpy as np
import torch

from charlstm.inspection.exam import planted_cells
from charlstm.inspection.exam.exam_texts import PLAIN, Roles, draw_roles, write_exam_text
from charlstm.inspection.exam.hard.building import add_noise, plant_in_two_layers
from charlstm.inspection.exam.hard.company import (
    Companions,
    companion_questions,
    rotated_questions,
    sharing_counter_questions,
    sharing_toggle_questions,
)
from charlstm.inspection.exam.hard.odd_cells import (
    forgetting_depth_question,
    misused_questions,
    plain_questions,
    slow_questions,
    toggle_used_elsewhere,
)
from charlstm.inspection.exam.hard.text_styles import STYLES, code_roles, code_text
from charlstm.inspection.exam.planted_cells import Drive, plant
from charlstm.inspection.exam.planted_networks import ExamNetwork, drive_of, log_frequencies
from charlstm.inspection.exam.questions import Question, duplicate_question, turned_question
from charlstm.inspection.features.feature import ANY_CHARACTER

# The number of idle cells is at least the first of these and below the second.
_IDLE_CELLS = (10, 24)
# The standard deviation of the noise on all weights, and the least drive that is left one under it.
_NOISE = 0.05
_LEAST_NOISY_DRIVE = 4.0
# One noisy network of this number reads source code, the others generated texts.
_ONE_IN_READS_CODE = 3
# In the upper layer the logit of a closer has a weight between these for a depth counter; a twin is made of
# one of the first cells of that layer.
_WEIGHTS_OF_DEPTH = (4.0, 8.0)
_PLAIN_QUESTIONS = 3


def shared_network(seed: int, characters: int) -> ExamNetwork:
    """Return the network that seed determines in which cells share, or are used for something else."""
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    drive, companions = drive_of(seed), Companions.drawn(random)
    roles = draw_roles(random, replace(PLAIN, largest_depth=2))
    text = write_exam_text(roles, random, characters)
    questions = [
        *sharing_toggle_questions(roles, drive, companions),
        *sharing_counter_questions(roles, drive, companions, random),
        *companion_questions(roles, drive, companions),
        *rotated_questions(roles, drive, companions),
        *misused_questions(roles, drive, random),
        toggle_used_elsewhere(",", "\n", companions.swing / 2, drive),
    ]
    questions = [turned_question(question, random) for question in questions]
    model = plant(
        [question.cell for question in questions],
        roles.symbols,
        idle=int(random.integers(*_IDLE_CELLS)),
        generator=generator,
        bias=log_frequencies(text, roles.symbols),
    )
    cells = tuple(range(len(questions)))
    return ExamNetwork(model, text, roles.symbols, tuple(questions), cells, drive, "shared")


def upper_network(seed: int, characters: int) -> ExamNetwork:
    """Return the network of two layers that seed determines, whose used cells are all in the upper one.

    Below them stand a counter and a toggle that follow their features better, and that nothing depends on.
    """
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    drive, roles = drive_of(seed), draw_roles(random)
    text = write_exam_text(roles, random, characters)
    below = [turned_question(question, random) for question in _unused_below(roles, drive)]
    questions = [*plain_questions(roles, drive, random)]
    questions += slow_questions(roles, drive, float(random.uniform(*_WEIGHTS_OF_DEPTH)), generator)
    above = [turned_question(question, random) for question in questions]
    above.append(duplicate_question(above[int(random.integers(_PLAIN_QUESTIONS))]))
    model = plant_in_two_layers(
        [question.cell for question in below],
        [question.cell for question in above],
        roles.symbols,
        idle=int(random.integers(*_IDLE_CELLS)),
        generator=generator,
        bias=log_frequencies(text, roles.symbols),
    )
    cells = (*range(len(below)), *(model.config.cells + number for number in range(len(above))))
    return ExamNetwork(model, text, roles.symbols, (*below, *above), cells, drive, "upper")


def _unused_below(roles: Roles, drive: Drive) -> list[Question]:
    """Return the questions about the two cells of the lower layer that nothing depends on."""
    counter = planted_cells.line_counter(roles.line, drive)
    toggle = planted_cells.toggle(roles.quote, drive)
    return [
        Question(
            label="counter below",
            cell=counter,
            kind="counter",
            drivers={"step": ANY_CHARACTER, "reset": [roles.line]},
            share=0.0,
        ),
        Question(
            label="toggle below",
            cell=toggle,
            kind="toggle",
            drivers={"set": [roles.quote], "reset": [roles.quote]},
            share=0.0,
        ),
    ]


def noisy_network(seed: int, characters: int) -> ExamNetwork:
    """Return the network that seed determines, with noise on all its weights and another style of text.

    In generated texts brackets are nested to depth 2 or 3; one network in _ONE_IN_READS_CODE reads
    source code.
    """
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    drive = drive_of(seed, least=_LEAST_NOISY_DRIVE)
    if random.integers(_ONE_IN_READS_CODE) == 0:
        text = code_text(random, characters)
        roles = code_roles(text)
    else:
        roles = draw_roles(random, STYLES[int(random.integers(len(STYLES)))])
        text = write_exam_text(roles, random, characters)
    questions = [*plain_questions(roles, drive, random), forgetting_depth_question(roles, drive, random)]
    questions.append(duplicate_question(questions[int(random.integers(len(questions)))]))
    questions = [turned_question(question, random) for question in questions]
    model = plant(
        [question.cell for question in questions],
        roles.symbols,
        idle=int(random.integers(*_IDLE_CELLS)),
        generator=generator,
        bias=log_frequencies(text, roles.symbols),
    )
    add_noise(model, _NOISE, planted=len(questions), generator=generator)
    cells = tuple(range(len(questions)))
    return ExamNetwork(model, text, roles.symbols, tuple(questions), cells, drive, "noisy")
