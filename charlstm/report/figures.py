"""Figures for papers, as PNG and SVG: the best cells, the training, the gates, and the gradient.

`figure_files` writes them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlstm.config import GATES
from charlstm.report.figure_files import Drawing, write_drawings
from charlstm.report.page.examples import own_excerpt
from charlstm.report.page.network import GROUPS, shares_of
from charlstm.report.page.rows import cell_name, polarity_of
from charlstm.report.page.shapes.shape import refuse_other_shapes
from charlstm.report.training_figure import INCHES as _TRAINING_INCHES
from charlstm.report.training_figure import draw_over_time
from charlstm.report.words.detection_numbers import rank_score
from charlstm.report.words.proof_numbers import effect_nats, effect_of, signed
from charlstm.report.words.symbols import symbol
from charlstm.report.words.values import finite, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours: "off" or low, "on" or high, what is measured, and what it is compared with.
_BELOW, _ABOVE, _INK, _SOFT = "#3f82e0", "#cf7a1c", "#1c1e22", "#8a8f98"
_MOST_CELLS = 12
# Characters of the text along the top of a cell's figure, and those of them before the feature first moves.
_SHOWN_CHARACTERS, _CHARACTERS_BEFORE_MOVE = 90, 10
_PANELS_PER_ROW = 3
_WIDTH_INCHES, _ROW_INCHES, _HEIGHT_INCHES = 7.2, 2.1, 2.6
_GRADIENT_WIDTH_INCHES = 4.6
_LONGEST_NAME_CHARACTERS = 100

Json = Mapping[str, Any]


def write_figures(findings: Json, folder: Path) -> list[Path]:
    """Draw every figure of findings into folder, each as .png and .svg, and return the paths of the files.

    findings are as read from findings.json; the folder is made where there is none.
    Raises UsageError when findings cannot be drawn, matplotlib is missing or the folder cannot be written.
    """
    refuse_other_shapes(findings)
    return write_drawings(drawings(findings), folder)


def drawings(findings: Json) -> Iterator[Drawing]:
    """Yield every figure that findings have numbers for, the cells with the best held-out scores first."""
    excerpts = findings.get("excerpts") or []
    found = sorted(findings.get("findings") or [], key=rank_score, reverse=True)
    for finding in found[:_MOST_CELLS]:
        shared = (one for one in excerpts if cell_name(finding) in (one.get("cells") or {}))
        excerpt = own_excerpt(finding) or next(shared, None)
        panels = [panel for panel in panels_of(finding) if panel]
        if excerpt or panels:
            name = f"cell-{cell_name(finding).replace(':', '-')}-{finding['feature']}"
            rows = bool(excerpt) + -(-len(panels) // _PANELS_PER_ROW)
            size = (_WIDTH_INCHES, _ROW_INCHES * rows)
            yield Drawing(safe(name), size, cell_figure(finding, excerpt, panels, rows))
    if (findings.get("over_time") or {}).get("steps"):
        yield Drawing("over-time", _TRAINING_INCHES, lambda figure: draw_over_time(figure, [findings]))
    yield from _network_drawings(findings)


def _network_drawings(findings: Json) -> Iterator[Drawing]:
    """Yield the figures of every layer's gates, and that of the gradient."""
    gates = findings.get("gates") or {}
    untrained = (gates.get("untrained") or {}).get("layers") or []
    for place, layer in enumerate(gates.get("layers") or []):
        if shares_of(layer):
            others = shares_of(untrained[place]) if place < len(untrained) else {}
            size = (_WIDTH_INCHES, _HEIGHT_INCHES)
            yield Drawing(f"gates-layer-{place}", size, saturation_figure(shares_of(layer), others))
    credit = findings.get("credit") or {}
    reach = {name: (credit.get(name) or {}).get("reach_since_opener") for name in GROUPS}
    if reach["cells"]:
        size = (_GRADIENT_WIDTH_INCHES, _HEIGHT_INCHES)
        yield Drawing("gradient", size, lambda figure: draw_reach(figure.subplots(), reach))


