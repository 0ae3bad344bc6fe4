"""At a site of a contrast the target really follows, and its donor is in the rival's state."""

import pytest
from program_text import PROGRAM_SYMBOLS, passage_of_program, program
from quoted_text import quoted

from charlstm.inspection.circuits.contrast_sites import contrasts_of
from charlstm.inspection.intervening.behaviours import VERDICT_LAG, Behaviour

TEXT = program(20_000, seed=1)


@pytest.fixture(scope="module")
def found() -> dict[str, Behaviour]:
    return contrasts_of(passage_of_program(TEXT))


def opened_by(position: int) -> str:
    """The quote or the # that opened the string or the comment that a position is in."""
    line = TEXT[TEXT.rfind("\n", 0, position) + 1 : position + 1]
    return next(mark for mark in line if mark in "\"'#")


def test_a_text_has_the_contrasts_with_enough_sites(found: dict[str, Behaviour]):
    assert list(found) == [
        "single, not double quote",
        "double, not single quote",
        "line end of a comment, not of a string",
    ]


@pytest.mark.parametrize(
    ("name", "opener", "other"),
    [
        ("single, not double quote", "'", '"'),
        ("double, not single quote", '"', "'"),
        ("line end of a comment, not of a string", "#", '"'),
    ],
)
def test_sites_are_before_the_target_and_donors_where_the_rival_is_right(
    found: dict[str, Behaviour], name: str, opener: str, other: str
):
    contrast = found[name]
    sites = contrast.deciding_sites

    assert len(sites) > 100
    assert contrast.rival == other
    assert contrast.targets.tolist() == [symbol == contrast.target for symbol in PROGRAM_SYMBOLS]
    for site, donor in zip(sites.positions.tolist(), sites.donors.tolist(), strict=True):
        assert TEXT[site] == TEXT[donor]
        assert TEXT[site + 1 + VERDICT_LAG] == contrast.target
        assert (opened_by(site), opened_by(donor)) == (opener, other)


def test_conditions_hold_up_to_what_stands_before_the_target():
    # The second parenthesis follows at once: one character before it the depth is 1, at the site it is 2.
    line = "aaaa (aaaa (aaaaaaaa))\n# aaa aaa\naaa (aaaaaaaa)\n"
    symbols = "a #()\n"
    passage = passage_of_program("a")
    text = line * 100
    passage = type(passage)(
        passage.ids.repeat(len(text)), text, tuple(symbols), type(passage.cut)(len(text), 1), {}
    )
    passage.ids[:] = [symbols.index(character) for character in text]

    second = contrasts_of(passage)["second parenthesis"]

    assert {text[site : site + 6] for site in second.deciding_sites.positions.tolist()} == {"aaaa))"}
    depths = {
        text[: donor + 1].rsplit("\n", 1)[1].count("(") for donor in second.deciding_sites.donors.tolist()
    }
    assert depths == {1}


def test_a_text_that_is_no_program_has_no_contrasts():
    prose = quoted(20_000, seed=1).replace("(", "a").replace(")", "a").replace("g", "a").replace("h", "a")

    assert contrasts_of(passage_of_program(prose)) == {}


def test_a_rival_that_the_vocabulary_lacks_is_no_contrast():
    text = TEXT.replace("'", '"')
    passage = passage_of_program(text)
    lacking = type(passage)(passage.ids, text, tuple(PROGRAM_SYMBOLS.replace("'", "~")), passage.cut, {})

    assert list(contrasts_of(lacking)) == ["line end of a comment, not of a string"]
