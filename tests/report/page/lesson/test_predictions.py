"""The rounds of the exercise "predict, then reveal": which cells, and on which lines."""

import math
from typing import Any

from full_fixture import full_findings, with_examples
from report_fixture import sample_findings

from charlstm.report.page.view import view


def rounds_of(findings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rounds, each with its cell and the texts that are given and asked."""
    page = view(findings)
    told = []
    for one in page.data["lesson"]["rounds"]:
        row = page.data["rows"][one["row"]]
        text = page.data["excerpts"][row["excerpt"] or 0]["text"]
        given, asked = text[one["start"] : one["given"]], text[one["given"] : one["stop"]]
        told.append(one | {"cell": row["cell"], "given_text": given, "asked_text": asked})
    return told


def predictable() -> dict[str, Any]:
    """Return findings of which cell 0:31 is on inside brackets."""
    findings = sample_findings()
    excerpt = findings["excerpts"][0]
    depth = excerpt["features"]["bracket_depth"]
    excerpt["cells"]["0:31"]["tanh_c"] = [-0.9 if value else 0.9 for value in depth]
    return findings


def test_the_first_round_is_the_first_cell_and_only_cells_that_follow_their_feature_have_one():
    assert [one["cell"] for one in rounds_of(sample_findings())] == ["0:194"]
    rounds = rounds_of(predictable())

    assert [one["cell"] for one in rounds] == ["0:194", "0:31"]
    assert [one["hint"].split(" is ")[0] for one in rounds] == ["An opening quote", "An opening bracket"]


def test_a_feature_that_takes_long_to_say_has_no_round():
    findings = predictable()
    findings["excerpts"][0]["features"]["after_comma_until_newline"] = findings["excerpts"][0][
        "features"
    ].pop("bracket_depth")
    findings["findings"][1]["feature"] = "after_comma_until_newline"

    assert [one["cell"] for one in rounds_of(findings)] == ["0:194"]


def test_the_first_round_gives_nothing_and_the_others_whole_lines_in_colour():
    told, *puzzles = rounds_of(predictable())

    assert told["given_text"] == ""
    for one in puzzles:
        assert one["given_text"].endswith("\n")
        assert len(one["given_text"]) >= 0.4 * (one["stop"] - one["start"])
        assert len(one["asked_text"]) >= 50
    assert all(one["stop"] - one["start"] <= 220 for one in [told, *puzzles])


def test_the_lines_of_the_first_round_are_not_those_of_the_first_screen():
    page = view(sample_findings())
    first, one = page.first, page.data["lesson"]["rounds"][0]

    assert first is not None
    assert one["stop"] <= first.start or first.stop <= one["start"]


def test_the_threshold_is_the_cells_own():
    findings = sample_findings()
    findings["findings"][0]["detection"]["threshold"] = 0.3

    assert rounds_of(findings)[0]["threshold"] == round(math.tanh(0.3), 3)


def test_a_cell_that_stays_on_one_side_along_its_lines_has_no_round():
    findings = predictable()
    findings["excerpts"][0]["cells"]["0:31"]["tanh_c"] = [0.9] * 2_000

    assert "0:31" not in [one["cell"] for one in rounds_of(findings)]


def test_examples_of_a_cells_own_serve_as_well_and_without_values_there_is_no_round():
    assert rounds_of(with_examples(full_findings()))[0]["cell"] == "0:194"
    assert rounds_of(sample_findings() | {"excerpts": []}) == []
    assert rounds_of(sample_findings() | {"findings": []}) == []
