"""Questions about cells that carry one behaviour together: with other cells, or with a rotated direction.

The logit of a closer gets the same swing whoever carries it. A cell with the share .25 makes a quarter of
that swing; the rest comes from another planted cell, or from a direction of four cells in which three
features are mixed, so that none of the four follows one of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from charlstm.findings import Kind
from charlstm.inspection.exam import planted_cells
from charlstm.inspection.exam.exam_texts import Roles
from charlstm.inspection.exam.hard.hard_cells import accumulator
from charlstm.inspection.exam.planted_cells import H_WHERE_C_IS_1, Drive, PlantedCell
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.features.feature import ANY_CHARACTER, Drivers

# Each of four cells moves by a step of c where one of three features begins or ends: a number of this matrix
# times the feature's step. The rows are the cells, the columns the features. Any two columns are at right
# angles, and the squares of a column add up to 1: they are the cells' shares of the feature, .2 to .3.
_A, _B = math.sqrt(0.3), math.sqrt(0.2)
_ROTATION = ((_A, _A, _B), (_A, -_A, _B), (_B, _B, -_A), (_B, -_B, -_A))
_STEPS = (0.45, 0.36, 0.27)
_LATCH_LEVEL = 0.8


@dataclass(frozen=True)
class Companions:
    """Companions are the settings of the questions of one network about cells that share.

    swing: how much the logit of a closer changes between the two states of its feature.
    partly: the share of the first toggle of the quote; the rest is the second's.
    latch, depth: the shares of a latch and of a depth counter; the rest is the rotated direction's.
    """

    swing: float
    partly: float
    latch: float
    depth: float

    @classmethod
    def drawn(cls, random: np.random.Generator) -> "Companions":
        """Return companions whose numbers `random` draws."""
        swing = float(random.uniform(4, 7))
        partly, latch, depth = (float(random.choice([0.25, 0.5])) for _ in range(3))
        return cls(swing, partly, latch, depth)


def sharing_toggle_questions(roles: Roles, drive: Drive, companions: Companions) -> Iterator[Question]:
    """Yield the questions about two toggles of unequal shares, and about two that share in halves."""
    shares = {roles.quote: (companions.partly, 1 - companions.partly), roles.other_quote: (0.5, 0.5)}
    for character, both in shares.items():
        for share in both:
            cell = planted_cells.toggle(character, drive)
            weight = companions.swing * share / (2 * H_WHERE_C_IS_1)
            drivers = {"set": [character], "reset": [character]}
            yield _partly_used("sharing toggle", cell.read(character, weight), "toggle", drivers, share)


def sharing_counter_questions(
    roles: Roles, drive: Drive, companions: Companions, random: np.random.Generator
) -> Iterator[Question]:
    """Yield the questions about two counters of one line mark, whose steps `random` draws; each has half."""
    for _ in range(2):
        step = float(random.uniform(1 / 120, 1 / 60))
        cell = planted_cells.line_counter(roles.line, drive, step=step)
        weight = companions.swing / 2 / math.tanh(50 * step)
        drivers = {"step": ANY_CHARACTER, "reset": [roles.line]}
        yield _partly_used("sharing counter", cell.read(roles.line, weight), "counter", drivers, 0.5)


def companion_questions(roles: Roles, drive: Drive, companions: Companions) -> Iterator[Question]:
    """Yield the questions about a latch and a depth counter that carry a behaviour beside a direction."""
    latch = planted_cells.latch(roles.setter, roles.resetter, drive, level=_LATCH_LEVEL)
    weight = companions.swing * companions.latch / (2 * math.tanh(_LATCH_LEVEL))
    drivers = {"set": [roles.setter], "reset": [roles.resetter]}
    yield _partly_used("latch", latch.read(roles.resetter, weight), "latch", drivers, companions.latch)
    depth = planted_cells.depth_counter(roles.opener, roles.closer, drive)
    weight = companions.swing * companions.depth / math.tanh(math.tanh(0.5))
    drivers = {"step": [roles.opener], "unstep": [roles.closer]}
    yield _partly_used(
        "depth counter", depth.read(roles.closer, weight), "depth_counter", drivers, companions.depth
    )


def _partly_used(label: str, cell: PlantedCell, kind: Kind, drivers: Drivers, share: float) -> Question:
    """Return the question about `cell`, which carries `share` of its closer's behaviour."""
    return Question(
        label=f"{label}, {share:.0%}",
        cell=cell,
        kind=kind,
        drivers=drivers,
        verdict="verified",
        also_right=("redundant",),
        share=share,
    )


def rotated_questions(roles: Roles, drive: Drive, companions: Companions) -> Iterator[Question]:
    """Yield the questions about four cells in which three features are mixed.

    The direction of the second span's closer carries all of its behaviour, those of the first span and of the
    brackets what companions leave. No cell carries more than .3 of a direction.
    """
    features = (
        (roles.setter, roles.resetter, 1 - companions.latch),
        (roles.opener, roles.closer, 1 - companions.depth),
        (*roles.pair, 1.0),
    )
    for row in _ROTATION:
        steps: dict[str, float] = {}
        reads: dict[str, float] = {}
        for part, step, (on, off, share) in zip(row, _STEPS, features, strict=True):
            steps |= {on: part * step, off: -part * step}
            reads[off] = part * share * companions.swing / step
        cell = replace(accumulator(steps, drive), reads=reads)
        yield Question(label="rotated", cell=cell, share=0.25, distributed=True)
