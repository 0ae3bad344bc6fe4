"""Checks of single values: what they take, and what they refuse with the path of the field."""

import pytest

from charlstm.errors import UsageError
from charlstm.report.page.shapes import checks
from charlstm.report.page.shapes.checks import Check


@pytest.mark.parametrize(
    ("check", "taken", "refused"),
    [
        (checks.number, 0.5, True),
        (checks.number, -1e15, 1e16),
        (checks.whole, -3, 0.5),
        (checks.count, 0, -1),
        (checks.string, "", 1),
        (checks.feature_name, "a" * 1_000, "a" * 1_001),
        (checks.numbers, [1, 0.5], [1, None]),
        (checks.series, [1, None], [1, "2"]),
        (checks.pair, [1, 2], [1]),
        (checks.bins, [0, 3], [-1]),
        (checks.list_of(checks.number, 2), [1, 2], [1, 2, 3]),
        (checks.by_name(checks.number), {"a": 1}, {"a": "1"}),
        (checks.or_null(checks.number), None, "1"),
        (checks.estimate, {"value": 1, "low": None, "high": 2}, {"value": [1]}),
        (checks.estimate, {}, 1),
        (checks.object_with({"a": checks.number}, needs=["a"]), {"a": 1, "b": []}, {"b": 1}),
        (checks.object_with({}, alike=["a", "b"]), {"a": [1], "b": [2]}, {"a": [1], "b": []}),
    ],
)
def test_a_value_is_taken_or_refused_by_its_path(check: Check, taken: object, refused: object):
    check(taken, "findings.json.part")
    with pytest.raises(UsageError, match=r"^findings\.json\.part"):
        check(refused, "findings.json.part")


def test_anything_is_taken_where_it_is_only_shown():
    checks.anything([{}], "")
