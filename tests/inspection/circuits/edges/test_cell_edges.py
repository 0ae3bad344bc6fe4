"""What passes from a cell to the prediction is told apart by its path."""

import pytest
from circuits_fixture import Planted, network, planted, random_network

from charlstm.inspection.circuits.edges.cell_edges import CellEdges
from charlstm.inspection.exam.planted_cells import PlantedCell, toggle

# Its c is the tanh of what other cells add to its candidate, one character late.
ECHO = PlantedCell(i=15, f=-15, g=0)


def edges_of(made: Planted, cell: tuple[int, int]) -> dict[str, list[dict]]:
    edges: dict[str, list[dict]] = {}
    for edge in CellEdges(made.sites).leaving(cell):
        edges.setdefault(edge["kind"], []).append(edge)
    return edges


def test_a_toggle_that_only_the_head_reads_acts_directly():
    edges = edges_of(planted(network([toggle('"').read('"', 4)])), (0, 0))

    assert set(edges) == {"cell_logit", "cell_others", "cell_longer"}
    (direct,) = edges["cell_logit"]
    assert (direct["from"], direct["to"]) == ("0:0", '"')
    assert direct["value"]["high"] < -2
    assert direct["value"]["value"] == pytest.approx(direct["of"], rel=1e-3)
    assert edges["cell_longer"][0]["value"]["value"] == pytest.approx(0, abs=1e-3)


def test_a_toggle_that_acts_through_another_cell_has_an_edge_to_it():
    model = network([toggle('"'), ECHO.read('"', 4)])
    model.weights(0).recurrent.view(4, -1, model.config.cells)[2, 1, 0] = 3
    edges = edges_of(planted(model), (0, 0))

    (through,) = edges["cell_cell"]
    assert (through["from"], through["to"]) == ("0:0", "0:1")
    assert through["value"]["value"] == pytest.approx(through["of"], rel=1e-2)
    assert through["of"] < -2
    assert edges["cell_logit"][0]["value"]["value"] == pytest.approx(0, abs=1e-4)


def test_a_path_through_two_other_cells_is_longer():
    model = network([toggle('"'), ECHO, ECHO.read('"', 4)])
    candidate = model.weights(0).recurrent.view(4, -1, model.config.cells)[2]
    candidate[1, 0] = candidate[2, 1] = 3
    edges = edges_of(planted(model), (0, 0))

    assert "cell_cell" not in edges
    assert edges["cell_longer"][0]["value"]["value"] == pytest.approx(edges["cell_longer"][0]["of"], rel=1e-2)


def test_all_edges_of_a_cell_add_up_to_its_whole_effect():
    made = planted(random_network())
    for cell in [(0, 2), (1, 3)]:
        edges = CellEdges(made.sites).leaving(cell)

        total = sum(edge["value"]["value"] for edge in edges)
        assert total == pytest.approx(edges[0]["of"], abs=1e-6)
        assert abs(edges[0]["of"]) > 1e-5


def test_a_cell_of_a_lower_layer_reaches_the_head_through_the_last_layer_only():
    made = planted(random_network())
    edges = edges_of(made, (0, 2))

    assert "cell_logit" not in edges
    assert all(edge["to"].startswith("1:") for edge in edges.get("cell_cell", []))
    others = edges["cell_others"][0]["value"]["value"]
    assert abs(others) + sum(abs(edge["value"]["value"]) for edge in edges.get("cell_cell", [])) > 0
