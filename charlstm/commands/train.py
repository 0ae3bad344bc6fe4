"""`charlstm train`: train a model on a text, or go on with a training."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import completion
from charlstm.commands.options.shared import AsJson, Device, Newlines, Quiet, fields_of, given
from charlstm.commands.terminal import console
from charlstm.config import (
    DEFAULT_SPLIT,
    Activation,
    GateActivation,
    ModelConfig,
    Optimizer,
    Precision,
    TextLevel,
    TrainingConfig,
)
from charlstm.errors import UsageError
from charlstm.machine.launch import SINGLE, by_torchrun, launch
from charlstm.report.words.plain_table import table
from charlstm.training import default_settings

if TYPE_CHECKING:
    from charlstm.tasks.training_plan import TrainRequest

# Seconds after a Ctrl-C in which a second one counts as the same: a terminal sends it to torchrun and to all
# processes that torchrun started, and torchrun then sends it to these processes again.
_REPEATED_SIGNAL_SECONDS = 2.0

# Minutes that a training takes where no length is given.
MINUTES_BY_DEFAULT = 4.0

# The texts, by their characters to train on, and the minutes that the table in the help names settings for.
_TEXT_CHARACTERS = {"100 KB": 90_000, "1 MB": 900_000, "10 MB": 9_000_000, "100 MB": 90_000_000}
_MINUTES = (4, 20, 200)


def settings_help() -> str:
    """Return the end of the command's help: a table of the settings that are taken by default."""

    def settings_for(characters: int, minutes: float) -> str:
        settings = default_settings.suggested(characters, TrainingConfig(minutes=minutes))
        return f"{settings.cells} x {settings.layers}, {settings.dropout:g}, {settings.weight_decay:.2g}"

    rows = [
        (name, *(settings_for(characters, minutes) for minutes in _MINUTES))
        for name, characters in _TEXT_CHARACTERS.items()
    ]
    header = ("text", *(f"{minutes} minutes" for minutes in _MINUTES))
    shown = table(rows, header=header)
    return f"Cells x layers, dropout and weight decay by default, on two cores:\n\n\b\n{shown}"


def check_settings(values: Mapping[str, Any]) -> None:
    """Raise one UsageError for all values of options, by their parameters' names, that are out of range."""
    training = fields_of(TrainingConfig, values)
    default_settings.check_settings(fields_of(ModelConfig, values), training, values.get("split"))


