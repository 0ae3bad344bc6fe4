"""What the page's script gets: the findings' own numbers, in a form that is JSON and small."""

import json
from typing import Any

import pytest
from full_fixture import full_findings, odd_findings, with_examples
from proven_fixture import proven_findings
from report_fixture import finding, sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.rows import row
from charlstm.report.page.script_data import cell_data, excerpt_data, page_data, proof, row_data


def data_of(findings: Any) -> Any:
    found = findings["findings"]
    return page_data(found, [row(one, None) for one in found], findings["excerpts"])


@pytest.mark.parametrize(
    "findings", [sample_findings(), full_findings(), odd_findings(200), proven_findings()]
)
def test_the_data_are_json_without_nan(findings: Any):
    assert json.loads(json.dumps(data_of(findings), allow_nan=False))


def test_a_cell_along_a_text_keeps_the_precision_of_the_findings():
    lines = {"tanh_c": [0.123456, 1.0, float("nan")], "c": [-2.125, 0.5, None], "forget": [0.25, 1.0, 0.07]}

    assert cell_data(lines) == {
        "tanh_c": [0.123, 1, None],
        "c_thousandths": [-2125, 500, None],
        "forget_hundredths": [25, 100, 7],
    }


@pytest.mark.parametrize("part", ["cells", "features"])
def test_values_that_do_not_fit_the_text_are_refused(part: str):
    excerpt = sample_findings()["excerpts"][0]
    if part == "cells":
        excerpt["cells"]["0:7"]["tanh_c"].pop()
    else:
        excerpt["features"]["bracket_depth"].pop()

    with pytest.raises(UsageError, match="2,000 characters has 1,999 values of"):
        excerpt_data(excerpt)


def test_an_excerpt_needs_no_more_than_its_text():
    assert excerpt_data({"text": "ab"}) == {
        "split": "text",
        "start": 0,
        "text": "ab",
        "cells": {},
        "features": {},
        "grid": None,
        "own": False,
    }


def test_a_finding_with_examples_has_an_excerpt_of_its_own_and_the_shared_one_no_longer_has_its_gates():
    findings = with_examples(full_findings())
    data = data_of(findings)
    shared, own = data["excerpts"]

    assert [row["excerpt"] for row in data["rows"]] == [1, *[None] * (len(data["rows"]) - 1)]
    assert (shared["own"], own["own"]) == (False, True)
    assert own["text"] == findings["excerpts"][0]["text"][500:1_200]
    assert set(own["cells"]["0:194"]) > {"tanh_c", "c_thousandths", "forget_hundredths"}
    assert "0:194" not in shared["cells"]
    assert "0:194" in shared["grid"]["cells"]
    assert [line["group"] for line in data["rows"][0]["lines"]] == ["drawn", "best", "worst"]


def test_findings_with_the_same_text_share_an_excerpt():
    findings = with_examples(full_findings())
    findings["findings"][3]["examples"] = findings["findings"][0]["examples"]
    data = data_of(findings)

    assert len(data["excerpts"]) == 2
    assert set(data["excerpts"][1]["cells"]) == {"0:194", "0:88"}


def test_drivers_are_listed_once_and_any_character_is_none_of_them():
    counter = finding(1, "counter", "column", {"step": ["*"], "reset": ["*", "\n", "*"]}, 0.5)

    assert row_data(counter, row(counter, None))["drivers"] == ["*", "\n"]


def test_symbols_are_given_for_every_character_that_is_shown():
    findings = odd_findings(200)
    findings["findings"][0]["causal"]["target"] = "\u2060"
    symbols = data_of(findings)["symbols"]

    assert symbols["\u202e"] == "U+202E"
    assert symbols["\u2060"] == "U+2060"
    assert "a" not in symbols


def test_an_intervention_is_drawn_by_its_effect():
    causal = full_findings()["findings"][0]["causal"] | {"specific_nats": -0.5}
    drawn = proof(causal)

    assert drawn is not None
    assert (drawn["effect_nats"], drawn["interval"]) == (-1.79, None)
    assert drawn["others"] == {"hold": 1.1 * -1.79, "resample": 0.7 * -1.79, "insertion": 1.79}
    assert proof({}) is None


def test_a_target_of_another_feature_that_cannot_be_seen_has_its_symbol():
    findings = proven_findings()
    findings["findings"][0]["evidence"]["specificity"]["behaviours"][0]["target"] = "\u2060"

    assert data_of(findings)["symbols"]["\u2060"] == "U+2060"


def numbers_in(value: Any) -> set[float]:
    if isinstance(value, dict):
        return set().union(*map(numbers_in, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(numbers_in, value))
    return {value} if isinstance(value, float) else set()


@pytest.mark.parametrize("findings", [full_findings(), proven_findings()])
def test_every_number_that_is_drawn_is_in_the_findings(findings: Any):
    drawn, found = numbers_in(data_of(findings)), numbers_in(findings)

    assert len(drawn) > 800
    assert drawn <= found | {round(number, 3) for number in found}
