"""Options that several commands have, as typer reads them."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from charlstm.commands.options import completion
from charlstm.config import Unknown
from charlstm.errors import CheckpointError, shortened
from charlstm.machine.hugging_face import is_on_hub


def place_to_read(path: Path) -> Path:
    """Return path as it is. Raises CheckpointError where it cannot be looked for, as with a name too long."""
    try:
        path.exists()
    except OSError as error:
        name = shortened(str(path))
        raise CheckpointError(
            f"{name} cannot be read: {error.strerror}", "name another file or folder"
        ) from None
    return path


def run_to_read(context: typer.Context, path: Path) -> Path:
    """Return the folder of a run: path itself, or for hf:owner/name the folder that it was fetched to.

    Nothing is fetched where a shell asks how a word can be completed. Raises CheckpointError where the
    folder cannot be looked for or fetched.
    """
    if context.resilient_parsing:
        return path
    if is_on_hub(str(path)):
        from charlstm.sharing.hub_run import fetched_run

        return fetched_run(str(path))
    return place_to_read(path)


RunPath = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="a run's folder, or hf:owner/name",
        callback=run_to_read,
        autocompletion=completion.runs,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print nothing on stderr but problems")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps", autocompletion=completion.devices)]
NoModel = Annotated[bool, typer.Option("--no-model", help="leave the network out of the page")]
FiguresOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="also draw figures for papers, PNG and SVG, into this folder"),
]
UnknownOption = Annotated[Unknown, typer.Option(help="what to do with characters that the run does not know")]
Newlines = Annotated[
    bool,
    typer.Option("--newlines", help=r"read each line end of \r\n or \r as one \n, as Python does"),
]


def fields_of(config: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of values that are fields of a config and not None, by name."""
    names = {field.name for field in fields(config)}
    return {name: value for name, value in values.items() if name in names and value is not None}


def given(**settings: Any) -> dict[str, Any]:
    """Return the settings that are not None: those that were given on the command line."""
    return {name: value for name, value in settings.items() if value is not None}
