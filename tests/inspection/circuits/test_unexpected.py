"""A used cell that follows no feature is listed; one that follows a feature or is not used is not."""

import pytest
import torch
from circuits_fixture import QUOTES, Planted, network, planted

from charlstm.inspection.circuits.unexpected import unexpected_cells
from charlstm.inspection.exam.planted_cells import toggle
from charlstm.inspection.intervening.census import CellRoles


@pytest.fixture(scope="module")
def made() -> Planted:
    return planted(network([toggle('"').read('"', 3), toggle('"')], idle=40))


def without_roles(roles: CellRoles, *cells: int, left: float = 0.0) -> CellRoles:
    """Roles in which cells follow every feature with `left` as |r|."""
    correlations = roles.correlations.clone()
    correlations[list(cells)] = left
    return CellRoles(correlations, roles.columns, roles.layers)


def test_a_used_cell_that_follows_its_feature_is_no_surprise(made: Planted):
    assert unexpected_cells(made.sites, made.single, made.roles) == []


def test_a_used_cell_that_follows_nothing_is_listed(made: Planted):
    listed = unexpected_cells(made.sites, made.single, without_roles(made.roles, 0, 1))

    assert [(one["layer"], one["cell"]) for one in listed] == [(0, 0)]
    assert (listed[0]["feature"], listed[0]["target"]) == (QUOTES, '"')
    assert listed[0]["effect"]["high"] < -listed[0]["limit_nats"] <= -0.1
    assert (listed[0]["rank"], listed[0]["of"]) == (1, 42)


def test_a_cell_that_carries_the_feature_weakly_or_follows_another_is_not_listed(made: Planted):
    carrying = without_roles(made.roles, 0, left=0.3)
    following = without_roles(made.roles, 0)
    following.correlations[0, following.columns["column"]] = 0.5

    assert unexpected_cells(made.sites, made.single, carrying) == []
    assert unexpected_cells(made.sites, made.single, following) == []


def test_an_effect_that_other_cells_have_as_well_is_nothing_special():
    many = planted(network([toggle('"').read('"', 1)] * 6, idle=20))
    roles = CellRoles(torch.zeros_like(many.roles.correlations), many.roles.columns, 1)

    assert unexpected_cells(many.sites, many.single, roles) == []
