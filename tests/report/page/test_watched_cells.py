"""What the part of the page with the model knows of a cell: its words, and the cell states of off and on."""

from charlstm.report.page.watched_cells import levels, watched_cells

SWITCH = {
    "layer": 0,
    "cell": 3,
    "kind": "toggle",
    "feature": "inside_quotes",
    "polarity": -1,
    "verdict": "verified",
    "detection": {"levels": {"off": 0.5, "on": -1.25}},
}


def test_a_switch_has_its_two_levels():
    assert levels(SWITCH) == {"off": 0.5, "on": -1.25}


def test_a_counter_has_the_ends_of_its_staircase_and_a_depth_its_first_step():
    stairs = {"detection": {"levels": None}, "portrait": {"staircase": {"mean": [0.1, -0.6, -1.0]}}}

    assert levels({"kind": "depth_counter"} | stairs) == {"off": 0.1, "on": -0.6}
    assert levels({"kind": "counter"} | stairs) == {"off": 0.1, "on": -1.0}


def test_levels_that_the_findings_do_not_have_are_none():
    assert levels({"kind": "counter", "detection": {}, "portrait": None}) is None


def test_a_cell_with_two_findings_has_the_words_of_the_verified_one():
    weaker = SWITCH | {"feature": "inside_comment", "verdict": None}

    cells = watched_cells({"findings": [SWITCH, weaker]})

    assert list(cells) == ["0:3"]
    assert watched_cells({"findings": [weaker, SWITCH]}) == cells
    assert cells["0:3"]["words"] == "toggle, inside quotes"
    assert cells["0:3"]["verdict"] == "verified"
    assert cells["0:3"]["polarity"] == -1


def test_a_counter_has_its_stairs_and_a_cell_the_characters_it_was_tested_on():
    stairs = {"portrait": {"staircase": {"mean": [0.1, -0.6, -1.0]}}, "feature": "column", "detection": {}}
    counter = {"layer": 0, "cell": 1, "kind": "counter", "causal": {"target": "\n"}} | stairs
    depth = {"layer": 0, "cell": 2, "kind": "depth_counter", "causal": {"target": "[^ab]"}} | stairs
    cells = watched_cells({"findings": [counter, depth, SWITCH]})

    assert (cells["0:1"]["stairs"], cells["0:1"]["closers"]) == ([0.1, -0.6, -1.0], "\n")
    assert cells["0:2"]["closers"] == ""
    assert [cell["stairs"] for name, cell in cells.items() if name not in ("0:1", "0:2")] == [None]
