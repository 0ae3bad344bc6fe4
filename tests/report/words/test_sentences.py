"""What is said of a finding: no more than its verdict allows, with the findings' own numbers."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.report.words.phrases import sentence_text
from charlstm.report.words.sentences import behaviour, doubt, effect, specific_effect_nats, times

CAUSAL = {"target": "\n", "specific_nats": 0.4, "effect_nats": 0.4, "lag": 24, "steps": 10}
QUOTES = {"kind": "toggle", "feature": "inside_single_quotes", "drivers": {"set": ["'"], "reset": ["'"]}}


def behaviour_text(**finding: Any) -> str:
    return sentence_text(behaviour(QUOTES | finding))


def effect_text(kind: str, **causal: Any) -> str:
    return sentence_text(effect({"kind": kind, "causal": CAUSAL | causal}))


def test_a_verified_switch_marks_its_text():
    assert behaviour_text(verdict="verified") == (
        "marks text inside single quotes: it switches on at one ' and off at the next, "
        "and holds its value in between"
    )


def test_a_redundant_cell_does_it_together_with_others():
    assert behaviour_text(verdict="redundant").startswith(
        "marks text inside single quotes, together with other cells: it "
    )


@pytest.mark.parametrize("verdict", ["correlate", None])
def test_a_cell_whose_use_is_not_shown_only_follows(verdict: str | None):
    assert behaviour_text(verdict=verdict).startswith("follows text inside single quotes: it switches on")


@pytest.mark.parametrize(
    ("kind", "feature", "drivers", "text"),
    [
        (
            "latch",
            "inside_comment",
            {"set": ["#"], "reset": ["\n"]},
            "marks text inside a comment: it switches on at # and off at ↵, and holds its value in between",
        ),
        (
            "graded",
            "inside_comment",
            {"set": ["#"], "reset": ["\n"]},
            "marks text inside a comment by degrees, without two clear levels: it moves one way at # and "
            "back at ↵",
        ),
        (
            "counter",
            "column",
            {"step": ["*"], "reset": ["\n"]},
            "tracks the column: it steps at every character and starts again at ↵",
        ),
        (
            "depth_counter",
            "nesting_depth",
            {"step": ["(", "["], "unstep": [")", "]"]},
            "tracks the depth of brackets ( ), [ ] and { }: it steps up at ( or [ and down at ) or ]",
        ),
        (
            "latch",
            "inside_comment",
            {"reset": ["\n"]},
            "marks text inside a comment: it switches off at ↵, and",
        ),
        ("counter", "column", {}, "tracks the column"),
        ("wheel", "column", {"set": ["a"]}, "tracks the column"),
    ],
)
def test_each_kind_has_its_mechanism(kind: str, feature: str, drivers: dict[str, list[str]], text: str):
    assert behaviour_text(kind=kind, feature=feature, drivers=drivers, verdict="verified").startswith(text)


def test_a_star_among_resets_is_a_star():
    finding = {"kind": "counter", "feature": "column", "drivers": {"step": ["*"], "reset": ["*"]}}

    assert [phrase.text for phrase in behaviour(finding) if phrase.code] == ["*"]


def test_an_effect_stands_beside_that_of_its_controls():
    controls = {"count": 199, "max": 0.0953}
    assert effect_text("toggle", target=")", specific_nats=-2.303, lag=8, control_effects=controls) == (
        "When the cell is forced off 8 characters earlier, the closing ) becomes 10 times less likely; equal "
        "changes of 199 matched cells or small groups of them change that by at most 1.10 times"
    )


def test_a_depth_is_set_back_to_0():
    assert effect_text("depth_counter").startswith(
        "When the cell is set back to depth 0, 24 characters earlier"
    )


def test_a_counter_says_by_how_far_its_closer_moves():
    moved = {"steps": 10, "characters": 6.2, "interval": [4.7, 7.8]}
    assert effect_text("counter", displacement=moved) == (
        "When the cell is moved by 10 steps 24 characters earlier, the closing ↵ becomes 1.49 times more "
        "likely; when the model then writes text by itself, it comes 6.2 characters sooner "
        "(95% interval 4.7 to 7.8)"
    )
    unsure = {"steps": 10, "characters": 0.2, "interval": [-0.1, 0.5]}
    assert "sooner" not in effect_text("counter", displacement=unsure)
    assert "sooner" not in effect_text("counter", displacement=None)


def test_a_target_is_what_closes_or_all_but_what_does_not():
    assert "the closing ) or ] becomes" in effect_text("latch", target=")]")
    assert "the closing character (anything but ␣ or a) becomes" in effect_text("counter", target="[^ a]")


def test_of_many_characters_the_first_are_named_and_the_others_counted():
    assert "anything but a, b, c, d, e, f, g or one of 2 others" in effect_text(
        "counter", target="[^abcdefghi]"
    )


def test_a_small_effect_is_not_told():
    assert effect_text("latch", specific_nats=0.001) == ""
    assert effect({"kind": "latch", "causal": None}) == ()


def test_the_effect_is_its_specific_part_where_that_is_known():
    assert specific_effect_nats({"effect_nats": -2.6, "specific_nats": -0.01}) == -0.01
    assert specific_effect_nats({"effect_nats": -2.6}) == -2.6
    assert specific_effect_nats({}) is None


@given(st.floats(-8, 8))
def test_a_factor_is_that_of_the_probability_to_two_digits_at_least(nats: float):
    assert float(times(nats).replace(",", "")) == pytest.approx(math.exp(abs(nats)), rel=0.05)


def test_a_factor_that_is_too_large_to_tell_is_a_bound():
    assert times(-20.0) == times(9.5) == "over 8,103"


def test_a_verified_finding_leaves_no_doubt():
    assert doubt({"verdict": "verified", "causal": {"p_value": 0.002}}, 0.01) == ""


def test_a_cell_that_was_not_changed_is_said_to_be_open():
    assert (
        doubt({"verdict": None}, 0.01)
        == "No experiment changed this cell, so whether the model uses it is open."
    )


def test_a_correlate_says_which_p_value_it_would_have_needed():
    finding = {"verdict": "correlate", "causal": {"p_value": 0.6}}
    assert doubt(finding, 0.01) == (
        "Changing it does not show that the model uses it (p = 0.6, corrected for all tested cells; "
        "0.01 at most is required)."
    )
    assert "required" not in doubt(finding, None)
    assert "required" not in doubt(finding | {"causal": {"p_value": 0.002}}, 0.01)


def test_a_redundant_cell_says_how_many_cells_it_takes():
    causal = {"p_value": 0.012, "group": {"cells": ["0:1", "0:2", "0:3"]}}
    assert doubt({"verdict": "redundant", "causal": causal}, 0.01) == (
        "Changing this cell alone does not show that the model uses it (p = 0.012, corrected for all tested "
        "cells; 0.01 at most is required); changing the 3 cells of its feature together does."
    )
