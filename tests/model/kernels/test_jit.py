"""Compiled loops are kept where this user alone can write, and made anew when a file of their folder changes.

What damage does to them is in faults/test_compiled_cache.py.
"""

import importlib
from pathlib import Path

import pytest

from charlstm.model.kernels import jit


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    jit.kept_folder.cache_clear()
    jit.source_stamp.cache_clear()
    yield
    jit.kept_folder.cache_clear()
    jit.source_stamp.cache_clear()


def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same():
    namespace: dict = {}
    exec("def double(x):\n    return 2 * x", namespace)  # it has no file, so there is no folder beside it
    assert jit.compiled(namespace["double"])(21) == 42


def test_compiling_is_logged_once_and_loading_not(tmp_path, caplog, monkeypatch):
    text = "def double(x):\n    return 2 * x\ndef triple(x):\n    return 3 * x\n"
    (tmp_path / "loops_to_log.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)  # numba imports a loop's module when it loads the loop
    module = importlib.import_module("loops_to_log")
    caplog.set_level("INFO", "charlstm")
    for _ in ("compiled", "loaded"):
        jit._tell_of_compiling.cache_clear()
        assert jit.compiled(module.double)(21) == 42
        assert jit.compiled(module.triple)(14) == 42
        assert [record.message[:15] for record in caplog.records] == ["compiling loops"]


def test_loops_are_kept_beside_their_files(tmp_path):
    assert jit.kept_folder(tmp_path) == tmp_path / "__pycache__"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__").chmod(mode)
    folder = jit.kept_folder(tmp_path)
    assert folder is not None
    assert folder.parent == tmp_path / "caches" / "charlstm"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_a_loop_that_others_can_write_or_made_is_not_used(tmp_path):
    loop = tmp_path / "loop.nbi"
    loop.touch()
    loop.chmod(0o644)
    assert jit.is_private(tmp_path)
    loop.chmod(0o666)
    assert not jit.is_private(tmp_path)
    loop.unlink()
    loop.symlink_to("/dev/null")
    assert not jit.is_private(tmp_path)


def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not jit.is_private(tmp_path)


def test_a_link_to_a_private_folder_is_not_used(tmp_path):
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "private")
    assert jit.is_private(tmp_path / "private")
    assert not jit.is_private(tmp_path / "link")


@pytest.mark.parametrize("caches", ["", "here", "."])
def test_without_a_home_nothing_is_kept(tmp_path, monkeypatch, caches):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", caches)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "__pycache__").write_text("a file, so that no folder can be made there")
    assert jit.kept_folder(tmp_path / "source") is None
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_folder_that_the_user_names_comes_first_where_it_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    folder = jit.kept_folder(tmp_path / "source")
    assert folder is not None
    assert folder.parent == tmp_path / "named"


@pytest.mark.parametrize("change", [lambda path: path.write_text("2"), Path.unlink])
def test_a_change_in_any_file_of_a_folder_puts_all_its_loops_out_of_date(tmp_path, change):
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text("1")
    before = jit.source_stamp(tmp_path)
    change(tmp_path / "second.py")
    jit.source_stamp.cache_clear()
    assert jit.source_stamp(tmp_path) != before
