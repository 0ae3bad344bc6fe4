"""A built wheel holds the templates, styles and scripts of the report page, and draws the page from them."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from full_fixture import full_findings

from charlstm.report.render import STYLES, render

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from this tree, and return a folder with its contents."""
    folder = tmp_path_factory.mktemp("wheel")
    # The wheel is built from a copy, since setuptools also packs what an earlier build left in the tree.
    tree = folder / "tree"
    shutil.copytree(ROOT / "charlstm", tree / "charlstm", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(tree)], check=True, capture_output=True)
    (wheel,) = folder.glob("charlstm-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_holds_every_template_style_and_script(unpacked: Path):
    report = unpacked / "charlstm" / "report"
    source = ROOT / "charlstm" / "report"
    for pattern in ("templates/*.html", "styles/*.css", "scripts/**/*.js"):
        assert {path.relative_to(report) for path in report.glob(pattern)} == {
            path.relative_to(source) for path in source.glob(pattern)
        }
    assert {f"{name}.css" for name in STYLES} <= {path.name for path in (report / "styles").iterdir()}


def test_the_wheel_holds_no_figure_and_no_readme_of_a_folder(unpacked: Path):
    package = unpacked / "charlstm"
    assert not [path for path in package.rglob("*") if path.suffix in (".svg", ".md")]


def test_the_installed_wheel_draws_the_same_page(unpacked: Path, tmp_path: Path):
    (tmp_path / "findings.json").write_text(json.dumps(full_findings()))
    code = (
        "import json, sys; from pathlib import Path; from charlstm.report.render import render; "
        "import charlstm; assert charlstm.__file__.startswith(sys.argv[1]), charlstm.__file__; "
        "Path('page.html').write_text(render(json.loads(Path('findings.json').read_text())))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(unpacked)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
        check=True,
    )
    assert (tmp_path / "page.html").read_text() == render(full_findings())
