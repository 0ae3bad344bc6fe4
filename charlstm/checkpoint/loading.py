"""Reads a run's folder back as a model that is ready for use. Every file in it is whole or not there.

    config.json            the settings of the model and its training, the vocabulary, which text it was, and
                           versions; an imported model has its source instead of a training and a text
    model.safetensors      the best weights so far, which sampling and inspection read
    evaluated.safetensors  model.safetensors as the last scheduled evaluation left it, kept while that file
                           holds the weights of an interrupted training
    resume.safetensors     the last weights with all that resuming needs
    snapshots.safetensors  the weights at several points of the training, where they were asked for
    metrics.jsonl          one JSON object per measurement

No file is a pickle. Nothing in a file is used before it was checked: sizes first, then shapes, then
checksums. run_folder writes the files. Importing this module does not import torch; load does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.weights import load_weights

if TYPE_CHECKING:
    from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True)
class Checkpoint:
    """A run read back from its folder, path.

    config holds its settings, model the best weights. step is the training step that they come from, 0 for
    an imported model, and validation_bits_per_character their loss, None where it was not measured.
    """

    path: Path
    config: RunConfig
    model: "CharLSTM"
    step: int
    validation_bits_per_character: float | None


def load(path: str | Path) -> Checkpoint:
    """Return the run in the folder path, its model on the CPU and in evaluation mode.

    Raises CheckpointError when path holds no run, or one that cannot be used.
    """
    import torch

    from charlstm.model.char_lstm import CharLSTM

    path = Path(path)
    config = load_config(path)
    weights = load_weights(path, config.model)
    model = CharLSTM(config.model)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.tensors.items()})
    model.eval()
    return Checkpoint(path, config, model, weights.step, weights.validation_bits_per_character)