def train(
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help="stdlib, grammar:NAME, a file, a folder, a glob, or hf:owner/name[:config][#column]",
            autocompletion=completion.corpora,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="the run's folder [default: checkpoints/NAME of the text]", autocompletion=completion.runs
        ),
    ] = None,
    cells: Annotated[
        int | None, typer.Option(help="cells in each layer [default: by the length of training and text]")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(help="LSTM layers [default: 1 or 2, by the length of training and text]")
    ] = None,
    embedding: Annotated[
        int | None, typer.Option(help="size of the embedding of a character [default: 64]")
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            help="share of cells left out in training [default: by the length of training and text]"
        ),
    ] = None,
    activation: Annotated[
        Activation | None, typer.Option(help="activation of candidate and cell output [default: tanh]")
    ] = None,
    gate_activation: Annotated[
        GateActivation | None,
        typer.Option("--gates", help="function of the other gates; hard is Keras's [default: sigmoid]"),
    ] = None,
    streams: Annotated[
        int | None,
        typer.Option(
            help="pieces the text is cut into, read side by side [default: 64; 32 for a short text]"
        ),
    ] = None,
    window: Annotated[int | None, typer.Option(help="characters between two updates [default: 64]")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help=f"train for this many minutes [default: {MINUTES_BY_DEFAULT:g}]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="train for this many updates")] = None,
    epochs: Annotated[float | None, typer.Option(help="train for this many passes over the text")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Muon's peak learning rate; AdamW's rates are fixed multiples of it "
            "[default: 0.012; 0.015 for a short text]"
        ),
    ] = None,
    optimizer: Annotated[
        Optimizer | None,
        typer.Option(
            help="optimizer of the LSTM; with adamw gates are most often near 0 or 1 [default: mixed]"
        ),
    ] = None,
    recurrent_l1: Annotated[
        float | None,
        typer.Option(
            help="L1 pull of recurrent weights to 0; more gives cells that do one thing [default: 0.02]"
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="decay of the LSTM's matrices [default: by the length of training and text]"),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help=f"percentages to train on, validate on and test on [default: {DEFAULT_SPLIT}]"),
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(metavar="CORPUS", help="validate on this text", autocompletion=completion.corpora),
    ] = None,
    level: Annotated[
        TextLevel | None, typer.Option(help="what one symbol of the vocabulary is [default: characters]")
    ] = None,
    newlines: Newlines = False,
    seed: Annotated[int | None, typer.Option(help="seed of weights and dropout [default: 0]")] = None,
    evaluate_every: Annotated[
        int | None,
        typer.Option(metavar="STEPS", help="steps between evaluations [default: a tenth of the run]"),
    ] = None,
    save_every: Annotated[
        int | None, typer.Option(metavar="STEPS", help="steps between saves [default: at every evaluation]")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="stop after this many evaluations without a better one")
    ] = None,
    snapshots: Annotated[
        int | None,
        typer.Option(
            help="keep the weights of this many points of the run, for `inspect --over-time` [default: 0]"
        ),
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="number format of products in training [default: auto]")
    ] = None,
    device: Device = "auto",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="continue the run in --out; with --minutes, --steps or --epochs, train a finished run for "
            "that much longer",
        ),
    ] = False,
    begin_from: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="begin with the weights and symbols of this run",
            autocompletion=completion.runs,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the run in --out")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="also log for TensorBoard, in the run's folder")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on a text. Ctrl-C saves and stops; --resume continues."""
    if resume and corpus is None and out is None:
        raise UsageError("--resume does not say which run", "name its folder by --out")
    if corpus is None and not resume:
        raise UsageError("there is no text to train on", "name a CORPUS, such as `charlstm train stdlib`")
    if resume and begin_from:
        raise UsageError(
            "--resume and --from contradict each other",
            "--resume goes on with the run in --out, --from begins a new one",
        )
    narrator = console.Narrator(quiet=quiet or launch().rank > 0)
    with narrator.starting():
        from charlstm.commands.terminal import tables
        from charlstm.tasks.training_plan import TrainRequest
    length = given(minutes=minutes, steps=steps, epochs=epochs)
    request = TrainRequest(
        corpus=corpus,
        out=out or Path("checkpoints") / run_name(corpus or ""),
        model=given(cells=cells, layers=layers, embedding=embedding, dropout=dropout)
        | given(activation=activation, gate_activation=gate_activation),
        training=(length or ({} if resume else {"minutes": MINUTES_BY_DEFAULT}))
        | given(streams=streams, window=window, learning_rate=learning_rate, optimizer=optimizer, seed=seed)
        | given(recurrent_l1=recurrent_l1, weight_decay=weight_decay)
        | given(evaluate_every=evaluate_every, save_every=save_every, patience=patience)
        | given(snapshots=snapshots, precision=precision),
        validation=validation,
        split=split,
        level=level,
        newlines=newlines,
        device=device,
        resume=resume,
        overwrite=overwrite,
        begin_from=begin_from,
        tensorboard=tensorboard,
    )
    follow(request, quiet=quiet, as_json=as_json)
    if launch().rank == 0:
        narrator.say(tables.next_commands(request.out))


def run_name(corpus: str) -> str:
    """Return a name for the folder of a run that is trained on the text named corpus."""
    stem = Path(corpus.split("#")[0].rstrip("/*")).stem if ":" not in corpus else corpus
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "run"


def follow(request: "TrainRequest", *, quiet: bool, as_json: bool) -> None:
    """Train, show what happens, and exit with 130 or 143 when a signal ended the training.

    Of several processes that train together only the first one shows anything.
    """
    from charlstm.commands.terminal import tables, training_story
    from charlstm.machine.interrupts import stop_wish
    from charlstm.tasks import train
    from charlstm.tasks.next_commands import resume_command

    started = launch()
    leads = started.rank == 0
    narrator, as_json = console.Narrator(quiet=quiet or not leads), as_json and leads
    if started.count > 1 and not by_torchrun():
        narrator.say(tables.waiting_for_processes(started.count))
    with computing(), stop_wish(deaf_seconds=0.0 if started is SINGLE else _REPEATED_SIGNAL_SECONDS) as wish:
        events = train.train_run(request, should_stop=wish, launch=started)
        trained = training_story.follow_training(events, narrator, as_json=as_json)
    try:
        if leads and not as_json:
            console.write_line(training_story.summary_table(trained))
    finally:  # the signal decides the exit code, be it that nobody reads the summary any more
        if trained.reason == "interrupted":
            narrator.say(f"continue with  {resume_command(trained.path)}")
            raise SystemExit(wish.exit_code)
