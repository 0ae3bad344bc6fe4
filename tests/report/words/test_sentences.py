"""What is said of a finding: no more than its verdict allows, with the findings' own numbers."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.report.words.phrases import sentence_text
from charlstm.report.words.sentences import behaviour, effect, times

CAUSAL = {"target": "\n", "effect_nats": 0.4, "lag": 24, "steps": 10}
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


@pytest.mark.parametrize("verdict", ["correlate", "undecided", None])
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
    assert effect_text("toggle", target=")", effect_nats=-2.303, lag=8, control_effects=controls) == (
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
    assert effect_text("latch", effect_nats=0.001) == ""
    assert effect({"kind": "latch", "causal": None}) == ()


PROVEN = {"target": '"', "effect_nats": -0.84, "interval": [-1.1, -0.65], "sites": 400}


def test_an_effect_with_an_interval_is_told_with_what_the_cell_carries():
    grade = {"share": 0.42, "low": 0.37, "high": 0.48}
    assert sentence_text(effect({"kind": "toggle", "causal": PROVEN, "grade": grade})) == (
        "Without this cell's memory the closing \" becomes 2.3 times less likely (0.84 nats, 0.65 to 1.10, "
        "400 places); it carries 42% (37 to 48%) of what all cells together remember for it"
    )
    unsure = grade | {"low": -3.0}
    assert "carries" not in sentence_text(effect({"kind": "toggle", "causal": PROVEN, "grade": unsure}))


@pytest.mark.parametrize(
    ("nats", "interval", "said"),
    [
        (0.5, [0.25, 0.75], "becomes 1.65 times more likely (0.50 nats, 0.25 to 0.75, 400 places)"),
        (-0.5, [-1.25, 0.25], "may not change at all (−0.50 nats, −1.25 to +0.25, 400 places)"),
        (-0.001, [-0.01, 0.008], "hardly changes (0.00 nats, −0.01 to +0.01, 400 places)"),
    ],
)
def test_an_interval_says_how_sure_an_effect_is(nats: float, interval: list[float], said: str):
    assert effect_text("latch", **PROVEN | {"effect_nats": nats, "interval": interval}).endswith(said)


def test_a_proven_counter_says_by_how_far_its_closer_moves():
    moved = {"steps": 16, "characters": 9.4, "interval": [8.5, 10.2]}
    assert effect_text("counter", **PROVEN, displacement=moved).endswith(
        "; counting 16 steps more or less moves it by 9.4 characters (8.5 to 10.2) in text that the model "
        "writes"
    )
    unsure = moved | {"interval": [-0.1, 12.0]}
    assert "moves it" not in effect_text("counter", **PROVEN, displacement=unsure)


@given(st.floats(-8, 8))
def test_a_factor_is_that_of_the_probability_to_two_digits_at_least(nats: float):
    assert float(times(nats).replace(",", "")) == pytest.approx(math.exp(abs(nats)), rel=0.05)


def test_a_factor_that_is_too_large_to_tell_is_a_bound():
    assert times(-20.0) == times(9.5) == "over 8,103"
