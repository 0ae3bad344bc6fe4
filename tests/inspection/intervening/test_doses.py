"""Other doses, holding, half lives and moved closers, against planted cells whose answers are known."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from intervention_fixture import COLUMN, DEPTH, QUOTES, candidate, context_of, network

from charlstm.inspection.exam.planted_cells import (
    PlantedCell,
    depth_counter,
    fading_trace,
    line_counter,
    toggle,
)
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.behaviours import VERDICT_LAG
from charlstm.inspection.intervening.doses import DosedCell, full_dose, is_monotone
from charlstm.inspection.intervening.experiment import Candidate, ClosersUnderTest


def dosed(
    planted: list[PlantedCell],
    name: str = QUOTES,
    *,
    slope: float = 2.0,
    cell: int = 0,
    line_break: float = 0.0,
) -> DosedCell:
    context = context_of(network(planted, line_break=line_break), name)
    return DosedCell(context, candidate(cell, name, slope))


@pytest.fixture(scope="module")
def toggled() -> DosedCell:
    return dosed([toggle('"').read('"', 3), toggle('"')])


@pytest.mark.parametrize(
    ("kind", "values", "slope", "shift", "steps"),
    [
        ("switch", [1, 1, 1], 0.5, [-0.5, -0.5, -0.5], 1),
        ("depth", [1, 2, 3], 0.5, [-0.5, -1.0, -1.5], 1),
        ("counter", [10, 20, 30], 0.5, [-5.0, -5.0, -5.0], 10),
        ("counter", [1, 1, 1], 0.5, [-0.5, -0.5, -0.5], 1),
        ("counter", [200, 220, 240], -0.5, [15.0, 15.0, 15.0], 30),
    ],
)
def test_the_full_dose_takes_the_feature_away_or_half_of_the_usual_count(
    kind: str, values: list[int], slope: float, shift: list[float], steps: float
) -> None:
    closers = SimpleNamespace(sites=SimpleNamespace(values=np.array(values, np.float64)))
    found = full_dose(Candidate(0, 0, Feature("any", kind, {}), slope), closers)
    assert found.shift.tolist() == shift
    assert found.steps == steps


def test_the_response_of_a_toggle_is_what_its_weight_says_at_every_dose(toggled: DosedCell) -> None:
    response = {entry["dose"]: entry for entry in toggled.response}
    assert list(response) == [-1, -0.5, 0.25, 0.5, 0.75, 1, 1.5, 2]
    closers = toggled.closers
    for dose, entry in response.items():
        # c is 1 and becomes 1 - 2 dose; the head adds 3 h to the logit of the quote, and h is tanh(c).
        moved = 3 * (math.tanh(1 - 2 * dose) - math.tanh(1))
        logits = closers.natural_logits + moved * closers.targets
        expected = closers.changes(logits).nats.mean()
        assert entry["effect_nats"] == pytest.approx(expected, abs=0.01)
        assert entry["low"] <= entry["effect_nats"] <= entry["high"]
    assert is_monotone(toggled.response)
    assert response[-1]["effect_nats"] > 0 > response[0.25]["effect_nats"]


def test_the_values_of_a_dose_are_shifted_from_those_at_each_site(toggled: DosedCell) -> None:
    cells, c = toggled.values(0.5)[0]
    assert list(cells) == [0]
    torch.testing.assert_close(c[:, 0], toggled.closers.natural_c[0, :, 0].double() - 1)


def test_holding_a_toggle_changes_nothing_more_and_holding_a_counter_does(toggled: DosedCell) -> None:
    full = next(entry["effect_nats"] for entry in toggled.response if entry["dose"] == 1)
    assert toggled.hold_nats() == pytest.approx(full, abs=0.02)
    fading = dosed([fading_trace('"', kept=0.5).read('"', 3)], slope=1.0)
    once = next(entry["effect_nats"] for entry in fading.response if entry["dose"] == 1)
    assert fading.hold_nats() < 5 * once < 0


def test_an_effect_on_the_closer_alone_is_specific(toggled: DosedCell) -> None:
    # One logit of 17 moves by d: relative to the mean it moves by 16/17 d, and all others by 1/17 d.
    assert toggled.specificity() == pytest.approx(16, rel=0.1)
    everywhere = replace(toggle('"'), reads=dict.fromkeys('"abcdefgh', 3.0))
    assert dosed([everywhere]).specificity() < 1.5


def test_the_loss_elsewhere_is_smaller_than_at_closers(toggled: DosedCell) -> None:
    behaviour = toggled.closers.behaviour
    assert toggled.targeted_loss_ratio(behaviour) > 2
    nowhere = replace(behaviour, inside=behaviour.inside.subset(np.zeros(0, np.int64)))
    assert toggled.targeted_loss_ratio(nowhere) is None
    # A cell that is read for letters costs as much inside as it does at closers.
    letters = dosed([replace(toggle('"'), reads=dict.fromkeys("abcdefgh ", 2.0))])
    assert abs(letters.targeted_loss_ratio(letters.closers.behaviour)) < 2
    # The loss elsewhere is that of the characters that really follow, by the predictions before them.
    inside = ClosersUnderTest(
        letters.closers.context, letters.closers.behaviour, letters.closers.behaviour.inside
    )
    positions = torch.from_numpy(inside.sites.positions + VERDICT_LAG + 1)
    following = letters.closers.context.characters(positions.numpy(), 1)
    moved = inside.natural_c[0, :, [0]].double() + letters.dose.shift.mean()
    before, after = (
        float(logits.log_softmax(1).gather(1, following).mean())
        for logits in (inside.natural_logits, inside.outcome({0: ([0], moved)}).logits)
    )
    lost = -letters.closers.change(letters.values()).effect().value
    assert letters.targeted_loss_ratio(letters.closers.behaviour) == pytest.approx(lost / abs(before - after))


@pytest.mark.parametrize(("kept", "half_life"), [(0.4, 1), (0.75, 3), (0.83, 4), (0.95, None)])
def test_a_fading_cell_has_the_half_life_of_its_gate(kept: float, half_life: int | None) -> None:
    assert dosed([fading_trace('"', kept=kept)], slope=1.0).half_life_characters() == half_life
    if half_life is not None:
        assert kept**half_life < 0.5 < kept ** (half_life - 1)


def test_a_toggle_loses_nothing_of_a_dose(toggled: DosedCell) -> None:
    assert toggled.half_life_characters() is None


def test_a_counter_that_decides_the_line_break_moves_it_as_far_as_it_can() -> None:
    # The line break is nearly sure from a count of 230 on, where 500 tanh(.003 n) is 299, and hardly before.
    counting = dosed([line_counter("\n", step=0.003).read("\n", 500)], COLUMN, slope=0.003, line_break=-299)
    counts, steps = counting.closers.natural_c[0, :, 0].numpy() / 0.003, counting.dose.steps
    later, sooner = (np.maximum(0, 230 - counts + sign * steps) for sign in (1, -1))
    moved = (later - sooner) / 2 / steps
    assert moved.max() == pytest.approx(1, abs=1e-4)
    found = counting.moved_closer()
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(moved.mean(), abs=0.1)
    unread = dosed([line_counter("\n", step=0.003)], COLUMN, slope=0.003).moved_closer()
    assert unread.value == pytest.approx(0, abs=0.05)


def test_moved_closers_are_the_same_again() -> None:
    cell = dosed([line_counter("\n", step=0.01).read("\n", 12)], COLUMN, slope=0.01, line_break=-5)
    torch.manual_seed(7)
    assert cell.moved_closer() == cell.moved_closer()


def test_only_what_counts_every_character_moves_its_closer(toggled: DosedCell) -> None:
    assert toggled.moved_closer() is None
    assert dosed([depth_counter("[", "]")], DEPTH, slope=0.5).moved_closer() is None


@pytest.mark.parametrize(
    ("effects", "monotone"),
    [
        ([1, 0.5, -0.5, -1], True),
        ([-1, 0, 0, 3], True),
        ([0, -0.5, 0.5, 1], False),
        ([1, 0.5, -0.2, -0.19], True),
        ([0, 0.01, 0, 0.01], True),
        ([1, 0.5, -0.5, -0.47], False),
        ([-0.5, -0.4, -0.4, -0.3], False),
        ([0.3, 0.2, 0.2, 0.5], False),
    ],
)
def test_a_response_is_monotone_but_for_tiny_differences(effects: list[float], monotone: bool) -> None:
    """No dose has no effect: where all doses hurt, the response turns at 0."""
    doses = [-1.0, -0.5, 0.5, 1.0]
    response = [{"dose": dose, "effect_nats": effect} for dose, effect in zip(doses, effects, strict=True)]
    assert is_monotone(response) == monotone
