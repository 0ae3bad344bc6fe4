"""Common words by which the table's filter finds a finding."""

from charlstm.report.words.common_words import common_words


def found(feature: str, kind: str, **drivers: list[str]) -> list[str]:
    return common_words({"feature": feature, "kind": kind, "drivers": drivers}).split()


def test_a_depth_of_parentheses_is_found_as_brackets_and_parentheses_and_depth():
    words = found("depth_of_left_parenthesis_to_right_parenthesis", "depth_counter", step=["("], unstep=[")"])

    assert {"bracket", "parenthesis", "depth", "nesting"} <= set(words)
    assert "quote" not in words


def test_a_single_quote_is_found_as_an_apostrophe_and_a_double_one_is_not():
    assert "apostrophe" in found("inside_single_quotes", "toggle", set=["'"], reset=["'"])
    assert "apostrophe" not in found("inside_double_quotes", "toggle", set=['"'], reset=['"'])


def test_what_ends_a_feature_does_not_name_it():
    words = found("inside_comment", "latch", set=["#"], reset=["\n", ")"])

    assert {"switch", "comment", "hash"} <= set(words)
    assert "bracket" not in words
    assert "newline" not in words
