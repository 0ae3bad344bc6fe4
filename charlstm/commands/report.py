"""`charlstm report`: draw the page of an inspection again."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.options import completion
from charlstm.commands.options.shared import FiguresOption, NoModel
from charlstm.commands.terminal import console


def report(
    findings: Annotated[
        Path,
        typer.Argument(
            metavar="FINDINGS",
            help="a findings.json, or its folder",
            autocompletion=completion.inspections,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="the page to write [default: report.html beside FINDINGS]")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="the run whose network the page carries [default: the run beside FINDINGS]",
            autocompletion=completion.runs,
        ),
    ] = None,
    figures: FiguresOption = None,
    no_model: NoModel = False,
) -> None:
    """Draw the page of an inspection again, from its findings.json."""
    from charlstm.tasks.report import draw_report

    page = draw_report(findings, out, with_model=not no_model, run=run)
    console.write_line(str(page))
    if figures:
        draw_figures_and_say(findings, figures, False)
    console.Narrator().link(page)


def draw_figures_and_say(findings: Path, folder: Path, quiet: bool) -> None:
    from charlstm.tasks.report import draw_figures

    narrator = console.Narrator(quiet=quiet)
    narrator.stage("drawing the figures")
    written = draw_figures(findings, folder)
    narrator.say(f"figures   {folder}, {len(written)} files")
