"""What the candidates of one feature do together, and whether each is needed for it."""

import math

import pytest
from intervention_fixture import COLUMN, PARENTHESES, candidate, context_of, network

from charlstm.inspection.exam.planted_cells import latch, line_counter
from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.intervening.joint_effect import JointEffect, joint_effect

# Two cells that the head reads alike, and one that it does not read.
HALVES = [latch("(", ")").read(")", 0.5), latch("(", ")").read(")", 0.5), latch("(", ")")]


@pytest.fixture(scope="module")
def context() -> InterventionContext:
    return context_of(network(HALVES), PARENTHESES)


def joined(context: InterventionContext, *cells: int, limit: float = 0.1) -> JointEffect:
    return joint_effect(context, [candidate(cell, PARENTHESES) for cell in cells], limit, 0.01 / 30)


def test_two_halves_are_both_needed_and_an_unread_cell_is_not(context: InterventionContext) -> None:
    found = joined(context, 0, 1, 2)
    assert found.cells == [(0, 0), (0, 1), (0, 2)]
    assert found.convincing
    assert found.needed == [True, True, False]
    assert found.p_value < 0.01 / 30
    parts = found.data["leave_one_out"]
    assert [part["cell"] for part in parts] == ["0:0", "0:1", "0:2"]
    assert parts[0]["lost"]["value"] == pytest.approx(found.effect.value / 2, rel=0.25)
    assert parts[2]["lost"]["value"] == pytest.approx(0, abs=1e-6)
    assert [part["part"]["value"] for part in parts] == pytest.approx([0.5, 0.5, 0], abs=0.1)
    assert found.parts[0].value == pytest.approx(found.lost[0].value / found.effect.value)


def test_a_joint_effect_is_that_of_all_cells_at_once(context: InterventionContext) -> None:
    found, one = joined(context, 0, 1), joined(context, 0, 2)
    closers = context.closers(PARENTHESES)
    together = closers.change(closers.donor_values([(0, 0), (0, 1)]))
    assert found.effect == together.effect()
    assert together.log_odds.mean() == pytest.approx(-2 * math.tanh(1), abs=0.02)
    assert one.effect.value == pytest.approx(found.effect.value / 2, rel=0.15)


def test_a_cell_whose_part_may_be_chance_is_not_needed(context: InterventionContext) -> None:
    idle = range(3, 15)
    found = joined(context, 0, 1, *idle)
    closers, parts = context.closers(PARENTHESES), []
    for cell in idle:
        rest = [(0, other) for other in (0, 1, *idle) if other != cell]
        parts.append(found.effect.value - closers.change(closers.donor_values(rest)).effect().value)
    assert found.needed[:2] == [True, True]
    assert sum(part < 0 for part in parts) > sum(found.needed[2:]) + 1


def test_a_cell_with_a_small_part_is_not_needed_however_sure_the_part_is() -> None:
    unequal = [
        latch("(", ")").read(")", 1.0),
        latch("(", ")").read(")", 0.07),
        latch("(", ")").read(")", 0.2),
    ]
    found = joined(context_of(network(unequal), PARENTHESES), 0, 1, 2)
    assert found.convincing
    assert found.lost[1].high < 0
    assert found.parts[1].high < 0.1 < found.parts[2].low
    assert found.needed == [True, False, True]


def test_an_effect_below_the_limit_does_not_convince(context: InterventionContext) -> None:
    size = abs(joined(context, 0, 1).effect.value)
    above = joined(context, 0, 1, limit=1.1 * size)
    assert not above.convincing
    assert above.p_value == 1
    assert above.needed == [True, True]
    assert joined(context, 0, 1, limit=0.8 * size).convincing
    assert not joined(context, 2).convincing


def test_cells_that_work_against_each_other_convince_nobody_and_are_told_apart() -> None:
    opposed = [latch("(", ")").read(")", 1.0), latch("(", ")").read(")", -0.3)]
    found = joined(context_of(network(opposed), PARENTHESES), 0, 1)
    assert found.convincing
    assert found.needed == [True, False], "without the second one more would be lost"
    cancelled = [latch("(", ")").read(")", 1.0), latch("(", ")").read(")", -1.0)]
    assert not joined(context_of(network(cancelled), PARENTHESES), 0, 1).convincing


def test_counters_may_make_their_closer_likelier() -> None:
    falling = [line_counter("\n", step=0.005).read("\n", -6), line_counter("\n", step=0.005).read("\n", -6)]
    context = context_of(network(falling), COLUMN)
    counters = [candidate(cell, COLUMN, 0.005) for cell in (0, 1)]
    found = joint_effect(context, counters, 0.1, 0.01)
    assert found.effect.value > 0.1
    assert found.convincing
    assert found.needed == [True, True]
    with_unread = context_of(network([*falling, line_counter("\n", step=0.005)]), COLUMN)
    three = [candidate(cell, COLUMN, 0.005) for cell in (0, 1, 2)]
    assert joint_effect(with_unread, three, 0.1, 0.01).needed == [True, True, False]
    # The closer of a switch may only lose.
    rising = [latch("(", ")").read(")", -1.0), latch("(", ")").read(")", -1.0)]
    gained = joined(context_of(network(rising), PARENTHESES), 0, 1)
    assert gained.effect.value > 0.1
    assert not gained.convincing
    assert gained.p_value == 1


def test_findings_name_the_cells_and_half_of_the_limit(context: InterventionContext) -> None:
    found = joined(context, 0, 1, limit=0.3)
    assert found.data == {
        "cells": ["0:0", "0:1"],
        "effect_nats": found.effect.value,
        "interval": [found.effect.low, found.effect.high],
        "control_p95": 0.15,
        "limit_nats": 0.3,
        "p_value": found.p_value,
        "leave_one_out": [
            {"cell": name, "lost": lost.data, "part": part.data}
            for name, lost, part in zip(["0:0", "0:1"], found.lost, found.parts, strict=True)
        ],
    }
