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


def test_what_counts_has_the_ends_of_its_staircase():
    stairs = {"detection": {"levels": None}, "portrait": {"staircase": {"mean": [0.1, -0.6, -1.0]}}}

    assert levels({"kind": "depth_counter"} | stairs) == {"off": 0.1, "on": -0.6}
    assert levels({"kind": "counter"} | stairs) == {"off": 0.1, "on": -1.0}


def test_what_is_not_known_is_none():
    assert levels({"kind": "counter", "detection": {}, "portrait": None}) is None


def test_a_cell_is_told_by_its_best_finding():
    weaker = SWITCH | {"feature": "inside_comment", "verdict": None}

    cells = watched_cells({"findings": [SWITCH, weaker]})

    assert list(cells) == ["0:3"]
    assert watched_cells({"findings": [weaker, SWITCH]}) == cells
    assert cells["0:3"]["words"] == "toggle, inside quotes"
    assert cells["0:3"]["verdict"] == "verified"
    assert cells["0:3"]["polarity"] == -1
