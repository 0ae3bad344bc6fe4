"""The folder for caches: whose it is, and how files are written into it."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from charlstm.errors import CorpusError
from charlstm.text import cache_folder
from charlstm.text.cache_folder import cache_file, default_data_folder


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARLSTM_DATA")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


def test_the_folder_is_the_one_that_is_named_or_the_users_cache(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    assert default_data_folder() == here / ".cache" / "charlstm"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_data_folder() == Path("/cache/charlstm")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_data_folder() == here / ".cache" / "charlstm"
    monkeypatch.setenv("CHARLSTM_DATA", "somewhere")
    assert default_data_folder() == Path("somewhere")


def test_a_folder_called_data_is_taken_beside_the_source_and_nowhere_else(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here / "home"))
    (here / "data" / "tokens").mkdir(parents=True, mode=0o755)
    (here / "data" / "README.md").write_text("# data/\n")
    assert default_data_folder() == here / "home" / ".cache" / "charlstm"
    monkeypatch.setattr(cache_folder, "_SOURCE_DATA", here / "data")
    assert default_data_folder() == Path("data")
    (here / "data" / "tokens").chmod(0o777)
    assert default_data_folder() == here / "home" / ".cache" / "charlstm"


def test_the_source_is_the_package_that_runs():
    assert (cache_folder._SOURCE_DATA.parent / "charlstm" / "text" / "cache_folder.py").samefile(
        cache_folder.__file__
    )


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
@pytest.mark.parametrize("part", ["", "tokens", "hf", "grammar"])
def test_a_cache_in_which_others_may_write_is_refused(here, monkeypatch, part, mode):
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    (here / "charlstm" / part).mkdir(parents=True)
    (here / "charlstm").chmod(0o755)
    assert default_data_folder() == here / "charlstm"
    (here / "charlstm" / part).chmod(mode)
    with pytest.raises(CorpusError, match=r"not yours alone.*; .*chmod -R go-w .*CHARLSTM_DATA"):
        default_data_folder()


def test_a_cache_that_another_user_owns_is_refused(here, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    (here / "charlstm").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(CorpusError, match="not yours alone"):
        default_data_folder()


def test_where_there_is_no_home_folder_one_clear_error_says_so(here, monkeypatch):
    monkeypatch.setenv("HOME", "")
    with pytest.raises(CorpusError, match=r"no home folder.*; .*CHARLSTM_DATA"):
        default_data_folder()


def test_what_is_written_can_be_written_by_this_user_alone_whatever_the_mask(here):
    before = os.umask(0)
    try:
        with cache_file(here / "cache" / "charlstm" / "tokens" / "a.bin") as file:
            file.write(b"abc")
    finally:
        os.umask(before)
    assert (here / "cache" / "charlstm" / "tokens" / "a.bin").read_bytes() == b"abc"
    for place in ("charlstm", "charlstm/tokens", "charlstm/tokens/a.bin"):
        assert not (here / "cache" / place).stat().st_mode & 0o022


def test_a_file_that_is_not_finished_is_not_there(here):
    with suppress(KeyboardInterrupt), cache_file(here / "cache" / "tokens" / "a.bin") as file:
        file.write(b"abc")
        raise KeyboardInterrupt
    assert not list((here / "cache" / "tokens").iterdir())
