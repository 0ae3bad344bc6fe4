"""Texts in a vocabulary, their listing, and their splits."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.config import WHOLE_SPLIT, parse_split
from charlstm.errors import CorpusError, UnknownCharacterError
from charlstm.text.cache_folder import default_data_folder
from charlstm.text.corpus import (
    corpus_in_hand,
    list_corpora,
    load_corpus,
    split_bounds,
)
from charlstm.text.vocabulary import Vocabulary


def test_a_text_can_be_read_in_a_given_vocabulary(here):
    (here / "train.txt").write_text("abcabc")
    (here / "other.txt").write_text("cabé")
    vocabulary = load_corpus("train.txt").vocabulary
    with pytest.raises(UnknownCharacterError, match=r"'é' \(U\+00E9\) at position 3"):
        load_corpus("other.txt", vocabulary=vocabulary)
    corpus = load_corpus("other.txt", vocabulary=vocabulary, unknown="skip")
    assert corpus.vocabulary == vocabulary
    assert corpus.tokens.tolist() == [2, 0, 1]


@pytest.mark.parametrize(("unknown", "tokens"), [("skip", [2, 0, 1]), ("replace", [2, 0, 1, 0, 0, 0])])
def test_characters_that_are_left_out_or_replaced_are_counted_and_named(here, unknown, tokens):
    (here / "other.txt").write_text("cabéé€")
    vocabulary = Vocabulary.of_text("abc")
    for _ in range(2):  # encoded, and from the cache
        corpus = load_corpus("other.txt", vocabulary=vocabulary, unknown=unknown)
        assert corpus.tokens.tolist() == tokens
        assert (corpus.unknown_characters, dict(corpus.unknown_symbols)) == (3, {"é": 2, "€": 1})
        (note,) = corpus.notes
        what = {"skip": "left out", "replace": "replaced"}[unknown]
        assert note == (
            f"other.txt: 3 characters that the run does not know are {what}: '\\xe9' (2), '\\u20ac' (1)"
        )
    assert load_corpus("other.txt").notes == ()


def test_a_byte_order_mark_of_utf8_is_kept_and_said(here):
    (here / "a.txt").write_bytes(b"\xef\xbb\xbfabc")
    corpus = load_corpus("a.txt")
    assert corpus.vocabulary.decode(corpus.tokens) == "\ufeffabc"
    assert corpus.notes == ("a.txt begins with a byte order mark, which is kept as the character U+FEFF",)
    assert load_corpus("a.txt", level="bytes").notes == ()


def test_built_in_and_cached_texts_are_listed(here):
    assert [(listed.name, listed.state, listed.characters) for listed in list_corpora()] == [
        (name, "built in", None)
        for name in ("grammar:brackets", "grammar:indent", "grammar:quotes", "grammar:records", "stdlib")
    ]
    (here / "a.txt").write_text("aab")
    load_corpus("a.txt")
    load_corpus("stdlib")
    damaged = default_data_folder() / "tokens" / "0.json"
    damaged.write_text("{")
    (damaged.parent / "1.json").write_text("[" * 200_000)
    os.mkfifo(damaged.parent / "2.json")
    (damaged.parent / "3.json").symlink_to("/dev/zero")
    (damaged.parent / "4.json").mkdir()
    stdlib, file = list_corpora()[-2:]
    assert (stdlib.name, stdlib.state) == ("stdlib", "built in, cached")
    assert (file.name, file.state, file.level, file.characters, file.symbols) == (
        "a.txt",
        "cached",
        "characters",
        3,
        2,
    )
    assert file.disk_bytes is not None
    assert file.disk_bytes > 3


def test_bounds_are_exact_where_floats_would_not_be():
    assert split_bounds(1000, "90/5/5") == {"train": (0, 900), "validation": (900, 950), "test": (950, 1000)}
    assert split_bounds(1_115_394, "90/10") == {
        "train": (0, 1_003_854),
        "validation": (1_003_854, 1_115_394),
        "test": (1_115_394, 1_115_394),
    }
    assert split_bounds(100, "70/20/10")["validation"] == (70, 90)


@given(st.integers(0, 10**12), st.sampled_from(["90/5/5", "80/10/10", "90/10", "70/20/10", "33.3/33.3/33.4"]))
def test_the_parts_of_a_split_are_contiguous_and_cover_the_text(characters, spec):
    train, validation, test = split_bounds(characters, spec).values()
    assert (train[0], train[1], validation[1], test[1]) == (0, validation[0], test[0], characters)
    for (start, end), share in zip((train, validation, test), (*parse_split(spec), 0), strict=False):
        assert abs(end - start - characters * share / WHOLE_SPLIT) <= 1 + characters * 1e-12


def test_a_text_in_hand_is_the_corpus_of_its_file(tmp_path):
    text = "\ufeffnaïve\r\n☃"
    (tmp_path / "text.txt").write_bytes(text.encode())
    of_file = load_corpus(str(tmp_path / "text.txt"), data_folder=tmp_path / "data")
    in_hand = corpus_in_hand(text)
    assert in_hand.vocabulary.decode(in_hand.tokens) == text
    assert not in_hand.tokens.flags.writeable
    for name in ("sha256", "bytes", "characters", "vocabulary"):
        assert getattr(in_hand, name) == getattr(of_file, name)
    assert in_hand.name == "<text>"
    assert [note.split(" ", 1)[1] for note in in_hand.notes] == [
        note.split(" ", 1)[1] for note in of_file.notes
    ]


def test_a_text_in_hand_is_read_by_a_vocabulary_or_as_bytes():
    known = Vocabulary.of_text("ab")
    assert corpus_in_hand("abxba", vocabulary=known, unknown="skip").tokens.tolist() == [0, 1, 1, 0]
    assert corpus_in_hand("abxba", vocabulary=known, unknown="replace").unknown_symbols == {"x": 1}
    assert corpus_in_hand("é", level="bytes").characters == 2
    with pytest.raises(CorpusError, match="the text is empty"):
        corpus_in_hand("")
    with pytest.raises(CorpusError, match="lone surrogate"):
        corpus_in_hand("a\ud800")
