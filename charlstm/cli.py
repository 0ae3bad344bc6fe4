"""The typer commands. Stages are imported when a command runs, not before."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from charlstm import __version__, console, exits
from charlstm.config import GateOrder, InspectionConfig, SamplingConfig, StepPrecision, Unknown
from charlstm.exits import computing
from charlstm.launch import launch
from charlstm.options import AsJson, Device, FiguresOption, NoModel, Part, Quiet, RunPath, UnknownOption
from charlstm.train_command import follow, settings_help, train

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the time, and square brackets stay
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.write_line(f"charlstm {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Train a character-level LSTM on any text, sample from it, and find its switches and counters."""


def main() -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    exits.run(app)


app.command(epilog=settings_help())(train)


@app.command()
def sample(
    checkpoint: RunPath,
    prompt: Annotated[str, typer.Option(help="what to go on from")] = "",
    length: Annotated[int, typer.Option(help="characters to draw")] = 500,
    temperature: Annotated[
        float, typer.Option(help="0 takes the likeliest, 1 draws as the model says")
    ] = 0.8,
    top_k: Annotated[int, typer.Option(help="draw from the k likeliest only; 0 for all")] = 0,
    top_p: Annotated[float, typer.Option(help="draw from the likeliest that hold this probability")] = 1.0,
    count: Annotated[int, typer.Option(help="texts to draw, side by side")] = 1,
    precision: Annotated[
        StepPrecision, typer.Option(help="of the weights in products: bfloat16 is faster")
    ] = "float32",
    seed: Annotated[int, typer.Option(help="the same seed draws the same text")] = 0,
    stop: Annotated[str | None, typer.Option(help="end a text where this appears")] = None,
    hold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER:CELL=VALUE[@FROM]",
            help="set a cell to on, off or a cell state, from this drawn character on [0]; repeatable",
        ),
    ] = None,
    unknown: UnknownOption = "error",
    as_json: AsJson = False,
) -> None:
    """Draw text from a model, character by character."""
    from charlstm import samples

    config = SamplingConfig(
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        count=count,
        stop=stop,
        precision=precision,
    )
    if hold:
        config = replace(config, hold=samples.read_holds(checkpoint, hold))
    with computing():
        pieces = samples.sample_from(checkpoint, prompt, config=config, seed=seed, unknown=unknown)
        if as_json:
            holds = [asdict(each) for each in config.hold]
            texts = _joined(pieces, count)
            console.write_json({"prompt": prompt, "seed": seed, "hold": holds, "samples": texts})
        elif count == 1:
            _stream(prompt, pieces)
        else:
            for number, text in enumerate(_joined(pieces, count), start=1):
                console.write_line(f"--- {number} ---\n{prompt}{text}")


def _joined(pieces: Iterator[list[str]], count: int) -> list[str]:
    texts = [""] * count
    for step in pieces:
        texts = [text + piece for text, piece in zip(texts, step, strict=True)]
    return texts


def _stream(prompt: str, pieces: Iterator[list[str]]) -> None:
    """Show the characters as they are drawn."""
    first = next(pieces)  # a bad prompt or checkpoint fails here, before anything is shown
    console.write(prompt + first[0])
    for (piece,) in pieces:
        console.write(piece)
    console.write_line()


@app.command()
def score(
    checkpoint: RunPath,
    corpus: Annotated[str | None, typer.Argument(metavar="CORPUS", help="[the text of the run]")] = None,
    split: Annotated[
        str | None, typer.Option(help="shares that --part counts in [the run's, of its own text]")
    ] = None,
    part: Annotated[Part, typer.Option(help="the part of the text to score")] = "all",
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="let a copy of the model go on learning as it reads")
    ] = False,
    per_character: Annotated[
        bool, typer.Option("--per-character", help="list each character's bits")
    ] = False,
    unknown: UnknownOption = "error",
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure how well a model predicts a text."""
    from charlstm import narration, pipeline

    narrator = console.Narrator(quiet=quiet)
    with computing(), narrator.bar() as bar:
        scored = pipeline.score(
            checkpoint,
            corpus,
            split=split,
            part=part,
            dynamic=dynamic,
            unknown=unknown,
            device=device,
            progress=bar.move_to,
        )
    if scored.changed:
        narrator.say(narration.CHANGED_TEXT)
    if as_json:
        console.write_json(scored.document(per_character=per_character))
        return
    if per_character:
        for position, symbol, bits in scored.rows():
            console.write_line(f"{position}\t{console.spelled(symbol)}\t{bits:.4f}")
        return
    console.write_line(narration.score_line(scored))


@app.command()
def inspect(
    checkpoint: RunPath,
    corpus: Annotated[
        str | None, typer.Argument(metavar="CORPUS", help="[what the run did not train on]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="where the findings go [the run's folder]")] = None,
    characters: Annotated[
        int, typer.Option(help="how much text to read at most")
    ] = InspectionConfig.characters,
    feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=RULE", help="test this too: NAME=REGEX, or NAME=set:A,reset:B"),
    ] = None,
    interventions: Annotated[
        int, typer.Option(help="how many cells to intervene on, the best first")
    ] = InspectionConfig.interventions,
    seed: Annotated[int, typer.Option(help="of shifts, controls and sites")] = 0,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="put a second run beside it; untrained or shuffled: a twin that knows nothing",
        ),
    ] = None,
    figures: FiguresOption = None,
    no_model: NoModel = False,
    unknown: UnknownOption = "error",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find a model's switches and counters, and whether it uses them."""
    config = InspectionConfig(
        characters=characters, seed=seed, features=tuple(feature or ()), interventions=interventions
    )
    _inspect(
        checkpoint,
        corpus,
        out or checkpoint,
        config,
        quiet,
        as_json,
        unknown,
        compare,
        with_model=not no_model,
    )
    if figures and launch().rank == 0:
        _draw_figures(out or checkpoint, figures, quiet)


