"""The shape of the package: a test file for every module, and the heavy libraries come late.

The direction of imports is checked by import-linter: see [tool.importlinter] in pyproject.toml.
"""

import ast
import subprocess
import sys
from pathlib import Path

import charlstm

PACKAGE = Path(charlstm.__file__).parent


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def test_only_the_terminal_prints():
    for name, path in modules().items():
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        prints = any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
        assert not prints or name.startswith("charlstm.commands.terminal."), name


def loaded_by(code: str) -> set[str]:
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_one_text_is_drawn_without_torch():
    assert "torch" not in loaded_by("import charlstm.commands.app, charlstm.tasks.sample")


def test_the_package_and_the_command_line_load_no_heavy_library():
    loaded = loaded_by("import charlstm, charlstm.commands.app")
    assert not loaded & {"torch", "datasets", "numpy", "pandas", "pyarrow", "jinja2"}
