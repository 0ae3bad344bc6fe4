"""Findings, and when cells appeared, as tables of plain text."""

from dataclasses import replace

import pytest
from report_fixture import sample_findings

from charlstm.findings import Detection, Finding, Findings, Mechanism
from charlstm.report import findings_table


def finding(**changes: object) -> Finding:
    numbers = dict.fromkeys(Detection.__dataclass_fields__, 0.5) | {"near_limit": False, "runner_up": None}
    gates = dict.fromkeys(Mechanism.__dataclass_fields__, 0.5)
    settings = {
        "layer": 0,
        "cell": 194,
        "kind": "depth_counter",
        "feature": "parenthesis_depth",
        "drivers": {"step": ["("], "unstep": [")"]},
        "polarity": 1,
        "detection": Detection(**numbers),
        "mechanism": Mechanism(**gates),
    }
    return Finding(**(settings | changes))


def some_findings(found: list[Finding]) -> Findings:
    document = sample_findings()
    empty = Findings.__new__(Findings)
    for name in Findings.__dataclass_fields__:
        object.__setattr__(empty, name, document.get(name))
    object.__setattr__(empty, "findings", found)
    return empty


@pytest.mark.parametrize("width", [80, 120])
def test_findings_as_a_table_as_wide_as_the_terminal(width):
    long = finding(feature="distance_since_left_pointing_double_angle_quotation_mark")
    found = some_findings([finding(), long] * 12)
    shown = findings_table.findings_table(found, width=width)
    assert "0:194" in shown
    assert "( up, ) down" in shown
    assert "4 more in findings.json" in shown
    assert max(map(len, shown.splitlines())) <= width
    assert "since left pointing double angle quotation mark" in findings_table.findings_table(found)


def test_every_row_keeps_its_numbers():
    long = finding(feature="x" * 90, drivers={"set": list("abcdefgh") * 3, "reset": ["z"]})
    row = findings_table.findings_table(some_findings([long]), width=80).splitlines()[1]
    assert row.endswith("0.50  not tested")


def test_a_sentence_stands_where_there_are_no_findings():
    assert "no cell" in findings_table.findings_table(some_findings([]))


@pytest.mark.parametrize(
    ("drivers", "words"),
    [
        ({"set": ['"'], "reset": ['"']}, '" on and off'),
        ({"set": ["#"], "reset": ["\n"]}, "# on, \\n off"),
        ({"step": ["*"], "reset": ["\n"]}, "\\n to 0"),
        ({"step": [" ", "\t"], "reset": ["\n"]}, "space \\t up, \\n to 0"),
        ({"step": ["("], "unstep": [")"]}, "( up, ) down"),
        ({"set": [" '", "('"], "reset": ["' ", "'\n"]}, "␣' (' on, '␣ '\\n off"),
    ],
)
def test_drivers_are_named_with_what_they_do(drivers, words):
    assert findings_table.drivers_in_words(drivers) == words


def test_an_effect_is_told_beside_its_verdict():
    grade = {"share": 0.42, "low": 0.37, "high": 0.48, "of": "direction"}
    proven = finding(causal={"effect_nats": -1.234}, verdict="undecided", grade=grade)
    unsure = finding(
        causal={"effect_nats": -0.001},
        verdict="correlate",
        grade=grade | {"high": 3.0},
        evidence={"limit_nats": 0.1},
    )
    lines = findings_table.findings_table(some_findings([proven, unsure, finding()]), width=80).splitlines()
    assert lines[0].split()[-3:] == ["verdict", "effect", "carries"]
    assert lines[1].split()[-3:] == ["undecided", "-1.23", "42%"]
    assert lines[2].split()[-3:] == ["correlate", "0.00", "?"]
    assert lines[3].endswith("not tested")
    assert [line.split()[0] for line in lines[4:]] == ["score", "effect", "carries", "not"]
    assert max(map(len, lines)) <= 80


def test_the_widest_row_keeps_the_share():
    grade = {"share": 1.05, "low": 0.95, "high": 1.15, "of": "direction"}
    wide = finding(
        layer=1,
        cell=1023,
        kind="depth_counter",
        feature="x" * 90,
        causal={"effect_nats": -12.345},
        verdict="undecided",
        grade=grade,
    )
    lines = findings_table.findings_table(some_findings([wide, finding()])).splitlines()
    assert lines[1].endswith("105%")


def test_marks_stand_beside_a_score_near_the_limit_and_a_name_that_was_challenged():
    near, challenged = finding(cell=1), finding(cell=2)
    other = {"feature": "nesting_depth", "score": 0.4, "contrast": 0.7}
    near = replace(near, detection=replace(near.detection, near_limit=True))
    challenged = replace(challenged, detection=replace(challenged.detection, runner_up=other))
    shown = findings_table.findings_table(some_findings([near, challenged, finding()]))
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert "~0.50" in lines["0:1"]
    assert "~" not in lines["0:2"] + lines["0:194"]
    assert "*" in lines["0:2"]
    assert "*" not in lines["0:1"] + lines["0:194"]
    assert "other text" in lines["~"]
    assert "another feature" in lines["*"]
    assert not {"~", "*"} & {line.split()[0] for line in bare_table().splitlines()}


def bare_table() -> str:
    return findings_table.findings_table(some_findings([finding()]))


def test_the_table_is_in_the_order_of_the_scores_that_it_shows():
    low, high = finding(cell=1), finding(cell=2)
    low = replace(low, detection=replace(low.detection, held_out_score=0.9, held_out_equal_share=0.6))
    high = replace(high, detection=replace(high.detection, held_out_score=0.3, held_out_equal_share=0.8))
    lines = findings_table.findings_table(some_findings([low, high])).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["0:2", "0:1"]


def test_the_false_discovery_rate_stands_below_the_table():
    found = some_findings([finding()])
    pseudo = {"features": 16, "findings": 0, "false_finding_rate": 0.0}
    object.__setattr__(found, "method", {"controls": {"pseudo_features": pseudo}})
    told = findings_table.findings_table(found, width=80)
    assert "False discovery rate: 0% of the findings" in told
    assert max(map(len, told.splitlines())) <= 80


def test_when_cells_appeared_is_a_table_with_the_earliest_first() -> None:
    def cell(number: int, **scores: list[float]) -> dict[str, object]:
        effects = [{"value": -1.0, "low": -1.2, "high": -0.8}] * 2
        return {
            "layer": 0,
            "cell": number,
            "feature": "inside_quotes",
            "effect": effects,
            "score": [0.0, 0.9],
            "two_levels": [False, False],
            **scores,
        }

    moments = {"steps": [0, 1200], "cells": [cell(1), cell(2, score=[0.9, 0.9])]}
    shown = findings_table.appearances_table(replace(some_findings([]), over_time=moments), width=80)
    header, first, second, *legend = shown.splitlines()
    assert header.split() == ["cell", "feature", "follows", "two", "levels", "needed"]
    assert first.split() == ["0:2", "inside", "quotes", "0", "0"]
    assert second.split() == ["0:1", "inside", "quotes", "1,200", "0"]
    assert max(map(len, [header, *legend])) <= 80
    assert findings_table.appearances_table(replace(some_findings([]), over_time={})) == ""
