"""Values of findings.json as text for readers and as numbers for the script."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.report.words.values import facts, finite, is_number, plural, rounded, text, words

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (-0.5, "−0.5"),
        (float("nan"), "–"),
        (None, "–"),
        ([], "none"),
        ([1, None, "a\n"], "1, –, a↵"),
        (True, "yes"),
        (False, "no"),
    ],
)
def test_a_value_as_text(value: object, shown: str):
    assert text(value) == shown


def test_nested_values_become_lines_with_joined_labels():
    findings = {"null": {"kind": "shift", "most_nats": 0.5}, "seed": 0, "share": {}, "group": None}

    assert facts(findings) == [("null: kind", "shift"), ("null: most nats", "0.5"), ("seed", "0")]


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_any_json_becomes_lines_of_visible_text(values: dict[str, object]):
    for label, value in facts(values):
        assert "\n" not in label + value


def test_an_identifier_as_words():
    assert words("inside_double_quotes") == "inside double quotes"
    assert words("a\u202eb") == "aU+202Eb"
    assert words("after_single_quote_until_newline_or_single_quote") == "inside single quotes of one line"
    assert words("after_less_than_sign_until_newline_or_greater_than_sign") == (
        "inside angle brackets of one line"
    )
    assert words("after_comma_until_newline") == "after comma until newline"


def test_a_count_with_its_noun():
    assert [plural(count, "cell") for count in (0, 1, 2, 1234)] == [
        "0 cells",
        "1 cell",
        "2 cells",
        "1,234 cells",
    ]


@given(json_values)
def test_what_the_script_gets_is_json_without_nan(value: object):
    json.dumps(rounded(value), allow_nan=False)


@given(st.floats(-1e6, 1e6))
def test_a_value_for_the_script_has_three_decimals(value: float):
    assert rounded(value) == pytest.approx(value, abs=5.01e-4)


def test_a_whole_number_for_the_script_has_no_point():
    assert isinstance(rounded(1.0), int)


@pytest.mark.parametrize("value", [None, "1", [1], float("nan"), math.inf])
def test_what_is_no_finite_number_is_none(value: object):
    assert finite(value) is None
    assert rounded(value) is None


def test_flags_are_no_numbers():
    assert [is_number(value) for value in (1, 0.5, True, None, "1")] == [True, True, False, False, False]
