"""Which cells are held at a character, by layer."""

from charlstm.config import Hold
from charlstm.sampling.held_cells import held_at


def test_a_hold_begins_at_its_character_and_stays(small_model):
    holds = [Hold(1, 4, 0.5, start=3), Hold(1, 2, -1.0), Hold(0, 0, 2.0, start=9)]
    first, second = held_at(holds, 2, small_model)
    assert first is None
    assert (second.cells.tolist(), second.values.tolist()) == ([2], [-1.0])
    first, second = held_at(holds, 9, small_model)
    assert (first.cells.tolist(), first.values.tolist()) == ([0], [2.0])
    assert dict(zip(second.cells.tolist(), second.values.tolist(), strict=True)) == {2: -1.0, 4: 0.5}


def test_of_two_holds_of_one_cell_the_one_that_began_later_counts(small_model):
    holds = [Hold(0, 1, 0.5, start=3), Hold(0, 1, -1.0)]
    values = [held_at(holds, number, small_model)[0].values.tolist() for number in (0, 3)]
    assert values == [[-1.0], [0.5]]


def test_where_no_hold_has_begun_nothing_is_held(small_model):
    assert held_at([Hold(0, 1, 0.5, start=3)], 2, small_model) is None
    assert held_at([], 0, small_model) is None
