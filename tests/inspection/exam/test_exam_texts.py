"""An exam text has the length and the symbols it should, and its marks keep the rules of their roles."""

import numpy as np
import pytest

from charlstm.inspection.exam.exam_texts import LETTERS, Roles, draw_roles, write_exam_text

CHARACTERS = 6_000


def text_of(seed: int) -> tuple[Roles, str]:
    random = np.random.default_rng(seed)
    roles = draw_roles(random)
    return roles, write_exam_text(roles, random, CHARACTERS)


def only(text: str, marks: str) -> str:
    """Return the characters of text that are among marks."""
    return "".join(character for character in text if character in marks)


def test_roles_are_ten_different_marks_that_are_neither_letters_nor_separators() -> None:
    for seed in range(20):
        symbols = draw_roles(np.random.default_rng(seed)).symbols
        assert list(symbols) == sorted(set(symbols))
        assert len(set(symbols) - set(LETTERS) - set(" ,\n")) == 10


@pytest.mark.parametrize("seed", range(4))
def test_a_text_has_its_length_and_every_symbol_and_no_other(seed: int) -> None:
    roles, text = text_of(seed)
    assert len(text) == CHARACTERS
    assert set(text) == set(roles.symbols)


@pytest.mark.parametrize("seed", range(4))
def test_setters_and_resetters_alternate(seed: int) -> None:
    roles, text = text_of(seed)
    for setter, resetter in ((roles.setter, roles.resetter), roles.pair):
        marks = only(text, setter + resetter)
        assert marks == ((setter + resetter) * len(marks))[: len(marks)]


@pytest.mark.parametrize("seed", range(4))
def test_every_closer_has_an_opener_and_at_most_four_are_open(seed: int) -> None:
    roles, text = text_of(seed)
    steps = [1 if mark == roles.opener else -1 for mark in only(text, roles.opener + roles.closer)]
    depths = np.cumsum(steps)
    assert (depths.min(), depths.max()) == (0, 4)


@pytest.mark.parametrize("seed", range(4))
def test_a_line_ends_with_the_first_word_beyond_its_length(seed: int) -> None:
    roles, text = text_of(seed)
    longest_word = max(len(word) for word in text.split())
    for mark in (roles.line, roles.other_line):
        lengths = np.diff([place for place, character in enumerate(text) if character == mark])
        assert lengths.min() >= 25
        assert 60 < lengths.max() < 70 + longest_word + 2
