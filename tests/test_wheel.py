"""A built wheel holds what the report page is drawn from, and says on a package index what charlstm is."""

import email
import json
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from full_fixture import full_findings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from charlstm.report.render import STYLES, render

ROOT = Path(__file__).parents[1]


def built_from(tree: Path) -> None:
    """Copy what a wheel is built from to a folder."""
    shutil.copytree(ROOT / "charlstm", tree / "charlstm", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from this tree, and return a folder with its contents."""
    folder = tmp_path_factory.mktemp("wheel")
    # The wheel is built from a copy, so that nothing but the files of the package can come into it.
    tree = folder / "tree"
    built_from(tree)
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


def metadata_of(folder: Path) -> Message:
    """Return the metadata in a folder which holds those of one package."""
    (place,) = folder.glob("*.dist-info/METADATA")
    return email.message_from_bytes(place.read_bytes())


def description(metadata: Message) -> str:
    """Return the description that a package index shows."""
    body = metadata.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


def addresses(markdown: str) -> list[str]:
    """Return where every link and image of a Markdown text leads."""

    def leading(tokens: list[Token]) -> list[str]:
        found = [str(one.attrs[name]) for one in tokens for name in ("href", "src") if name in one.attrs]
        return found + [place for token in tokens for place in leading(token.children or [])]

    return leading(MarkdownIt().enable("table").parse(markdown))


def test_an_index_learns_what_the_package_is(unpacked: Path):
    metadata = metadata_of(unpacked)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "LSTM" in metadata["Keywords"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_description_has_the_words_of_the_readme_and_none_of_its_paths(unpacked: Path):
    read = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = description(metadata_of(unpacked))
    assert any(not place.startswith("https://") for place in addresses(read)), "README.md has no path"
    assert all(place.startswith("https://") for place in addresses(shown))
    assert "see CITATION.cff" in shown
    assert "![" not in shown
    assert shown.count("\n## ") == read.count("\n## ")


def test_the_wheel_holds_nothing_but_the_package(unpacked: Path):
    (record,) = unpacked.glob("*.dist-info/RECORD")
    names = [line.split(",")[0] for line in record.read_text().splitlines()]
    packed = {Path(name).suffix for name in names if name.startswith("charlstm/")}
    assert packed == {".py", ".html", ".css", ".js", ".typed"}
