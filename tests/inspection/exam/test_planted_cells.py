"""Planted cells do what they are planted for, whatever idle cells are beside them."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.exam.planted_cells import (
    STRENGTH,
    Drive,
    PlantedCell,
    character_detector,
    depth_counter,
    drifting,
    endless_counter,
    fading_trace,
    forgetful_toggle,
    gated_counter,
    latch,
    line_counter,
    plant,
    saturating_counter,
    short_latch,
    toggle,
)
from charlstm.inspection.reading.trace import trace

CELLS = [
    toggle('"'),
    latch("(", ")", level=0.5),
    line_counter("\n", step=0.01),
    depth_counter("[", "]"),
    gated_counter('"', 0, step=0.01),
]
TEXT = written(2_000, seed=1)


def states(cells: Sequence[PlantedCell], text: str, *, idle: int = 0, seed: int = 0) -> np.ndarray:
    """Return (characters, planted cells): c of cells along text, in a network with idle cells."""
    model = plant(cells, SYMBOLS, idle=idle, generator=torch.Generator().manual_seed(seed))
    (block,) = trace(model, ids_of(text), streams=1, window=len(text))
    return block.layers[0].c[0, :, : len(cells)].numpy()


def test_switches_and_counters_follow_their_characters() -> None:
    toggled = latched = count = depth = inside = 0.0
    for character, c in zip(TEXT, states(CELLS, TEXT, idle=6), strict=True):
        opening = character == '"' and toggled <= 0
        if character == '"':
            toggled = 1.0 if opening else -1.0
        latched = 0.5 if character == "(" else -0.5 if character == ")" else latched
        count = 0 if character == "\n" else count + 0.01
        depth += np.tanh(0.5) * ((character == "[") - (character == "]"))
        inside = 0 if opening or toggled <= 0 else inside + 0.01
        assert c == pytest.approx([toggled, latched, count, depth, inside], abs=0.03)


def test_no_planted_cell_hears_an_idle_one() -> None:
    few, many = states(CELLS, TEXT, idle=6), states(CELLS, TEXT, idle=30, seed=1)
    np.testing.assert_allclose(few, many, atol=1e-5, rtol=1e-4)


def test_a_negated_cell_has_the_opposite_state_and_the_same_effect_on_the_logits() -> None:
    cells = [cell.read("a", 2.0) for cell in CELLS[:4]]
    negated = [cell.negated() for cell in cells]
    np.testing.assert_allclose(states(negated, TEXT), -states(cells, TEXT), atol=2e-3)
    assert [cell.reads for cell in negated] == [{"a": -2.0}] * 4
    assert [cell.negated() for cell in negated] == cells


def test_a_soft_toggle_still_holds_its_state_over_twenty_characters() -> None:
    c = states([toggle('"', Drive(2.0))], 'a"' + "a" * 20)[:, 0]
    assert c[1] > 0.8
    assert c[-1] > 0.8 * c[1]


def test_a_soft_drive_holds_with_more_than_it_drives_with() -> None:
    soft, hard = Drive(2.0), Drive(8.0)
    assert (soft.is_hard, soft.hold, soft.swing) == (False, 6.0, 8.0)
    assert (hard.is_hard, hard.hold, hard.swing) == (True, 8.0, 16.0)
    assert Drive().at_drivers == STRENGTH


def test_a_saturating_counter_goes_towards_a_limit_until_its_reset() -> None:
    c = states([saturating_counter("\n")], "a" * 400 + "\n")[:, 0]
    assert c[0] == pytest.approx(0.05, abs=1e-3)
    assert c[399] == pytest.approx(0.05 / (1 - 0.98), abs=0.01)
    assert c[400] == pytest.approx(0, abs=1e-3)


def test_a_detector_is_at_one_only_at_its_characters() -> None:
    c = states([character_detector("a", "b")], "abcab\n")[:, 0]
    assert c == pytest.approx([1, 1, 0, 1, 1, 0], abs=1e-3)


def test_a_fading_trace_loses_a_fixed_share_at_every_character() -> None:
    c = states([fading_trace("a", kept=0.8)], "abbba")[:, 0]
    assert c == pytest.approx([1, 0.8, 0.64, 0.512, 0.4096 + 1], abs=1e-3)


def test_a_short_latch_keeps_less_than_half_after_three_characters() -> None:
    c = states([short_latch("(", ")")], "(aaa)a")[:, 0]
    assert c[0] == pytest.approx(1, abs=1e-3)
    assert 0 < c[3] < 0.5
    assert c[4] == pytest.approx(-1, abs=1e-3)


def test_a_drifting_cell_adds_a_fixed_step_for_every_letter() -> None:
    cell = drifting("ab", torch.Generator().manual_seed(0))
    c = states([cell], "a \nb")[:, 0]
    assert c[0] == pytest.approx(np.tanh(cell.g_at["a"]), rel=1e-3)
    assert c[2] == pytest.approx(c[0], rel=0.01)
    assert c[3] - c[2] == pytest.approx(np.tanh(cell.g_at["b"]), rel=0.1)


def test_an_endless_counter_is_never_reset() -> None:
    steps = np.diff(states([endless_counter()], TEXT[:300])[:, 0])
    assert steps == pytest.approx(1 / 80, abs=1e-3)


def test_a_forgetful_toggle_is_not_flipped_right_after_the_detected_characters() -> None:
    c = states([character_detector("a"), forgetful_toggle('"')], 'b"a"b"')[:, 1]
    assert c == pytest.approx([0, 1, 1, 1, 1, -1], abs=0.01)


def test_noise_changes_the_candidate_at_all_characters_but_the_drivers() -> None:
    def candidate_row(noise: float) -> torch.Tensor:
        random = torch.Generator().manual_seed(0)
        model = plant([toggle('"')], SYMBOLS, idle=2, generator=random, noise=noise)
        return model.weights(0).input.view(4, 3, -1)[2, 0].detach()

    changed = candidate_row(0.1) != candidate_row(0.0)
    assert [symbol for symbol, differs in zip(SYMBOLS, changed, strict=True) if not differs] == ['"']


def test_only_the_named_logit_reads_a_planted_cell() -> None:
    bias = torch.linspace(-1, 1, len(SYMBOLS))
    random = torch.Generator().manual_seed(0)
    model = plant([toggle('"').read("a", 3.0), latch("(", ")")], SYMBOLS, idle=2, generator=random, bias=bias)
    expected = torch.zeros(len(SYMBOLS), 2)
    expected[SYMBOLS.index("a"), 0] = 3.0
    assert torch.equal(model.head.weight[:, :2], expected)
    assert torch.equal(model.head.bias, bias)
