"""Compiled loops on disk that are cut, damaged, planted, or that a full disk has no room for.

Each test compiles a function of one line in a module of its own, again and again as new processes would do.
"""

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from charlstm.model.kernels import jit

MODULE = """
from charlstm.model.kernels.jit import compiled


def double(x):
    return 2 * x


def use():
    loop = compiled(double)
    assert loop(21) == 42
    return "found" if loop.stats.cache_hits else "compiled"


if __name__ == "__main__":
    print(use())
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module, in a home of its own."""
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "module").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "module" / "loops.py").write_text(MODULE)
    return tmp_path / "module"


@pytest.fixture
def use(module: Path) -> Callable[[], str]:
    """Call the function as a process does that is new, and return whether it was found compiled."""
    description = importlib.util.spec_from_file_location("loops", module / "loops.py")
    assert description is not None
    assert description.loader is not None
    loops = importlib.util.module_from_spec(description)
    description.loader.exec_module(loops)

    def use_anew() -> str:
        jit.kept_folder.cache_clear()
        return loops.use()

    return use_anew


def kept(module: Path) -> list[Path]:
    """Return the files of compiled loops beside the module: first the data, then the index."""
    return sorted((module / "__pycache__").glob("loops.double*"))


def test_damaged_files_are_compiled_again(module, use):
    """Each kind of damage, to each kind of file, is met by one process, and gone for the next."""
    assert [use(), use()] == ["compiled", "found"]
    whole = [path.read_bytes() for path in kept(module)]
    assert len(whole) == 2
    middle = len(whole[0]) // 2
    flipped = whole[0][:middle] + bytes([whole[0][middle] ^ 1]) + whole[0][middle + 1 :]
    damages = [(0, b""), (0, flipped), (0, whole[0][:-9]), (1, b""), (1, bytes(999)), (1, whole[1][:-9])]
    for number, content in damages:
        kept(module)[number].write_bytes(content)
        assert [use(), use()] == ["compiled", "found"], (number, content[:9])
    kept(module)[0].unlink()
    assert [use(), use()] == ["compiled", "found"]


def test_a_planted_pickle_is_not_read_where_others_can_write(module, use):
    """An index that would make a file when it is unpickled, beside a module whose cache is open to all."""
    use()
    _, index = kept(module)
    bomb = f"cposix\nsystem\n(S'touch {module / 'owned'}'\ntR.".encode()
    pickle.loads(bomb)
    assert (module / "owned").exists(), "the pickle does something where it is read"
    (module / "owned").unlink()
    index.write_bytes(bomb)
    (module / "__pycache__").chmod(0o777)
    assert [use(), use()] == ["compiled", "found"]
    assert not (module / "owned").exists()
    assert list((module.parent / "home" / ".cache" / "charlstm").glob("*/loops.double*"))


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_nothing_falls_into_the_working_folder(module, use, monkeypatch, home):
    (module / "__pycache__").mkdir(exist_ok=True)
    (module / "__pycache__").chmod(0o777)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    monkeypatch.chdir(module.parent)
    before = sorted(path.name for path in module.parent.iterdir())
    assert [use(), use()] == ["compiled", "compiled"]
    assert sorted(path.name for path in module.parent.iterdir()) == before
    assert not kept(module)


def test_a_full_disk_is_no_error(module):
    """A limit on the size of files stands for a full disk."""
    command = f"ulimit -f 1; exec '{sys.executable}' '{module / 'loops.py'}'"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("compiled\n", "", 0)
