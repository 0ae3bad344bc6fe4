"""Figures for papers, as PNG and SVG: one for each of the best cells, the gates of every layer, the gradient.

matplotlib is an extra and imported late: nothing else needs it.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlstm.config import GATES
from charlstm.errors import UsageError, cannot_be_written
from charlstm.report.page.network import GROUPS, shares_of
from charlstm.report.page.rows import cell_name, held_out_score
from charlstm.report.words.sentences import effect_nats
from charlstm.report.words.symbols import symbol
from charlstm.report.words.values import finite, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BELOW, ABOVE, INK, SOFT = "#3f82e0", "#cf7a1c", "#1c1e22", "#8a8f98"
MOST_CELLS = 12
SHOWN = 90  # characters of the text
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    # A dollar sign of the text is no formula.
    "text.parse_math": False,
}
DOTS_PER_INCH = 200

Json = Mapping[str, Any]


def write_figures(findings: Json, folder: Path) -> list[Path]:
    """Draw every figure into a folder, each as .png and .svg; the paths that were written, in order.

    Raises UsageError where matplotlib is missing or the folder cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        advice = "install it with `pip install 'charlstm[figures]'`"
        raise UsageError("figures need matplotlib", advice) from error
    written = []
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box, and that is all there is to say.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        for name, size, draw in drawings(findings):
            figure = Figure(figsize=size, layout="constrained")
            draw(figure)
            written += save(figure, folder / name)
    return written


def save(figure: "Figure", stem: Path) -> list[Path]:
    """The figure as PNG and SVG. Raises UsageError where they cannot be written."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg")]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path in paths:
            # Without a date the same findings give the same file.
            dated = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=DOTS_PER_INCH, metadata=dated)
    except OSError as error:
        advice = "choose a writable folder for --figures"
        raise cannot_be_written(UsageError, stem, error, advice) from error
    return paths


def drawings(findings: Json) -> Iterator[tuple[str, tuple[float, float], Callable[["Figure"], None]]]:
    """(name, inches, how to draw it) of every figure that the findings have numbers for."""
    excerpts = findings.get("excerpts") or []
    found = sorted(findings.get("findings") or [], key=held_out_score, reverse=True)
    for finding in found[:MOST_CELLS]:
        along = next((one for one in excerpts if cell_name(finding) in (one.get("cells") or {})), None)
        panels = [panel for panel in panels_of(finding) if panel]
        if along or panels:
            name = f"cell-{cell_name(finding).replace(':', '-')}-{finding['feature']}"
            rows = bool(along) + -(-len(panels) // 3)
            yield safe(name), (7.2, 2.1 * rows), cell_figure(finding, along, panels, rows)
    gates = findings.get("gates") or {}
    untrained = (gates.get("untrained") or {}).get("layers") or []
    for place, layer in enumerate(gates.get("layers") or []):
        if shares_of(layer):
            fresh = shares_of(untrained[place]) if place < len(untrained) else {}
            yield f"gates-layer-{place}", (7.2, 2.6), saturation_of(shares_of(layer), fresh)
    reach = {
        name: ((findings.get("credit") or {}).get(name) or {}).get("reach_since_opener") for name in GROUPS
    }
    if reach["cells"]:
        yield "gradient", (4.6, 2.6), lambda figure: draw_reach(figure.subplots(), reach)


def safe(name: str) -> str:
    """A file's name that every system takes."""
    return "".join(character if character.isalnum() or character in "-_" else "-" for character in name)[:100]


Panel = Callable[["Axes"], None]


