"""The files below a folder and those that a glob matches: what Python's glob finds, each file once."""

import glob
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charlstm.errors import CorpusError
from charlstm.text import listing
from charlstm.text.listing import files_below, files_matching


def everything(path: Path) -> bool:
    return True


def names(paths: list[Path]) -> list[str]:
    return [path.as_posix() for path in paths]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of folders, hidden ones among them, without links."""
    folder = tmp_path_factory.mktemp("tree")
    for path in (
        "a.txt",
        "b.md",
        ".hidden",
        "x/a.txt",
        "x/y/a.txt",
        "x/y/[b].txt",
        "x/.h/a.txt",
        ".h/x/a.txt",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    (folder / "empty").mkdir()
    return folder


PARTS = st.sampled_from(
    ["*", "**", "?", "x", "y", "a.*", "*.txt", ".*", ".h", "[xy]", "[[]b].txt", "..", ".", "z"]
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    # No ** above the tree, where Python's own glob would read whatever lies beside it.
    st.lists(PARTS, min_size=1, max_size=4).filter(lambda parts: not {"..", "**"} <= set(parts)),
    st.sampled_from(["", "/", "//"]),
)
def test_a_glob_finds_the_files_that_pythons_glob_finds(tree, parts, end):
    before = os.getcwd()
    os.chdir(tree)
    try:
        pattern = "/".join(parts) + end
        expected = {
            os.path.realpath(path) for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)
        }
        try:
            found = files_matching(pattern, everything)
        except CorpusError:
            found = []
        assert {os.path.realpath(path) for path in found} == expected
        assert len(found) == len(expected)
    finally:
        os.chdir(before)


def test_a_glob_may_begin_at_the_root(tree):
    assert files_matching(f"{tree}/**/*.md", everything) == [tree / "b.md"]


def test_two_loops_of_links_end_and_add_nothing(here):
    (here / "a").mkdir()
    (here / "b").mkdir()
    (here / "a" / "one.txt").write_text("1")
    (here / "b" / "two.txt").write_text("2")
    for place, target in {
        "a/to_b": "../b",
        "b/to_a": "../a",
        "loop": ".",
        "a/up": "../..",
        "a/self": ".",
    }.items():
        (here / place).symlink_to(target)
    assert names(files_matching("**/*.txt", everything)) == ["a/one.txt", "b/two.txt"]
    assert names(files_matching("**/**/**", everything)) == ["a/one.txt", "b/two.txt"]
    assert names(files_below(Path(), everything)) == ["a/one.txt", "b/two.txt"]


def test_a_glob_goes_down_through_a_link_to_a_folder_elsewhere(here, tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "a.txt").write_text("text")
    (here / "link").symlink_to(tmp_path / "elsewhere")
    (here / "again").symlink_to(tmp_path / "elsewhere" / "deep")
    assert len(files_matching("**/*.txt", everything)) == 1


def test_a_file_is_listed_once_under_its_own_name_where_links_lead_to_it(here):
    (here / "m.txt").write_text("text")
    (here / "a.txt").symlink_to("m.txt")
    os.link(here / "m.txt", here / "z.txt")
    (here / "broken.txt").symlink_to("nowhere")
    for found in (files_below(here, everything), files_matching(f"{here}/*", everything)):
        assert len(found) == 1
        assert not found[0].is_symlink()


def test_what_is_no_regular_file_is_not_listed(here):
    os.mkfifo(here / "pipe")
    (here / "device").symlink_to("/dev/zero")
    (here / "a.txt").write_text("text")
    assert names(files_below(Path(), everything)) == ["a.txt"]
    assert names(files_matching("*", everything)) == ["a.txt"]


def test_files_and_folders_that_are_not_kept_are_skipped(tree):
    found = files_below(tree, lambda path: path.name != "y" and not path.name.startswith("."))
    assert names([path.relative_to(tree) for path in found]) == ["a.txt", "b.md", "x/a.txt"]
    assert files_matching(f"{tree}/*", lambda path: path.suffix == ".md") == [tree / "b.md"]


def test_more_files_than_any_text_has_are_refused(tree, monkeypatch):
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    for find in (lambda: files_below(tree, everything), lambda: files_matching(f"{tree}/**", everything)):
        with pytest.raises(CorpusError, match="has more than 3 files"):
            find()


def test_a_folder_in_the_way_of_a_glob_that_may_not_be_listed_has_no_files(tree, monkeypatch):
    plain = os.listdir

    def refused(folder):
        if str(folder).endswith("x"):
            raise PermissionError(13, "Permission denied", folder)
        return plain(folder)

    monkeypatch.setattr(os, "listdir", refused)
    found = files_matching(f"{tree}/**/*.txt", everything)
    assert names([path.relative_to(tree) for path in found]) == ["a.txt"]
