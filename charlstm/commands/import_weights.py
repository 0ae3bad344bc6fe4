"""`charlstm import`: take over an LSTM that was trained elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options import completion
from charlstm.commands.options.shared import AsJson, Newlines, Quiet, UnknownOption, place_to_read
from charlstm.commands.terminal import console
from charlstm.config import GateActivation, GateOrder


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
        Path | None, typer.Option(help="a JSON list or map, a text or a pickle [default: what WEIGHTS holds]")
    ] = None,
    gate_order: Annotated[
        GateOrder | None,
        typer.Option(
            help="order of the gates: PyTorch ifgo, Keras ifco, TensorFlow ijfo [default: by the shapes]"
        ),
    ] = None,
    forget_bias: Annotated[
        float | None,
        typer.Option(help="added to the forget gate [default: 1 for TensorFlow's kernels, else 0]"),
    ] = None,
    gate_activation: Annotated[
        GateActivation | None,
        typer.Option(
            "--gates", help="what the gates apply; hard before Keras 2.3 [default: by the file or the layout]"
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS", help="score the model on this text", autocompletion=completion.corpora
        ),
    ] = None,
    unknown: UnknownOption = "error",
    newlines: Newlines = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the run in --out")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Import an LSTM that was trained elsewhere. Nothing in its file is executed."""
    narrator = console.Narrator(quiet=quiet)
    with narrator.starting():
        from charlstm.commands.terminal import tables
        from charlstm.tasks import import_weights
    request = import_weights.ImportRequest(
        weights=weights,
        out=out,
        vocabulary=vocabulary,
        gate_order=gate_order,
        forget_bias=forget_bias,
        gate_activation=gate_activation,
        overwrite=overwrite,
    )
    with computing():
        narrator.stage(f"reading {weights}")
        imported = import_weights.import_model(request)
        if not as_json:
            console.write_line(tables.import_table(imported))
        if score:
            narrator.stage(f"scoring it on {score}")
        scores = import_weights.scores_by_gates(imported, score, unknown, newlines=newlines) if score else {}
    for note in next(iter(scores.values())).corpus.notes if scores else ():
        narrator.say(f"note      {note}")
    if as_json:
        console.write_json(imported.document() | import_weights.score_document(scores))
    elif scores:
        console.write_line(tables.import_scores(scores))
    narrator.say(tables.import_advice(imported, scores))
