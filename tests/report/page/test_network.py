"""The tables about the whole network, and what is drawn of it."""

from full_fixture import full_findings

from charlstm.report.page.network import (
    control_table,
    gate_table,
    gradient_table,
    network_data,
    shares_of,
)


def test_gates_have_a_line_for_each_layer_and_gate_with_whatever_shares_there_are():
    gates = {
        "layers": [
            {"layer": 0, "forget": {"below_0.1": 0.25, "above_0.9": 0.5, "cells": {"above_0.9": [0.5]}}},
            {"layer": 1, "forget": {"mean": None, "above_0.9": 0.75}},
        ]
    }
    columns, (first, second) = gate_table(gates)

    assert columns == ("below 0.1", "above 0.9")
    assert (first.layer, first.name, first.low, first.high, first.shares) == (
        0,
        "forget",
        0.25,
        0.5,
        ("0.25", "0.5"),
    )
    assert (second.layer, second.low, second.shares) == (1, None, ("–", "0.75"))


def test_no_gates_make_an_empty_table():
    assert gate_table({}) == ((), ())


def test_gradients_of_three_groups_stand_side_by_side():
    group = {
        "cells": 2,
        "carry": {"direct_share": 0.8},
        "reach_since_opener": [1.0] * 8 + [0.25] + [None] * 55,
    }
    lines = {
        line.name: line for line in gradient_table({"cells": group, "controls": None, "untrained": group})
    }

    share = lines["share of the gradient at the opener that comes straight along c"]
    assert (share.cells, share.controls, share.untrained) == ("0.8", "–", "0.8")
    far = [line for name, line in lines.items() if "characters before the closer" in name]
    assert [line.cells for line in far] == ["1", "0.25", "–", "–"]
    assert {line.controls for line in far} == {"–"}


def test_no_gradients_make_no_lines():
    assert list(gradient_table({"feature": "column"})) == []


def test_a_control_has_its_name_in_words_and_the_measures_that_it_has():
    controls = {"untrained": {"candidates": 3, "findings": 0, "best_score": 0.25}, "new_one": {"findings": 1}}
    lines = list(control_table({"controls": controls | {"note": "text"}}))

    assert [(line.name, line.measures) for line in lines] == [
        ("an untrained network of the same shape", ("3", "0", "0.25")),
        ("new one", ("–", "1", "–")),
    ]


def test_every_layer_is_drawn_beside_the_untrained_one_where_there_is_one():
    findings = full_findings()
    gates = findings["gates"]
    drawn = network_data(gates | {"layers": gates["layers"] * 2}, findings["credit"])

    assert [len(layer["untrained"]) for layer in drawn["layers"]] == [3, 0]
    assert drawn["layers"][0]["gates"] == shares_of(gates["layers"][0])
    assert drawn["reach"]["cells"] == findings["credit"]["cells"]["reach_since_opener"]
    assert network_data({}, {}) == {"layers": [], "reach": {"cells": [], "controls": [], "untrained": []}}


def test_only_gates_with_both_shares_of_every_cell_are_drawn():
    layer = {
        "input": {"cells": {"below_0.1": [0.5], "above_0.9": [0.25]}},
        "forget": {"cells": {"below_0.1": [0.5]}},
        "candidate": {"cells": {"below_0.1": [0.5], "above_0.9": [0.25]}},
    }

    assert shares_of(layer) == {"input": {"low": [0.5], "high": [0.25]}}
