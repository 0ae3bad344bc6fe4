"""Files of this user's own are read back, and nobody else's are."""

import os
from pathlib import Path

import pytest

from charlstm.machine.private_state import keep, kept


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_what_is_kept_is_read_back(state):
    assert kept("ways/a.json") is None
    keep("ways/a.json", {"x": [1.5, "y"]})
    assert kept("ways/a.json") == {"x": [1.5, "y"]}
    assert (state / "charlstm/ways/a.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of files are POSIX")
def test_a_file_that_others_may_write_counts_as_not_there(state):
    keep("a.json", 1)
    (state / "charlstm/a.json").chmod(0o622)
    assert kept("a.json") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 70_000, b"\xff"])
def test_a_file_that_is_no_json_counts_as_not_there(state, content):
    keep("a.json", 1)
    (state / "charlstm/a.json").write_bytes(content)
    assert kept("a.json") is None


def test_without_a_home_nothing_is_kept(monkeypatch):
    for name in ("XDG_STATE_HOME", "HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "relative")
    keep("a.json", 1)
    assert kept("a.json") is None
    assert not Path("relative").exists()


def test_a_folder_that_cannot_be_made_stops_nothing(state):
    state.write_text("a file in its place")
    keep("a.json", 1)
    assert kept("a.json") is None
