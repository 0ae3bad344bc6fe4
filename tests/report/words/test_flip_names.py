"""The names of changes of a cell."""

import pytest

from charlstm.report.words.flip_names import flip_name


@pytest.mark.parametrize(
    ("kind", "feature", "drivers", "name"),
    [
        ("counter", "column", {"step": ["*"]}, "Count on or back"),
        ("depth_counter", "nesting_depth", {"step": ["(", "["]}, "Close the bracket"),
        ("depth_counter", "depth_of_latin_small_letter_a_to_comma", {"step": ["a"]}, "Count back"),
        ("toggle", "inside_single_quotes", {}, "Leave the quotes"),
        ("latch", "after_number_sign_until_right_parenthesis", {}, "Switch it off"),
        ("graded", "after_left_parenthesis_until_newline", {}, "Close the bracket"),
    ],
)
def test_a_change_is_called_by_what_the_cell_does(kind: str, feature: str, drivers: dict, name: str):
    assert flip_name({"kind": kind, "feature": feature, "drivers": drivers}) == name
