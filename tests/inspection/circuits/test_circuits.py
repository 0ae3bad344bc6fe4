"""All behaviours of found cells get their circuits, the best findings first."""

import json

import numpy as np
import pytest
import torch
from circuits_fixture import BRACKETS, QUOTES, context_of, inspected, network, roles_of
from program_text import PROGRAM_SYMBOLS, passage_of_program, program
from quoted_text import SYMBOLS

from charlstm.inspection.circuits.circuits import Circuits, FoundCell, circuits_of
from charlstm.inspection.exam.planted_cells import latch, plant, toggle
from charlstm.inspection.intervening.census import CellRoles, Census
from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.intervening.verdict import Proven
from charlstm.model.char_lstm import CharLSTM

MODEL = network(
    [latch("(", ")").read(")", 4), toggle('"').read('"', 3), toggle('"').read('"', 3), toggle('"')]
)
SYMBOL_OF_QUOTES = SYMBOLS.index('"')
FOUND = [
    FoundCell(0, 1, QUOTES, True),
    FoundCell(0, 3, QUOTES, False),
    FoundCell(0, 0, BRACKETS, True),
    FoundCell(0, 5, "column", True),
]


def circuits(
    found: list[FoundCell], censuses: list[Census] | None = None, model: CharLSTM = MODEL
) -> Circuits:
    text = inspected()
    proven = Proven([], context_of(model, [BRACKETS, QUOTES]), censuses or [])
    earlier = text.ids[: text.splits["intervene"].start]
    return circuits_of(proven, roles_of(model, text), found, earlier=earlier)


@pytest.fixture(scope="module")
def made() -> Circuits:
    return circuits(FOUND)


def test_every_behaviour_of_a_found_cell_has_its_circuits_in_the_order_of_findings(made: Circuits):
    assert [one["feature"] for one in made.behaviours] == [QUOTES, BRACKETS]
    quotes, brackets = made.behaviours
    assert (quotes["target"], brackets["target"]) == ('"', ")")
    assert sorted(quotes["smallest_set"]["cells"]) == ["0:1", "0:2"]
    assert "0:0" in brackets["smallest_set"]["cells"]
    assert quotes["attribution"]["correlation"] > 0.99
    assert quotes["sites"] > 40
    json.dumps(made.behaviours, allow_nan=False)


def test_a_sentence_says_how_much_a_set_keeps():
    model = network([toggle('"').read('"', 3), toggle('"').read('"', 3), toggle('"')])
    (two,) = circuits([FoundCell(0, 2, QUOTES, False)], model=model).behaviours
    one = circuits(
        [FoundCell(0, 0, BRACKETS, True)], model=network([latch("(", ")").read(")", 4)])
    ).behaviours[0]

    said = "of what the network knows beyond a trigram"
    assert two["sentence"].startswith(f"Alone these 2 cells keep 100% {said} (100% to 100%); without them ")
    assert one["sentence"].startswith("Alone this cell keeps ")
    assert one["sentence"].endswith(" without it nothing is left.")


def test_a_sentence_says_what_is_left_without_any_cell():
    model = network([toggle('"').read('"', 0.5), toggle('"')])
    model.head.bias[SYMBOL_OF_QUOTES] = 1
    (behaviour,) = circuits([FoundCell(0, 0, QUOTES, False)], model=model).behaviours

    nothing = behaviour["curves"][0]["keep"][0]["share"]
    assert 0.1 < nothing < 0.9
    assert behaviour["sentence"].endswith(f" {nothing:.0%} is left with no cell kept at all.")


def test_only_verified_cells_have_edges_and_not_many(made: Circuits):
    cells = {edge["from"] for edge in made.edges if edge["kind"] != "driver_gate"}
    driven = {edge["to"].rsplit(":", 1)[0] for edge in made.edges if edge["kind"] == "driver_gate"}

    assert cells == driven == {"0:0", "0:1"}
    assert len(made.edges) <= 12 * len(cells)


def test_without_found_cells_there_are_no_circuits():
    assert circuits([]) == Circuits([], [], [])


def test_a_spread_out_behaviour_is_said_to_have_no_small_set():
    model = network([toggle('"').read('"', 0.25)] * 30)
    (behaviour,) = circuits([FoundCell(0, 0, QUOTES, False)], model=model).behaviours

    assert behaviour["smallest_set"] is None
    assert behaviour["sentence"].startswith("No small set is enough: the 32 cells that matter most keep ")


def test_a_behaviour_that_a_trigram_knows_better_has_no_curves():
    model = network([toggle('"')])
    model.head.bias[SYMBOL_OF_QUOTES] = -5
    (behaviour,) = circuits([FoundCell(0, 0, QUOTES, False)], model=model).behaviours

    assert behaviour["curves"] == []
    assert "It is not clear that the network knows" in behaviour["sentence"]


def test_cells_with_large_effects_in_a_census_are_tested_too():
    model = network([toggle('"').read('"', 3)], idle=70)
    found = [FoundCell(0, 0, QUOTES, True)]
    nats = np.zeros(71)
    nats[70] = 5.0
    census = Census(QUOTES, 0, nats, {}, np.zeros(0, np.int64))

    (plain,), (with_census,) = (
        circuits(found, model=model).behaviours,
        circuits(found, [census], model).behaviours,
    )

    assert plain["attribution"] == with_census["attribution"]
    assert torch.isfinite(torch.tensor(with_census["attribution"]["correlation"]))


def test_a_contrast_is_measured_against_the_rival_that_it_names():
    symbols, text = PROGRAM_SYMBOLS, program(30_000, seed=2)
    passage = passage_of_program(text)
    model = plant(
        [toggle('"').read('"', 3), toggle("'").read("'", 3), toggle('"').read("#", 3), toggle("'")],
        symbols,
        idle=20,
        generator=torch.Generator().manual_seed(0),
    ).requires_grad_(False)
    model.head.weight[:, 4:] *= 0.01
    context = InterventionContext(model, passage, [], torch.zeros(1, 24, dtype=torch.float64))
    roles = CellRoles(torch.zeros(24, 0), {}, 1)

    found = circuits_of(Proven([], context, []), roles, [], earlier=passage.ids)

    assert not found.unexpected
    assert not found.edges
    by_name = {one["contrast"]: one for one in found.behaviours}
    double = by_name["double, not single quote"]
    assert (double["feature"], double["target"], double["rival"]) == ("inside_double_quotes", '"', "'")
    # "#" is likelier than "'" inside double quotes, but it is not the rival that the contrast names.
    assert double["advantage_nats"]["natural"] == pytest.approx(-double["advantage_nats"]["donor"], abs=0.3)
    assert sorted(double["smallest_set"]["cells"]) == ["0:0", "0:1"]
    assert [line["order"] for line in double["curves"]] == ["effect", "random"]
    json.dumps(found.behaviours, allow_nan=False)
