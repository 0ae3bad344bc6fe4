"""The bytes and characters of a file of text: unpacked, decoded, and refused where it is none."""

import bz2
import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.errors import CorpusError
from charlstm.text import text_file
from charlstm.text.text_file import HEAD_BYTES, Text, encoding_of, head, is_packed, is_text, pieces

WORDS = "Zoë said “naïve” — 日本語 😀\r\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга,\nкаждая несчастливая семья несчастлива по-своему.\n"
PROSE = 'He said "come in" and went on.\n'


def read(file: Path, level="characters") -> str | bytes:
    """All of a file, and a check that `each` was given the bytes that came out at level bytes."""
    given = []
    parts = list(pieces(Text("a text", (file,)), level, each=given.append))
    assert level != "bytes" or b"".join(parts) == b"".join(given)
    return b"".join(parts) if level == "bytes" else "".join(parts)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.txt"


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 17])
@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_and_utf32_with_their_mark_are_read_without_it(file, monkeypatch, chunk, codec):
    monkeypatch.setattr(text_file, "CHUNK_BYTES", chunk)
    marked = WORDS if codec in ("utf-16", "utf-32") else f"\ufeff{WORDS}"
    file.write_bytes(marked.encode(codec))
    assert read(file) == WORDS
    assert read(file, "bytes") == marked.encode(codec)


def test_a_mark_in_the_middle_and_that_of_utf8_are_characters(file):
    file.write_text("\ufeffa\ufeffb", encoding="utf-8")
    assert read(file) == "\ufeffa\ufeffb"
    file.write_text("a\ufeffb", encoding="utf-16")
    assert read(file) == "a\ufeffb"


@pytest.mark.parametrize("data", ["abc".encode("utf-16") + b"x", "a".encode("utf-16") + b"\0\xd8a\0"])
def test_what_is_marked_as_utf16_but_is_not_is_refused(file, data):
    file.write_bytes(data)
    with pytest.raises(CorpusError, match=r"marked as UTF-16 but is not: byte 0x\w\w at offset \d; .*UTF-8"):
        read(file)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("words", ["hi\n", PROSE, PROSE * 500, RUSSIAN, RUSSIAN * 200, "a,b\n1,2\n" * 9])
def test_utf16_without_its_mark_is_refused_by_its_name(file, codec, words):
    file.write_bytes(words.encode(codec))
    with pytest.raises(CorpusError, match=r"looks like UTF-16 without a byte order mark") as raised:
        read(file)
    name = {"utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}[codec]
    assert f"iconv -f {name} -t UTF-8" in raised.value.advice
    assert read(file, "bytes") == words.encode(codec)


@pytest.mark.parametrize(
    "words", ["", "a", "a\0", "one\0two\0three\0", "\0".join(map(str, range(5_000))), "\0" * 99]
)
def test_texts_with_some_zero_characters_are_read(file, words):
    file.write_text(words, encoding="utf-8", newline="")
    assert read(file) == words


def test_a_file_that_begins_with_zeros_only_is_no_text(file):
    file.write_bytes(b"\0" * HEAD_BYTES + b"text")
    with pytest.raises(CorpusError, match="first 8,000 bytes are all zero"):
        read(file)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("words", ["", WORDS, PROSE * 9_000])
@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_packed_files_are_read_through(file, pack, words, level):
    file.write_bytes(pack(words.encode()))
    assert read(file, level) == (words if level == "characters" else words.encode())
    assert head(file) == words.encode()[:HEAD_BYTES]
    assert is_packed(file)


def test_files_of_several_packed_parts_and_packed_utf16_are_read_through(file):
    file.write_bytes(gzip.compress(b"one ") + gzip.compress(b"two"))
    assert read(file) == "one two"
    file.write_bytes(bz2.compress(WORDS.encode("utf-16")))
    assert read(file) == WORDS


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:40] + b"x" * 9])
def test_a_packed_file_that_is_damaged_is_one_clear_error(file, pack, damage):
    file.write_bytes(damage(pack(PROSE.encode() * 50 + os.urandom(5_000))))
    for level in ("characters", "bytes"):
        with pytest.raises(CorpusError, match=r"a\.txt cannot be unpacked: \w+"):
            read(file, level)


def test_a_text_that_begins_like_the_name_of_a_format_is_a_text(file):
    file.write_text("BZh9 is how bzip2 begins")
    assert read(file) == "BZh9 is how bzip2 begins"
    assert not is_packed(file)


@pytest.mark.parametrize("size", [2 << 20, 100 << 30])
@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_a_file_with_holes_is_refused_at_once(file, size, level):
    with file.open("wb") as opened:
        opened.write(b"text" * 3_000)
        opened.truncate(size)
    with pytest.raises(CorpusError, match=r"no whole text: nothing was written from its byte [\d,]+ on"):
        read(file, level)


@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_what_a_file_system_calls_a_hole_but_is_text_is_read(file, monkeypatch, level):
    file.write_text(PROSE * 50_000)
    plain = os.lseek
    monkeypatch.setattr(os, "lseek", lambda *given: 4096 if given[2] == os.SEEK_HOLE else plain(*given))
    assert len(read(file, level)) == len(PROSE) * 50_000


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_refused_without_waiting(file, make):
    make(file)
    with pytest.raises(CorpusError, match=r"a\.txt cannot be read: it is a (pipe|folder), not"):
        read(file)


def test_a_file_that_is_gone_is_one_clear_error(file):
    with pytest.raises(CorpusError, match=r"a\.txt cannot be read: No such file"):
        read(file)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_the_beginning_of_a_text_is_text_wherever_it_is_cut(words, codec):
    data = (words.replace("\0", "") + "." * HEAD_BYTES).encode(codec)[:HEAD_BYTES]
    assert is_text(data, "characters")
    assert is_text(data, "bytes") is (b"\0" not in data)


def test_latin1_and_zeros_are_not_text_and_an_unfinished_character_is_only_at_the_end_of_a_head():
    assert not is_text("né".encode("latin-1"), "characters")
    assert is_text("né".encode("latin-1"), "bytes")
    assert not is_text(b"a\0b", "characters")
    assert not is_text("né".encode()[:-1], "characters")
    assert encoding_of(b"\xff\xfe\0\0").name == "UTF-32"
    assert encoding_of(b"\xff\xfea\0").name == "UTF-16"
    assert encoding_of(b"\xef\xbb\xbf").name == "UTF-8"
