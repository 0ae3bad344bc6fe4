"""The token cache: what comes out is the text that went in, however it is cut, damaged or changed."""

import gzip
import json
import os
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.errors import CorpusError, UnknownCharacterError
from charlstm.text import cache_folder, text_file, token_cache
from charlstm.text.token_cache import Text, load_tokens
from charlstm.text.vocabulary import Vocabulary

WORDS = "Zoë said “naïve” — 日本語 😀\r\n" * 300
MIXED = "Zoë said “naïve” — 日本語 😀\r\n\ufeff\0end"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def text_of(tmp_path: Path, *contents: bytes) -> Text:
    files = tuple(tmp_path / f"{number}.txt" for number in range(len(contents)))
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return Text("a text", files)


def load(text: Text, folder: Path, level="characters", vocabulary=None, unknown="error"):
    return load_tokens(text, level=level, vocabulary=vocabulary, unknown=unknown, folder=folder)


def cached(folder: Path, suffix: str) -> Path:
    (file,) = (folder / "tokens").glob(f"*{suffix}")
    return file


def bytes_of(text: Text) -> bytes:
    return b"\n".join(file.read_bytes() for file in text.files)


@pytest.mark.parametrize("chunk", range(1, 9))
@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_chunks_may_cut_characters(tmp_path, folder, monkeypatch, chunk, level):
    monkeypatch.setattr(text_file, "CHUNK_BYTES", chunk)
    text = text_of(tmp_path, MIXED.encode(), b"plain", MIXED.encode())
    record, ids = load(text, folder, level)
    assert record.vocabulary.decode_bytes(ids) == bytes_of(text)
    assert record.vocabulary == Vocabulary.of_text(bytes_of(text), level=level)
    assert record.bytes == len(bytes_of(text))
    assert np.array_equal(ids, record.vocabulary.encode(bytes_of(text)))


