"""The shape of the package: imports run one way, and the heavy libraries come late."""

import ast
import subprocess
import sys
from pathlib import Path

import charlstm

PACKAGE = Path(charlstm.__file__).parent

# Each may import those before it. The order of charlstm/ as the design has it.
ORDER = [
    "errors", "launch", "files", "config", "compiled", "products", "team", "stream", "vocabulary",
    "writing", "tokens", "grammar", "sources", "corpus", "cell", "threads", "recurrence", "parallel",
    "model", "evaluation", "dynamic", "optimizers", "trainer", "training", "tensorfile", "checkpoint",
    "runfolder", "stepper", "sampling", "foreign", "inspection", "samples", "live", "report", "devices",
    "suggestions", "runs", "pipeline", "inspections", "imports", "interrupts", "console", "narration",
    "exits", "options", "train_command", "cli", "__main__",
]  # fmt: skip


def stage(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> set[str]:
    """The charlstm modules that a file names, those inside functions and type checks too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "charlstm":
            found |= {
                f"{node.module}.{alias.name}" if node.module == "charlstm" else node.module
                for alias in node.names
                if alias.name != "__version__"
            }
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "charlstm"}
    return found


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def test_every_module_has_its_place():
    assert {stage(name) for name in modules()} - {"__init__"} <= set(ORDER)


def test_imports_run_one_way():
    for name, path in modules().items():
        if stage(name) == "__init__":
            continue
        for imported in imports_of(path):
            if stage(imported) != stage(name):
                assert ORDER.index(stage(imported)) < ORDER.index(stage(name)), f"{name} imports {imported}"


def test_the_report_never_sees_torch():
    for path in (PACKAGE / "report").glob("*.py"):
        assert "torch" not in path.read_text(encoding="utf-8").replace("PyTorch", ""), path


def test_only_console_and_cli_print():
    for name, path in modules().items():
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        prints = any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
        assert not prints or stage(name) in ("console", "cli"), name


def loaded_by(code: str) -> set[str]:
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_one_text_is_drawn_without_torch():
    assert "torch" not in loaded_by("import charlstm.cli, charlstm.samples, charlstm.exits")


def test_the_package_and_the_command_line_load_no_heavy_library():
    loaded = loaded_by("import charlstm, charlstm.cli")
    assert not loaded & {"torch", "datasets", "numpy", "pandas", "pyarrow", "jinja2"}
