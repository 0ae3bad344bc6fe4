"""`charlstm push`: send a run to the Hugging Face hub."""

from typing import Annotated

import typer

from charlstm.commands.options.shared import RunPath
from charlstm.commands.terminal import console


def push(
    checkpoint: RunPath,
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="the repository, made if need be")],
    private: Annotated[bool, typer.Option("--private", help="make the repository private")] = False,
) -> None:
    """Send a run with a model card to the Hugging Face hub."""
    from charlstm.tasks.sharing.push import push_run

    console.write_line(push_run(checkpoint, name, private=private))
