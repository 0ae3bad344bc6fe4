"""`charlstm score`: measure how well a run predicts a text."""

from functools import partial
from typing import Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import completion
from charlstm.commands.options.shared import (
    AsJson,
    Device,
    Newlines,
    Quiet,
    RunPath,
    UnknownOption,
)
from charlstm.commands.terminal import console
from charlstm.config import SplitPart
from charlstm.report.words.symbols import spelled


def score(
    checkpoint: RunPath,
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help="text to score [default: the run's own text]",
            autocompletion=completion.corpora,
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="percentages that --part refers to [default: the run's own split]")
    ] = None,
    part: Annotated[SplitPart, typer.Option(help="the part of the text to score")] = "all",
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="let a copy of the model learn from the text as it reads")
    ] = False,
    per_character: Annotated[
        bool, typer.Option("--per-character", help="list the bits of each character")
    ] = False,
    unknown: UnknownOption = "error",
    newlines: Newlines = False,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure how well a model predicts a text."""
    narrator = console.Narrator(quiet=quiet)
    with narrator.starting():
        from charlstm.commands.terminal import tables
        from charlstm.tasks.run_text import CHANGED
        from charlstm.tasks.score import ScoreRequest, score_run
    request = ScoreRequest(
        run=checkpoint,
        corpus=corpus,
        split=split,
        part=part,
        dynamic=dynamic,
        unknown=unknown,
        newlines=newlines,
        device=device,
    )
    with computing(), narrator.bar() as bar:
        bar.stage("reading the text")
        scored = score_run(request, progress=partial(bar.follow, "scoring"))
    narrator.say(f"text      {scored.corpus.name}, SHA-256 {scored.corpus.sha256[:12]}")
    for note in scored.corpus.notes:
        narrator.say(f"note      {note}")
    if scored.changed:
        narrator.say(f"note      {CHANGED}")
    if as_json:
        console.write_json(scored.document(per_character=per_character))
        return
    if per_character:
        for position, symbol, bits in scored.rows():
            console.write_line(f"{position}\t{spelled(symbol)}\t{bits:.4f}")
        return
    console.write_line(tables.score_line(scored))
