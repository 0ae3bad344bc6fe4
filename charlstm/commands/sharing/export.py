"""`charlstm export`: write a run for another program, or a smaller one."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.options.shared import AsJson, RunPath
from charlstm.commands.terminal import console, formatting


def export(
    checkpoint: RunPath,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="a file that ends in .safetensors or .onnx, or a name without an ending: a folder for the "
            "run, its weights in 16 bits [default: NAME.safetensors]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the file or the run")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run for PyTorch or onnxruntime, or one of half the size."""
    from charlstm.tasks.sharing.export import export_run

    place = out or Path(f"{checkpoint.resolve().name}.safetensors")
    exported = export_run(checkpoint, place, overwrite=overwrite)
    if as_json:
        console.write_json(
            {"path": str(exported.path), "bytes": exported.bytes, "parameters": exported.parameters}
        )
        return
    size = formatting.bytes_in_words(exported.bytes)
    console.write_line(f"{exported.path}  {exported.parameters:,} parameters, {size}")
