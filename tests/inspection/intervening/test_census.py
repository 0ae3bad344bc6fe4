"""The census changes every cell alone; ranks, percentiles and specificity follow their definitions."""

import math

import numpy as np
import pytest
import torch
from intervention_fixture import (
    BRACKETS,
    COLUMN,
    DEPTH,
    PARENTHESES,
    QUOTES,
    candidate,
    context_of,
    network,
    roles_of,
)

from charlstm.inspection.estimates import Estimate, mean_of
from charlstm.inspection.exam.planted_cells import latch, toggle
from charlstm.inspection.intervening.census import (
    CARRYING_CORRELATION,
    CENSUS_SITES,
    ROLE_CORRELATION,
    CellRoles,
    Census,
    EffectElsewhere,
    Specificity,
    bystanders,
    compared,
    specificity_of,
    take_census,
)
from charlstm.inspection.intervening.experiment import InterventionContext

PLANTED = [toggle('"').read('"', 3), toggle('"'), latch("(", ")").read(")", 3), toggle('"').read('"', 1)]
NAMES = (QUOTES, PARENTHESES, COLUMN)


@pytest.fixture(scope="module")
def context() -> InterventionContext:
    return context_of(network(PLANTED), QUOTES, PARENTHESES, DEPTH, BRACKETS)


@pytest.fixture(scope="module")
def census(context: InterventionContext) -> Census:
    return take_census(context, QUOTES, 0, range(16), [0, 1])


def test_every_cell_is_changed_alone_at_the_same_sites(context: InterventionContext, census: Census) -> None:
    closers, more = context.closers(QUOTES, most=CENSUS_SITES), context.closers(QUOTES, most=100)
    assert len(closers.sites) == CENSUS_SITES
    for cell in (0, 1, 3, 9):
        alone = closers.change(closers.donor_values([(0, cell)]))
        assert census.nats[cell] == pytest.approx(alone.nats.mean(), abs=1e-5)
    assert set(census.at_sites) == {0, 1}
    # A candidate is changed at more sites: its effect is compared with that at its own closers.
    assert len(more.sites) == len(census.clusters) == 100
    alone = more.change(more.donor_values([(0, 0)]))
    assert census.at_sites[0] == pytest.approx(alone.nats, abs=1e-5)
    assert census.effect(0) == mean_of(census.at_sites[0], more.sites.clusters)
    # The head adds 3 h and 1 h to the logit of the quote, h changes by 2 tanh(1); idle cells hardly count.
    assert census.nats[0] < -2
    assert -2 * math.tanh(1) < census.nats[3] < -0.1
    assert np.abs(np.delete(census.nats, [0, 3])).max() < 0.1


def test_the_largest_effect_has_rank_one(census: Census) -> None:
    assert [census.rank(cell) for cell in (0, 3, 2)] == [1, 2, 3]
    order = sorted(range(16), key=census.rank)
    assert np.abs(census.nats[order]).tolist() == sorted(np.abs(census.nats), reverse=True)


def test_of_the_closers_of_other_features_candidates_alone_are_changed(context: InterventionContext) -> None:
    found = take_census(context, PARENTHESES, 0, [0, 2], [0, 2])
    assert np.isnan(found.nats).sum() == 14
    assert found.nats[2] < -2
    assert abs(found.nats[0]) < 0.5
    assert len(found.clusters) > CENSUS_SITES
    assert found.rank(2) == 1


@pytest.fixture
def roles() -> CellRoles:
    """Cells of a network of two layers of 3 cells; the third feature is left out as a pseudo feature."""
    scores = [
        [0.9, 0.0, 0.0],  # 0:0 follows quotes
        [0.3, 0.5, 0.0],  # 0:1 carries quotes, follows parentheses
        [0.1, 0.2, 0.95],  # 0:2 follows the pseudo feature alone
        [0.0, 0.3, 0.0],  # 1:0 carries parentheses
        [CARRYING_CORRELATION, 0.0, 0.0],
        [0.0, ROLE_CORRELATION, 0.0],
    ]
    return CellRoles(torch.tensor(scores), {QUOTES: 0, PARENTHESES: 1}, 2)


