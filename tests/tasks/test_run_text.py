"""The text that a command reads with a run: a named one, the run's own, and the run's own after a change."""

from dataclasses import replace

import pytest
from tiny_run import TEXT, imported_run, saved_run

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import CorpusRecord
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.tasks.run_text import corpus_of, has_changed, trained_characters, unseen_from


def test_a_named_text_is_read_in_the_ids_of_the_run(tmp_path):
    checkpoint = load(saved_run(tmp_path))
    (tmp_path / "other.txt").write_text("xof")
    corpus = corpus_of(checkpoint, str(tmp_path / "other.txt"))
    vocabulary = checkpoint.config.vocabulary
    assert corpus.tokens.tolist() == [vocabulary.index(symbol) for symbol in "xof"]
    assert not has_changed(checkpoint, corpus)


def test_without_a_name_the_training_text_is_read(tmp_path):
    checkpoint = load(saved_run(tmp_path))
    corpus = corpus_of(checkpoint, None)
    assert checkpoint.config.vocabulary.decode(corpus.tokens) == TEXT
    assert not has_changed(checkpoint, corpus)


def test_a_run_on_bytes_reads_bytes(tmp_path):
    checkpoint = load(saved_run(tmp_path, text="\N{SNOWMAN} fox\n" * 100, level="bytes"))
    assert len(corpus_of(checkpoint, None).tokens) == len("\N{SNOWMAN} fox\n".encode()) * 100


def test_new_characters_of_a_changed_training_text_are_replaced(tmp_path):
    checkpoint = load(saved_run(tmp_path))
    (tmp_path / "text.txt").write_text("the $ fox")
    corpus = corpus_of(checkpoint, None)
    assert has_changed(checkpoint, corpus)
    assert checkpoint.config.vocabulary.decode(corpus.tokens) == "the   fox", "there is no ? to replace it by"


def test_new_characters_of_a_named_text_are_an_error_unless_something_else_is_said(tmp_path):
    checkpoint = load(saved_run(tmp_path))
    (tmp_path / "other.txt").write_text("the $ fox")
    other = str(tmp_path / "other.txt")
    with pytest.raises(UnknownCharacterError):
        corpus_of(checkpoint, other)
    skipped = corpus_of(checkpoint, other, unknown="skip")
    assert checkpoint.config.vocabulary.decode(skipped.tokens) == "the  fox"


def test_an_imported_run_has_no_text_of_its_own(tmp_path):
    checkpoint = load(imported_run(tmp_path / "run"))
    with pytest.raises(UsageError, match="no text of its own") as raised:
        corpus_of(checkpoint, None)
    assert "give a text" in raised.value.advice
    (tmp_path / "other.txt").write_text("fox")
    assert not has_changed(checkpoint, corpus_of(checkpoint, str(tmp_path / "other.txt")))


def test_a_run_that_was_validated_on_another_text_was_trained_on_all_of_its_own():
    record = CorpusRecord("fox", "00", 1000, "80/10/10")
    assert (trained_characters(record, 1000), unseen_from(record, 1000)) == (800, 800)
    record = replace(record, validation="other")
    assert (trained_characters(record, 1000), unseen_from(record, 1000)) == (1000, 0)
