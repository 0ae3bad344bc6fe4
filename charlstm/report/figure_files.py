"""What is drawn -> the files of a figure, PNG and SVG.

matplotlib is an extra of the package and is imported late, since nothing else needs it.
"""

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: Any = {
    "font.size": 8,
    # Every text of an SVG names the whole list, which is long by default.
    "font.sans-serif": ["DejaVu Sans", "Arial"],
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    # Names inside an SVG are drawn by lot without it.
    "svg.hashsalt": "charlstm",
    # A dollar sign of the text begins no formula.
    "text.parse_math": False,
}
_DOTS_PER_INCH = 200


@dataclass(frozen=True)
class Drawing:
    """A figure to be made.

    `name` is the file name of its PNG and SVG, without suffix; `inches` is its (width, height); `draw` fills
    it.
    """

    name: str
    inches: tuple[float, float]
    draw: Callable[["Figure"], None]


def write_drawings(wanted: Iterable[Drawing], folder: Path) -> list[Path]:
    """Make the figures that are wanted in folder, each as .png and .svg, and return the paths of the files.

    Raises UsageError when matplotlib is missing or the folder cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        advice = "install it with `pip install 'charlstm[figures]'`"
        raise UsageError("figures need matplotlib", advice) from error
    written = []
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box: a warning would say no more than that.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        for drawing in wanted:
            figure = Figure(figsize=drawing.inches, layout="constrained")
            drawing.draw(figure)
            written += save(figure, folder / drawing.name)
    return written


def save(figure: "Figure", stem: Path) -> list[Path]:
    """Write a figure as stem.png and stem.svg, and return both paths.

    Raises UsageError when they cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg")]
    try:
        for path in paths:
            # An SVG without a date is the same file whenever the same findings are drawn.
            dated = {"Date": None} if path.suffix == ".svg" else None
            with whole_file(path) as partial:
                figure.savefig(partial, format=path.suffix[1:], dpi=_DOTS_PER_INCH, metadata=dated)
                if path.suffix == ".svg":
                    partial.write_text(in_short(partial.read_text(encoding="utf-8")), encoding="utf-8")
    except OSError as error:
        advice = "choose a folder for the figures that may be written"
        raise cannot_be_written(UsageError, stem, error, advice) from error
    return paths


def in_short(svg: str) -> str:
    """Return svg in fewer characters: coordinates in hundredths of a point, and no needless space.

    matplotlib writes six decimals and a line for each point; no screen shows a difference.
    """

    def rounded(coordinates: re.Match[str]) -> str:
        return re.sub(
            r"\d+\.\d+",
            lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."),
            coordinates[0],
        )

    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r'(?<= [dxy]=")[^"]*', rounded, svg)
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", path[0]), svg)
    return re.sub(r"\n +<", "\n<", svg)
