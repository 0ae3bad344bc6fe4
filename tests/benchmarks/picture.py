"""Draw a text in the colours of a cell, and beside it in those of the network before training, as an SVG.

    python tests/benchmarks/picture.py RUN LAYER:CELL --text FILE --from "Some words" [--lines 9] --out FILE

Orange is on and blue is off, as in the report page. Both networks read the text from 2,000 characters before
the first line that is shown. The untrained network shows, of all its cells, the one that follows quotes best
on the shown text.
"""

import argparse
from dataclasses import replace
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import charlstm
from charlstm.inspection.twins import untrained_twin
from charlstm.session.trace import trace

Numbers = NDArray[np.floating[Any]]

WARM_UP = 2000
COLUMN, LINE, MARGIN, HEAD = 7.25, 20, 14, 34
OFF, MIDDLE, ON = (
    np.array(colour) for colour in ((0x65, 0xA7, 0xFA), (0xF8, 0xF8, 0xF8), (0xE0, 0x90, 0x36))
)
TEXT_STYLE = "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px"


def inside_quotes(text: str) -> Numbers:
    """Return 1 inside double quotes and 0 outside, counted from the last blank line, (characters,)."""
    marks, inside, last = [], 0, ""
    for character in text:
        inside = 0 if character == "\n" == last else inside ^ (character == '"')
        marks.append(inside)
        last = character
    return np.array(marks, float)


def colour(level: float) -> str:
    """Return the colour of a cell at level, in [-1, 1] and rounded to sixteenths, as #rrggbb."""
    level = round(16 * level) / 16
    mixed = MIDDLE + abs(level) * ((ON if level > 0 else OFF) - MIDDLE)
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def panel(lines: list[tuple[str, Numbers]], title: str, left: float) -> str:
    """Return one panel: a title, and lines with the level of the cell after each of their characters."""
    parts = [f'<text x="{left}" y="22" style="font-family:sans-serif;font-size:14px">{escape(title)}</text>']
    for number, (line, levels) in enumerate(lines):
        top = HEAD + number * LINE
        place = 0
        for fill, same in groupby(map(colour, levels)):
            count = len(list(same))
            box = f'x="{left + place * COLUMN:.2f}" y="{top}" width="{count * COLUMN:.2f}" height="{LINE}"'
            parts.append(f'<rect {box} fill="{fill}"/>')
            place += count
        at = f'x="{left}" y="{top + 14}" textLength="{len(line) * COLUMN:.1f}"'
        parts.append(f'<text xml:space="preserve" {at} style="{TEXT_STYLE}">{escape(line)}</text>')
    return "".join(parts)


def in_lines(shown: list[str], truth: Numbers, states: Numbers) -> list[tuple[str, Numbers]]:
    """Return the lines with tanh(c) of their characters, turned so that a cell is high where truth is."""
    sign = np.sign(np.corrcoef(truth, states)[0, 1])
    ends = np.cumsum([len(line) + 1 for line in shown])
    return [
        (line, sign * np.tanh(states[end - len(line) - 1 : end - 1]))
        for line, end in zip(shown, ends, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("cell")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument(
        "--from", dest="beginning", required=True, help="words that the first line begins with"
    )
    parser.add_argument("--lines", type=int, default=9)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    whole = options.text.read_text(encoding="utf-8")
    start = whole.index(options.beginning)
    shown = whole[start:].split("\n", options.lines)[: options.lines]
    text = whole[start - WARM_UP : start] + "\n".join(shown)
    run = charlstm.load(options.run)
    twin = replace(run, model=untrained_twin(run.model, torch.Generator().manual_seed(0)))
    layer, number = map(int, options.cell.split(":"))
    truth = inside_quotes(text)[WARM_UP:]
    trained, untrained = (trace(network, text).c[WARM_UP:, layer] for network in (run, twin))
    best = int(np.abs([np.corrcoef(truth, states)[0, 1] for states in untrained.T]).argmax())
    cells = run.model.config.cells
    panels = [
        (in_lines(shown, truth, trained[:, number]), f"trained: cell {number} of {cells}"),
        (in_lines(shown, truth, untrained[:, best]), f"before training: cell {best}, the best of {cells}"),
    ]
    wide = COLUMN * max(map(len, shown)) + 2 * MARGIN
    height = HEAD + LINE * len(shown) + MARGIN
    drawn = "".join(panel(lines, title, MARGIN + k * wide) for k, (lines, title) in enumerate(panels))
    options.out.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges" '
        f'viewBox="0 0 {2 * wide:.0f} {height}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{drawn}</svg>\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
