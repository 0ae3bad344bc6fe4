"""The figure of a training: the medians of each kind over the steps, from the numbers of the findings."""

import copy
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from proven_fixture import OVER_TIME, proven_findings

from charlstm.report.training_figure import draw_over_time

STEPS = np.log10(1 + np.array(OVER_TIME["steps"]))


def panels(*documents: dict[str, Any]) -> dict[str, Axes]:
    figure = Figure()
    draw_over_time(figure, documents)
    return {axes.get_title(): axes for axes in figure.axes}


def line(axes: Axes, kind: str) -> np.ndarray:
    """Return (places, values) of the line of a kind."""
    (found,) = [one for one in axes.get_lines() if one.get_label() == kind]
    return np.array(found.get_data())


def test_each_panel_has_the_numbers_of_the_findings_by_kind():
    drawn = panels(proven_findings())
    loss = np.array(drawn["bits per character"].get_lines()[0].get_data())
    assert loss == pytest.approx(np.array([STEPS, OVER_TIME["bits_per_character"]]))
    for title, kind, values in (
        ("score with the feature", "switches", [-0.02, 0.1, 0.3, 0.95]),
        ("score with the feature", "depth counters", [0.05, 0.3, 0.9, 0.97]),
        ("share of cells with two levels", "switches", [0, 0, 0, 1]),
        ("input gate: at drivers − elsewhere", "switches", [0.2, 0.2, 0.2, 0.8]),
        ("forget gate elsewhere", "depth counters", [0.9] * 4),
        ("effect of needed cells, nats", "switches", [0, -0.01, 0.05, 1.2]),
    ):
        assert line(drawn[title], kind) == pytest.approx(np.array([STEPS, values])), title


def test_several_trainings_are_drawn_as_one_with_the_median_of_their_cells():
    other = copy.deepcopy(proven_findings())
    other["over_time"]["cells"][1]["score"] = [0.1, 0.1, 0.5, 0.99]
    drawn = panels(proven_findings(), other)
    assert len(drawn["bits per character"].get_lines()) == 2
    assert line(drawn["score with the feature"], "switches")[1] == pytest.approx([0.04, 0.1, 0.4, 0.97])


def test_what_is_not_known_of_a_cell_is_left_out():
    document = copy.deepcopy(proven_findings())
    for cell in document["over_time"]["cells"]:
        cell["effect"] = [None] * 4
        del cell["input_gate"]
        cell["forget_gate"][0] = {"at_drivers": None, "elsewhere": None}
    drawn = panels(document)
    assert len(line(drawn["forget gate elsewhere"], "switches")[0]) == 3
    for title in ("input gate: at drivers − elsewhere", "effect of needed cells, nats"):
        assert not [one for one in drawn[title].get_lines() if one.get_label() == "switches"]
