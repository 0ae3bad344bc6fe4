"""A run's folder read back. Every file in it is whole or not there, and none of them is a pickle.

    config.json            settings of the model and its training, vocabulary, corpus, versions; of one that
                           was imported the source, and neither training nor corpus
    model.safetensors      the best weights so far, what sampling and inspection read
    evaluated.safetensors  model.safetensors as it was before the last weights of an interruption were better
    resume.safetensors     the last weights with all that going on needs
    metrics.jsonl          one object per measurement

Nothing is believed before it was checked: sizes first, then shapes, then checksums. runfolder writes it.
torch is loaded with the model: who only wants the weights does not wait for it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charlstm.model.char_lstm import CharLSTM
from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.weights import load_weights


@dataclass(frozen=True)
class Checkpoint:
    """A run read back: its settings, its best model, and what was measured when that was saved."""

    path: Path
    config: RunConfig
    model: "CharLSTM"
    step: int
    validation_bits_per_character: float | None


def load(path: str | Path) -> Checkpoint:
    """The best model of a run, ready for use on the CPU. Raises CheckpointError when it cannot be read."""
    import torch

    from charlstm.model.char_lstm import CharLSTM

    path = Path(path)
    config = load_config(path)
    weights = load_weights(path, config.model)
    model = CharLSTM(config.model)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.tensors.items()})
    model.eval()
    return Checkpoint(path, config, model, weights.step, weights.validation_bits_per_character)
