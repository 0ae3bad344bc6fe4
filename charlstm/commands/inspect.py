"""`charlstm inspect`: find a run's switches and counters, and say whether it uses them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import (
    AsJson,
    FiguresOption,
    NoModel,
    Quiet,
    RunPath,
    UnknownOption,
)
from charlstm.commands.report import draw_figures_and_say
from charlstm.commands.terminal import console
from charlstm.config import InspectionConfig, Unknown
from charlstm.machine.launch import launch


def inspect(
    checkpoint: RunPath,
    corpus: Annotated[
        str | None, typer.Argument(metavar="CORPUS", help="[what the run did not train on]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="where the findings go [the run's folder]")] = None,
    characters: Annotated[
        int, typer.Option(help="how much text to read at most")
    ] = InspectionConfig.characters,
    feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=RULE", help="test this too: NAME=REGEX, or NAME=set:A,reset:B"),
    ] = None,
    interventions: Annotated[
        int, typer.Option(help="how many cells to intervene on, the best first")
    ] = InspectionConfig.interventions,
    seed: Annotated[int, typer.Option(help="of shifts, controls and sites")] = 0,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="put a second run beside it; untrained or shuffled: a twin that knows nothing",
        ),
    ] = None,
    figures: FiguresOption = None,
    no_model: NoModel = False,
    unknown: UnknownOption = "error",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find a model's switches and counters, and whether it uses them."""
    config = InspectionConfig(
        characters=characters, seed=seed, features=tuple(feature or ()), interventions=interventions
    )
    inspect_and_show(
        checkpoint,
        corpus,
        out or checkpoint,
        config,
        quiet,
        as_json,
        unknown,
        compare,
        with_model=not no_model,
    )
    if figures and launch().rank == 0:
        draw_figures_and_say(out or checkpoint, figures, quiet)


def inspect_and_show(
    checkpoint: Path,
    corpus: str | None,
    out: Path,
    config: InspectionConfig,
    quiet: bool,
    as_json: bool,
    unknown: Unknown = "error",
    compare: str | None = None,
    *,
    with_model: bool = True,
) -> None:
    from charlstm.commands.terminal import tables
    from charlstm.tasks import inspect

    started = launch()
    tells = started.rank == 0
    narrator = console.Narrator(quiet=quiet or not tells)
    with computing(), narrator.bar() as bar:
        inspected = inspect.inspect(
            checkpoint,
            corpus,
            out,
            config=config,
            progress=bar.follow,
            command=_typed_command(),
            unknown=unknown,
            compare=compare,
            with_model=with_model,
            launch=started,
        )
    if as_json and tells:
        console.write_json(inspected.findings.to_json())
    elif tells:
        console.write_line(tables.findings_table(inspected.findings))
    narrator.say(f"findings  {inspected.findings_path}\nreport    {inspected.report_path}")
    if inspected.comparison_path:
        narrator.say(f"compared  {inspected.comparison_path}")
    if inspected.changed:
        narrator.say(tables.CHANGED_TEXT)


def _typed_command() -> str:
    """The command as it was typed."""
    return " ".join(["charlstm", *sys.argv[1:]])
