"""The page as data: every part may be missing, and what there is becomes text."""

from typing import Any

import pytest
from full_fixture import full_findings
from proven_fixture import proven_findings
from report_fixture import HOSTILE, sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.view import (
    corpus_line,
    headline,
    model_line,
    provenance_of,
    split_lines,
    view,
)

PARTS = ["model", "corpus", "method", "findings", "gates", "credit", "excerpts", "provenance"]


def test_rows_come_best_first_and_unscored_last():
    findings = sample_findings()
    findings["findings"][0]["detection"]["held_out_score"] = None

    assert [row.held_out_score for row in view(findings).rows] == [0.83, 0.74, 0.71, 0.64, 0.42, 0.38, None]


def test_the_parts_of_a_complete_page():
    page = view(full_findings())

    assert page.title == "demo"
    assert page.headline == "7 cells of 256 follow 4 features of the text."
    assert (page.verdicts, page.untested) == ([("verified", "1"), ("correlate", "1")], 5)
    assert page.gradient_feature == "inside double quotes"
    assert page.controls[0].name == "an untrained network of the same shape"
    assert ("null: significance", "0.01") in page.method
    assert page.readable
    assert set(page.data) == {"rows", "excerpts", "symbols", "network", "circuits", "overTime", "lesson"}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("absent", [True, False])
def test_any_part_may_be_missing(part: str, absent: bool):
    findings: dict[str, Any] = full_findings() | {part: None}
    if absent:
        del findings[part]

    assert view(findings).title == ("an LSTM" if part == "model" else "demo")


def test_a_page_of_nothing_but_a_schema_has_no_text_to_read():
    page = view({"schema_version": 1})

    assert (page.rows, page.model, page.corpus, page.share, page.caveats) == ((), "", "", "", ())
    assert not page.readable


def test_a_text_with_packed_cells_can_be_read_without_a_finding():
    assert view(full_findings() | {"findings": []}).readable


@pytest.mark.parametrize("version", [0, 3, None, "1"])
def test_another_schema_is_refused(version: object):
    with pytest.raises(UsageError, match="schema_version"):
        view(sample_findings() | {"schema_version": version})


def test_verdicts_are_counted_in_one_order():
    page = view(proven_findings())
    assert page.verdicts == [("verified", "5"), ("redundant", "2"), ("correlate", "1"), ("undecided", "1")]
    assert page.verdict_names == ("verified", "redundant", "correlate", "undecided")


def test_the_headline_of_a_page_without_findings():
    model, features = {"layers": 2, "cells": 600}, {"features": ["column", "indentation"]}

    assert headline((), model, features) == (
        "Nothing passed: no cell of 1,200 follows any of the 2 features beyond chance on held-out text."
    )
    assert (
        headline((), {}, {}) == "Nothing passed: no cell follows any feature beyond chance on held-out text."
    )


def test_one_cell_follows_and_several_follow():
    rows = view(sample_findings()).rows

    assert headline(rows[:1], {}, {}) == "1 cell follows 1 feature of the text."
    assert headline(rows[:2], {}, {}) == "2 cells follow 2 features of the text."


def test_the_model_and_the_text_in_one_line_each():
    findings = sample_findings()

    assert model_line(findings["model"]) == (
        "1 layer of 256 cells, activation tanh, 363,874 parameters, a vocabulary of 98, 1.69 bits per "
        "character, in checkpoints/demo"
    )
    hard = model_line({"cells": 7, "activation": "tanh", "gate_activation": "hard_sigmoid"})
    assert hard == "7 cells, activation tanh, gates hard_sigmoid"
    assert model_line({"cells": 7, "gate_activation": "sigmoid"}) == "7 cells"
    assert corpus_line(findings["corpus"]) == "stdlib, 12,345,678 characters, sha256 9f86d081884c…"
    assert split_lines(findings["corpus"])[0] == ("text to calibrate on", "0 to 50,000")


def test_a_name_of_a_run_cannot_turn_the_title_around():
    findings = sample_findings()
    findings["model"]["checkpoint"] = f"runs/{HOSTILE.replace('/', '')}/"

    assert not {"\u202e", "\u2028", "\x00"} & set(view(findings).title)


def test_the_provenance_has_the_whole_fingerprint_of_the_text():
    findings = sample_findings()

    assert provenance_of(findings)["text_sha256"] == findings["corpus"]["sha256"]
    assert provenance_of({"corpus": findings["corpus"]}) == {}
