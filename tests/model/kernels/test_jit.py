"""Compiled loops are kept on disk where possible, and forgotten when a file of their folder changes."""

import os

from charlstm.model.kernels.jit import compiled, delete_outdated


def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same():
    namespace: dict = {}
    exec("def double(x):\n    return 2 * x", namespace)  # it has no file, so there is no folder beside it
    assert compiled(namespace["double"])(21) == 42


def test_only_what_is_older_than_the_newest_python_file_is_deleted(tmp_path):
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for path, modified in (
        (tmp_path / "first.py", 100),
        (tmp_path / "second.py", 200),
        (tmp_path / "notes.txt", 900),
        (cache / "before_both.nbi", 50),
        (cache / "between.nbi", 150),
        (cache / "after_both.nbi", 250),
        (cache / "other.pyc", 50),
    ):
        path.touch()
        os.utime(path, (modified, modified))
    delete_outdated(tmp_path)
    assert sorted(path.name for path in cache.iterdir()) == ["after_both.nbi", "other.pyc"]


def test_an_index_that_another_process_deletes_first_is_no_problem(tmp_path, monkeypatch):
    (tmp_path / "loops.py").touch()
    index = tmp_path / "__pycache__" / "loop.nbi"
    index.parent.mkdir()
    index.touch()
    os.utime(index, (0, 0))

    def gone(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(type(index), "unlink", gone)
    delete_outdated(tmp_path)
