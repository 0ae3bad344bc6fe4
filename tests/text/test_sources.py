"""The files that the name of a text stands for."""

import gzip
import os
import sysconfig
from pathlib import Path

import pytest

from charlstm.errors import CorpusError
from charlstm.text.corpus import Corpus, load_corpus
from charlstm.text.sources import BUILT_IN, find_text, is_built_in


def text_of(corpus: Corpus) -> str:
    return corpus.vocabulary.decode(corpus.tokens)


@pytest.fixture
def books(here: Path) -> Path:
    """A folder with texts, and with what is not text."""
    contents = {
        "books/b.txt": b"second\r\n",
        "books/a/z.txt": "prémier".encode(),
        "books/c.md": b"third",
        "books/empty.txt": b"",
        "books/picture.png": b"\x89PNG\r\n\x1a\n",
        "books/data.bin": b"abc\0",
        "books/latin.txt": "né".encode("latin-1"),
        "books/.hidden": b"hidden",
        "books/.git/config": b"hidden",
    }
    for name, content in contents.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(content)
    return here / "books"


def test_stdlib_is_the_source_of_the_standard_library_without_its_tests():
    folder = Path(sysconfig.get_paths()["stdlib"])
    text = find_text("stdlib", level="characters", data_folder=Path("nowhere"))
    names = [file.relative_to(folder).as_posix() for file in text.files]
    assert names == sorted(names)
    assert {"argparse.py", "json/decoder.py", "unittest/mock.py"} <= set(names)
    assert not {"pydoc_data/topics.py", "html/entities.py", "keyword.py", "idlelib/idle_test/htest.py"} & set(
        names
    )
    assert not any("site-packages" in name or name.startswith("test/") for name in names)
    corpus = load_corpus("stdlib")
    assert corpus.characters > 4_000_000
    assert corpus.bytes == sum(file.stat().st_size for file in text.files) + len(text.files) - 1
    first = text.files[0].read_bytes().decode()
    assert corpus.vocabulary.decode(corpus.tokens[: len(first) + 1]) == first + "\n"


def test_a_file_is_read_exactly(here):
    (here / "x.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\0")
    corpus = load_corpus("x.txt")
    assert text_of(corpus) == "\ufeffone\r\ntwo\0"
    assert (corpus.name, corpus.bytes, corpus.characters, corpus.left_out) == ("x.txt", 12, 10, ())
    assert not corpus.tokens.flags.writeable


def test_the_text_files_of_a_folder_are_joined_and_others_left_out(books):
    corpus = load_corpus("books")
    assert text_of(corpus) == "prémier\nsecond\r\n\nthird"
    assert sorted(file.name for file in corpus.left_out) == ["data.bin", "latin.txt", "picture.png"]


def test_a_folder_read_as_bytes_takes_files_that_are_not_utf8(books):
    corpus = load_corpus("books", level="bytes")
    assert corpus.vocabulary.decode_bytes(corpus.tokens).endswith(b"third\nn\xe9\n\x89PNG\r\n\x1a\n")
    assert [file.name for file in corpus.left_out] == ["data.bin"]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("books/*.txt", "second\r\n"),
        ("books/**/*.txt", "prémier\nsecond\r\n"),
        ("books/[bc].*", "second\r\n\nthird"),
        ("books/*", "second\r\n\nthird"),
    ],
)
def test_a_glob_takes_the_files_that_match(books, pattern, text):
    assert text_of(load_corpus(pattern)) == text


def test_a_file_whose_name_looks_like_a_glob_is_a_file(here):
    (here / "a[1].txt").write_text("brackets")
    assert text_of(load_corpus("a[1].txt")) == "brackets"


def test_a_folder_that_holds_the_cache_does_not_read_it(here):
    (here / "a.txt").write_text("text")
    shas = {load_corpus(name, data_folder=here).sha256 for name in (".", "**/*", ".", "**/*")}
    assert len(shas) == 1


