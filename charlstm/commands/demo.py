"""`charlstm demo`: train on a text, sample, inspect and report, in one command."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.inspect import inspect_and_show, typed_command
from charlstm.commands.options import Quiet
from charlstm.commands.sample import write_while_drawn
from charlstm.commands.terminal import console
from charlstm.commands.train import follow
from charlstm.config import SamplingConfig

_TEXT = "stdlib"


def demo(
    minutes: Annotated[float, typer.Option(help="minutes of training")] = 4.0,
    out: Annotated[
        Path, typer.Option(help="the run's folder; what an earlier demo left there is replaced")
    ] = Path("checkpoints/demo"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace the run in --out, whatever it is")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train on Python's own source, draw a sample, inspect, and write the report."""
    from charlstm.tasks import sample
    from charlstm.tasks.inspect import InspectRequest
    from charlstm.tasks.run_text import is_own_run_on
    from charlstm.tasks.training_plan import TrainRequest

    narrator = console.Narrator(quiet=quiet)
    request = TrainRequest(
        corpus=_TEXT,
        out=out,
        model={},
        training={"minutes": minutes},
        overwrite=overwrite or is_own_run_on(out, _TEXT),
    )
    follow(request, quiet=quiet, as_json=False)
    narrator.say("\nA sample")
    pieces = sample.sample_run(out, "def ", config=SamplingConfig(length=400, temperature=0.5), seed=1)
    write_while_drawn("def ", pieces)
    narrator.say("\nIts switches and counters")
    inspect_and_show(InspectRequest(run=out, out=out, command=typed_command()), quiet=quiet, as_json=False)
