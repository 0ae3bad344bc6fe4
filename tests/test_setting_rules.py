"""Rules tell every setting that is out of its range at once, with each advice a single time."""

import pytest

from charlstm.errors import UsageError
from charlstm.setting_rules import (
    Rule,
    at_least,
    check,
    check_all,
    length_of_training,
    must_be,
    one_length,
    one_of,
    whole,
)


def test_rules_that_hold_raise_nothing():
    check(
        whole("`cells`", 5, 1), one_of("`optimizer`", "adamw", ("adamw", "muon")), at_least("`rate`", 0.0, 0)
    )
    check_all(lambda: None)


def test_the_problems_of_all_broken_rules_are_one_with_each_advice_once():
    with pytest.raises(UsageError) as raised:
        check(
            whole("`cells`", 0, 1),
            must_be("`rate`", "above 0", -1, False),
            one_of("`optimizer`", "sgd", ("adamw", "muon")),
            Rule(True, "never told"),
        )
    assert raised.value.problem == (
        "`cells` must be at least 1, not 0; `rate` must be above 0, not -1; "
        "`optimizer` must be one of adamw, muon, not 'sgd'"
    )
    assert raised.value.advice == "give a value in that range; choose one of these"


def test_the_problems_of_several_checks_are_one():
    with pytest.raises(UsageError) as raised:
        check_all(
            lambda: check(whole("`length`", -1, 0)),
            lambda: None,
            lambda: check(whole("`seed`", True, 0)),
        )
    assert (
        raised.value.problem == "`length` must be at least 0, not -1; `seed` must be a whole number, not True"
    )
    assert raised.value.advice == "give a value in that range; give a whole number"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "1", -0.5])
def test_what_no_float_can_hold_is_not_at_least_anything(value: object):
    rule = at_least("`rate`", value, 0)  # type: ignore[arg-type]
    assert not rule.holds
    assert len(rule.problem) < 110


@pytest.mark.parametrize(
    ("value", "holds"),
    [(1e-9, True), (1e9, True), (60, True), (0.99e-9, False), (1.01e9, False), (True, False)],
)
def test_a_training_lasts_between_two_bounds(value: float, holds: bool):
    assert length_of_training("`minutes`", value).holds == holds


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [
        ({"minutes": 1.0, "steps": None}, None),
        ({"minutes": 1.0, "steps": 5}, "`minutes` and `steps` are given together"),
        ({"minutes": None, "steps": None}, "the length of the training is not given"),
    ],
)
def test_one_length_is_given(lengths: dict[str, object], problem: str | None):
    rule = one_length(lengths)
    assert rule.holds == (problem is None)
    if problem is not None:
        assert rule.problem == problem