def _inspect(
    checkpoint: Path,
    corpus: str | None,
    out: Path,
    config: InspectionConfig,
    quiet: bool,
    as_json: bool,
    unknown: Unknown = "error",
    compare: str | None = None,
    *,
    with_model: bool = True,
) -> None:
    from charlstm import inspections, narration

    started = launch()
    tells = started.rank == 0
    narrator = console.Narrator(quiet=quiet or not tells)
    with computing(), narrator.bar() as bar:
        inspected = inspections.inspect(
            checkpoint,
            corpus,
            out,
            config=config,
            progress=bar.follow,
            command=_command(),
            unknown=unknown,
            compare=compare,
            with_model=with_model,
            launch=started,
        )
    if as_json and tells:
        console.write_json(inspected.findings.to_json())
    elif tells:
        console.write_line(narration.findings_table(inspected.findings))
    narrator.say(f"findings  {inspected.findings_path}\nreport    {inspected.report_path}")
    if inspected.comparison_path:
        narrator.say(f"compared  {inspected.comparison_path}")
    if inspected.changed:
        narrator.say(narration.CHANGED_TEXT)


def _draw_figures(findings: Path, folder: Path, quiet: bool) -> None:
    from charlstm.inspections import draw_figures

    written = draw_figures(findings, folder)
    console.Narrator(quiet=quiet).say(f"figures   {folder}, {len(written)} files")


def _command() -> str:
    """The command as it was typed."""
    return " ".join(["charlstm", *sys.argv[1:]])


@app.command("import")
def import_(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="a .pt, .safetensors or .npz")],
    out: Annotated[Path, typer.Option(help="the folder to write, used as a run's")],
    vocabulary: Annotated[
        Path | None, typer.Option(help="JSON list or map, or a text [what is in WEIGHTS]")
    ] = None,
    gate_order: Annotated[
        GateOrder | None, typer.Option(help="PyTorch ifgo, Keras ifco, TensorFlow ijfo [by the shapes]")
    ] = None,
    forget_bias: Annotated[
        float | None, typer.Option(help="added to the forget gate [1 for TensorFlow's kernels, else 0]")
    ] = None,
    score: Annotated[
        str | None, typer.Option(metavar="CORPUS", help="measure the model on this text")
    ] = None,
    unknown: UnknownOption = "error",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the run in --out")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Take over an LSTM that was trained elsewhere; nothing in its file is run."""
    from charlstm import imports, narration, pipeline

    with computing():
        imported = imports.import_model(
            weights,
            out,
            vocabulary=vocabulary,
            gate_order=gate_order,
            forget_bias=forget_bias,
            overwrite=overwrite,
        )
        if not as_json:
            console.write_line(narration.import_table(imported))
        scored = pipeline.score(out, score, unknown=unknown) if score else None
    if as_json:
        more = {"score": scored.document(per_character=False)} if scored else {}
        console.write_json(imported.document() | more)
    elif scored:
        console.write_line(narration.score_line(scored))
    console.Narrator(quiet=quiet).say(narration.import_advice(imported, scored))


@app.command()
def exam(
    networks: Annotated[int, typer.Option(help="with known switches, counters and decoys")] = 100,
    untrained: Annotated[int, typer.Option(help="that must give no finding")] = 20,
    seed: Annotated[int, typer.Option(help="of the first network; the others follow")] = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Put the finder to its exam: networks with known switches, counters, decoys and twins."""
    from charlstm import narration
    from charlstm.inspection import marking

    with computing(), console.Narrator(quiet=quiet).bar() as bar:
        for event in marking.sit(networks, untrained, seed=seed):
            if isinstance(event, marking.Progress):
                bar.move_to(event.fraction)
            else:
                result = event
    if as_json:
        console.write_json(asdict(result))
    else:
        console.write_line(narration.exam_table(result))


@app.command()
def report(
    findings: Annotated[Path, typer.Argument(metavar="FINDINGS", help="a findings.json, or its folder")],
    out: Annotated[Path | None, typer.Option(help="the page [report.html beside it]")] = None,
    figures: FiguresOption = None,
    no_model: NoModel = False,
) -> None:
    """Draw the page of an inspection again."""
    from charlstm.inspections import draw_report

    console.write_line(str(draw_report(findings, out, with_model=not no_model)))
    if figures:
        _draw_figures(findings, figures, False)


@app.command()
def corpora(as_json: AsJson = False) -> None:
    """List the texts that are built in or cached."""
    from charlstm import narration
    from charlstm.pipeline import known_corpora

    listed = known_corpora()
    if as_json:
        console.write_json([asdict(corpus) for corpus in listed])
    else:
        console.write_line(narration.corpora_table(listed))


@app.command()
def demo(
    minutes: Annotated[float, typer.Option(help="of training")] = 4.0,
    out: Annotated[Path, typer.Option(help="the run's folder, replaced where it is there")] = Path(
        "checkpoints/demo"
    ),
    quiet: Quiet = False,
) -> None:
    """Train on Python's own source, sample, inspect, report."""
    from charlstm import samples
    from charlstm.runs import TrainRequest

    narrator = console.Narrator(quiet=quiet)
    request = TrainRequest(corpus="stdlib", out=out, model={}, training={"minutes": minutes}, overwrite=True)
    follow(request, quiet=quiet, as_json=False)
    narrator.say("\na sample")
    pieces = samples.sample_from(out, "def ", config=SamplingConfig(length=400, temperature=0.5), seed=1)
    _stream("def ", pieces)
    narrator.say("\nits switches and counters")
    _inspect(out, None, out, InspectionConfig(), quiet, False)
