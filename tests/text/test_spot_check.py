"""Cached ids are compared with their text: those of the text agree, those of another one do not."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charlstm.text.spot_check import agrees
from charlstm.text.text_file import Text
from charlstm.text.vocabulary import Vocabulary

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def checked(
    files: list[Path], ids: np.ndarray, vocabulary: Vocabulary, *, unknown="error", size=None
) -> bool:
    whole = size or sum(file.stat().st_size for file in files) + len(files) - 1
    record = SimpleNamespace(bytes=whole, characters=len(ids), vocabulary=vocabulary)
    return agrees(Text("a text", tuple(files)), record, ids, unknown=unknown)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(ANY_TEXT, min_size=1, max_size=4).filter(any),
    st.sampled_from(["error", "skip", "replace"]),
    st.sampled_from(["characters", "bytes"]),
    st.booleans(),
)
def test_the_ids_of_a_text_agree_with_it(tmp_path, parts, unknown, level, packed):
    parts = ["x" + part * 40 for part in parts]
    files = [tmp_path / f"{number}.txt" for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        file.write_bytes(gzip.compress(part.encode()) if packed else part.encode())
    whole = "\n".join(parts)
    known = whole if unknown == "error" else whole[: len(whole) // 2]
    vocabulary = (
        Vocabulary.of_text(known.encode(), level=level) if level == "bytes" else Vocabulary.of_text(known)
    )
    ids = vocabulary.encode(whole.encode() if level == "bytes" else whole, unknown=unknown)
    assert checked(files, ids, vocabulary, unknown=unknown, size=len(whole.encode()))


@pytest.mark.parametrize("words", ["He said no.\n", "né 日本\n"])
@pytest.mark.parametrize("where", ["beginning", "end", "everywhere"])
def test_ids_of_another_text_do_not_agree(tmp_path, words, where):
    (tmp_path / "a.txt").write_text(words * 1_000, encoding="utf-8")
    vocabulary = Vocabulary.of_text(words)
    ids = vocabulary.encode(words * 1_000).copy()
    part = {"beginning": slice(0, 500), "end": slice(len(ids) - 500, None), "everywhere": slice(None)}[where]
    if where == "everywhere":
        ids[part] = vocabulary.encode(words[::-1] * 1_000)
    else:
        ids[part] = ids[part][::-1].copy()
    outcomes = {checked([tmp_path / "a.txt"], ids, vocabulary) for _ in range(40)}
    assert False in outcomes


def test_a_change_in_a_tenth_of_an_ascii_text_is_nearly_always_found(tmp_path):
    (tmp_path / "a.txt").write_text("abcdefgh" * 20_000)
    vocabulary = Vocabulary.of_text("abcdefgh")
    ids = vocabulary.encode("abcdefgh" * 20_000).copy()
    ids[70_000:86_000] = 0
    assert sum(checked([tmp_path / "a.txt"], ids, vocabulary) for _ in range(50)) < 10


def test_a_record_that_calls_another_text_ascii_does_not_agree(tmp_path):
    (tmp_path / "a.txt").write_text("é" * 5_000, encoding="utf-8")
    vocabulary = Vocabulary.of_text("é")
    assert not checked([tmp_path / "a.txt"], vocabulary.encode("é" * 10_000), vocabulary)


def test_utf16_is_compared_at_its_beginning(tmp_path):
    (tmp_path / "a.txt").write_text("né " * 500, encoding="utf-16")
    vocabulary = Vocabulary.of_text("né ")
    assert checked([tmp_path / "a.txt"], vocabulary.encode("né " * 500), vocabulary)
    assert not checked([tmp_path / "a.txt"], vocabulary.encode("én " * 500), vocabulary)