def safe(name: str) -> str:
    """Return name as the name of a file that every system takes."""
    kept = (character if character.isalnum() or character in "-_" else "-" for character in name)
    return "".join(kept)[:_LONGEST_NAME_CHARACTERS]


Panel = Callable[["Axes"], None]


def panels_of(finding: Json) -> list[Panel | None]:
    """Return what there is to draw of one cell below its text, None in the place of what is missing."""
    portrait, causal = finding.get("portrait") or {}, finding.get("causal") or {}
    survival = (finding.get("detection") or {}).get("survival")
    staircase = portrait.get("staircase")
    return [
        (lambda axes: draw_trace(axes, portrait["trace"])) if portrait else None,
        (lambda axes: draw_histogram(axes, portrait["histogram"])) if portrait else None,
        (lambda axes: draw_staircase(axes, staircase)) if staircase else None,
        (lambda axes: draw_survival(axes, survival)) if survival else None,
        (lambda axes: draw_effect(axes, causal)) if causal.get("dose_response") else None,
    ]


def cell_figure(
    finding: Json, excerpt: Json | None, panels: Sequence[Panel], rows: int
) -> Callable[["Figure"], None]:
    """Return what draws a cell's figure: its excerpt over the whole width, and below it panels, three a row.

    rows is the number of rows of the figure, that of the excerpt among them.
    """

    def draw(figure: "Figure") -> None:
        places = figure.add_gridspec(rows, _PANELS_PER_ROW)
        if excerpt:
            draw_along(figure.add_subplot(places[0, :]), finding, excerpt)
        for place, panel in enumerate(panels):
            row, column = divmod(place, _PANELS_PER_ROW)
            panel(figure.add_subplot(places[row + bool(excerpt), column]))

    return draw


def draw_along(axes: "Axes", finding: Json, excerpt: Json) -> None:
    """Draw the cell's c and its feature along the part of an excerpt in which the feature first moves."""
    lines = excerpt["cells"][cell_name(finding)]
    feature = (excerpt.get("features") or {}).get(finding["feature"]) or []
    moved = next((place for place, value in enumerate(feature) if value != feature[0]), 0)
    start = max(0, moved - _CHARACTERS_BEFORE_MOVE)
    span = slice(start, start + _SHOWN_CHARACTERS)
    c = (lines.get("c") or lines["tanh_c"])[span]
    places = range(len(c))
    on = [value * polarity_of(finding) > 0 for value in c]
    axes.fill_between(places, c, 0, where=on, step="mid", color=_ABOVE, lw=0)
    axes.fill_between(places, c, 0, where=[not here for here in on], step="mid", color=_BELOW, lw=0)
    if feature:
        axes.step(places, feature[span], where="mid", color=_INK, lw=0.8, label=words(finding["feature"]))
        axes.legend(frameon=False, fontsize=6)
    letters = [symbol(character) for character in excerpt["text"][span]]
    axes.set_xticks(list(places), letters, fontsize=5, family="monospace")
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.005)
    axes.set_ylabel("c" if "c" in lines else "tanh(c)")
    axes.set_title(f"cell {cell_name(finding)}: {words(finding['kind'])}")


def draw_trace(axes: "Axes", trace: Json) -> None:
    """Draw the mean of c around the events of the feature, with its quartiles."""
    for place, (name, event) in enumerate(trace["events"].items()):
        if event["count"]:
            xs = range(trace["first"], trace["first"] + len(event["mean"]))
            colour = (_INK, _SOFT)[place % 2]
            axes.fill_between(xs, event["low"], event["high"], color=colour, alpha=0.2, lw=0)
            axes.plot(xs, event["mean"], color=colour, lw=1.2, label=f"{name} ({event['count']:,})")
    axes.axvline(0, color=_SOFT, lw=0.6, ls=":")
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="characters from the event", ylabel="c")


