"""A Trainer of a model of a few cells on a short text, for tests that take real training steps."""

import numpy as np
import torch

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.training.trainer import Trainer

SYMBOLS = 30
TEXT = np.frombuffer(b"the quick brown fox jumps over the lazy dog. " * 60, np.uint8) % SYMBOLS


def small_trainer(*, model: dict | None = None, ids: np.ndarray = TEXT, **settings: object) -> Trainer:
    """A training of 30 steps of 4 streams in windows of 16 where settings do not say otherwise.

    model and settings are fields of a ModelConfig and a TrainingConfig; weights are drawn with seed 0.
    """
    config = TrainingConfig(**({"steps": 30, "streams": 4, "window": 16, "precision": "float32"} | settings))
    shape = {"vocabulary_size": SYMBOLS, "cells": 16, "embedding": 8, "dropout": 0.2} | (model or {})
    generator = torch.Generator().manual_seed(config.seed)
    return Trainer(CharLSTM(ModelConfig(**shape), generator=generator), ids, config)


def assert_same_state(one: Trainer, other: Trainer) -> None:
    """Assert that two trainers are at one place, with weights and moments that are equal bit for bit."""
    assert one.progress == other.progress
    tensors, expected = one.tensors(), other.tensors()
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items())
