"""`charlstm inspect`: find a run's switches and counters, and say whether it uses them."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import completion
from charlstm.commands.options.shared import (
    AsJson,
    Device,
    FiguresOption,
    Newlines,
    NoModel,
    Quiet,
    RunPath,
    UnknownOption,
    fields_of,
)
from charlstm.commands.report import draw_figures_and_say
from charlstm.commands.terminal import console
from charlstm.config import InspectionConfig, TracePrecision
from charlstm.machine.launch import by_torchrun, launch
from charlstm.run_files import findings_folder

if TYPE_CHECKING:
    from charlstm.tasks.inspect import InspectRequest


def check_settings(values: Mapping[str, Any]) -> None:
    """Raise one UsageError for all values of options, by their parameters' names, that are out of range."""
    InspectionConfig(**fields_of(InspectionConfig, values))


def inspect(
    checkpoint: RunPath,
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help="text to read [default: the part of the run's text that it did not train on]",
            autocompletion=completion.corpora,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for findings.json and report.html [default: the run's folder]")
    ] = None,
    characters: Annotated[
        int, typer.Option(help="the most characters to read")
    ] = InspectionConfig.characters,
    feature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RULE",
            help="test a feature of your own: NAME=REGEX or NAME=set:A,reset:B; repeatable",
        ),
    ] = None,
    interventions: Annotated[
        int, typer.Option(help="the number of cells to intervene on, the best first")
    ] = InspectionConfig.interventions,
    seed: Annotated[
        int, typer.Option(help="seed of excerpts and of gradients' spans, not of any verdict")
    ] = 0,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            autocompletion=completion.compared,
            help="inspect a second run beside it, or an untrained or shuffled twin",
        ),
    ] = None,
    over_time: Annotated[
        bool,
        typer.Option("--over-time", help="read the found cells at the run's snapshots, too"),
    ] = False,
    figures: FiguresOption = None,
    no_model: NoModel = False,
    unknown: UnknownOption = "error",
    newlines: Newlines = False,
    device: Device = "cpu",
    precision: Annotated[
        TracePrecision,
        typer.Option(help="number format in which a CPU reads the text for statistics"),
    ] = InspectionConfig.precision,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find a model's switches and counters, and whether it uses them."""
    with console.Narrator(quiet=quiet or launch().rank > 0).starting():
        from charlstm.tasks.inspect import InspectRequest
    config = InspectionConfig(
        characters=characters,
        seed=seed,
        features=tuple(feature or ()),
        interventions=interventions,
        precision=precision,
    )
    place = out or findings_folder(checkpoint)
    request = InspectRequest(
        run=checkpoint,
        corpus=corpus,
        out=place,
        config=config,
        command=typed_command(),
        unknown=unknown,
        newlines=newlines,
        compare=compare,
        with_model=not no_model,
        over_time=over_time,
        device=device,
    )
    inspect_and_show(request, quiet=quiet, as_json=as_json)
    if figures and launch().rank == 0:
        draw_figures_and_say(place, figures, quiet)


def inspect_and_show(request: "InspectRequest", *, quiet: bool, as_json: bool) -> None:
    """Inspect a run and print its findings. Of several processes only the first one prints."""
    from charlstm.commands.terminal import tables
    from charlstm.report.findings_table import appearances_table, findings_table
    from charlstm.tasks.inspect import inspect_run

    started = launch()
    leads = started.rank == 0
    narrator = console.Narrator(quiet=quiet or not leads)
    if started.count > 1 and not by_torchrun():
        narrator.say(tables.waiting_for_processes(started.count))
    with computing(), narrator.bar() as bar:

        def shown(stage: str, done: float) -> None:
            bar.follow(f"inspecting: {stage}", done)

        bar.stage("reading the text")
        inspected = inspect_run(request, progress=shown, launch=started)
    if as_json and leads:
        console.write_json(inspected.findings.to_json())
    elif leads:
        width = console.table_width()
        console.write_line(findings_table(inspected.findings, width=width))
        if over_time := appearances_table(inspected.findings, width=width):
            console.write_line(f"\n{over_time}")
    narrator.say(f"findings  {inspected.findings_path}\nreport    {inspected.report_path}")
    if inspected.comparison_path:
        narrator.say(f"compared  {inspected.comparison_path}")
    for note in inspected.notes:
        narrator.say(f"note      {note}")
    if not inspected.findings.findings:
        narrator.say(tables.NOTHING_FOUND)
    narrator.link(inspected.comparison_path or inspected.report_path)


def typed_command() -> str:
    """Return the command line that a shell reads as the one that was typed."""
    return shlex.join(["charlstm", *sys.argv[1:]])
