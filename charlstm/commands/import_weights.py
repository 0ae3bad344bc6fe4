"""`charlstm import`: take over an LSTM that was trained elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import AsJson, Newlines, Quiet, UnknownOption, place_to_read
from charlstm.commands.terminal import console
from charlstm.config import GateOrder


def import_weights(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS",
            help="a .pt, .safetensors, .npz, .h5, .keras or .onnx file",
            callback=place_to_read,
        ),
    ],
    out: Annotated[Path, typer.Option(help="the run's folder to write")],
    vocabulary: Annotated[
        Path | None, typer.Option(help="a JSON list or map, a text or a pickle [what WEIGHTS holds]")
    ] = None,
    gate_order: Annotated[
        GateOrder | None,
        typer.Option(help="order of the gates: PyTorch ifgo, Keras ifco, TensorFlow ijfo [by the shapes]"),
    ] = None,
    forget_bias: Annotated[
        float | None, typer.Option(help="added to the forget gate [1 for TensorFlow's kernels, else 0]")
    ] = None,
    score: Annotated[str | None, typer.Option(metavar="CORPUS", help="score the model on this text")] = None,
    unknown: UnknownOption = "error",
    newlines: Newlines = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the run in --out")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Import an LSTM that was trained elsewhere. Nothing in its file is executed."""
    from charlstm.commands.terminal import tables
    from charlstm.tasks import import_weights
    from charlstm.tasks.score import ScoreRequest, score_run

    with computing():
        imported = import_weights.import_model(
            weights,
            out,
            vocabulary=vocabulary,
            gate_order=gate_order,
            forget_bias=forget_bias,
            overwrite=overwrite,
        )
        if not as_json:
            console.write_line(tables.import_table(imported))
        request = ScoreRequest(run=out, corpus=score, unknown=unknown, newlines=newlines)
        scored = score_run(request) if score else None
    narrator = console.Narrator(quiet=quiet)
    for note in scored.corpus.notes if scored else ():
        narrator.say(f"note      {note}")
    if as_json:
        more = {"score": scored.document(per_character=False)} if scored else {}
        console.write_json(imported.document() | more)
    elif scored:
        console.write_line(tables.score_line(scored))
    narrator.say(tables.import_advice(imported, scored))
