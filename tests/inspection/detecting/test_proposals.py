"""The features that cells propose by how they move."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from handmade_movements import flipping_cell, side_by_side
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting import proposals
from charlstm.inspection.detecting.calibration import calibrate
from charlstm.inspection.detecting.movements import Movements, measure_movements
from charlstm.inspection.detecting.proposals import flip_drivers, propose_features, proposed_automata
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import Cut


@pytest.fixture(scope="module")
def planted() -> tuple[Movements, Split]:
    """A toggle, a negated latch, a line counter and a depth counter, and the text that they read."""
    cells = [toggle('"'), latch("(", ")").negated(), line_counter("\n"), depth_counter("[", "]")]
    model = plant(cells, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    split = Split(ids_of(written(20_000, seed=1)), SYMBOLS, 0, 4)
    return measure_movements(model, split, calibrate(model, split)), split


def test_planted_cells_propose_the_automata_that_they_are(planted: tuple[Movements, Split]) -> None:
    movements, split = planted
    assert flip_drivers(movements, 0) == Automaton("switch", ('"',), ('"',))
    assert flip_drivers(movements, 1) == Automaton("switch", (")",), ("(",))
    automata = proposed_automata(movements)
    assert Automaton("counter", ("*",), ("\n",)) in automata
    assert Automaton("depth", ("[",), ("]",)) in automata
    assert len(set(automata)) == len(automata)
    features = propose_features(movements, split.first, layers=1)
    assert len(features) == len(automata)
    assert Automaton("switch", ("(",), (")",)) in features, "on inside the brackets, whatever the sign of c"


def test_no_more_than_the_best_automata_are_tested_whatever_the_cells_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    movements = side_by_side(flipping_cell("(", ")", precision=0.7), flipping_cell("a", ")"))
    worse, better = Automaton("switch", ("(",), (")",)), Automaton("switch", ("a",), (")",))
    assert proposed_automata(movements) == [better, worse]
    monkeypatch.setattr(proposals, "_MOST_PROPOSALS", 1)
    chunk = SimpleNamespace(text="a..).. " * 9, cut=Cut(63, 1))
    assert {*propose_features(movements, chunk, layers=1)} <= {better, better.reversed()}


def test_the_layers_take_turns() -> None:
    cells = [flipping_cell(up, ")", precision=p) for up, p in (("(", 1), ("a", 0.9), ("(a", 0.8))]
    three = [Automaton("switch", up, (")",)) for up in (("(",), ("a",), ("(", "a"))]
    movements = side_by_side(*cells, flipping_cell())
    assert proposed_automata(movements, layers=1) == three
    assert proposed_automata(movements, layers=2) == [three[0], three[2], three[1]]


def test_switches_stand_before_counters_with_the_same_values(planted: tuple[Movements, Split]) -> None:
    movements, split = planted
    kinds = [automaton.kind for automaton in propose_features(movements, split.first, layers=1)]
    assert kinds == sorted(kinds, key=["switch", "depth", "counter"].index)
    assert len(set(kinds)) == 3


def test_a_letter_behind_a_resetter_is_no_resetter() -> None:
    """c is 0 after both, but only the bracket brings it there."""
    movements = replace(
        flipping_cell(),
        steps=np.array([[0.0, -1.0, 0.1]]),
        step_squares=np.array([[0.01, 1.2, 0.01]]),
        landings=np.array([[0.0, 0.0, 0.9]]),
        landing_variances=np.array([[0.01, 0.01, 0.8]]),
    )
    counters = [each for each in proposed_automata(movements) if each.kind == "counter"]
    assert counters
    assert {each.down for each in counters} == {("(",)}


def stepping_cell(up: float, down: float) -> Movements:
    """Return the movements of a cell that steps at both brackets and at nothing else."""
    return replace(
        flipping_cell(),
        steps=np.array([[0.0, up, down]]),
        step_squares=np.array([[0.0, up * up, down * down]]),
        landing_variances=np.ones((1, 3)),
    )


def test_a_depth_steps_up_about_as_far_as_down() -> None:
    depth = Automaton("depth", ("(",), (")",))
    assert depth in proposed_automata(stepping_cell(1.0, -1.0))
    assert depth in proposed_automata(stepping_cell(0.6, -1.0))
    for up, down in ((0.4, -1.0), (1.0, -0.4)):
        assert depth not in proposed_automata(stepping_cell(up, down))


def test_a_counter_is_the_worse_the_more_its_cell_varies_after_a_reset() -> None:
    counter = replace(
        flipping_cell(),
        steps=np.array([[0.1, -1.0, 0.1]]),
        step_squares=np.array([[0.01, 1.2, 0.01]]),
        landings=np.array([[0.9, 0.0, 0.9]]),
        landing_variances=np.array([[0.8, 0.2, 0.8]]),
    )
    switch = flipping_cell("a", ")", precision=0.9)
    kinds = [automaton.kind for automaton in proposed_automata(side_by_side(counter, switch))]
    assert kinds[0] == "switch"
    assert "counter" in kinds


def counting_cell(spread: float, *, counts: tuple[float, float, float] = (100, 100, 100)) -> Movements:
    """Return the movements of a cell that "a" steps and "(" resets, with this spread of c after a reset."""
    return replace(
        flipping_cell(),
        counts=np.array(counts),
        steps=np.array([[0.1, -1.0, 0.0]]),
        step_squares=np.array([[0.01, 1.2, 0.0]]),
        landings=np.array([[0.9, 0.0, 0.9]]),
        landing_variances=np.array([[0.8, spread, 0.8]]),
    )


def test_a_counter_that_always_lands_on_one_value_comes_before_a_switch_with_some_false_flips() -> None:
    switch = flipping_cell("a", ")", precision=0.9)
    kinds = [automaton.kind for automaton in proposed_automata(side_by_side(switch, counting_cell(0.02)))]
    assert kinds.index("counter") < kinds.index("switch"), "1 - .02 is more than an F1 of .95"


@pytest.mark.parametrize(("stepping", "steppers"), [(81, ("*",)), (79, ("a",))])
def test_a_counter_of_any_character_steps_at_four_fifths_of_them(
    stepping: int, steppers: tuple[str, ...]
) -> None:
    cell = counting_cell(0.02, counts=(stepping, 100, 100 - stepping))
    assert Automaton("counter", steppers, ("(",)) in proposed_automata(cell)


def test_comparable_characters_include_the_one_that_moves_the_cell_most() -> None:
    """It has to be common, and no more than six may move the cell as far."""

    def comparable(counts: list[int], steps: list[float]) -> list[int]:
        by_character = np.array(steps)
        weight = np.array(counts) * by_character * np.abs(by_character)
        return proposals._comparable(by_character, weight, np.array(counts))

    assert comparable([30, 30, 30], [1.0, 0.5, 0.4]) == [0, 1]
    assert comparable([19, 30, 30], [9.0, 5.0, 0.4]) == [], "the first one is rare"
    assert comparable([30] * 6, [1.0] * 6) == [0, 1, 2, 3, 4, 5]
    assert comparable([30] * 7, [1.0] * 7) == []
    assert comparable([30, 30], [-1.0, -0.5]) == []


@pytest.mark.parametrize("unit", [0.01, 1.0, 100.0])
def test_a_counter_of_any_character_is_one_in_every_unit_of_c(unit: float) -> None:
    cell = counting_cell(0.02, counts=(81, 100, 19))
    scaled = replace(
        cell,
        steps=cell.steps * unit,
        step_squares=cell.step_squares * unit**2,
        landings=cell.landings * unit,
        landing_variances=cell.landing_variances * unit**2,
        variance=cell.variance * unit**2,
    )
    assert Automaton("counter", ("*",), ("(",)) in proposed_automata(scaled)


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_proposals_do_not_depend_on_the_unit_of_c(scale: float) -> None:
    for cell in (counting_cell(0.2), stepping_cell(1.0, -0.6), stepping_cell(0.6, -1.0)):
        scaled = replace(
            cell,
            steps=scale * cell.steps,
            step_squares=scale**2 * cell.step_squares,
            landings=scale * cell.landings,
            landing_variances=scale**2 * cell.landing_variances,
            variance=scale**2 * cell.variance,
        )
        assert proposed_automata(scaled) == proposed_automata(cell) != []


@pytest.mark.parametrize(
    ("precision", "drivers"),
    [
        (1.0, (("(", "a"), (")",))),
        (0.7, (("(", "a"), (")",))),
        (0.6, None),
    ],
)
def test_drivers_must_predict_the_flips_with_an_f1_of_point_8(
    precision: float, drivers: tuple[tuple[str, ...], tuple[str, ...]] | None
) -> None:
    """F1 is 2 * precision / (1 + precision) here, since nothing but the drivers flips the cell."""
    switch = flip_drivers(flipping_cell("(a", ")", precision=precision), 0)
    assert (switch and (switch.up, switch.down)) == drivers


def test_a_cell_that_hardly_ever_flips_proposes_no_switch() -> None:
    assert flip_drivers(flipping_cell("(", ")", precision=0.19), 0) is None
    assert flip_drivers(flipping_cell("(", ""), 0) is None


@pytest.mark.parametrize("kind", ["depth", "switch"])
def test_of_an_automaton_and_its_reverse_the_one_at_0_more_often_is_proposed(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Also where a text starts inside more brackets than it ever opens again."""
    text = "a)b))) " + "so it (as (they) say) goes on and on " * 50
    chunk = SimpleNamespace(text=text, cut=Cut(len(text), 1))
    expected = Automaton(kind, ("(",), (")",))
    for proposed in (expected, expected.reversed()):
        monkeypatch.setattr(
            proposals, "proposed_automata", lambda movements, *, layers, automaton=proposed: [automaton]
        )
        assert propose_features(None, chunk, layers=1) == [expected]
