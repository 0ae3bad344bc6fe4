"""Runs with random weights, and what their own models predict, for tests of exported models."""

from pathlib import Path

import numpy as np
import torch
from tiny_run import TEXT, config_of, model_of

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.run_folder import RunFolder

IDS = config_of().vocabulary.encode(TEXT[:1000]).astype(np.int64)


def run_of(path: Path, **shape: object) -> Path:
    """A run's folder with random weights of a model of that shape."""
    config = config_of(**shape)
    folder = RunFolder(path)
    folder.create(config)
    folder.save_model(model_of(config), validation_bits_per_character=None)
    return path


def probabilities(run: Path) -> np.ndarray:
    """(characters, symbols): what the run's own model predicts along IDS."""
    model = load(run).model
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(IDS)[None], model.initial_state(1))
    return logits.reshape(len(IDS), -1).softmax(1).numpy()
