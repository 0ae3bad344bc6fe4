"""The files of a figure: one drawing is always the same SVG, in few characters."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from charlstm.errors import UsageError
from charlstm.report.figure_files import Drawing, in_short, write_drawings

WAVE = Drawing("wave", (3, 2), lambda figure: figure.subplots().plot([0, 1 / 3, 2 / 3], [0, 1 / 7, 3]))


def test_the_same_drawing_is_the_same_svg(tmp_path: Path):
    once, again = (write_drawings([WAVE], tmp_path / name) for name in ("once", "again"))
    assert [path.name for path in once] == ["wave.png", "wave.svg"]
    assert once[1].read_bytes() == again[1].read_bytes()


def test_an_svg_has_short_paths_and_is_still_one(tmp_path: Path):
    svg = write_drawings([WAVE], tmp_path)[1]
    paths = [path.get("d") or "" for path in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}path")]
    assert paths
    assert not [path for path in paths if re.search(r"\.\d{3}|\s[A-Za-z]|\n", path)]


def test_coordinates_alone_become_shorter():
    long = '<g>\n   <path d="M 1.234567 -0.100000 \nL 10.000000 20.5 \nz\n" style="a: 1.234567"/>\n</g>'
    short = '<g>\n<path d="M1.23 -0.1L10 20.5z" style="a: 1.234567"/>\n</g>'
    assert in_short(long) == short
    text = '<text x="1.239999" transform="rotate(-0 1 2)">0.123456</text>'
    assert in_short(text) == '<text x="1.24">0.123456</text>'


def test_a_folder_that_cannot_be_made_is_a_usage_problem(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        write_drawings([WAVE], tmp_path / "file")
