"""`charlstm train`: its options, and what is told while it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import AsJson, Device, Quiet, given
from charlstm.commands.terminal import console, formatting
from charlstm.config import DEFAULT_SPLIT, Activation, Optimizer, Precision, TextLevel, TrainingConfig
from charlstm.errors import UsageError
from charlstm.machine.launch import SINGLE, launch
from charlstm.training.default_settings import suggested

if TYPE_CHECKING:
    from charlstm.tasks.training_plan import TrainRequest

# Seconds in which a second Ctrl-C is the first: what a terminal sends to torchrun and to all that it started,
# torchrun sends to all that it started.
_TOLD_TWICE = 2.0


# Sizes of texts that the help names settings for, in characters to train on, and minutes.
_TEXTS = {"100 KB": 90_000, "1 MB": 900_000, "10 MB": 9_000_000, "100 MB": 90_000_000}
_MINUTES = (2, 20, 200)


def settings_help() -> str:
    """What is taken where no setting is given, as the end of the command's help."""

    def told(characters: int, minutes: float) -> str:
        settings = suggested(characters, TrainingConfig(minutes=minutes))
        return f"{settings.cells} x {settings.layers}, {settings.dropout:g}, {settings.weight_decay:.2g}"

    rows = [
        (name, *(told(characters, minutes) for minutes in _MINUTES)) for name, characters in _TEXTS.items()
    ]
    header = ("text", *(f"{minutes} minutes" for minutes in _MINUTES))
    shown = formatting.table(rows, header=header)
    return f"Cells x layers, dropout and weight decay where you give none, two cores:\n\n\b\n{shown}"


def train(
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help="stdlib, grammar:NAME, a file, a folder, a glob, or hf:owner/name[:config][#column]",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the run's folder [checkpoints/NAME of the text]")] = None,
    cells: Annotated[
        int | None, typer.Option(help="cells in a layer [by length of training and text]")
    ] = None,
    layers: Annotated[int | None, typer.Option(help="LSTM layers [1 or 2, likewise]")] = None,
    embedding: Annotated[int | None, typer.Option(help="numbers for each character [64]")] = None,
    dropout: Annotated[
        float | None, typer.Option(help="share of cells left out [by length of training and text]")
    ] = None,
    activation: Annotated[Activation | None, typer.Option(help="of candidate and cell state [tanh]")] = None,
    streams: Annotated[
        int | None, typer.Option(help="texts read side by side [64, or 32 of a short text]")
    ] = None,
    window: Annotated[int | None, typer.Option(help="characters between two updates [64]")] = None,
    minutes: Annotated[float | None, typer.Option(help="train for so long [4]")] = None,
    steps: Annotated[int | None, typer.Option(help="train for so many updates")] = None,
    epochs: Annotated[float | None, typer.Option(help="train for so many passes over the text")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="peak rate of Muon; AdamW's follow it [0.012, or 0.015 of a short text]"),
    ] = None,
    optimizer: Annotated[
        Optimizer | None, typer.Option(help="who trains the LSTM; adamw: hardest gates [mixed]")
    ] = None,
    recurrent_l1: Annotated[
        float | None, typer.Option(help="pull of recurrent weights to 0: cells that do one thing [0.02]")
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="of the LSTM's matrices, times the rate [by length of training and text]"),
    ] = None,
    split: Annotated[str, typer.Option(help="shares to train on, validate and test")] = DEFAULT_SPLIT,
    validation: Annotated[str | None, typer.Option(metavar="CORPUS", help="validate on this text")] = None,
    level: Annotated[TextLevel, typer.Option(help="what a symbol is")] = "characters",
    seed: Annotated[int | None, typer.Option(help="of weights and dropout [0]")] = None,
    evaluate_every: Annotated[int | None, typer.Option(metavar="STEPS", help="[ten times in a run]")] = None,
    save_every: Annotated[int | None, typer.Option(metavar="STEPS", help="[at every evaluation]")] = None,
    patience: Annotated[
        int | None, typer.Option(help="stop after so many evaluations without a better one")
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="of the products in training [auto]")] = None,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the run in --out")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="log for TensorBoard in the run's folder")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on a text. Ctrl-C saves and stops; --resume goes on."""
    from charlstm.tasks.training_plan import TrainRequest

    if corpus is None and not (resume and out):
        raise UsageError("there is no text to train on", "name a CORPUS, such as `charlstm train stdlib`")
    length = given(minutes=minutes, steps=steps, epochs=epochs)
    request = TrainRequest(
        corpus=corpus,
        out=out or Path("checkpoints") / _slug(corpus or ""),
        model=given(cells=cells, layers=layers, embedding=embedding, dropout=dropout, activation=activation),
        training=(length or ({} if resume else {"minutes": 4.0}))
        | given(streams=streams, window=window, learning_rate=learning_rate, optimizer=optimizer, seed=seed)
        | given(recurrent_l1=recurrent_l1, weight_decay=weight_decay)
        | given(evaluate_every=evaluate_every, save_every=save_every, patience=patience, precision=precision),
        validation=validation,
        split=split,
        level=level,
        device=device,
        resume=resume,
        overwrite=overwrite,
        tensorboard=tensorboard,
    )
    follow(request, quiet=quiet, as_json=as_json)


def _slug(corpus: str) -> str:
    """A folder's name for a text's name."""
    stem = Path(corpus.split("#")[0].rstrip("/*")).stem if ":" not in corpus else corpus
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "run"


def follow(request: "TrainRequest", *, quiet: bool, as_json: bool) -> None:
    """Train, and leave with 130 or 143 when a signal ended it. Of several processes the first one tells."""
    from charlstm.commands.terminal import tables, training_story
    from charlstm.machine.interrupts import stop_wish
    from charlstm.tasks import train

    started = launch()
    tells = started.rank == 0
    narrator, as_json = console.Narrator(quiet=quiet or not tells), as_json and tells
    with computing(), stop_wish(deaf_seconds=0.0 if started is SINGLE else _TOLD_TWICE) as wish:
        events = train.train_run(request, should_stop=wish, launch=started)
        trained = training_story.follow_training(events, narrator, as_json=as_json)
    if tells and not as_json:
        console.write_line(training_story.summary_table(trained))
    if trained.reason == "interrupted":
        narrator.say(f"go on with  charlstm train --resume --out {trained.path}")
        raise SystemExit(wish.exit_code)
    narrator.say(tables.next_commands(trained.path))