@settings(deadline=None)  # it writes files
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1).filter(any), st.integers(1, 9))
def test_every_text_comes_back(tmp_path_factory, parts, chunk):
    tmp_path = tmp_path_factory.mktemp("text")
    text = text_of(tmp_path, *(part.encode() for part in parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_file, "CHUNK_BYTES", chunk)
        for _ in range(2):
            record, ids = load(text, tmp_path)
            assert record.vocabulary.decode(ids) == "\n".join(parts)


def test_the_ids_are_read_only(tmp_path, folder):
    _, ids = load(text_of(tmp_path, b"abc"), folder)
    assert not ids.flags.writeable


def test_a_cached_text_is_not_encoded_again(tmp_path, folder, monkeypatch):
    text = text_of(tmp_path, b"abcabc")
    record, _ = load(text, folder)
    monkeypatch.delattr(token_cache, "_write")
    assert load(text, folder)[0] == record
    assert load(text, folder, vocabulary=record.vocabulary)[0] == record
    with pytest.raises(NameError):
        load(text, folder, level="bytes")


def test_other_settings_and_texts_do_not_share_ids(tmp_path, folder):
    text = text_of(tmp_path, b"abca")
    one, other = Vocabulary.of_text("abcd"), Vocabulary.of_text("0abc")
    assert load(text, folder, vocabulary=one)[1].tolist() == [0, 1, 2, 0]
    assert load(text, folder, vocabulary=other)[1].tolist() == [1, 2, 3, 1]
    few = Vocabulary.of_text("ab")
    assert load(text, folder, vocabulary=few, unknown="skip")[1].tolist() == [0, 1, 0]
    assert load(text, folder, vocabulary=few, unknown="replace")[1].tolist() == [0, 1, 0, 0]
    text.files[0].write_bytes(b"abcb")
    assert load(text, folder)[1].tolist() == [0, 1, 2, 1]


def change(file: Path, position: int) -> None:
    data = bytearray(file.read_bytes())
    data[position] ^= 1
    file.write_bytes(data)


def edit(file: Path, **fields) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def forge(ids: Path, record: Path, change) -> None:
    """Change ids, and give their record the checksum that they then have."""
    forged = change(np.fromfile(ids, np.uint8)).tobytes()
    ids.write_bytes(forged)
    symbols = "".join(json.loads(record.read_text())["vocabulary"]["symbols"]).encode()
    edit(record, crc32=zlib.crc32(forged, zlib.crc32(symbols)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda ids, record: change(ids, 3),
        lambda ids, record: ids.write_bytes(ids.read_bytes()[:-1]),
        lambda ids, record: ids.write_bytes(ids.read_bytes() + b"\0"),
        lambda ids, record: ids.write_bytes(b""),
        lambda ids, record: ids.unlink(),
        lambda ids, record: record.unlink(),
        lambda ids, record: record.write_bytes(record.read_bytes()[:-20]),
        lambda ids, record: record.write_bytes(b"\xff\0"),
        lambda ids, record: record.write_text("null"),
        lambda ids, record: edit(record, format=0),
        lambda ids, record: edit(record, sha256="0"),
        lambda ids, record: edit(record, characters="7"),
        lambda ids, record: edit(record, surplus=1),
        lambda ids, record: edit(record, crc32=True),
        lambda ids, record: edit(record, name=7),
        lambda ids, record: edit(record, unknown_symbols=[]),
        lambda ids, record: edit(record, unknown_symbols={"a": None}),
        lambda ids, record: record.write_text("[" * 200_000),
        lambda ids, record: record.write_text('{"vocabulary":' * 200_000),
        lambda ids, record: os.truncate(record, 40 << 30),
        lambda ids, record: os.truncate(ids, 40 << 30),
        lambda ids, record: record.unlink() or os.mkfifo(record),
        lambda ids, record: ids.unlink() or os.mkfifo(ids),
        lambda ids, record: ids.unlink() or ids.symlink_to("/dev/zero"),
        lambda ids, record: forge(ids, record, lambda old: old + 1),  # out of the vocabulary
        lambda ids, record: forge(ids, record, lambda old: old[::-1]),  # another text's
        lambda ids, record: edit(record, vocabulary={"level": "characters", "symbols": list("acb")}),
        lambda ids, record: edit(record, vocabulary={"level": "characters", "symbols": list("aa")}),
    ],
)
def test_a_damaged_cache_is_made_again(tmp_path, folder, damage):
    text = text_of(tmp_path, b"abcabca")
    load(text, folder)
    damage(cached(folder, ".bin"), cached(folder, ".json"))
    started = time.monotonic()
    record, ids = load(text, folder)
    assert record.vocabulary.decode(ids) == "abcabca"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("words", ["The quick brown fox.\n", "Der schnelle Fuchs läuft über Brücken.\n"])
@pytest.mark.parametrize("unknown", ["error", "skip"])
def test_the_ids_of_another_text_are_not_taken_for_those_of_this_one(tmp_path, folder, words, unknown):
    """They come with a record of their own that names this text's fingerprint."""
    vocabulary = Vocabulary.of_text(words)
    settings = {"vocabulary": vocabulary, "unknown": unknown} if unknown == "skip" else {}
    mine = text_of(tmp_path, (words * 500).encode())
    (tmp_path / "other").mkdir()
    other = text_of(tmp_path / "other", (words[::-1] * 500).encode())
    load(mine, folder, **settings)
    load(other, tmp_path / "theirs", **settings)
    ids, record = cached(folder, ".bin"), cached(folder, ".json")
    before = json.loads(record.read_text())
    ids.write_bytes(cached(tmp_path / "theirs", ".bin").read_bytes())
    record.write_bytes(cached(tmp_path / "theirs", ".json").read_bytes())
    edit(record, sha256=before["sha256"], bytes=before["bytes"])
    found, tokens = load(mine, folder, **settings)
    assert found.vocabulary.decode(tokens) == words * 500


def test_unknown_symbols_are_counted_in_the_record(tmp_path, folder):
    text = text_of(tmp_path, "aéé€b".encode())
    for _ in range(2):
        record, _ = load(text, folder, vocabulary=Vocabulary.of_text("ab"), unknown="skip")
        assert (record.unknown_characters, record.unknown_symbols) == (3, {"é": 2, "€": 1})


def test_packed_and_marked_texts_are_known_by_what_is_in_them(tmp_path, folder):
    (plain,) = text_of(tmp_path, WORDS.encode()).files
    packed, marked = tmp_path / "1.gz", tmp_path / "2.txt"
    packed.write_bytes(gzip.compress(WORDS.encode()))
    marked.write_text(WORDS, encoding="utf-16", newline="")
    records = [load(Text("a text", (file,)), folder) for file in (plain, packed, marked, packed, marked)]
    assert records[0][0].sha256 == records[1][0].sha256 != records[2][0].sha256
    for record, ids in records:
        assert record.vocabulary.decode(ids) == WORDS


def test_ids_of_several_bytes_that_are_cut_are_made_again(tmp_path, folder):
    content = "".join(map(chr, range(300))).encode()
    text = text_of(tmp_path, content)
    load(text, folder)
    cached(folder, ".bin").write_bytes(cached(folder, ".bin").read_bytes()[:-1])
    record, ids = load(text, folder)
    assert ids.dtype == np.uint16
    assert record.vocabulary.decode_bytes(ids) == content


def test_an_interrupted_encoding_leaves_nothing(tmp_path, folder, monkeypatch):
    text = text_of(tmp_path, b"abc")

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(token_cache, "_encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load(text, folder)
    assert not any((folder / "tokens").iterdir())
    assert load(text, folder)[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("now", [b"abcd", b"abx", b"ab", b""])
@pytest.mark.parametrize("stage", ["_symbols", "_write"])
def test_a_text_that_changes_while_it_is_read(tmp_path, folder, monkeypatch, now, stage):
    text = text_of(tmp_path, b"abc")
    original = getattr(token_cache, stage)

    def after_a_change(*arguments):
        text.files[0].write_bytes(now)
        return original(*arguments)

    monkeypatch.setattr(token_cache, stage, after_a_change)
    with pytest.raises(CorpusError, match="a text changed while it was read"):
        load(text, folder)
    assert not any((folder / "tokens").iterdir())


def test_a_text_that_vanishes_while_it_is_read(tmp_path, folder, monkeypatch):
    text = text_of(tmp_path, b"abc")
    monkeypatch.setattr(
        token_cache, "_symbols", lambda text, level: text.files[0].unlink() or Vocabulary.of_text("abc")
    )
    with pytest.raises(CorpusError, match=r"0\.txt cannot be read: No such file"):
        load(text, folder)


@pytest.mark.parametrize(
    ("content", "byte", "offset"),
    [
        (b"\xff", "FF", 0),
        (b"abc\xe9def", "E9", 3),
        ("né".encode()[:-1], "C3", 1),
        (b"ab\xed\xa0\x80", "ED", 2),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_what_is_not_utf8_is_named_with_its_offset(
    tmp_path, folder, monkeypatch, content, byte, offset, chunk
):
    monkeypatch.setattr(text_file, "CHUNK_BYTES", chunk)
    text = text_of(tmp_path, "né".encode(), content)
    with pytest.raises(
        CorpusError, match=rf"1\.txt is not UTF-8: byte 0x{byte} at offset {offset};.*`level=.bytes.`"
    ):
        load(text, folder)
    record, ids = load(text, folder, level="bytes")
    assert record.vocabulary.decode_bytes(ids) == bytes_of(text)


def test_an_unknown_character_is_named_with_its_place_in_the_whole_text(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(text_file, "CHUNK_BYTES", 2)
    text = text_of(tmp_path, "éé".encode(), "aéb".encode())
    with pytest.raises(UnknownCharacterError, match=r"'b' \(U\+0062\) at position 5 "):
        load(text, folder, vocabulary=Vocabulary.of_text("éa\n"))
    assert not any((folder / "tokens").iterdir())


def test_a_text_without_any_known_character(tmp_path, folder):
    with pytest.raises(CorpusError, match="no character of the vocabulary"):
        load(text_of(tmp_path, b"abc"), folder, vocabulary=Vocabulary.of_text("z"), unknown="skip")


def test_an_empty_text(tmp_path, folder):
    with pytest.raises(CorpusError, match="a text is empty"):
        load(text_of(tmp_path, b""), folder)


@pytest.mark.parametrize("inside", ["", "tokens"])
def test_a_folder_that_cannot_be_written(tmp_path, inside):
    in_the_way = tmp_path / "folder" / inside
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file")
    with pytest.raises(CorpusError, match=r"cannot be written: .*CHARLSTM_DATA"):
        load(text_of(tmp_path, b"abc"), tmp_path / "folder")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk(tmp_path, folder, monkeypatch):
    def on_a_full_disk(file, *mode, **options):
        return open("/dev/full" if str(file).endswith(".partial") else file, *mode, **options)

    monkeypatch.setattr(cache_folder, "open", on_a_full_disk, raising=False)
    with pytest.raises(CorpusError, match=r"cannot be written: .*No space left"):
        load(text_of(tmp_path, b"abc"), folder)


def test_ids_that_do_not_read_back(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(token_cache, "_read", lambda *given: None)
    with pytest.raises(CorpusError, match="reads back as something else"):
        load(text_of(tmp_path, b"abc"), folder)
