"""The features that cells propose by how they move."""

from types import SimpleNamespace

import pytest
import torch
from handmade_movements import flipping_cell
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting import proposals
from charlstm.inspection.detecting.calibration import calibrate
from charlstm.inspection.detecting.movements import Movements, measure_movements
from charlstm.inspection.detecting.proposals import flip_drivers, propose_features, proposed_automata
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import Cut


@pytest.fixture(scope="module")
def planted() -> tuple[Movements, Split]:
    """A toggle, a negated latch, a line counter and a depth counter, and the text that they read."""
    cells = [toggle('"'), latch("(", ")").negated(), line_counter("\n"), depth_counter("[", "]")]
    model = plant(cells, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    split = Split(ids_of(written(20_000, seed=1)), SYMBOLS, 0, 4)
    return measure_movements(model, split, calibrate(model, split)), split


def test_planted_cells_propose_the_automata_that_they_are(planted: tuple[Movements, Split]) -> None:
    movements, split = planted
    assert flip_drivers(movements, 0) == Automaton("switch", ('"',), ('"',))
    assert flip_drivers(movements, 1) == Automaton("switch", (")",), ("(",))
    automata = proposed_automata(movements)
    assert Automaton("counter", ("*",), ("\n",)) in automata
    assert Automaton("depth", ("[",), ("]",)) in automata
    assert len(set(automata)) == len(automata)
    features = propose_features(movements, split.first)
    assert len(features) == len(automata)
    assert Automaton("switch", ("(",), (")",)) in features, "on inside the brackets, whatever the sign of c"


def test_no_more_than_the_first_automata_are_tested(
    planted: tuple[Movements, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    movements, split = planted
    features = propose_features(movements, split.first)
    monkeypatch.setattr(proposals, "_MOST_PROPOSALS", 2)
    assert propose_features(movements, split.first) == features[:2]


@pytest.mark.parametrize(
    ("precision", "drivers"),
    [
        (1.0, (("(", "a"), (")",))),
        (0.7, (("(", "a"), (")",))),
        (0.6, None),
    ],
)
def test_drivers_must_predict_the_flips_with_an_f1_of_point_8(
    precision: float, drivers: tuple[tuple[str, ...], tuple[str, ...]] | None
) -> None:
    """F1 is 2 * precision / (1 + precision) here, since nothing but the drivers flips the cell."""
    switch = flip_drivers(flipping_cell("(a", ")", precision=precision), 0)
    assert (switch and (switch.up, switch.down)) == drivers


def test_a_cell_that_hardly_ever_flips_proposes_no_switch() -> None:
    assert flip_drivers(flipping_cell("(", ")", precision=0.19), 0) is None
    assert flip_drivers(flipping_cell("(", ""), 0) is None


@pytest.mark.parametrize("kind", ["depth", "switch"])
def test_of_an_automaton_and_its_reverse_the_one_at_0_more_often_is_proposed(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Also where a text starts inside more brackets than it ever opens again."""
    text = "a)b))) " + "so it (as (they) say) goes on and on " * 50
    chunk = SimpleNamespace(text=text, cut=Cut(len(text), 1))
    expected = Automaton(kind, ("(",), (")",))
    for proposed in (expected, expected.reversed()):
        monkeypatch.setattr(proposals, "proposed_automata", lambda movements, automaton=proposed: [automaton])
        assert propose_features(None, chunk) == [expected]