def panels_of(finding: Json) -> list[Panel | None]:
    """What there is to draw of one cell beside its text."""
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
    finding: Json, along: Json | None, panels: Sequence[Panel], rows: int
) -> Callable[["Figure"], None]:
    """The text over the whole width, and below it panels in rows of three."""

    def draw(figure: "Figure") -> None:
        places = figure.add_gridspec(rows, 3)
        if along:
            draw_along(figure.add_subplot(places[0, :]), finding, along)
        for place, panel in enumerate(panels):
            panel(figure.add_subplot(places[place // 3 + bool(along), place % 3]))

    return draw


def draw_along(axes: "Axes", finding: Json, excerpt: Json) -> None:
    """c and the feature along the first characters of the text in which the feature moves."""
    lines = excerpt["cells"][cell_name(finding)]
    feature = (excerpt.get("features") or {}).get(finding["feature"]) or []
    moved = next((place for place, value in enumerate(feature) if value != feature[0]), 0)
    start = max(0, moved - 10)
    span = slice(start, start + SHOWN)
    c = (lines.get("c") or lines["tanh_c"])[span]
    places = range(len(c))
    axes.fill_between(places, c, 0, where=[value > 0 for value in c], step="mid", color=ABOVE, lw=0)
    axes.fill_between(places, c, 0, where=[value <= 0 for value in c], step="mid", color=BELOW, lw=0)
    if feature:
        axes.step(places, feature[span], where="mid", color=INK, lw=0.8, label=words(finding["feature"]))
        axes.legend(frameon=False, fontsize=6)
    letters = [symbol(character) for character in excerpt["text"][span]]
    axes.set_xticks(list(places), letters, fontsize=5, family="monospace")
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.005)
    axes.set_ylabel("c" if "c" in lines else "tanh(c)")
    axes.set_title(f"cell {cell_name(finding)}: {words(finding['kind'])}")


def draw_trace(axes: "Axes", trace: Json) -> None:
    """Mean c around the events of the feature, with its quartiles."""
    for place, (name, event) in enumerate(trace["events"].items()):
        if event["count"]:
            xs = range(trace["first"], trace["first"] + len(event["mean"]))
            colour = (INK, SOFT)[place % 2]
            axes.fill_between(xs, event["low"], event["high"], color=colour, alpha=0.2, lw=0)
            axes.plot(xs, event["mean"], color=colour, lw=1.2, label=f"{name} ({event['count']:,})")
    axes.axvline(0, color=SOFT, lw=0.6, ls=":")
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="characters from the event", ylabel="c")


def draw_histogram(axes: "Axes", levels: Json) -> None:
    """How often tanh(c) takes each value, by level, as shares."""
    for place, (name, counts) in enumerate(levels.items()):
        edges = [2 * edge / len(counts) - 1 for edge in range(len(counts) + 1)]
        shares = [count / max(1, sum(counts)) for count in counts]
        axes.stairs(
            shares, edges, fill=True, alpha=0.55, color=(BELOW, ABOVE, SOFT, INK)[place % 4], label=name
        )
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="tanh(c)", ylabel="share", xlim=(-1, 1))


def draw_staircase(axes: "Axes", staircase: Json) -> None:
    """Mean c by value of the feature, with its quartiles."""
    xs = range(len(staircase["mean"]))
    axes.fill_between(xs, staircase["low"], staircase["high"], color=INK, alpha=0.15, lw=0)
    axes.plot(xs, staircase["mean"], color=INK, lw=1.2, marker=".", ms=3)
    axes.set(xlabel="value of the feature", ylabel="c")


def draw_survival(axes: "Axes", survival: Sequence[float]) -> None:
    """Share of times still on, by characters since the feature went on."""
    axes.plot(range(len(survival)), survival, color=INK, lw=1.2)
    axes.set(xlabel="characters since it went on", ylabel="share on", ylim=(0, 1.02))


def draw_effect(axes: "Axes", causal: Json) -> None:
    """The effect by dose, the whole one, and what 95% of the controls reach."""
    doses = sorted((one["dose"], one["effect_nats"]) for one in causal["dose_response"])
    p95 = finite((causal.get("control_effects") or {}).get("p95"))
    if p95 is not None:
        axes.axhspan(-p95, p95, color=SOFT, alpha=0.3, lw=0, label="95% of controls")
        axes.legend(frameon=False, fontsize=6)
    axes.axhline(0, color=SOFT, lw=0.6, ls=":")
    axes.plot(*zip(*doses, strict=True), color=INK, lw=1.2, marker=".", ms=4)
    effect = effect_nats(causal)
    axes.set(xlabel="dose", ylabel="nats", title="" if effect is None else f"effect {effect:+.2f} nats")


def saturation_of(shares: Json, untrained: Json) -> Callable[["Figure"], None]:
    """Every cell's share of shut and open gates, one panel for each gate."""

    def draw(figure: "Figure") -> None:
        gates = [gate for gate in GATES if gate in shares]
        for axes, gate in zip(figure.subplots(1, len(gates), squeeze=False)[0], gates, strict=True):
            if gate in untrained:
                axes.scatter(
                    untrained[gate]["low"], untrained[gate]["high"], s=5, color=SOFT, lw=0, label="untrained"
                )
            axes.scatter(
                shares[gate]["low"], shares[gate]["high"], s=7, color=ABOVE, lw=0, alpha=0.8, label="trained"
            )
            axes.plot([0, 1], [1, 0], color=SOFT, lw=0.6, ls=":")
            axes.set(xlabel="share below 0.1", ylabel="share above 0.9", title=gate, aspect="equal")
        axes.legend(frameon=False, fontsize=6)

    return draw


def draw_reach(axes: "Axes", reach: Mapping[str, Sequence[float | None] | None]) -> None:
    """Gradient by distance from the closer, of the cells, matched ones and untrained ones."""
    for (name, series), style in zip(reach.items(), ("-", "--", ":"), strict=True):
        if series:
            drawn = [float("nan") if value is None else value for value in series]
            axes.plot(
                range(len(drawn)), drawn, color=INK if name == "cells" else SOFT, ls=style, lw=1.2, label=name
            )
    axes.legend(frameon=False, fontsize=6)
    axes.set(xlabel="characters before the closer", ylabel="gradient, 1 at the closer")
