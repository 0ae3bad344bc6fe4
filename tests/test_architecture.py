"""The shape of the repository: what a folder holds, which module prints, and what an import loads.

import-linter checks the direction of imports in `make check`, by the contracts in pyproject.toml. One test
here shows that these contracts refuse a wrong import.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "charlstm"
MOST_MODULES_IN_A_FOLDER = 12
README_BYTES = 7_500
# It makes whole command lines.
COMMAND_LINES = PACKAGE / "tasks" / "next_commands.py"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LAYERS_CONTRACT = "the package: each layer may import those below it"
# These two are what a user imports from; every other folder's __init__ only says what is in the folder.
FOLDERS_WITH_PUBLIC_NAMES = {PACKAGE, PACKAGE / "foreign"}


def modules() -> list[Path]:
    """Return the path of every module of the package but __init__.py and __main__.py."""
    return sorted(path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))


def test_every_module_has_a_test_file_at_the_mirrored_path():
    tests = {
        module: ROOT / "tests" / module.relative_to(PACKAGE).with_name(f"test_{module.name}")
        for module in modules()
    }
    missing = [str(test.relative_to(ROOT)) for test in tests.values() if not test.exists()]
    assert not missing, f"{len(missing)} modules lack their test file:\n" + "\n".join(missing)


def test_no_folder_has_more_than_a_dozen_modules():
    counts = Counter(path.parent.relative_to(ROOT) for path in modules())
    crowded = {str(folder): count for folder, count in counts.items() if count > MOST_MODULES_IN_A_FOLDER}
    assert not crowded, f"split these folders: {crowded}"


def holds_only_a_docstring(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return bool(ast.get_docstring(tree)) and len(tree.body) == 1


def test_the_init_file_of_an_inner_folder_holds_only_a_docstring():
    wrong = [
        str(path.relative_to(ROOT))
        for path in sorted(PACKAGE.rglob("__init__.py"))
        if path.parent not in FOLDERS_WITH_PUBLIC_NAMES and not holds_only_a_docstring(path)
    ]
    assert not wrong, f"these lack a docstring or hold more than one: {wrong}"


def test_the_readme_is_short():
    size = (ROOT / "README.md").stat().st_size
    assert size < README_BYTES, f"README.md has {size:,} bytes; move details beside what they explain"


def test_only_the_terminal_folder_calls_print():
    terminal = PACKAGE / "commands" / "terminal"
    for path in sorted(PACKAGE.rglob("*.py")):
        if terminal in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            prints = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            )
            assert not prints, f"{path}:{node.lineno} prints"


def strings_with_options(path: Path) -> list[str]:
    """Return the strings of a module that name an option outside a quoted command, docstrings aside.

    The pieces of an f-string count as one string.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    pieces = {
        id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values
    }
    docstrings = {
        ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(getattr(piece, "value", "")) for piece in node.values if is_text(piece))
        elif is_text(node) and id(node) not in pieces:
            text = node.value
        else:
            continue
        if text not in docstrings and re.search(r"(^|[ (`])--[a-z]", re.sub(r"`?charlstm [^`]*", "", text)):
            found.append(text)
    return found


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_the_commands_name_options():
    found = {
        str(path.relative_to(ROOT)): named
        for path in modules()
        if not {PACKAGE / "commands", COMMAND_LINES} & {path, *path.parents}
        and (named := strings_with_options(path))
    }
    assert not found, (
        f"name the parameter in backticks, as `window`; the commands make options of it: {found}"
    )


def modules_loaded_by(code: str) -> set[str]:
    """Run code in a new Python process and return the names of all modules that are loaded at its end."""
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_drawing_one_text_and_showing_a_list_do_not_import_torch():
    assert "torch" not in modules_loaded_by(
        "import charlstm.commands.app, charlstm.tasks.sample, charlstm.commands.terminal.tables\n"
        "import charlstm.report.findings_table"
    )


def test_importing_the_package_and_the_command_line_loads_no_heavy_library():
    loaded = modules_loaded_by("import charlstm, charlstm.commands.app")
    assert not loaded & {"torch", "datasets", "numpy", "pandas", "pyarrow", "jinja2"}


def test_import_linter_refuses_an_import_against_the_direction(tmp_path: Path):
    ignored = shutil.ignore_patterns("__pycache__")
    copy = Path(shutil.copytree(PACKAGE, tmp_path / "charlstm", ignore=ignored))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (copy / "text" / "vocabulary.py").open("a", encoding="utf-8") as file:
        file.write("from charlstm.tasks import score\n")

    # lint-imports looks for the package and for pyproject.toml in the folder where it runs.
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert f"{LAYERS_CONTRACT} BROKEN" in done.stdout
    assert "charlstm.text.vocabulary -> charlstm.tasks.score" in done.stdout
