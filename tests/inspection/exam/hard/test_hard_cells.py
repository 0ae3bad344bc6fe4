"""Planted cells of the hard networks do what they are planted for."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of

from charlstm.inspection.exam.hard.hard_cells import (
    accumulator,
    forgetting_depth_counter,
    hysteresis,
    on_a_slow_level,
    shut_counter,
    slow_level,
)
from charlstm.inspection.exam.planted_cells import Drive, PlantedCell, depth_counter, plant
from charlstm.inspection.reading.trace import trace

HARD = Drive(15.0)


def states(cell: PlantedCell, text: str) -> np.ndarray:
    """Return (characters,): c of the cell along text."""
    model = plant([cell], SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))
    (block,) = trace(model, ids_of(text), streams=1, window=len(text))
    return block.layers[0].c[0, :, 0].numpy()


def test_an_accumulator_moves_by_its_step_at_each_of_its_characters() -> None:
    c = states(accumulator({"(": 0.3, ")": -0.3, "[": 0.1}, HARD), "(a[a)")
    assert c == pytest.approx([0.3, 0.3, 0.4, 0.4, 0.1], abs=1e-3)


def test_a_counter_with_a_nearly_shut_gate_counts_and_falls_to_zero() -> None:
    c = states(shut_counter("\n", HARD, step=0.02), "a" * 50 + "\na")
    assert c[:50] == pytest.approx(0.02 * np.arange(1, 51), rel=0.01)
    assert c[50:] == pytest.approx([0, 0.02], abs=1e-3)


def test_a_forgetting_depth_counter_makes_equal_steps_and_loses_them_over_hundreds_of_characters() -> None:
    c = states(forgetting_depth_counter("(", ")", HARD, step=0.4), "((" + "a" * 400 + ")")
    assert c[:2] == pytest.approx([0.4, 0.8], abs=0.01)
    assert 0.3 < c[401] / c[1] < 0.45
    assert c[402] - c[401] == pytest.approx(-0.4, abs=0.01)


def test_a_cell_with_hysteresis_is_not_turned_by_one_letter_but_by_several() -> None:
    c = states(hysteresis("abc", "def"), "abcabcab" + "d" + "abc" + "deffeddeffed" + "a")
    assert c[7] > 0.85
    assert c[8:12].min() > 0.5
    assert c[23] < -0.5
    assert c[24] < -0.4


def test_a_slow_level_wanders_and_stays_where_it_is_for_thousands_of_characters() -> None:
    letters = "abcdefgh"
    cell = slow_level(letters, torch.Generator().manual_seed(0))
    assert sum(cell.g_at.values()) == pytest.approx(0, abs=1e-5)
    words = "".join(np.random.default_rng(0).choice(list(letters), 6_000))
    c = states(cell, words)
    assert c.std() > 0.1
    assert np.corrcoef(c[:-500], c[500:])[0, 1] > 0.4


def test_a_depth_counter_on_a_slow_level_still_steps_up_and_down() -> None:
    plain = depth_counter("(", ")", HARD)
    cell = on_a_slow_level(plain, "abcdefgh", torch.Generator().manual_seed(0), step=0.0025)
    c = states(cell, "(abcdefgh)")
    assert c[0] == pytest.approx(np.tanh(0.5), abs=1e-3)
    assert c[1:9].tolist() == pytest.approx([c[0]] * 8, abs=0.03)
    assert len(set(c[1:9].tolist())) == 8
    assert c[9] == pytest.approx(0, abs=0.01)
