"""A run's folder for others: the settings and the best weights, without what this machine alone has or needs.

What goes on with the training, its measurements and its snapshots stay behind, and so do the folders of its
text and of the run that it began from.
"""

from dataclasses import replace
from pathlib import Path

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.tensor_file import save_tensors
from charlstm.checkpoint.weights import Weights, halved
from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.hugging_face import is_on_hub
from charlstm.run_files import CONFIG, METRICS, MODEL
from charlstm.text.sources import is_built_in


def bare_name(name: str) -> str:
    """Return the name of a text or a run without the folder that it lies in."""
    return name if is_on_hub(name) or is_built_in(name) else Path(name).name


def write_settings(folder: Path, config: RunConfig, *, overwrite: bool = False) -> None:
    """Write the settings of a run into a folder, without the places of files on this machine.

    Raises CheckpointError where the folder holds other files, a run and not overwrite, or cannot be written.
    """
    corpus = config.corpus
    if corpus is not None:
        validation = corpus.validation and bare_name(corpus.validation)
        corpus = replace(corpus, name=bare_name(corpus.name), validation=validation)
    begun_from = config.begun_from and bare_name(config.begun_from)
    RunFolder(folder).create(replace(config, corpus=corpus, begun_from=begun_from), overwrite=overwrite)
    (folder / METRICS).unlink()


def write_half_run(folder: Path, config: RunConfig, weights: Weights, *, overwrite: bool = False) -> int:
    """Write a run with its weights as float16, half of the size, and return the size of its files in bytes.

    Reading it gives float32 again, each weight within 1/2048 of its size. Raises UsageError where float16
    cannot hold a weight, CheckpointError where the folder holds other files, a run and not overwrite, or is
    trained in, and where it cannot be written.
    """
    arrays = halved(weights.tensors)
    numbers = {"step": weights.step, "validation_bits_per_character": weights.validation_bits_per_character}
    with RunFolder(folder).held():
        write_settings(folder, config, overwrite=overwrite)
        try:
            save_tensors(folder / MODEL, arrays, numbers)
        except OSError as error:
            raise cannot_be_written(UsageError, folder, error, "name another folder by `out`") from error
    return sum((folder / name).stat().st_size for name in (CONFIG, MODEL))
