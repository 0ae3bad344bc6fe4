"""`charlstm devices`: what this machine has for computing, how fast it is, and which way each job goes."""

from dataclasses import asdict
from typing import Annotated

import typer

from charlstm.commands.options.shared import AsJson
from charlstm.commands.terminal import console


def devices(
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="measure again which implementation is fastest; the machine should be idle"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what this machine has, its speed, and how jobs run here."""
    from charlstm.commands.terminal.machine_story import machine_lines
    from charlstm.tasks.devices import measure_machine

    machine = measure_machine(again=again)
    if as_json:
        document = asdict(machine)
        document["choices"] = [choice._asdict() for choice in machine.choices]
        console.write_json(document)
        return
    for line in machine_lines(machine):
        console.write_line(line)