def test_carriers_follow_one_feature_a_little_and_roles_any_feature_strongly(roles: CellRoles) -> None:
    assert roles.carriers(QUOTES, 0).tolist() == [True, True, False]
    assert roles.carriers(QUOTES, 1).tolist() == [False, True, False]
    assert roles.carriers(PARENTHESES, 1).tolist() == [True, False, True]
    assert roles.with_role(0).tolist() == [True, True, False], "a pseudo feature is no role"
    assert roles.with_role(1).tolist() == [False, False, True]


def test_runners_up_are_the_other_features_that_a_cell_carries_the_best_first() -> None:
    model = network(PLANTED)
    roles = roles_of(model, {2: {QUOTES: 0.3, PARENTHESES: 0.9, COLUMN: 0.7}, 1: {QUOTES: 0.9}}, NAMES)
    assert roles.runners_up(candidate(2, PARENTHESES), 2) == [COLUMN, QUOTES]
    assert roles.runners_up(candidate(2, PARENTHESES), 1) == [COLUMN]
    assert roles.runners_up(candidate(2, QUOTES), 5) == [PARENTHESES, COLUMN]
    assert roles.runners_up(candidate(1, QUOTES), 5) == []


def test_a_cell_whose_correlation_is_the_limit_carries_the_feature() -> None:
    roles = roles_of(network(PLANTED), {2: {QUOTES: 0.25, COLUMN: 0.24, PARENTHESES: 0.9}}, NAMES)
    assert roles.runners_up(candidate(2, PARENTHESES), 5) == [QUOTES]
    assert roles.carriers(QUOTES, 0)[2]
    assert not roles.carriers(COLUMN, 0)[2]


def test_a_candidate_is_compared_with_the_cells_that_do_not_carry_its_feature() -> None:
    nats = np.array([-2.0, -1.0, 0.5, -0.1, 0.3, 0.2, np.nan, *[0.0] * 9])
    census = Census(QUOTES, 0, nats, {}, np.zeros(0, np.int64))
    roles = roles_of(network(PLANTED), {0: {QUOTES: 0.9}, 1: {QUOTES: 0.3}, 2: {PARENTHESES: 0.5}}, NAMES)
    found = compared(candidate(0), census, roles)
    assert (found.rank, found.cells) == (1, 15)
    assert sorted(found.others) == pytest.approx([0] * 9 + [0.1, 0.2, 0.3, 0.5])
    assert sorted(found.others_without_role) == pytest.approx([0] * 9 + [0.1, 0.2, 0.3])
    assert found.p95 == pytest.approx(np.percentile([*[0] * 9, 0.1, 0.2, 0.3, 0.5], 95))
    data = found.data
    assert data["p95_without_roles"] == pytest.approx(np.percentile([*[0] * 9, 0.1, 0.2, 0.3], 95))
    assert (data["others"], data["others_without_roles"]) == (13, 12)
    assert (data["rank"], data["cells"], data["p95"]) == (1, 15, found.p95)
    # A candidate that correlates too little to carry its feature is still not compared with itself.
    weak = compared(candidate(3), census, roles)
    assert 0.1 not in weak.others
    assert weak.rank == 6


def test_without_others_the_percentile_is_zero() -> None:
    census = Census(QUOTES, 0, np.full(16, -1.0), {}, np.zeros(0, np.int64))
    everybody = roles_of(network(PLANTED), {cell: {QUOTES: 0.9} for cell in range(16)}, NAMES)
    found = compared(candidate(0), census, everybody)
    assert (found.p95, found.data["p95_without_roles"], len(found.others)) == (0, 0, 0)
    assert bystanders(QUOTES, 0, everybody) == []


