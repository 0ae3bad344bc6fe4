"""A finding's examples are chosen by its feature, and its lines are drawn by lot or by agreement."""

import numpy as np
import pytest
from text_with_quotes import LINE, QUOTING, mixed_text, quoted

from charlstm.inspection.describing.examples import CHARACTERS_BEFORE, GROUPS, examples_of
from charlstm.inspection.describing.followed_cells import FollowedCell, excerpt_place
from charlstm.report.page.examples import unpacked


def cell_along(text: str, *, noise: float = 0.3, start: int = 1_000) -> FollowedCell:
    """Return a cell that is at 1 in double quotes and else at -1, more or less."""
    signal, positions = quoted(text)
    wrong = np.random.default_rng(1).normal(0, noise, positions.shape)
    c = (2.0 * signal.values[positions] - 1 + wrong).astype(np.float32)
    place = excerpt_place(signal, positions, text)
    gates = np.full((4, place.length if place else 0), 0.25, np.float32)
    return FollowedCell(c, signal, positions, text, start, 1, place, gates)


def test_a_feature_that_never_changes_has_no_examples():
    cell = cell_along(LINE.format(0) * 100)

    assert cell.place is None
    assert examples_of(cell, np.random.default_rng(0)) == {"excerpt": None, "lines": None}


def test_no_line_stands_in_two_groups_and_best_agrees_more_than_worst():
    cell = cell_along(mixed_text())
    lines = examples_of(cell, np.random.default_rng(0))["lines"]
    by_group = {
        name: [line for line in lines["each"] if line["group"] == name] for name in ("drawn", "best", "worst")
    }

    assert {name: len(group) for name, group in by_group.items()} == GROUPS
    assert len({line["start"] for line in lines["each"]}) == sum(GROUPS.values())
    assert min(line["agreement"] for line in by_group["best"]) > max(
        line["agreement"] for line in by_group["worst"]
    )
    for line in lines["each"]:
        assert line["text"][CHARACTERS_BEFORE] == '"'
        assert cell.text[line["start"] - cell.start :].startswith(line["text"])


def test_the_values_of_the_lines_are_those_of_the_cell_one_line_after_the_other():
    cell = cell_along(mixed_text())
    lines = examples_of(cell, np.random.default_rng(0))["lines"]
    rows = unpacked(lines["rows"], sum(len(line["text"]) for line in lines["each"]))
    spans = [
        slice(line["start"] - cell.start, line["start"] - cell.start + len(line["text"]))
        for line in lines["each"]
    ]

    c = np.concatenate([cell.c.ravel()[span] for span in spans])
    assert rows["c"] == pytest.approx(c, abs=float(np.abs(c).max()) / 250)
    assert rows["feature"] == np.concatenate([cell.signal.values[span] for span in spans]).tolist()


def test_lines_drawn_by_lot_depend_on_the_lot_alone_and_not_on_the_cell():
    def drawn(noise: float, seed: int) -> list[int]:
        lines = examples_of(cell_along(mixed_text(), noise=noise), np.random.default_rng(seed))["lines"]
        return [line["start"] for line in lines["each"] if line["group"] == "drawn"]

    assert drawn(0.1, 0) == drawn(0.9, 0) != drawn(0.1, 1)


def test_no_line_is_called_worst_where_the_rule_of_the_feature_met_a_quote_without_its_closer():
    # The rule takes the stray mark for an opener, and all marks of its paragraph the wrong way round.
    stray = 'a stray " mark\n' + "".join(QUOTING.format(number, 7) for number in range(8)) + "\n"
    text = mixed_text() + "\n" + stray + mixed_text()
    cell = cell_along(text, noise=0.05)
    begin = text.index(stray)
    # The cell is right in the paragraph, and the rule is wrong.
    right = cell.c.ravel()
    right[begin : begin + len(stray)] *= -1
    worst = [
        line["start"] - cell.start
        for line in examples_of(cell, np.random.default_rng(0))["lines"]["each"]
        if line["group"] == "worst"
    ]

    assert worst
    assert not any(begin - 72 < start < begin + len(stray) for start in worst)
