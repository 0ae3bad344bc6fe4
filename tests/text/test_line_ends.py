"""Line ends that are read as line feeds give the text, and the fingerprint, of a converted file."""

import gzip
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charlstm.errors import LineEndError, UnknownCharacterError
from charlstm.text import text_file, token_cache
from charlstm.text.corpus import Corpus, load_corpus
from charlstm.text.line_ends import as_line_feeds, converted
from charlstm.text.vocabulary import Vocabulary

UNITS = {"utf-8": "u1", "utf-16-le": "<u2", "utf-16-be": ">u2", "utf-32-le": "<u4", "utf-32-be": ">u4"}
# The code point U+0D0A has the bytes of a line end in UTF-16, but is none.
PARTS = ["\r\n", "\r", "\n", "a", "é", "\u0d0a", "\u0a0d", "日本", "😀"]
ANY_LINES = st.lists(st.sampled_from(PARTS), max_size=30).map("".join)


def plain(text: str) -> str:
    """The text as Python's text mode reads it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(ANY_LINES, st.sampled_from(list(UNITS)), st.integers(1, 9))
def test_every_text_in_every_encoding_is_converted_in_pieces_of_any_size(text, encoding, size):
    data, told = text.encode(encoding), []
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    pieces = list(converted([*chunks, b""], UNITS[encoding], told=told.append))
    assert b"".join(pieces).decode(encoding) == plain(text)
    assert pieces[-1] == b""
    assert all(pieces[:-1]), "an empty piece would end the text"
    assert sum(told) == text.count("\r")
    assert as_line_feeds(data, UNITS[encoding]).decode(encoding) == plain(text)


def test_half_a_unit_at_the_end_of_a_damaged_file_is_kept():
    data = "a\r\n".encode("utf-16-le") + b"\r"
    pieces = converted([data, b""], "<u2", told=lambda count: None)
    assert b"".join(pieces) == "a\n".encode("utf-16-le") + b"\r"


TEXT = 'He said "no"\r\nand\rwent\r\n\r\né\r' * 300


def write(folder: Path, form: str) -> str:
    data = {
        "plain": TEXT.encode(),
        "ascii": TEXT.replace("é", "e").encode(),
        "gzip": gzip.compress(TEXT.encode()),
        "utf-16": TEXT.encode("utf-16"),
    }[form]
    (folder / "text").write_bytes(data)
    return "text"


def converted_text(form: str) -> str:
    return plain(TEXT.replace("é", "e") if form == "ascii" else TEXT)


def spelled(corpus: Corpus) -> str:
    return corpus.vocabulary.decode(corpus.tokens)


@pytest.mark.parametrize("form", ["plain", "ascii", "gzip", "utf-16"])
@pytest.mark.parametrize("level", ["characters", "bytes"])
@pytest.mark.parametrize("chunk", [7, 1 << 17])
def test_a_text_and_its_cache_are_those_of_the_converted_file(here, monkeypatch, form, level, chunk):
    monkeypatch.setattr(text_file, "CHUNK_BYTES", chunk)
    name, wanted = write(here, form), converted_text(form)
    data = wanted.encode("utf-16" if form == "utf-16" else "utf-8")
    corpora = [load_corpus(name, level=level, newlines=True)]
    with monkeypatch.context() as patch:
        patch.delattr(token_cache, "_write")  # now it is cached, and stays so
        corpora.append(load_corpus(name, level=level, newlines=True))
    for corpus in corpora:
        assert corpus.vocabulary.decode_bytes(corpus.tokens) == (
            data if level == "bytes" else wanted.encode()
        )
        assert (corpus.sha256, corpus.bytes) == (sha256(data).hexdigest(), len(data))
        assert corpus.line_ends == 5 * 300
        assert f"{name}: 1,500 line ends of \\r\\n or \\r are read as \\n" in corpus.notes


def test_a_text_that_is_read_as_it_is_shares_nothing_with_the_converted_one(here):
    name = write(here, "plain")
    for newlines in (True, False, True, False):
        corpus = load_corpus(name, newlines=newlines)
        assert spelled(corpus) == (plain(TEXT) if newlines else TEXT)
        assert corpus.line_ends == (1_500 if newlines else None)


def test_a_file_that_was_converted_before_has_the_same_fingerprint(here):
    name = write(here, "plain")
    (here / "converted").write_bytes(plain(TEXT).encode())
    by_hand = load_corpus("converted")
    here_converted = load_corpus(name, newlines=True)
    assert by_hand.sha256 == here_converted.sha256
    assert (by_hand.line_ends, here_converted.line_ends) == (None, 1_500)
    assert load_corpus("converted", newlines=True).line_ends == 0


def test_each_file_of_a_folder_is_converted_by_itself(here):
    (here / "texts").mkdir()
    for name, content in {"a": b"one\r", "b": b"\ntwo\r\n"}.items():
        (here / "texts" / name).write_bytes(content)
    assert spelled(load_corpus("texts", newlines=True)) == "one\n\n\ntwo\n"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(ANY_LINES.filter(bool), st.sampled_from(["utf-8", "utf-16"]), st.sampled_from(["characters", "bytes"]))
def test_every_converted_text_is_the_same_from_the_cache(here, text, encoding, level):
    (here / "text").write_bytes((text * 50).encode(encoding))
    first = load_corpus("text", level=level, newlines=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(token_cache, "_write")
        again = load_corpus("text", level=level, newlines=True)
    assert np.array_equal(first.tokens, again.tokens)


KNOWN = Vocabulary.of_text('He said "no"\nand went é')


@pytest.mark.parametrize(
    ("content", "kind", "position"),
    [(b"He said\r\n", r"\r\n", 7), ("é\n\rno".encode(), r"\r", 2), (b"no\r", r"\r", 2)],
)
@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_line_ends_that_the_vocabulary_lacks_are_named_with_what_to_do(here, content, kind, position, level):
    (here / "text").write_bytes(content)
    vocabulary = KNOWN
    if level == "bytes":
        vocabulary = Vocabulary.of_text('He said "no"\nand went é'.encode(), level="bytes")
        position = content.index(b"\r")
    with pytest.raises(LineEndError) as raised:
        load_corpus("text", vocabulary=vocabulary)
    assert raised.value.problem == (
        f"text has line ends of {kind}, the first at position {position}, and the model knows \\n alone"
    )
    assert "`newlines=True`" in raised.value.advice
    assert load_corpus("text", vocabulary=vocabulary, newlines=True).unknown_characters == 0
    assert load_corpus("text", vocabulary=vocabulary, unknown="skip").unknown_characters == 1


@pytest.mark.parametrize("content", [b"He x\r\n", b"He said\n\x00\r\n"])
def test_another_character_that_comes_first_is_named_as_before(here, content):
    (here / "text").write_bytes(content)
    with pytest.raises(UnknownCharacterError, match="is not among the") as raised:
        load_corpus("text", vocabulary=KNOWN)
    assert not isinstance(raised.value, LineEndError)


def test_a_vocabulary_without_any_line_end_gets_no_such_advice(here):
    (here / "text").write_bytes(b"no\r\n")
    with pytest.raises(UnknownCharacterError, match=r"'\\r' \(U\+000D\) at position 2") as raised:
        load_corpus("text", vocabulary=Vocabulary.of_text("no"))
    assert not isinstance(raised.value, LineEndError)