@pytest.mark.parametrize(
    ("name", "problem", "advice"),
    [
        ("nowhere.txt", "no file or folder 'nowhere.txt'", "stdlib"),
        ("", "no file or folder ''", "stdlib"),
        ("x" * 5_000, "no file or folder", "stdlib"),
        ("nul\0.txt", "no file or folder", "stdlib"),
        ("*.md", r"nothing matches '\*\.md'", "pattern"),
        ("empty.txt", "empty.txt is empty", "something in it"),
        ("folder", r"folder has no text: none of its files \(1\)", "name other files"),
        ("fold*", r"fold\* has no text: none of its files \(0\)", "name other files"),
        ("latin.txt", "latin.txt is not UTF-8: byte 0xE9 at offset 1", 'level="bytes"'),
        ("hf:", "'hf:' names no dataset on the Hugging Face hub", "owner/name"),
        ("hf:#text", "'hf:#text' names no dataset on the Hugging Face hub", "owner/name"),
    ],
)
def test_a_name_without_a_text_is_one_clear_error(here, name, problem, advice):
    (here / "folder").mkdir()
    (here / "folder" / "data.bin").write_bytes(b"\0")
    (here / "empty.txt").touch()
    (here / "latin.txt").write_bytes("né".encode("latin-1"))
    with pytest.raises(CorpusError, match=problem) as raised:
        load_corpus(name)
    assert advice in raised.value.advice


def test_a_file_that_is_not_utf8_behind_its_beginning_is_an_error(books):
    (books / "c.md").write_bytes(b"x" * 9_000 + b"\xff")
    with pytest.raises(CorpusError, match=r"c\.md is not UTF-8: byte 0xFF at offset 9,000"):
        load_corpus("books")


def test_a_character_across_the_end_of_the_head_is_no_fault(books):
    (books / "c.md").write_bytes(b"x" * 7_999 + "é".encode())
    assert text_of(load_corpus("books/c*")).endswith("xé")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_refused(here):
    os.mkfifo(here / "pipe")
    with pytest.raises(CorpusError, match="pipe is neither a file nor a folder"):
        load_corpus("pipe")


@pytest.mark.parametrize("name", ["books", "books/*", "books/b.txt"])
def test_a_file_that_may_not_be_read_is_a_clear_error(books, monkeypatch, name):
    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied", "b.txt")

    monkeypatch.setattr("charlstm.text.text_file.open_regular", refused)
    with pytest.raises(CorpusError, match=r"b\.txt cannot be read: Permission denied"):
        load_corpus(name)


def test_a_folder_that_may_not_be_listed_is_a_clear_error(books, monkeypatch):
    def refused(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(CorpusError, match="books cannot be read: Permission denied"):
        load_corpus("books")


def test_a_python_without_its_source_is_a_clear_error(monkeypatch):
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"stdlib": "/nowhere/at/all"})
    with pytest.raises(CorpusError, match="/nowhere/at/all"):
        load_corpus("stdlib")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("name", [".", "*", "**/*.txt"])
def test_pipes_among_the_files_of_a_folder_are_passed_over(here, name):
    os.mkfifo(here / "pipe.txt")
    (here / "a.txt").write_text("text")
    assert text_of(load_corpus(name)) == "text"


@pytest.mark.parametrize("name", [".", "**/*.txt", "**/*", "*/*/*.txt", "../here/**"])
def test_links_that_form_loops_add_nothing_to_a_text(here, name):
    (here / "inner" / "deep").mkdir(parents=True)
    (here / "inner" / "deep" / "a.txt").write_text("text")
    (here / "loop").symlink_to(".")
    (here / "inner" / "up").symlink_to("..")
    (here / "inner" / "deep" / "b.txt").symlink_to("a.txt")
    assert text_of(load_corpus(name)) == "text"


def test_utf16_with_its_mark_and_packed_files_are_among_the_texts_of_a_folder(here):
    (here / "a.txt").write_text("marked é", encoding="utf-16")
    (here / "b.txt.gz").write_bytes(gzip.compress("packed é".encode()))
    (here / "c.txt").write_text("unmarked", encoding="utf-16-le")
    (here / "d.gz").write_bytes(gzip.compress(b"cut" * 999)[:-9])
    corpus = load_corpus(".")
    assert text_of(corpus) == "marked é\npacked é"
    assert [file.name for file in corpus.left_out] == ["c.txt", "d.gz"]


def test_built_in_texts_read_no_file_of_the_users():
    assert all(map(is_built_in, (*BUILT_IN, "grammar:quotes:100:1")))
    assert not any(map(is_built_in, ("stdlib/", "./stdlib", "a.txt", "hf:a/b", "*", "")))
