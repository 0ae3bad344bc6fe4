"""The record of this user's own runs: what makes a run own, and what a copied folder cannot bring along."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from charlstm.machine.own_runs import is_own, record_own


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text('{"format": 1}')
    return folder


def test_a_recorded_run_is_own_by_any_name_of_its_folder(tmp_path, run, monkeypatch):
    assert not is_own(run)
    record_own(run)
    assert is_own(run)
    monkeypatch.chdir(tmp_path)
    assert is_own(Path("run"))


def test_a_copied_run_is_not_own(tmp_path, run):
    record_own(run)
    assert not is_own(Path(shutil.copytree(run, tmp_path / "copy")))


def test_a_run_whose_config_was_changed_or_is_gone_is_not_own(run):
    record_own(run)
    (run / "config.json").write_text('{"format": 1, "corpus": "/etc/passwd"}')
    assert not is_own(run)
    (run / "config.json").unlink()
    assert not is_own(run)


def test_the_record_is_for_its_user_alone(run, state):
    record_own(run)
    (record,) = (state / "charlstm" / "runs").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    record.chmod(0o666)
    assert not is_own(run)


def test_a_record_that_is_no_file_or_no_record_makes_nothing_own(run, state):
    record_own(run)
    (record,) = (state / "charlstm" / "runs").iterdir()
    for content in (b"", b"[]", b"[" * 60_000, b"\xff"):
        record.write_bytes(content)
        assert not is_own(run)
    record.unlink()
    os.mkfifo(record)
    assert not is_own(run)


def test_the_folder_of_records_is_in_the_home_where_none_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for state in (None, "relative"):
        monkeypatch.delenv("XDG_STATE_HOME") if state is None else monkeypatch.setenv("XDG_STATE_HOME", state)
        record_own(run)
        assert is_own(run)
        shutil.rmtree(tmp_path / "home" / ".local" / "state" / "charlstm" / "runs")
        assert not is_own(run)


def test_without_a_home_nothing_is_recorded_and_nothing_is_own(run, tmp_path, monkeypatch):
    for name in ("XDG_STATE_HOME", "HOME", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    record_own(run)
    assert not is_own(run)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_state_folder_that_cannot_be_written_is_no_error(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    record_own(run)
    assert not is_own(run)
