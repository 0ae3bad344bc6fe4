"""When cells appeared, as the page lays it out: the earliest first, and effects as shares of the last one."""

import copy

import pytest
from proven_fixture import OVER_TIME, proven_findings

from charlstm.errors import UsageError
from charlstm.report.page.over_time import over_time, over_time_data
from charlstm.report.page.shapes.shape import refuse_other_shapes
from charlstm.report.words.phrases import sentence_text


def test_cells_are_listed_in_the_order_in_which_they_were_needed():
    told = over_time(proven_findings())
    assert [(row.cell, row.follows, row.two_levels, row.needed) for row in told.rows] == [
        ("0:4", "320", "320", "320"),
        ("0:0", "2,560", "2,560", "2,560"),
    ]
    assert sentence_text(told.rows[0].feature).startswith("the depth of brackets")
    assert told.moments == 4


def test_the_script_draws_scores_and_effects_as_shares_of_the_last():
    drawn = over_time_data(proven_findings())
    assert drawn is not None
    assert drawn["steps"] == OVER_TIME["steps"]
    depth = drawn["cells"][0]
    assert depth["score"] == [0.05, 0.3, 0.9, 0.97]
    assert depth["effect"] == [0, 0.013, 0.4, 1]
    assert depth["nats"] == [0, -0.02, -0.6, -1.5]
    assert [step for _, step in depth["since"]] == [320, 320, 320]


def test_a_cell_that_is_not_needed_at_the_end_has_no_effects():
    document = proven_findings()
    document["over_time"]["cells"][0]["effect"][-1] = {"value": -0.01, "low": -0.02, "high": 0.0}
    drawn = over_time_data(document)
    assert drawn is not None
    assert [cell["cell"] for cell in drawn["cells"]] == ["0:0", "0:4"]
    assert drawn["cells"][1]["effect"] == [None] * 4


def test_a_verified_switch_whose_feature_moves_in_the_text_is_shown_first():
    told = over_time(proven_findings())
    assert told.start == 1
    assert told.told == told.rows[1].told
    document = proven_findings()
    document["over_time"]["excerpt"]["features"]["parity_of_double_quote"] = [0] * len(
        OVER_TIME["excerpt"]["text"]
    )
    assert over_time(document).start == 0


def test_the_text_over_time_is_handed_on_with_its_packed_states():
    drawn = over_time_data(proven_findings())
    assert drawn is not None
    names = ("text", "cells", "features", "tanh_c")
    assert drawn["excerpt"] == {name: OVER_TIME["excerpt"][name] for name in names}
    document = proven_findings()
    del document["over_time"]["excerpt"]
    drawn = over_time_data(document)
    assert drawn is not None
    assert drawn["excerpt"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", None),
        ("cells", "0:4"),
        ("features", {"a": ["b"]}),
        ("start", -1),
        ("tanh_c", 7),
    ],
)
def test_a_text_over_time_that_cannot_be_drawn_is_refused(name, value):
    document = proven_findings()
    document["over_time"]["excerpt"][name] = value
    with pytest.raises(UsageError, match=f"over_time.excerpt.*{name}"):
        refuse_other_shapes(document)


@pytest.mark.parametrize(
    "change",
    [
        {"cells": ["0:4"]},
        {"cells": ["0:4"] * 100_000},
        {"text": "too short"},
        {"features": {"bracket_depth": [0]}},
        {"tanh_c": "not base64!"},
    ],
)
def test_states_that_do_not_fit_their_text_are_refused(change):
    document = proven_findings()
    document["over_time"]["excerpt"] |= change
    with pytest.raises(UsageError, match="the states over time"):
        over_time_data(document)


def test_findings_without_earlier_moments_have_no_section():
    document = proven_findings(circuits=False)
    assert over_time(document).rows == ()
    assert over_time_data(document) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", [0.1, 0.2]),
        ("score", ["a"] * 4),
        ("two_levels", None),
        ("effect", [{"value": "1"}] * 4),
        ("cell", -1),
        ("feature", 7),
    ],
)
def test_a_cell_over_time_that_cannot_be_drawn_is_refused(name, value):
    document = copy.deepcopy(proven_findings())
    document["over_time"]["cells"][0][name] = value
    with pytest.raises(UsageError, match="over_time"):
        refuse_other_shapes(document)
