"""A quote sets a toggle by its input and forget gates, and the edges say so."""

from dataclasses import replace

import numpy as np
import pytest
from circuits_fixture import BRACKETS, QUOTES, context_of, network, planted

from charlstm.inspection.circuits.edges.driver_edges import WINDOW, DriverEdges, driven_sites
from charlstm.inspection.circuits.more_states import with_more_states
from charlstm.inspection.exam.planted_cells import latch, toggle
from charlstm.inspection.features.feature import Signal


def test_a_driver_is_where_the_feature_began():
    context = context_of(network([toggle('"').read('"', 3)]), [QUOTES])
    driven = driven_sites(context.behaviours[QUOTES], context.passage)

    assert driven is not None
    assert driven.driver == '"'
    for start, event, site in zip(driven.starts, driven.events, driven.sites.positions, strict=True):
        window = context.passage.text[start : site + 1]
        assert len(window) == WINDOW
        assert window.rindex('"') == event


@pytest.mark.parametrize("lag", [1, 2])
def test_the_driver_of_a_late_feature_comes_before_its_signal(lag: int):
    """A proposed feature may begin one or two characters behind the character that set it."""
    context = context_of(network([toggle('"').read('"', 3)]), [QUOTES])
    behaviour, passage = context.behaviours[QUOTES], context.passage
    feature, values = passage.signals[QUOTES]
    late = Signal(replace(feature, lag=lag), np.concatenate([np.zeros(lag, np.uint8), values[:-lag]]))
    passage = replace(passage, signals={**passage.signals, QUOTES: late})

    driven = driven_sites(replace(behaviour, feature=late.feature), passage)

    assert driven is not None
    assert driven.driver == '"'


def test_the_driver_of_a_counter_is_its_reset():
    context = context_of(network([toggle('"')]), ["characters_since_space"])
    driven = driven_sites(context.behaviours["characters_since_space"], context.passage)

    assert driven is not None
    assert driven.driver == " "


def test_a_quote_sets_a_toggle_by_its_input_and_forget_gates():
    made = planted(network([toggle('"').read('"', 4), toggle('"')]))
    driven = driven_sites(made.sites.closers.behaviour, made.context.passage)
    assert driven is not None

    edges = DriverEdges(with_more_states(made.context, driven.starts)).arriving(driven, [(0, 0), (0, 1)])

    values = {edge["to"]: edge["value"]["value"] for edge in edges}
    # From c = -1: with the input gate shut c is 0, with the forget gate open it is 0 as well, not 1.
    half = edges[0]["of"] / 2
    assert values["0:0:input"] == pytest.approx(half, rel=0.03)
    assert values["0:0:forget"] == pytest.approx(half, rel=0.03)
    assert values["0:0:candidate"] == pytest.approx(0, abs=1e-5)
    assert values["0:0:output"] == pytest.approx(0, abs=1e-5)
    assert {edge["from"] for edge in edges} == {'"'}
    assert all(value == 0 for to, value in values.items() if to.startswith("0:1"))


def test_a_latch_needs_its_candidate_too():
    made = planted(network([latch("(", ")").read(")", 4)]), BRACKETS)
    driven = driven_sites(made.sites.closers.behaviour, made.context.passage)
    assert driven is not None

    edges = DriverEdges(with_more_states(made.context, driven.starts)).arriving(driven, [(0, 0)])

    values = {edge["to"]: edge["value"]["value"] for edge in edges}
    assert driven.driver == "("
    assert values["0:0:candidate"] == pytest.approx(edges[0]["of"] / 2, rel=0.02)


def test_the_states_in_front_of_the_windows_are_those_of_the_run():
    made = planted(network([toggle('"').read('"', 4)]))
    driven = driven_sites(made.sites.closers.behaviour, made.context.passage)
    assert driven is not None

    run = DriverEdges(with_more_states(made.context, driven.starts))._runs(driven, [(0, 0)])[0]

    at_sites = made.context.survey.states_before(driven.sites.positions)
    np.testing.assert_allclose(run.steps[-1].c_before[:, 0], at_sites.c[0, :, 0], atol=1e-5)
