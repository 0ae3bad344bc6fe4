"""Change single operators and numbers of detection and intervention, and say which changes no test notices.

    python tests/faults/mutants.py [MODULE ...] [--sample N] [--folder]

MODULE is a path like charlstm/inspection/estimates.py; without one all modules of detection and intervention
are changed. Each change (a mutant) is made in a copy of the repository. The mirrored test of its module is
run and, where that one passes, the test of the rules' numbers, with --folder also all tests of the folder. At
most N mutants of each module are tried, spread evenly over them. The package cosmic-ray makes the changes. A
survivor is printed as the difference that no test noticed: look at it, some change nothing that matters.
"""

import argparse
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("charlstm/inspection/detecting", "charlstm/inspection/intervening")
OTHER_MODULES = ("charlstm/inspection/estimates.py",)
RULES = Path("tests/inspection/test_rules.py")
TIMEOUT_SECONDS = 300
# The operator | in a type is no computation, and the arguments of @dataclass only forbid what nobody does.
_IN_TYPES, _DECORATOR = "%BitOr%", "@dataclass"


def modules() -> Iterator[str]:
    """Yield the paths of all modules that are changed, from the repository's top."""
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if path.name != "__init__.py":
                yield str(path.relative_to(REPOSITORY))
    yield from OTHER_MODULES


def mirrored_test(module: str) -> Path:
    """Return the path of the test of a module, from the repository's top."""
    path = Path(module)
    return Path("tests", *path.parent.parts[1:], f"test_{path.name}")


def survivors(copy: Path, module: str, sample: int, whole_folder: bool) -> tuple[int, list[str]]:
    """Return how many mutants of module were tried in a copy of the repository, and those that survived."""
    test = mirrored_test(module)
    tests = [test, RULES, test.parent] if whole_folder else [test, RULES]
    command = " && ".join(
        f"{shlex.quote(sys.executable)} -m pytest -x -q -p no:cacheprovider {one}" for one in tests
    )
    settings = (
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {TIMEOUT_SECONDS}\nexcluded-modules = []\n'
        f"test-command = {('sh -c ' + shlex.quote(command))!r}\n\n"
        '[cosmic-ray.distributor]\nname = "local"\n'
    )
    (copy / "mutants.toml").write_text(settings)
    session = copy / "mutants.sqlite"
    session.unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    for step in ("init", "exec"):
        done = ["cosmic-ray", step, "mutants.toml", session.name]
        subprocess.run([sys.executable, "-m", *_as_module(done)], cwd=copy, env=environment, check=True)
        if step == "init":
            _thin(session, sample, (copy / module).read_text().splitlines())
    with sqlite3.connect(session) as database:
        rows = database.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    return len(rows), [diff for outcome, diff in rows if "SURVIVED" in str(outcome)]


def _as_module(command: list[str]) -> list[str]:
    """Return the arguments by which Python runs the program cosmic-ray."""
    return ["cosmic_ray.cli", *command[1:]]


def _thin(session: Path, sample: int, lines: list[str]) -> None:
    """Keep at most `sample` mutants of a session, spread evenly; lines are those of the module."""
    with sqlite3.connect(session) as database:
        query = (
            "SELECT job_id, start_pos_row FROM mutation_specs WHERE operator_name NOT LIKE ? "
            "ORDER BY start_pos_row, job_id"
        )
        jobs = [
            job
            for job, row in database.execute(query, (_IN_TYPES,))
            if not lines[row - 1].startswith(_DECORATOR)
        ]
        kept = (
            {jobs[len(jobs) * place // sample] for place in range(sample)}
            if len(jobs) > sample
            else set(jobs)
        )
        for (job,) in database.execute("SELECT job_id FROM work_items").fetchall():
            if job not in kept:
                database.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                database.execute("DELETE FROM work_items WHERE job_id = ?", (job,))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a module's path [all]")
    parser.add_argument(
        "--sample", type=int, default=40, metavar="N", help="mutants of a module [%(default)s]"
    )
    parser.add_argument("--folder", action="store_true", help="run all tests of the folder for survivors")
    options = parser.parse_args()
    total = killed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(copy)], check=True)
        for module in options.modules or modules():
            tried, survived = survivors(copy, module, options.sample, options.folder)
            total, killed = total + tried, killed + tried - len(survived)
            print(f"{module}: {tried - len(survived)} of {tried} killed", flush=True)
            for difference in survived:
                print(difference, flush=True)
    print(f"{killed} of {total} killed: {killed / max(1, total):.0%}")


if __name__ == "__main__":
    main()
