"""Features that a user names, in both ways of writing them."""

import pytest

from charlstm.errors import UsageError
from charlstm.inspection.features.user_features import user_feature


def on(spec: str, text: str, starts: tuple[int, ...] = (0,)) -> str:
    values = user_feature(spec, text, starts).values
    return "".join(c if value else "." for c, value in zip(text, values, strict=True))


def test_an_expression_is_on_over_what_it_matches() -> None:
    assert on("tag=<[a-z]+>", "a <b> <> <cd>") == "..<b>....<cd>"
    assert on("first =^\\w", "ab\ncd") == "a..c."
    assert on("equal=a=b", "xa=bx") == ".a=b."
    feature = user_feature("tag=<[a-z]+>", "a <b> <cd>", (0,)).feature
    assert (feature.name, feature.kind, feature.drivers) == ("tag", "switch", {"set": ["<"], "reset": [">"]})


def test_a_switch_goes_on_at_one_driver_and_off_at_the_other() -> None:
    assert on("note=set:#,reset:\\n", "a#b\nc") == ".#b.."
    assert on("math=set:$(,reset:)$", "$(a)$b") == ".(a).."
    assert on("comma=set:\\,,reset:;", "a,b;c") == ".,b.."
    assert on("note=set:#,reset:\\n", "a#bcd", (0, 3)) == ".#b..", "it begins anew where the state does"
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
def test_what_cannot_be_read_is_refused(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        user_feature(spec, "abc", (0,))
