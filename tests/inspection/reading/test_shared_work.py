"""An inspection dealt out to processes finds exactly what one finds, and a problem of one is that of all."""

import json

import pytest
from group_processes import doubled, found, third_fails, together


def test_several_find_exactly_what_one_finds() -> None:
    (alone,) = together(found, 1)
    assert len(json.loads(alone)["findings"]) == 4
    assert together(found, 2) == [alone] * 2


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_dealt_out_comes_back_in_order(count: int) -> None:
    assert together(doubled, count) == ["[0, 2, 4, 6, 8]"] * count


def test_a_problem_of_one_is_that_of_all() -> None:
    assert together(third_fails, 2) == ["UsageError"] * 2