def test_bystanders_do_not_carry_the_feature_and_are_spread_over_the_layer() -> None:
    model = network(PLANTED, idle=96)
    roles = roles_of(model, {cell: {QUOTES: 0.5} for cell in range(10)}, NAMES)
    found = bystanders(QUOTES, 0, roles)
    assert len(found) == len(set(found)) == 16
    assert found[0] == 10
    assert found[-1] == 99
    assert max(np.diff(found)) <= 7
    few = bystanders(QUOTES, 0, roles_of(network(PLANTED), {0: {QUOTES: 0.5}}, NAMES))
    assert few == list(range(1, 16))


def test_a_cell_is_specific_where_no_other_closers_change_more(context: InterventionContext) -> None:
    censuses = [
        take_census(context, name, 0, range(16) if name == QUOTES else [0, 2], [0, 2])
        for name in (QUOTES, PARENTHESES, DEPTH, BRACKETS)
    ]
    own = {cell: censuses[0].effect(cell) for cell in (0, 2)}
    quotes = specificity_of(context, candidate(0), (own[0], own[0]), censuses)
    assert quotes.holds
    assert set(quotes.others) == {PARENTHESES, DEPTH, BRACKETS}
    wrong = specificity_of(context, candidate(2), (own[2], own[2]), censuses)
    assert wrong.runner_up == PARENTHESES
    assert not wrong.holds
    effect = censuses[1].effect(2)
    right = specificity_of(context, candidate(2, PARENTHESES), (effect, effect), censuses)
    assert right.holds


def test_behaviours_with_the_same_target_are_no_other_behaviours(context: InterventionContext) -> None:
    censuses = [take_census(context, name, 0, [0], [0]) for name in (QUOTES, DEPTH, BRACKETS)]
    nothing = Estimate(0.0, 0.0, 0.0)
    found = specificity_of(context, candidate(0, BRACKETS), (nothing, nothing), censuses)
    assert set(found.others) == {QUOTES}, "the depth of brackets ends with the same character"


@pytest.mark.parametrize(
    ("effects", "holds", "runner_up"),
    [
        ({}, True, None),
        ({"a": (-0.5, -0.6, -0.4), "b": (0.8, 0.7, 0.95)}, True, "b"),
        ({"a": (-1.5, -2.5, -0.9)}, True, "a"),
        ({"a": (-1.5, -1.7, -1.1), "b": (0.1, 0.0, 0.2)}, False, "a"),
        ({"a": (1.5, 1.1, 1.7)}, False, "a"),
    ],
)
def test_another_effect_is_larger_where_its_whole_interval_is(
    effects: dict[str, tuple[float, float, float]], holds: bool, runner_up: str | None
) -> None:
    others = {name: EffectElsewhere("x", Estimate(*effect), 32) for name, effect in effects.items()}
    found = Specificity(Estimate(-1.0, -1.1, -0.9), Estimate(-1.0, -1.1, -0.9), others)
    assert (found.holds, found.runner_up) == (holds, runner_up)
    sizes = [abs(entry["nats"]["value"]) for entry in found.data["behaviours"]]
    assert sizes == sorted(sizes, reverse=True)
    assert [entry["sites"] for entry in found.data["behaviours"]] == [32] * len(effects)
    assert found.data["own"]["value"] == -1
    assert found.data["runner_up"] == runner_up


@pytest.mark.parametrize(
    ("beside_others", "holds"), [(-0.9, True), (-0.5, True), (-0.4, False), (0.0, False), (0.9, False)]
)
def test_an_effect_on_all_characters_but_one_is_not_specific(beside_others: float, holds: bool) -> None:
    own, beside = (Estimate(value, value, value) for value in (-1.0, beside_others))
    assert Specificity(own, beside, {}).holds == holds


def test_cells_that_were_not_changed_are_not_among_those_with_the_largest_effects() -> None:
    nats = np.array([np.nan, 0.1, np.nan, -0.4, 0.2, 0.0])
    census = Census(QUOTES, 0, nats, {}, np.zeros(0, np.int64))
    assert census.largest(3) == [3, 4, 1]
    assert census.largest(9) == [3, 4, 1, 5]
