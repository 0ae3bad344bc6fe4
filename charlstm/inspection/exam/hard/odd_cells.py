"""Questions about cells that are used for something else than they follow, and about cells that are slow."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from charlstm.findings import Kind
from charlstm.inspection.exam import planted_cells
from charlstm.inspection.exam.exam_texts import Roles
from charlstm.inspection.exam.hard import hard_cells
from charlstm.inspection.exam.planted_cells import Drive, PlantedCell
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.features.feature import ANY_CHARACTER

# A cell that follows no feature is raised by the letters in the first place and lowered by those in the
# second, and read for the letter in the third.
_RAISING, _LOWERING, _READ_FOR = slice(0, 5), slice(5, 10), 10
# The steps of c of the counters, and how far each letter moves a depth counter that stands on a slow level.
_COUNTER_STEPS = (1 / 80, 1 / 40)
_STEP_OF_A_LEVEL = 0.0025
_STEPS_OF_DEPTH = (0.4, 0.8)


def misused_questions(roles: Roles, drive: Drive, random: np.random.Generator) -> Iterator[Question]:
    """Yield the questions about used cells that carry nothing of what they follow, or follow nothing.

    random draws how strongly the logits depend on them.
    """
    weight = float(random.uniform(2, 4))
    counter = planted_cells.line_counter(roles.other_line, drive)
    yield Question(
        label="counter used elsewhere",
        cell=counter.read(" ", 2 * weight),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [roles.other_line]},
        share=0.0,
    )
    letters = roles.style.letters
    cell = hard_cells.hysteresis(letters[_RAISING], letters[_LOWERING])
    yield Question(label="used, follows nothing", cell=cell.read(letters[_READ_FOR], weight))


def toggle_used_elsewhere(character: str, closer: str, weight: float, drive: Drive) -> Question:
    """Return the question about a toggle that `character` flips and only the logit of `closer` reads."""
    return Question(
        label="toggle used elsewhere",
        cell=planted_cells.toggle(character, drive).read(closer, weight),
        kind="toggle",
        drivers={"set": [character], "reset": [character]},
        share=0.0,
    )


def slow_questions(
    roles: Roles, drive: Drive, weight: float, generator: torch.Generator
) -> Iterator[Question]:
    """Yield the questions about a slow cell that follows nothing, and a depth counter on top of such a level.

    weight is that of the depth counter in the logit of the closer; generator draws the steps of the levels.
    """
    letters = roles.style.letters
    yield Question(label="slow level", cell=hard_cells.slow_level(letters, generator))
    depth = planted_cells.depth_counter(roles.opener, roles.closer, drive)
    cell = hard_cells.on_a_slow_level(depth, letters, generator, step=_STEP_OF_A_LEVEL)
    yield replace(depth_question(roles, cell, weight), label="depth on a slow level")


def depth_question(roles: Roles, cell: PlantedCell, weight: float) -> Question:
    """Return the question about a depth counter, with `weight` in the logit of the closer."""
    return Question(
        label="depth counter",
        cell=cell.read(roles.closer, weight),
        kind="depth_counter",
        drivers={"step": [roles.opener], "unstep": [roles.closer]},
        verdict="verified",
        share=1.0,
    )


def plain_questions(roles: Roles, drive: Drive, random: np.random.Generator) -> Iterator[Question]:
    """Yield the questions about a toggle, a latch and a counter that noise leaves alive.

    random draws the counter's step and how strongly the logits depend on the cells.
    """
    weight = float(random.uniform(2, 4))
    toggle = planted_cells.toggle(roles.quote, drive).read(roles.quote, weight)
    latch = planted_cells.latch(roles.setter, roles.resetter, drive).read(roles.resetter, weight)
    step = float(random.uniform(*_COUNTER_STEPS))
    counter = hard_cells.shut_counter(roles.line, drive, step=step).read(roles.line, 2 * weight)
    yield _used("toggle", toggle, {"set": [roles.quote], "reset": [roles.quote]})
    yield _used("latch", latch, {"set": [roles.setter], "reset": [roles.resetter]})
    yield _used("counter", counter, {"step": ANY_CHARACTER, "reset": [roles.line]})


def forgetting_depth_question(roles: Roles, drive: Drive, random: np.random.Generator) -> Question:
    """Return the question about a depth counter that slowly forgets; random draws its step and its weight."""
    step, weight = float(random.uniform(*_STEPS_OF_DEPTH)), float(random.uniform(4, 8))
    cell = hard_cells.forgetting_depth_counter(roles.opener, roles.closer, drive, step=step)
    return depth_question(roles, cell, weight)


def _used(kind: Kind, cell: PlantedCell, drivers: dict[str, list[str]]) -> Question:
    """Return the question about a cell of that kind that carries all of its behaviour."""
    return Question(label=kind, cell=cell, kind=kind, drivers=drivers, verdict="verified", share=1.0)
