"""Texts of other styles consist of the characters of their style, and source code is cut and cleaned."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from charlstm.errors import CorpusError
from charlstm.inspection.exam.exam_texts import PLAIN, TextStyle, draw_roles, write_exam_text
from charlstm.inspection.exam.hard import text_styles
from charlstm.inspection.exam.hard.text_styles import STYLES, TELLING, code_roles, code_text


@pytest.mark.parametrize("style", [*STYLES, TELLING])
def test_a_style_has_chances_that_add_up_and_marks_that_are_no_letters(style: TextStyle) -> None:
    assert sum(chance for _, chance in style.gaps) == pytest.approx(1)
    assert not set(style.marks) & (set(style.letters) | style.separators)
    assert len(set(style.marks)) >= 10


@pytest.mark.parametrize("style", STYLES)
def test_a_text_has_the_characters_and_the_depth_of_its_style(style: TextStyle) -> None:
    random = np.random.default_rng(0)
    roles = draw_roles(random, style)
    text = write_exam_text(roles, random, 8_000)
    assert set(text) == set(roles.symbols)
    steps = [(mark == roles.opener) - (mark == roles.closer) for mark in text]
    assert np.cumsum(steps).max() == style.largest_depth < PLAIN.largest_depth


def test_source_code_is_of_the_asked_length_and_has_no_rare_character() -> None:
    text = code_text(np.random.default_rng(1), 30_000)
    assert len(text) == 30_000
    assert min(Counter(text).values()) >= 20
    assert set(text) <= set(code_roles(text).symbols)
    assert text != code_text(np.random.default_rng(2), 30_000)


def test_a_python_without_sources_is_a_problem_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_styles, "find_spec", lambda module: SimpleNamespace(origin="frozen"))
    with pytest.raises(CorpusError, match="no source of its module"):
        code_text(np.random.default_rng(1), 100)
