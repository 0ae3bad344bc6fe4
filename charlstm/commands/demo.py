"""`charlstm demo`: train on a text, sample, inspect and report, in one command."""

from pathlib import Path
from typing import Annotated
from zlib import compress

import typer

from charlstm.commands.inspect import inspect_and_show, typed_command
from charlstm.commands.options import completion
from charlstm.commands.options.shared import Quiet
from charlstm.commands.terminal import console
from charlstm.commands.train import MINUTES_BY_DEFAULT, follow, run_name
from charlstm.config import SamplingConfig

_TEXT = "stdlib"
# Of this many samples the one with the most variety is shown.
_SAMPLES, _SAMPLE_LENGTH = 4, 400
# What the samples of a text begin with, where it is not what the model likes best.
_PROMPTS = {_TEXT: "def "}


def demo(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="a text of your own; its line ends become \\n",
            autocompletion=completion.corpora,
        ),
    ] = _TEXT,
    minutes: Annotated[float, typer.Option(help="minutes of training")] = MINUTES_BY_DEFAULT,
    out: Annotated[
        Path | None,
        typer.Option(
            help="the run's folder; what an earlier demo left there is replaced "
            "[default: checkpoints/demo, or demo-NAME]"
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace the run in --out, whatever it is")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train on Python's own source or a text, sample, inspect, report."""
    narrator = console.Narrator(quiet=quiet)
    with narrator.starting():
        from charlstm.tasks import sample
        from charlstm.tasks.inspect import InspectRequest
        from charlstm.tasks.run_text import is_own_run_on, may_be_read_unasked
        from charlstm.tasks.training_plan import TrainRequest
    place = out or Path("checkpoints") / ("demo" if corpus == _TEXT else f"demo-{run_name(corpus)}")
    request = TrainRequest(
        corpus=corpus,
        out=place,
        model={},
        training={"minutes": minutes},
        newlines=corpus != _TEXT,
        overwrite=overwrite or is_own_run_on(place, corpus),
    )
    follow(request, quiet=quiet, as_json=False)
    narrator.say("\nA sample")
    config = SamplingConfig(length=_SAMPLE_LENGTH, count=_SAMPLES)
    prompt = _PROMPTS.get(corpus, "")
    pieces = list(sample.sample_run(place, prompt, config=config, seed=1))
    drawn = [prompt + "".join(of_text) for of_text in zip(*pieces, strict=True)]
    console.write_line(max(drawn, key=_variety))
    narrator.say("\nIts switches and counters")
    named = None if may_be_read_unasked(place, corpus) else corpus
    request_of_cells = InspectRequest(
        run=place, corpus=named, out=place, newlines=named is not None, command=typed_command()
    )
    inspect_and_show(request_of_cells, quiet=quiet, as_json=False)


def _variety(text: str) -> int:
    """Return how many bytes text takes when compressed: few where it says one thing again and again."""
    return len(compress(text.encode("utf-8")))
