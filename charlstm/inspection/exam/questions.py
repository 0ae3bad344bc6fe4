"""A question of the exam is a planted cell with the answer that an inspection should give for it.

Functions here yield questions one by one, because the caller draws whether to use a question before the next
one is made; a question that is built early would change all later random draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from charlstm.findings import Kind, Verdict
from charlstm.inspection.exam import planted_cells
from charlstm.inspection.exam.exam_texts import LETTERS, Roles
from charlstm.inspection.exam.planted_cells import Drive, PlantedCell
from charlstm.inspection.features.feature import ANY_CHARACTER, Drivers

# The flip-missing toggle does not flip right after any of this many letters, the first of LETTERS.
_LETTERS_BEFORE_MISSED_FLIPS = 5
# With this step of a counter, tanh(c) is saturated a few characters after its reset.
_SATURATED_STEP = 0.6
# The weight of the h of a gated counter in the logit of its character.
_GATED_COUNTER_WEIGHT = 12.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """A Question is a planted cell and the right answer.

    label: name of the cell's design.
    cell: the planted cell.
    kind: what the cell must be called, or None where it must not be found.
    drivers: the characters that must be named as its drivers.
    verdict: "verified" where the logit of the cell's closer depends on the cell, else "correlate"; None where
        nothing is asked about it.
    also_right: other verdicts that are right.
    share: the part of the behaviour at the closer that the cell carries, in [0, 1]: 0 where the closer's
        logit does not depend on it; None where nothing is asked about it.
    distributed: whether the cell is one of several over which a feature is spread, so that no single cell
        may be called its switch or counter.
    tolerated: whether the cell may also be missed: it does what its kind says, but is no clear case.
    """

    label: str
    cell: PlantedCell
    kind: Kind | None = None
    drivers: Drivers = field(default_factory=dict)
    verdict: Verdict | None = "correlate"
    also_right: tuple[Verdict, ...] = ()
    share: float | None = None
    distributed: bool = False
    tolerated: bool = False

    @property
    def is_partial(self) -> bool:
        """Return whether the behaviour depends on the cell in part."""
        return self.share is not None and 0 < self.share < 1


def clear_questions(roles: Roles, drive: Drive, random: np.random.Generator) -> Iterator[Question]:
    """Yield the questions about switches and counters of each kind, with gates as in `drive`.

    roles says which characters drive the cells. random draws the c of a latch, steps and how strongly the
    logits depend on the cells.
    """
    weight = float(random.uniform(2, 4))
    level = float(random.uniform(0.4, 1.0))
    step = float(random.uniform(0.3, 0.6))
    yield replace(toggle_question(roles.quote, weight, drive), share=1.0)
    latch = planted_cells.latch(roles.setter, roles.resetter, drive, level=level)
    yield Question(
        label="latch",
        cell=latch.read(roles.resetter, weight / level),
        kind="latch",
        drivers={"set": [roles.setter], "reset": [roles.resetter]},
        verdict="verified",
        share=1.0,
    )
    yield from _counter_questions(roles, drive, random, 2 * weight)
    depth_counter = planted_cells.depth_counter(roles.opener, roles.closer, drive, step=step)
    yield Question(
        label="depth counter",
        cell=depth_counter.read(roles.closer, weight),
        kind="depth_counter",
        drivers={"step": [roles.opener], "unstep": [roles.closer]},
        verdict="verified",
        share=1.0,
    )
    yield from _unused_questions(roles, drive)


def toggle_question(character: str, weight: float, drive: Drive) -> Question:
    """Return the question about a toggle that `character` flips, with `weight` times its h in its logit.

    Its share is not asked for: another cell may have a part in that logit.
    """
    return Question(
        label="toggle",
        cell=planted_cells.toggle(character, drive).read(character, weight),
        kind="toggle",
        drivers={"set": [character], "reset": [character]},
        verdict="verified",
    )


def _counter_questions(
    roles: Roles, drive: Drive, random: np.random.Generator, weight: float
) -> Iterator[Question]:
    """Yield the questions about counters of characters, with `weight` times h in the logit of a line mark."""
    line_counter = planted_cells.line_counter(roles.line, drive, step=float(random.uniform(1 / 120, 1 / 40)))
    yield Question(
        label="line counter",
        cell=line_counter.read(roles.line, weight),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [roles.line]},
        verdict="verified",
        share=1.0,
    )
    saturating_counter = planted_cells.saturating_counter(roles.other_line, drive)
    yield Question(
        label="saturating counter",
        cell=saturating_counter.read(roles.other_line, weight),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [roles.other_line]},
        verdict="verified",
        share=1.0,
    )


def _unused_questions(roles: Roles, drive: Drive) -> Iterator[Question]:
    """Yield the questions about a counter and a toggle that no logit depends on."""
    yield Question(
        label="saturated counter",
        cell=planted_cells.line_counter(roles.line, drive, step=_SATURATED_STEP),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [roles.line]},
        share=0.0,
    )
    yield Question(
        label="space toggle",
        cell=planted_cells.toggle(" ", drive),
        kind="toggle",
        drivers={"set": [" "], "reset": [" "]},
        share=0.0,
    )


def duplicate_question(question: Question) -> Question:
    """Return the question about a duplicate of the cell of `question`, on which no logit depends."""
    unread = replace(question.cell, reads={})
    return replace(question, label="twin", verdict="correlate", also_right=(), share=0.0, cell=unread)


def turned_question(question: Question, random: np.random.Generator) -> Question:
    """Return `question` with its cell as it is or negated, by a draw of `random` with equal chances."""
    return replace(question, cell=question.cell.negated()) if random.random() < 0.5 else question


def gated_counter_questions(
    character: str, drive: Drive, random: np.random.Generator, number: int
) -> list[Question]:
    """Return the questions about a toggle that `character` flips, and a counter that counts while it is on.

    number is the number that the toggle will have among the planted cells of the network. random draws how
    strongly the logit of character depends on the toggle.
    """
    gated_counter = planted_cells.gated_counter(character, number, drive)
    return [
        toggle_question(character, float(random.uniform(2, 4)), drive),
        Question(
            label="gated counter",
            cell=gated_counter.read(character, _GATED_COUNTER_WEIGHT),
            kind="counter",
            drivers={"step": ANY_CHARACTER, "reset": [character]},
            verdict="verified",
        ),
    ]


def flip_missing_toggle_questions(character: str) -> list[Question]:
    """Return the questions about a detector of some letters, and a toggle that misses flips right after them.

    character flips the toggle elsewhere. The toggle is tolerated: it may be found as a switch driven by those
    character pairs that do flip it.
    """
    detector = planted_cells.character_detector(*LETTERS[:_LETTERS_BEFORE_MISSED_FLIPS])
    return [
        Question(label="detector", cell=detector),
        Question(
            label="flip-missing toggle",
            cell=planted_cells.forgetful_toggle(character),
            kind="toggle",
            drivers={"set": [character], "reset": [character]},
            tolerated=True,
        ),
    ]


def decoy_questions(roles: Roles, generator: torch.Generator) -> Iterator[Question]:
    """Yield the questions about cells that must not be found, and a tolerated one about the length of words.

    generator draws the steps of the drifting cell.
    """
    for character in (roles.quote, roles.resetter, "\n"):
        yield Question(label="detector", cell=planted_cells.character_detector(character))
    for kept, character in ((0.7, roles.quote), (0.9, roles.line), (0.95, ",")):
        yield Question(label="trace", cell=planted_cells.fading_trace(character, kept=kept))
    yield Question(label="drift", cell=planted_cells.drifting(LETTERS, generator))
    yield Question(label="endless counter", cell=planted_cells.endless_counter())
    yield Question(label="short latch", cell=planted_cells.short_latch(*roles.pair))
    yield Question(
        label="word counter",
        cell=planted_cells.line_counter(" ", step=0.1),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [" "]},
        tolerated=True,
    )
