"""`charlstm demo`: train on a text, sample, inspect and report, in one command."""

from pathlib import Path
from typing import Annotated
from zlib import compress

import typer

from charlstm.commands.inspect import inspect_and_show, typed_command
from charlstm.commands.options.shared import Quiet
from charlstm.commands.terminal import console
from charlstm.commands.train import follow
from charlstm.config import SamplingConfig

_TEXT = "stdlib"
# Of this many samples the one with the most variety is shown.
_SAMPLES, _SAMPLE_LENGTH, _TEMPERATURE = 4, 400, 0.8
_PROMPT = "def "


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
    config = SamplingConfig(length=_SAMPLE_LENGTH, temperature=_TEMPERATURE, count=_SAMPLES)
    pieces = list(sample.sample_run(out, _PROMPT, config=config, seed=1))
    drawn = [_PROMPT + "".join(of_text) for of_text in zip(*pieces, strict=True)]
    console.write_line(max(drawn, key=_variety))
    narrator.say("\nIts switches and counters")
    inspect_and_show(InspectRequest(run=out, out=out, command=typed_command()), quiet=quiet, as_json=False)


def _variety(text: str) -> int:
    """Return how many bytes text takes when compressed: few where it says one thing again and again."""
    return len(compress(text.encode("utf-8")))
