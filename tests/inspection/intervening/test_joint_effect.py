"""What the candidates of one feature do together, and whether each is needed for it."""

import math
from dataclasses import replace

import pytest
import torch
from intervention_fixture import Planned, network, planned

from charlstm.inspection.exam.planted_cells import latch
from charlstm.inspection.intervening.effect import MeasuredEffect
from charlstm.inspection.intervening.experiment import Intervention
from charlstm.inspection.intervening.joint_effect import JOINT_CONTROL_SETS, JointEffect, joint_effects

# Two cells that both lower the closer's logit where they are changed, and one that the head does not read.
HALVES = [latch("(", ")").read(")", 1.0), latch("(", ")").read(")", 1.0), latch("(", ")")]


@pytest.fixture(scope="module")
def plan() -> Planned:
    return planned(HALVES, "inside_parentheses", dose=-2.0)


def effect_of(plan: Planned, cell: int) -> MeasuredEffect:
    """An effect that needs no measurement here: only the intervention is looked at."""
    intervention: Intervention = replace(
        plan.intervention, candidate=replace(plan.intervention.candidate, cell=cell)
    )
    return MeasuredEffect(intervention, 0.0, 0.0, torch.zeros(0), [], 1.0, 0)


def joined(
    plan: Planned, cells: list[int], verified: frozenset[int] = frozenset()
) -> dict[int, tuple[JointEffect, bool]]:
    effects = [effect_of(plan, cell) for cell in cells]
    return joint_effects(plan.context, effects, set(verified), 0.05, torch.Generator().manual_seed(0))


def test_two_halves_are_both_needed_and_an_unread_cell_is_not(plan: Planned) -> None:
    found = joined(plan, [0, 1, 2])
    joint, _ = found[0]
    assert joint.cells == [[0, 0], [0, 1], [0, 2]]
    assert joint.convincing
    assert joint.p_value == pytest.approx(1 / (1 + JOINT_CONTROL_SETS))
    assert [found[place][1] for place in range(3)] == joint.needed == [True, True, False]


def test_a_joint_effect_is_that_of_all_doses_together(plan: Planned) -> None:
    dose = plan.intervention.dose
    joint, _ = joined(plan, [0, 1])[1]
    alone = [
        float(plan.closers.mean_change({0: ([cell], dose[:, None])}, both_ways=False)[0]) for cell in (0, 1)
    ]
    together = plan.closers.mean_change({0: ([0, 1], dose[:, None].expand(-1, 2))}, both_ways=False)
    assert joint.effect == pytest.approx(-float(together.abs().min()))
    assert abs(joint.effect) > 1.5 * max(map(abs, alone))


def test_verified_candidates_and_those_without_company_have_no_joint_effect(plan: Planned) -> None:
    assert joined(plan, [0]) == {}
    assert joined(plan, [0, 1], frozenset({0})) == {}
    assert set(joined(plan, [0, 1, 2], frozenset({1}))) == {0, 2}
    assert joined(plan, []) == {}


def test_without_possible_controls_nothing_convinces() -> None:
    count = network(HALVES).config.cells
    plan = planned(HALVES, "inside_parentheses", dose=-2.0, excluded=tuple(range(3, count)))
    joint, _ = joined(plan, [0, 1, 2])[0]
    assert math.isinf(joint.p95)
    assert joint.p_value == 1
    assert not joint.convincing