def draw_histogram(axes: "Axes", levels: Json) -> None:
    """Draw the distribution of tanh(c) at each level of the feature, as shares of its positions."""
    for place, (name, counts) in enumerate(levels.items()):
        edges = [2 * edge / len(counts) - 1 for edge in range(len(counts) + 1)]
        shares = [count / max(1, sum(counts)) for count in counts]
        axes.stairs(
            shares, edges, fill=True, alpha=0.55, color=(_BELOW, _ABOVE, _SOFT, _INK)[place % 4], label=name
        )
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="tanh(c)", ylabel="share", xlim=(-1, 1))


def draw_staircase(axes: "Axes", staircase: Json) -> None:
    """Draw the mean of c by value of the feature, with its quartiles."""
    xs = range(len(staircase["mean"]))
    axes.fill_between(xs, staircase["low"], staircase["high"], color=_INK, alpha=0.15, lw=0)
    axes.plot(xs, staircase["mean"], color=_INK, lw=1.2, marker=".", ms=3)
    axes.set(xlabel="value of the feature", ylabel="c")


def draw_survival(axes: "Axes", survival: Sequence[float]) -> None:
    """Draw the share of cases in which the cell is still on, by characters since the feature went on."""
    axes.plot(range(len(survival)), survival, color=_INK, lw=1.2)
    axes.set(xlabel="characters since it went on", ylabel="share on", ylim=(0, 1.02))


def draw_effect(axes: "Axes", causal: Json) -> None:
    """Draw the effect in nats by dose with its intervals, and the range that 95% of other cells stay in."""
    response = sorted(causal["dose_response"], key=lambda one: one["dose"])
    doses = [(one["dose"], one["effect_nats"]) for one in response]
    p95 = finite((causal.get("control_effects") or {}).get("p95"))
    if p95 is not None:
        axes.axhspan(-p95, p95, color=_SOFT, alpha=0.3, lw=0, label="95% of other cells")
        axes.legend(frameon=False, fontsize=6)
    axes.axhline(0, color=_SOFT, lw=0.6, ls=":")
    axes.plot(*zip(*doses, strict=True), color=_INK, lw=1.2, marker=".", ms=4)
    bars = [(one["dose"], one["low"], one["high"]) for one in response if {"low", "high"} <= one.keys()]
    if bars and all(value is not None for bar in bars for value in bar):
        axes.vlines(*zip(*bars, strict=True), color=_INK, lw=0.8)
    nats, told = effect_nats(causal), effect_of(causal)
    axes.set(xlabel="dose", ylabel="nats")
    axes.set_title(f"effect {told.nats}" if told else "" if nats is None else f"effect {signed(nats)} nats")


def saturation_figure(shares: Json, untrained: Json) -> Callable[["Figure"], None]:
    """Return what draws every cell's shares of low and high positions, one panel for each gate.

    shares and untrained are what `network.shares_of` returns for the network and for an untrained one.
    """

    def draw(figure: "Figure") -> None:
        gates = [gate for gate in GATES if gate in shares]
        for axes, gate in zip(figure.subplots(1, len(gates), squeeze=False)[0], gates, strict=True):
            if gate in untrained:
                axes.scatter(
                    untrained[gate]["low"], untrained[gate]["high"], s=5, color=_SOFT, lw=0, label="untrained"
                )
            axes.scatter(
                shares[gate]["low"], shares[gate]["high"], s=7, color=_ABOVE, lw=0, alpha=0.8, label="trained"
            )
            axes.plot([0, 1], [1, 0], color=_SOFT, lw=0.6, ls=":")
            axes.set(xlabel="share below 0.1", ylabel="share above 0.9", title=gate, aspect="equal")
        axes.legend(frameon=False, fontsize=6)

    return draw


def draw_reach(axes: "Axes", reach: Mapping[str, Sequence[float | None] | None]) -> None:
    """Draw gradient by distance from the closer, of the finding's cells, matched cells and untrained ones."""
    for (name, series), style in zip(reach.items(), ("-", "--", ":"), strict=True):
        if series:
            drawn = [float("nan") if value is None else value for value in series]
            axes.plot(
                range(len(drawn)),
                drawn,
                color=_INK if name == "cells" else _SOFT,
                ls=style,
                lw=1.2,
                label=name,
            )
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="characters before the closer", ylabel="gradient, 1 at the closer")
