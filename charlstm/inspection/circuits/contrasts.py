"""List choices between two characters, such as ' or ", each as a row of data.

A contrast asks whether the network gives the target more than the rival, where the target really follows and
the rival would follow in another state of the text: inside double quotes, say, instead of single ones. Sites
and donors are told by listed features. `contrast_sites` looks for them in a passage.
"""

from dataclasses import dataclass
from typing import NamedTuple

from charlstm.inspection.features.feature import CAP


class Condition(NamedTuple):
    """A Condition holds at a position where the feature, `at` characters later, is in [least, most]."""

    feature: str
    least: int = 1
    most: int = CAP
    at: int = 0


Conditions = tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A Contrast has a name and says what follows at a site, what it is held against, and where.

    target is a regular expression of one character that follows `before`, a regular expression that may be
    empty. rival is a character, None for the likeliest other one. The conditions in site hold from the site
    up to `before`, those in donor at the donor; the first of site has the feature that the contrast is about.
    """

    name: str
    target: str
    rival: str | None
    site: Conditions
    donor: Conditions
    before: str = ""


def _on(*features: str) -> Conditions:
    """Return the conditions that all of some features are on."""
    return tuple(map(Condition, features))


def _off(*features: str) -> Conditions:
    """Return the conditions that all of some features are off."""
    return tuple(Condition(feature, 0, 0) for feature in features)


_CODE = _off("inside_string_literal", "inside_comment")
_BARE = _off("nesting_depth")
_NO_PROSE = _off("inside_triple_quotes", "inside_comment")
_SINGLE = _on("inside_single_quotes", "inside_string_literal") + _off("inside_double_quotes") + _NO_PROSE
_DOUBLE = _on("inside_double_quotes", "inside_string_literal") + _off("inside_single_quotes") + _NO_PROSE
# A bracket in a string may stay open for long; what is in brackets or braces really is mostly short.
_LONGEST = 200
_IN_PARENTHESES = _on("inside_parentheses") + _off("inside_brackets", "inside_braces")
_IN_BRACKETS = (
    *_on("inside_brackets"),
    Condition("characters_inside_brackets", 0, _LONGEST),
    *_off("inside_parentheses", "inside_braces"),
)
_IN_BRACES = (
    *_on("inside_braces"),
    Condition("characters_inside_braces", 0, _LONGEST),
    *_off("inside_parentheses", "inside_brackets"),
)
_PARENTHESIS, _BRACKET, _BRACE = (inside + _CODE for inside in (_IN_PARENTHESES, _IN_BRACKETS, _IN_BRACES))
_ONE_PARENTHESIS = (Condition("parenthesis_depth", 1, 1), *_CODE)
_TWO_PARENTHESES = (Condition("parenthesis_depth", 2), *_CODE)
_AFTER_4, _AFTER_8 = ((Condition("indentation", spaces, spaces, at=-1), *_BARE, *_CODE) for spaces in (4, 8))
# A blank line follows a line that is indented deeper than by four spaces.
_BLANK = (Condition("indentation", 8, at=-2), Condition("indentation", 0, 0, at=-1), *_BARE, *_CODE)

CONTRASTS = (
    Contrast(name="single, not double quote", target="'", rival='"', site=_SINGLE, donor=_DOUBLE),
    Contrast(name="double, not single quote", target='"', rival="'", site=_DOUBLE, donor=_SINGLE),
    Contrast(name="bracket, not parenthesis", target=r"\]", rival=")", site=_BRACKET, donor=_PARENTHESIS),
    Contrast(name="brace, not parenthesis", target=r"\}", rival=")", site=_BRACE, donor=_PARENTHESIS),
    Contrast(name="bracket, not brace", target=r"\]", rival="}", site=_BRACKET, donor=_BRACE),
    Contrast(name="brace, not bracket", target=r"\}", rival="]", site=_BRACE, donor=_BRACKET),
    Contrast(
        name="second bracket",
        before=r"\]",
        target=r"\]",
        rival=None,
        site=(Condition("bracket_depth", 2), *_CODE),
        donor=(Condition("bracket_depth", 1, 1), *_CODE),
    ),
    Contrast(
        name="second parenthesis",
        before=r"\)",
        target=r"\)",
        rival=None,
        site=_TWO_PARENTHESES,
        donor=_ONE_PARENTHESIS,
    ),
    Contrast(
        name="line end, not second parenthesis",
        before=r"\)",
        target="\n",
        rival=")",
        site=_ONE_PARENTHESIS,
        donor=_TWO_PARENTHESES,
    ),
    Contrast(
        name="line end, not space, after a colon",
        before=":",
        target="\n",
        rival=" ",
        site=_BARE + _CODE,
        donor=(Condition("nesting_depth"), *_CODE),
    ),
    Contrast(
        name="dedent to four spaces",
        before="\n\n    ",
        target="[^ \n]",
        rival=" ",
        site=(*_BLANK, Condition("indentation_so_far", 0, 0, at=5)),
        donor=(*_BLANK, Condition("indentation_so_far", 5, at=5)),
    ),
    Contrast(
        name="four spaces, not more",
        before="\n    ",
        target="[^ \n]",
        rival=" ",
        site=_AFTER_4,
        donor=_AFTER_8,
    ),
    Contrast(
        name="more than four spaces",
        before="\n    ",
        target=" ",
        rival=None,
        site=_AFTER_8,
        donor=_AFTER_4,
    ),
    Contrast(
        name="= without a space",
        before=r"\w",
        target="=",
        rival=" ",
        site=_PARENTHESIS,
        donor=_off("inside_parentheses") + _BARE + _CODE,
    ),
    Contrast(
        name="colon, not comma, after a key",
        before="['\"]",
        target=":",
        rival=",",
        site=_IN_BRACES + _on("inside_string_literal"),
        donor=_IN_PARENTHESES + _on("inside_string_literal"),
    ),
    Contrast(
        name="third quote",
        before='""',
        target='"',
        rival=None,
        site=_on("inside_triple_quotes"),
        donor=_off("inside_triple_quotes") + _CODE,
    ),
    Contrast(name="parenthesis, not bracket", target=r"\)", rival="]", site=_PARENTHESIS, donor=_BRACKET),
    Contrast(
        name="line end of a comment, not of a string",
        target="\n",
        rival='"',
        site=_on("inside_comment"),
        donor=_DOUBLE,
    ),
)
