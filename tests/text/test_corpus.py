"""Texts in a vocabulary, their listing, and their splits."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.text.corpus import (
    default_data_folder,
    list_corpora,
    load_corpus,
    parse_split,
    split_bounds,
)


def test_a_text_can_be_read_in_a_given_vocabulary(here):
    (here / "train.txt").write_text("abcabc")
    (here / "other.txt").write_text("cabé")
    vocabulary = load_corpus("train.txt").vocabulary
    with pytest.raises(UnknownCharacterError, match=r"'é' \(U\+00E9\) at position 3"):
        load_corpus("other.txt", vocabulary=vocabulary)
    corpus = load_corpus("other.txt", vocabulary=vocabulary, unknown="skip")
    assert corpus.vocabulary == vocabulary
    assert corpus.tokens.tolist() == [2, 0, 1]


def test_the_data_folder_is_the_one_named_or_the_one_here_or_the_users(here, monkeypatch):
    assert default_data_folder() == Path(os.environ["CHARLSTM_DATA"])
    monkeypatch.delenv("CHARLSTM_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_data_folder() == Path("/cache/charlstm")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_data_folder() == Path.home() / ".cache" / "charlstm"
    (here / "data").mkdir()
    assert default_data_folder() == Path("data")


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


@pytest.mark.parametrize(
    ("spec", "shares"),
    [
        ("90/5/5", (0.9, 0.05, 0.05)),
        ("80/10/10", (0.8, 0.1, 0.1)),
        ("90/10", (0.9, 0.1)),
        ("99.5/0.5/0", (0.995, 0.005, 0)),
    ],
)
def test_splits_are_shares_that_sum_to_one(spec, shares):
    assert parse_split(spec) == shares


@pytest.mark.parametrize(
    "spec",
    ["", "100", "90/5", "90/5/5/0", "a/b", "0/50/50", "110/-10", "nan/5/5", "90//10", "90/10/", "inf/0"],
)
def test_splits_that_are_none_are_refused(spec):
    with pytest.raises(UsageError, match="percentages that sum to 100"):
        parse_split(spec)


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
        assert abs(end - start - characters * share) <= 1 + characters * 1e-12
