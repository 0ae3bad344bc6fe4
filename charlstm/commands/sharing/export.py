"""`charlstm export`: write a run's model as a file of another program."""

from pathlib import Path
from typing import Annotated

import typer

from charlstm.commands.options.shared import AsJson, RunPath
from charlstm.commands.terminal import console, formatting


def export(
    checkpoint: RunPath,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="a file that ends in .safetensors or .onnx [NAME.safetensors]"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the file")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's model for plain PyTorch or onnxruntime."""
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
