"""Features that a user writes as a regular expression or as a switch between two strings."""

import pytest

from charlstm.errors import UsageError
from charlstm.inspection.features import expression_spans
from charlstm.inspection.features.user_features import name_and_rule, user_feature


def on(spec: str, text: str, starts: tuple[int, ...] = (0,)) -> str:
    """Return text with a dot in the place of every character where the feature of spec is off."""
    values = user_feature(spec, text, starts).values
    return "".join(c if value else "." for c, value in zip(text, values, strict=True))


def test_a_regular_expressions_feature_is_on_over_its_matches() -> None:
    assert on("tag=<[a-z]+>", "a <b> <> <cd>") == "..<b>....<cd>"
    assert on("first =^\\w", "ab\ncd") == "a..c."
    assert on("equal=a=b", "xa=bx") == ".a=b."
    feature = user_feature("tag=<[a-z]+>", "a <b> <cd>", (0,)).feature
    assert (feature.name, feature.kind, feature.drivers) == ("tag", "switch", {"set": ["<"], "reset": [">"]})


def test_a_switch_goes_on_at_one_string_and_off_at_the_other() -> None:
    assert on("note=set:#,reset:\\n", "a#b\nc") == ".#b.."
    assert on("math=set:$(,reset:)$", "$(a)$b") == ".(a).."
    assert on("comma=set:\\,,reset:;", "a,b;c") == ".,b.."
    assert on("note=set:#,reset:\\n", "a#bcd", (0, 3)) == ".#b..", "it is off where a stretch starts"
    assert user_feature("note=set:#,reset:\\n", "a#b\nc", (0,)).feature.drivers == {
        "set": ["#"],
        "reset": ["\n"],
    }


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("quotes", "'quotes' has no NAME=RULE"),
        ("=a", "has no NAME=RULE"),
        ("a b=c", "has no NAME=RULE"),
        ("open=(", "open is no regular expression"),
    ],
)
def test_a_specification_that_cannot_be_read_is_refused(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        user_feature(spec, "abc", (0,))


def test_an_expression_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression_spans, "LONGEST_SEARCH_SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"the feature slow .* takes more than 0.5 seconds"):
        user_feature("slow=(a+)+b", "a" * 60, (0,))


def test_drivers_of_a_regular_expression_are_the_commonest_ends_of_its_matches() -> None:
    text = "(a] " * 5 + "(a} " * 3 + "(a> " * 2 + "{a) "
    feature = user_feature(r"group=[({]a[\]}>)]", text, (0,)).feature
    assert feature.drivers == {"set": ["("], "reset": ["]", "}"]}, (
        "each begins or ends a fifth of the matches"
    )


def test_a_name_and_its_rule_are_split_at_the_first_equals_sign() -> None:
    assert name_and_rule(" tag = a=b") == ("tag", " a=b")
