"""A string is a text, and a Path names one."""

import warnings
from pathlib import Path

import pytest
from tiny_run import TEXT, saved_run

import charlstm
from charlstm.errors import CorpusError
from charlstm.session.texts import read_in
from charlstm.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary.of_text(TEXT, level="characters")


def test_a_path_names_the_file_whose_text_is_read(tmp_path):
    path = tmp_path / "fox.txt"
    path.write_text(TEXT, encoding="utf-8")
    named, given = read_in(path, VOCABULARY), read_in(TEXT, VOCABULARY)
    assert named.tokens.tolist() == given.tokens.tolist()
    assert named.sha256 == given.sha256
    with pytest.raises(CorpusError):
        read_in(tmp_path / "none.txt", VOCABULARY)


def test_a_string_that_names_a_file_is_a_text_and_a_warning_says_how_to_name_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("fox").write_text(TEXT, encoding="utf-8")
    told = r"the 3 characters 'fox' are read as a text.*Path\('fox'\)"
    with pytest.warns(UserWarning, match=told) as warned:
        assert len(read_in("fox", VOCABULARY).tokens) == 3
    assert warned[0].filename == __file__


@pytest.mark.parametrize("text", ["fox", "the quick brown fox " * 40, "fox\n"])
def test_any_other_string_is_a_text_without_a_word(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_in(text, Vocabulary.of_text(text, level="characters")).tokens) == len(text)


def test_a_run_scores_the_file_that_a_path_names(tmp_path):
    run = charlstm.load(saved_run(tmp_path))
    path = tmp_path / "fox.txt"
    path.write_text(TEXT, encoding="utf-8")
    assert run.score(path).bits_per_character == run.score(TEXT).bits_per_character
