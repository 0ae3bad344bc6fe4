"""The figure of a training: the loss, and when cells of each kind follow their features, open and are needed.

Several trainings can be drawn into one figure. Thin lines are single cells, thick ones the medians of a kind.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from charlstm.report.page.rows import cell_name
from charlstm.report.words.network.appearances import KINDS_IN_TABLES, appearances
from charlstm.report.words.values import finite

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The colour and the line of each kind in a table; they are told apart without colour as well.
_LINES = {
    "switches": ("#cf7a1c", "-"),
    "graded cells": ("#8a8f98", "--"),
    "counters": ("#3f82e0", "-."),
    "depth counters": ("#1c1e22", ":"),
}
_SOFT = "#8a8f98"
_ROWS, _COLUMNS = 2, 3
INCHES = (7.2, 4.4)

Json = Mapping[str, Any]
Series = list[float | None]
# What is drawn of a cell over time.
Reader = Callable[[Json], Series]


@dataclass(frozen=True)
class _Cell:
    """A cell over time: the steps of its training, its kind, its numbers, and whether it is needed."""

    steps: list[int]
    kind: str
    numbers: Json
    needed: bool


def draw_over_time(figure: "Figure", documents: Sequence[Json]) -> None:
    """Draw the trainings that documents tell of, each the findings of one as JSON, with `over_time`."""
    panels = figure.subplots(_ROWS, _COLUMNS).ravel()
    cells = [cell for document in documents for cell in _cells(document)]
    steps = sorted({step for document in documents for step in document["over_time"]["steps"]})
    _draw_loss(panels[0], documents)
    _draw_cells(panels[1], cells, "score with the feature", _score, each=True)
    _draw_cells(panels[2], cells, "share of cells with two levels", _two_levels, middle=fmean)
    _draw_cells(panels[3], cells, "input gate: at drivers − elsewhere", _input_at_drivers)
    _draw_cells(panels[4], cells, "forget gate elsewhere", _forget_elsewhere)
    needed = [cell for cell in cells if cell.needed]
    _draw_cells(panels[5], needed, "effect of needed cells, nats", _effect, each=True)
    for place, axes in enumerate(panels):
        _name_steps(axes, steps, named=place >= _COLUMNS)
    handles = {str(line.get_label()): line for axes in panels for line in axes.get_lines()}
    handles = {label: line for label, line in handles.items() if label in _LINES}
    if handles:
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=4, frameon=False, fontsize=7
        )


def _cells(document: Json) -> list[_Cell]:
    """Return the cells over time of the findings of one training."""
    kinds = {(cell_name(one), one["feature"]): one["kind"] for one in document.get("findings") or []}
    over_time = document["over_time"]
    return [
        _Cell(
            steps=over_time["steps"],
            kind=KINDS_IN_TABLES.get(kinds.get((one.cell, one.feature), ""), "graded cells"),
            numbers=numbers,
            needed=one.needed is not None,
        )
        for one, numbers in zip(appearances(document), over_time["cells"], strict=True)
    ]


def _score(cell: Json) -> Series:
    return [finite(score) for score in cell["score"]]


def _two_levels(cell: Json) -> Series:
    return [float(bool(two)) for two in cell["two_levels"]]


def _input_at_drivers(cell: Json) -> Series:
    """Return by how much the input gate is wider open at the drivers than elsewhere, in [-1, 1]."""
    gates = cell.get("input_gate") or []
    ends = [(finite((one or {}).get("at_drivers")), finite((one or {}).get("elsewhere"))) for one in gates]
    return [None if at is None or elsewhere is None else at - elsewhere for at, elsewhere in ends]


def _forget_elsewhere(cell: Json) -> Series:
    return [finite((one or {}).get("elsewhere")) for one in cell.get("forget_gate") or []]


def _effect(cell: Json) -> Series:
    """Return the effect in nats, above 0 on the side of the last one."""
    nats = [finite((one or {}).get("value")) for one in cell["effect"]]
    sign = -1.0 if nats and (nats[-1] or 0.0) < 0 else 1.0
    return [None if one is None else sign * one for one in nats]


def _draw_loss(axes: "Axes", documents: Sequence[Json]) -> None:
    """Draw the loss of each training."""
    for document in documents:
        told = document["over_time"]
        axes.plot(_places(told["steps"]), _drawn(told["bits_per_character"]), color="#1c1e22", lw=1.1)
    axes.set(title="bits per character", ylim=(0, None))


def _draw_cells(
    axes: "Axes",
    cells: Sequence[_Cell],
    title: str,
    read: Reader,
    *,
    each: bool = False,
    middle: Callable[[list[float]], float] = median,
) -> None:
    """Draw the middle of what read returns for the cells of every kind, and each cell where each is true."""
    axes.set_title(title)
    axes.axhline(0, color=_SOFT, lw=0.6, ls=":")
    for kind, (colour, style) in _LINES.items():
        lines = [(cell.steps, read(cell.numbers)) for cell in cells if cell.kind == kind]
        lines = [(steps, values) for steps, values in lines if len(steps) == len(values)]
        if each:
            # One path with gaps takes less room than many paths.
            xs = [x for steps, _ in lines for x in (*_places(steps), math.nan)]
            ys = [y for _, values in lines for y in (*_drawn(values), math.nan)]
            axes.plot(xs, ys, color=colour, lw=0.4, alpha=0.35)
        at_step = _at_step(lines, of=middle)
        if at_step:
            xs, ys = _places(list(at_step)), list(at_step.values())
            axes.plot(xs, ys, color=colour, ls=style, lw=1.6, label=kind)


def _at_step(
    lines: Sequence[tuple[list[int], Series]], *, of: Callable[[list[float]], float]
) -> dict[int, float]:
    """Return, by step and rising, what of makes of the values of all lines at it."""
    known: dict[int, list[float]] = {}
    for steps, values in lines:
        for step, value in zip(steps, values, strict=True):
            if value is not None:
                known.setdefault(step, []).append(value)
    return {step: of(known[step]) for step in sorted(known)}


def _name_steps(axes: "Axes", steps: Sequence[int], *, named: bool) -> None:
    """Mark 0 and the powers of ten on the horizontal axis, and write what it is where named."""
    marked = [0, *(10**power for power in range(1, 1 + int(math.log10(max(10, *steps, 10)))))]
    axes.set_xticks(_places(marked), [f"{step:,}" for step in marked])
    if named:
        axes.set_xlabel("training step")


def _places(steps: Sequence[int]) -> list[float]:
    """Return where steps stand on a logarithmic scale that has a place for 0."""
    return [math.log10(1 + step) for step in steps]


def _drawn(values: Sequence[float | None]) -> list[float]:
    """Return values with NaN, which is a gap in a line, for what is not known."""
    return [math.nan if value is None else value for value in values]
