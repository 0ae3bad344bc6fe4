"""When a cell appeared: the first step from which on everything holds that holds at the end."""

import pytest

from charlstm.report.words.network.appearances import Appearance, appearance_told, appearances
from charlstm.report.words.phrases import plain_sentence, sentence_text


def document(**changes: object) -> dict:
    cell = {
        "layer": 0,
        "cell": 3,
        "feature": "inside_quotes",
        "score": [0.0, 0.6, 0.3, 0.5, 0.9],
        "two_levels": [False, False, False, False, True],
        "effect": [
            {"value": value, "low": value - 0.1, "high": value + 0.1}
            for value in (0.5, 0.0, -0.15, -0.3, -0.9)
        ],
    }
    return {
        "method": {"rules": {"least_held_out_score": 0.4, "least_effect_nats": 0.1}},
        "over_time": {"steps": [0, 10, 20, 40, 80], "cells": [cell | changes]},
    }


def test_a_cell_appears_where_a_rule_begins_to_hold_for_good():
    assert appearances(document()) == [Appearance("0:3", "inside_quotes", 40, 80, 40)]


def test_what_does_not_hold_at_the_end_never_appeared():
    (one,) = appearances(
        document(score=[0.9] * 4 + [0.1], two_levels=[True] * 4 + [False], effect=[None] * 5)
    )
    assert (one.follows, one.two_levels, one.needed) == (None, None, None)


def test_an_effect_on_the_other_side_than_the_last_one_does_not_count():
    up = [{"value": value, "low": value - 0.1, "high": value + 0.1} for value in (-2, -2, 0.5, 0.5, 0.5)]
    assert appearances(document(effect=up))[0].needed == 20


@pytest.mark.parametrize(
    ("steps", "verified", "told"),
    [
        (
            (40, 80, 900),
            True,
            "from step 40 on, has two levels from step 80 on, and is needed by the network ",
        ),
        ((0, 900, 900), True, "from the beginning on, and has two levels and is needed by the network "),
        ((900, 900, 900), True, ", has two levels and is needed by the network "),
        ((40, None, 900), False, "from step 40 on, and alters what the network expects when it is changed "),
    ],
)
def test_a_sentence_tells_the_steps_each_of_them_once(steps, verified, told):
    sentence = appearance_told(
        Appearance("0:3", "inside_quotes", *steps), plain_sentence("quotes"), verified=verified, first=0
    )
    expected = f"Cell 0:3 follows quotes {told}from step 900 on."
    assert sentence_text(sentence) == expected.replace(" ,", ",")


def test_a_sentence_says_what_is_not_shown():
    one = Appearance("0:3", "inside_quotes", None, None, None)
    told, of_verified = (
        sentence_text(appearance_told(one, plain_sentence("quotes"), verified=verified, first=0))
        for verified in (False, True)
    )
    assert told == "Cell 0:3 follows quotes; nothing shows that the network needs it."
    assert of_verified == "Cell 0:3 follows quotes.", "its effect is known at the end, and not at any moment"


def test_findings_without_moments_tell_nothing():
    assert appearances({"method": {"rules": {}}, "over_time": {}}) == []
    assert appearances({"method": {"rules": {}}}) == []
