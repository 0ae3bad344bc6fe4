"""Curves rise from the donor's state to all cells, in the order of their cells."""

import pytest
from circuits_fixture import QUOTES, Planted, network, planted

from charlstm.findings import Json
from charlstm.inspection.circuits.sets import curves, orders_of
from charlstm.inspection.exam.planted_cells import toggle


@pytest.fixture(scope="module")
def made() -> Planted:
    return planted(network([toggle('"'), toggle('"').read('"', 2), toggle('"'), toggle('"').read('"', 4)]))


@pytest.fixture(scope="module")
def by_order(made: Planted) -> dict[str, Json]:
    lines = curves(made.sites, orders_of(made.single, made.roles, QUOTES), made.single.shape)
    return {line["order"]: line for line in lines}


def shares(points: list[Json]) -> dict[int, float]:
    return {point["cells"]: point["share"] for point in points}


def test_orders_begin_with_the_cells_that_they_are_named_for(made: Planted):
    orders = orders_of(made.single, made.roles, QUOTES)

    assert orders["effect"][:2].tolist() == [3, 1]
    assert orders["attribution"][:2].tolist() == [3, 1]
    assert set(orders["correlation"][:4].tolist()) == {0, 1, 2, 3}
    assert all(sorted(order.tolist()) == list(range(24)) for order in orders.values())


def test_the_random_order_is_always_the_same(made: Planted):
    first, second = (orders_of(made.single, made.roles, QUOTES)["random"] for _ in range(2))

    assert first.tolist() == second.tolist() != list(range(24))


def test_two_cells_by_effect_keep_all_and_leave_nothing(by_order: dict[str, Json]):
    keep, remove = (shares(by_order["effect"][line]) for line in ("keep", "remove"))

    assert list(keep) == [0, 1, 2, 3, 5, 8, 12, 20, 24]
    assert keep[0] < keep[1] < keep[2] == pytest.approx(1, abs=1e-3)
    assert remove[0] == pytest.approx(1)
    assert remove[2] == pytest.approx(keep[0], abs=1e-3)
    # The larger cell is two thirds of what the state does.
    assert (keep[1] - keep[0]) / (1 - keep[0]) == pytest.approx(2 / 3, abs=0.02)


def test_all_curves_end_alike(by_order: dict[str, Json]):
    assert {round(line["keep"][-1]["share"], 4) for line in by_order.values()} == {1.0}
    assert len({round(line["remove"][-1]["share"], 4) for line in by_order.values()}) == 1


def test_the_order_by_effect_has_the_curves_with_means_too(by_order: dict[str, Json]):
    at_means = shares(by_order["effect"]["keep_mean"])

    assert at_means[2] == pytest.approx(1, abs=0.01)
    assert at_means[0] < 0.5
    assert "keep_mean" not in by_order["random"]
    assert shares(by_order["effect"]["remove_mean"])[2] == pytest.approx(at_means[0], abs=0.05)


def test_points_have_intervals(by_order: dict[str, Json]):
    point = by_order["effect"]["keep"][1]

    assert point["low"] < point["share"] < point["high"]
