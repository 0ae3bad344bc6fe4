"""Do what `charlstm export` does, without a terminal: write a run for another program, or a smaller one."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.tensor_file import Arrays
from charlstm.checkpoint.weights import load_weights
from charlstm.config import ModelConfig
from charlstm.errors import UsageError, cannot_be_written
from charlstm.run_files import CONFIG, RUN_FILES
from charlstm.sharing.onnx_model import write_onnx
from charlstm.sharing.plain_lstm import write_plain_lstm
from charlstm.sharing.run_for_others import write_half_run
from charlstm.text.vocabulary import Vocabulary

# How the file of each ending is written.
_WRITERS: dict[str, Callable[[Path, ModelConfig, Arrays, Vocabulary], None]] = {
    ".safetensors": write_plain_lstm,
    ".onnx": write_onnx,
}


@dataclass(frozen=True)
class Exported:
    """An Exported says where a model was written, as what, and its size in bytes."""

    path: Path
    bytes: int
    parameters: int


def export_run(run: Path, out: Path, *, overwrite: bool = False) -> Exported:
    """Write the best weights of a run, with its vocabulary, to out, whose ending says how.

    .safetensors is the state dict of plain PyTorch modules (see `sharing.plain_lstm`), .onnx an ONNX model
    (see `sharing.onnx_model`). A name without an ending, or a folder that is there, becomes the folder of a
    run with weights in half precision (see `sharing.run_for_others`). Raises CheckpointError where run holds
    no run or the folder out holds other files; UsageError for another ending, a model that cannot be written
    so, a file of a run in the place of out, and where out is there and not overwrite.
    """
    if out.is_dir() or not out.suffix:
        return _export_folder(run, out, overwrite=overwrite)
    config = load_config(run)
    if out.suffix not in _WRITERS:
        raise UsageError(
            f"{out.name} has no ending that says how to write the model",
            f"name a file that ends in {' or '.join(_WRITERS)}, or a folder by a name without an ending",
        )
    _refuse_file_of_run(out)
    if out.exists() and not overwrite:
        raise UsageError(
            f"{out} is there already", "replace it by `overwrite=True`, or name another file by `out`"
        )
    tensors = load_weights(run, config.model).tensors
    try:
        _WRITERS[out.suffix](out, config.model, tensors, config.vocabulary)
    except OSError as error:
        raise cannot_be_written(UsageError, out, error, "name another file by `out`") from error
    return Exported(out, out.stat().st_size, _parameters(tensors))


def _refuse_file_of_run(out: Path) -> None:
    """Raise UsageError where out is a file of a run, such as the weights that are about to be read."""
    for place in (out, Path(os.path.realpath(out))):  # a link in a folder of its own may lead into a run
        if place.name.lower() in RUN_FILES and (place.parent / CONFIG).exists():
            raise UsageError(
                f"{out} is a file of the run in {place.parent}, which would be lost",
                "name another file by `out`",
            )


def _export_folder(run: Path, out: Path, *, overwrite: bool) -> Exported:
    """Write a run to the folder out with weights in half precision; see `export_run`."""
    config = load_config(run)
    RunFolder(out).refuse_to_replace(run / CONFIG)
    weights = load_weights(run, config.model)
    size = write_half_run(out, config, weights, overwrite=overwrite)
    return Exported(out, size, _parameters(weights.tensors))


def _parameters(tensors: Arrays) -> int:
    """Return how many numbers tensors hold."""
    return sum(values.size for values in tensors.values())
