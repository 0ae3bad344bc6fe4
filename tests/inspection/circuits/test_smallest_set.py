"""The smallest set has the cells that the head reads, all of them and no others."""

import pytest
import torch
from circuits_fixture import QUOTES, Planted, network, planted

from charlstm.inspection.circuits.sets import orders_of
from charlstm.inspection.circuits.smallest_set import SmallestSet, smallest_set, stability
from charlstm.inspection.exam.planted_cells import PlantedCell, toggle

UNREAD = toggle('"')


def made_of(cells: list[PlantedCell], count: int = 64) -> Planted:
    return planted(network(cells), count=count)


def set_of(made: Planted) -> SmallestSet | None:
    return smallest_set(made.sites, orders_of(made.single, made.roles, QUOTES), made.single.shape)


def stability_of(made: Planted) -> float | None:
    return stability(made.sites, made.single, made.roles, QUOTES, "effect")


def test_two_cells_that_share_a_behaviour_are_its_set():
    made = made_of([UNREAD, UNREAD.read('"', 3), UNREAD, UNREAD.read('"', 3)])
    found = set_of(made)

    assert found is not None
    assert set(found.cells) == {(0, 1), (0, 3)}
    assert found.share.value == pytest.approx(1, abs=1e-3)
    assert found.equivalent
    assert found.without.high < 0.5
    assert all(lost.low > 0.2 for lost in found.losses)
    assert stability_of(made) == 1


def test_a_direction_distributed_over_four_cells_is_a_set_of_four():
    found = set_of(made_of([UNREAD.read('"', 1.5)] * 4 + [UNREAD] * 2))

    assert found is not None
    assert set(found.cells) == {(0, 0), (0, 1), (0, 2), (0, 3)}
    assert {"effect", "attribution"} <= set(found.tied)


def test_cells_that_follow_the_feature_and_are_not_read_are_in_no_set():
    made = made_of([UNREAD] * 3 + [UNREAD.read('"', 4)])
    orders = {"correlation": torch.tensor([0, 1, 2, 3, *range(4, 24)])}

    found = smallest_set(made.sites, orders, made.single.shape)

    assert found is not None
    assert found.cells == [(0, 3)]


def test_a_cell_that_speaks_against_the_target_belongs_to_the_set():
    # Without the second cell the others keep far more than all of the advantage.
    made = made_of([UNREAD.read('"', 6), UNREAD.read('"', -3), UNREAD])
    found = set_of(made)

    assert found is not None
    assert found.cells == [(0, 0), (0, 1)]
    assert found.losses[1].high < 0


def test_a_behaviour_that_many_cells_share_has_no_small_set():
    made = made_of([UNREAD.read('"', 0.25)] * 30)

    assert set_of(made) is None
    assert stability_of(made) is None


def test_where_the_donors_state_is_enough_there_is_no_set():
    model = network([UNREAD.read('"', 0.05)])
    model.head.bias[10] = 8

    assert set_of(planted(model)) is None


def test_the_data_names_each_cell_with_what_is_lost_without_it():
    found = set_of(made_of([UNREAD.read('"', 3), UNREAD.read('"', 2)]))
    assert found is not None

    data = found.data(0.5)

    assert data["cells"] == ["0:0", "0:1"]
    assert [one["cell"] for one in data["leave_one_out"]] == data["cells"]
    losses = [one["lost"]["value"] for one in data["leave_one_out"]]
    assert losses[0] / losses[1] == pytest.approx(1.5, abs=0.05)
    assert data["jaccard"] == 0.5
    assert set(data["share"]) == {"value", "low", "high"}
