"""`charlstm sample`: draw text from a run."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options.shared import AsJson, Newlines, Quiet, RunPath, UnknownOption, fields_of
from charlstm.commands.terminal import console
from charlstm.config import SamplingConfig, StepPrecision, check_seed
from charlstm.setting_rules import check_all


def check_settings(values: Mapping[str, Any]) -> None:
    """Raise one UsageError for all values of options, by their parameters' names, that are out of range."""
    check_all(
        lambda: SamplingConfig(**fields_of(SamplingConfig, values)),
        lambda: check_seed(values.get("seed", 0)),
    )


def sample(
    checkpoint: RunPath,
    prompt: Annotated[str, typer.Option(help="the beginning of the text")] = "",
    length: Annotated[int, typer.Option(help="characters to draw")] = SamplingConfig.length,
    temperature: Annotated[
        float, typer.Option(help="0 takes the likeliest character, 1 draws as the model predicts")
    ] = SamplingConfig.temperature,
    top_k: Annotated[
        int, typer.Option(help="draw from the k likeliest characters only; 0 for all")
    ] = SamplingConfig.top_k,
    top_p: Annotated[
        float, typer.Option(help="draw from the likeliest characters that together have this probability")
    ] = SamplingConfig.top_p,
    count: Annotated[int, typer.Option(help="texts to draw, side by side")] = SamplingConfig.count,
    precision: Annotated[
        StepPrecision,
        typer.Option(
            help="number format of the weights; int8 is the fastest for one text, bfloat16 for many"
        ),
    ] = SamplingConfig.precision,
    seed: Annotated[int, typer.Option(help="the same seed draws the same text")] = 0,
    stop: Annotated[
        str | None, typer.Option(help=r"end a text where this appears; \n is a line break")
    ] = None,
    hold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER:CELL=VALUE[@FROM]",
            help="hold a cell on, off or at a cell state, from drawn character FROM on [default: 0]; "
            "repeatable",
        ),
    ] = None,
    unknown: UnknownOption = "error",
    newlines: Newlines = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Draw text from a model, character by character."""
    from charlstm.sampling.spelling import read_stop
    from charlstm.tasks import sample
    from charlstm.text.line_ends import with_line_feeds

    config = SamplingConfig(
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        count=count,
        stop=read_stop(stop) if stop is not None else None,
        precision=precision,
    )
    if hold:
        config = replace(config, hold=sample.read_holds(checkpoint, hold))
    narrator = console.Narrator(quiet=quiet)
    prompt = with_line_feeds(prompt) if newlines else prompt
    if note := sample.prompt_note(checkpoint, prompt, unknown):
        narrator.say(f"note      prompt: {note}")
    if as_json or count > 1:
        narrator.stage(f"drawing {count * length:,} characters")
    with computing():
        pieces = sample.sample_run(checkpoint, prompt, config=config, seed=seed, unknown=unknown)
        if as_json:
            holds = [asdict(each) for each in config.hold]
            texts = _joined(pieces, count)
            console.write_json({"prompt": prompt, "seed": seed, "hold": holds, "samples": texts})
        elif count == 1:
            write_while_drawn(prompt, pieces)
        else:
            for number, text in enumerate(_joined(pieces, count), start=1):
                console.write_line(f"--- {number} ---\n{prompt}{text}")


def _joined(pieces: Iterator[list[str]], count: int) -> list[str]:
    """Return count whole texts from the pieces that each step adds to them."""
    texts = [""] * count
    for step in pieces:
        texts = [text + piece for text, piece in zip(texts, step, strict=True)]
    return texts


def write_while_drawn(prompt: str, pieces: Iterator[list[str]]) -> None:
    """Write the prompt and then each character of one text as soon as it is drawn."""
    first = next(pieces)  # a bad prompt or checkpoint fails here, before anything is shown
    console.write(prompt + first[0])
    for (piece,) in pieces:
        console.write(piece)
    console.write_line()
