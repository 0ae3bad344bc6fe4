"""Where a regular expression matches, found in a process of its own, within a limit of time."""

import re
import time

import pytest

from charlstm.inspection.features import expression_spans
from charlstm.inspection.features.expression_spans import ExpressionError


@pytest.mark.parametrize(
    "expression", [r"[a-z]+", r"^.", r".$", "a|é", "\ud800", "x*", "(?s:.*)", r"\bn\w*", "\n"]
)
def test_the_spans_are_those_of_a_search_in_this_process(expression):
    text = 'He said "nöt é"\r\nand n\0\n\u2028\ud800 \U0001f600 went\n' * 3
    found = [match.span() for match in re.finditer(expression, text, re.MULTILINE) if match[0]]
    assert expression_spans.expression_spans(expression, text) == found


@pytest.mark.parametrize(
    ("expression", "message"),
    [("(", "unterminated subpattern"), ("a{99999999999}", "too large"), ("(" * 5_000, "recursion")],
)
def test_an_expression_that_cannot_be_read_says_why(expression, message):
    with pytest.raises(ExpressionError, match=message):
        expression_spans.expression_spans(expression, "text")


def test_an_expression_that_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(expression_spans, "LONGEST_SEARCH_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(ExpressionError, match=r"searching 60 characters for it takes more than 0.5 seconds"):
        expression_spans.expression_spans("(a+)+b", "a" * 60)
    assert time.monotonic() - began < 10
