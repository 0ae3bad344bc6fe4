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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlstm.checkpoint.tensor_file import UNREADABLE, Arrays, finite_number, load_tensors, whole_number
from charlstm.config import ModelConfig, parameter_shapes
from charlstm.errors import CharLSTMError, CheckpointError
from charlstm.run_files import CONFIG, MODEL

if TYPE_CHECKING:
    from charlstm.model.char_lstm import CharLSTM
from charlstm.checkpoint.record import RunConfig, config_document, damaged, unsealed

_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True)
class Checkpoint:
    """A run read back: its settings, its best model, and what was measured when that was saved."""

    path: Path
    config: RunConfig
    model: "CharLSTM"
    step: int
    validation_bits_per_character: float | None


class Weights(NamedTuple):
    """The best weights of a run by the names of a CharLSTM's parameters, and what was measured of them."""

    tensors: Arrays
    step: int
    validation_bits_per_character: float | None


def load_config(path: Path) -> RunConfig:
    """The settings of a run. Raises CheckpointError when there is none or it cannot be read."""
    place = path / CONFIG
    if not place.is_file():
        raise CheckpointError(
            f"{path} is not a run's folder: it has no {CONFIG}",
            "name a folder that `charlstm train --out` made",
        )
    try:
        return RunConfig.from_json(unsealed(config_document(place)))
    except (*UNREADABLE, AttributeError, CharLSTMError) as error:
        raise damaged(place, error) from error


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


def load_weights(path: Path, model: ModelConfig) -> Weights:
    """The best weights of a run with this model. Raises CheckpointError when they cannot be read."""
    if not (path / MODEL).is_file():
        raise CheckpointError(
            f"{path} has no {MODEL}: its training has not saved yet",
            "let it save, or train with --save-every",
        )
    try:
        tensors, numbers = load_tensors(path / MODEL, lambda shapes: shapes == parameter_shapes(model))
        step, bits = whole_number(numbers, "step"), numbers["validation_bits_per_character"]
        if bits is not None:
            bits = finite_number(numbers, "validation_bits_per_character")
        if _may_overflow(tensors, model.layers):
            raise ValueError("its weights are so large that their products overflow")
    except UNREADABLE as error:
        raise damaged(path / MODEL, error) from error
    return Weights(tensors, step, bits)


def _may_overflow(tensors: Arrays, layers: int) -> bool:
    """Whether weights with the largest inputs can pass what float32 holds: a symbol's embedding, h of 1."""
    reach = float(np.abs(tensors["embedding.weight"]).max())
    sums = []
    for layer in range(layers):
        part = {name: np.abs(tensors[f"layers.{layer}.{name}_l0"], dtype=np.float64) for name in _PARTS}
        inputs, recurrent = part["weight_ih"].sum(1) * reach, part["weight_hh"].sum(1)
        sums.append(inputs + recurrent + part["bias_ih"] + part["bias_hh"])
        reach = 1.0
    head, bias = (np.abs(tensors[f"head.{name}"], dtype=np.float64) for name in ("weight", "bias"))
    sums.append(head.sum(1) + bias)
    return max(float(each.max()) for each in sums) > float(np.finfo(np.float32).max) / 2
