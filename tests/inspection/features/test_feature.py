"""A feature: where it ends, and which of its drivers are particular characters."""

import numpy as np

from charlstm.inspection.features.feature import ANY_CHARACTER, CAP, Feature, specific_drivers


def test_the_largest_value_of_a_signal_fits_its_type() -> None:
    assert np.iinfo(np.uint8).max == CAP


def test_a_feature_ends_at_what_resets_it_or_takes_it_down_unless_it_says_otherwise() -> None:
    switch = Feature("s", "switch", {"set": ["a"], "reset": ["b", "cd"]})
    assert switch.closers == {"b", "cd"}
    assert Feature("d", "depth", {"step": ["("], "unstep": [")"]}).closers == {")"}
    counter = Feature("c", "counter", {"step": [" "], "reset": ["\n"]}, ends=frozenset("xy"))
    assert counter.closers == {"x", "y"}


def test_specific_drivers_are_each_driver_once_without_the_step_at_any_character() -> None:
    assert specific_drivers({"set": ['"', "a"], "reset": ["b", '"']}) == ['"', "a", "b"]
    assert specific_drivers({"step": ANY_CHARACTER, "reset": ["\n"]}) == ["\n"]
    assert specific_drivers({"step": ["*"], "reset": ["*"]}) == ["*"], "a reset at an asterisk is specific"
    assert specific_drivers({"step": ["(", "["], "unstep": [")"]}) == ["(", "[", ")"]
