"""`charlstm exam`: inspect networks whose switches and counters were set by hand, and count what is found."""

from dataclasses import asdict
from typing import Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import AsJson, Quiet
from charlstm.commands.terminal import console


def exam(
    networks: Annotated[int, typer.Option(help="networks whose cells were set by hand")] = 100,
    untrained: Annotated[int, typer.Option(help="untrained networks, which must have no finding")] = 20,
    seed: Annotated[int, typer.Option(help="seed of the first network; the others count up from it")] = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Inspect networks whose switches and counters were set by hand, and count what is found.

    Some of their cells are decoys, which must not be found. Others are twins of a switch or counter: they do
    what it does, but no prediction depends on them, so they must not be verified.
    """
    from charlstm.commands.terminal import tables
    from charlstm.inspection.exam import marking

    with computing(), console.Narrator(quiet=quiet).bar() as bar:
        for event in marking.run_exam(networks, untrained, seed=seed):
            if isinstance(event, marking.ExamProgress):
                bar.move_to(event.fraction)
            else:
                result = event
    if as_json:
        console.write_json(asdict(result))
    else:
        console.write_line(tables.exam_table(result))
