"""Runs of a model of eight cells on a text of two lines that repeat, for tests that read or write runs."""

from pathlib import Path

import torch

from charlstm.checkpoint.record import CorpusRecord, RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import DEFAULT_SPLIT, ModelConfig, TrainingConfig
from charlstm.machine.own_runs import record_own
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.corpus import load_corpus
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.trainer import Trainer

TEXT = "the quick brown fox.\njumps (over) it\n" * 40


def config_of(
    text: str = TEXT,
    *,
    corpus: CorpusRecord | None = None,
    level: str = "characters",
    steps: int = 6,
    **shape: object,
) -> RunConfig:
    """The config of a run on text that takes steps steps; shape are fields of the ModelConfig."""
    vocabulary = Vocabulary.of_text(text, level=level)
    size = {"vocabulary_size": len(vocabulary), "cells": 8, "embedding": 4, "dropout": 0.1}
    return RunConfig(
        ModelConfig(**size | shape),
        TrainingConfig(steps=steps, streams=2, window=8, precision="float32"),
        vocabulary,
        corpus or CorpusRecord("fox", "00", len(text), DEFAULT_SPLIT),
    )


def model_of(config: RunConfig) -> CharLSTM:
    """The model of a run before its first step, with weights drawn with seed 0."""
    return CharLSTM(config.model, generator=torch.Generator().manual_seed(0))


def trainer_of(config: RunConfig) -> Trainer:
    """The trainer of a run on TEXT before its first step."""
    return Trainer(model_of(config), config.vocabulary.encode(TEXT), config.training)


def new_run(path: Path, *, steps: int = 6) -> tuple[RunFolder, Trainer]:
    """A new run's folder at path, with config.json only, and its trainer."""
    config = config_of(steps=steps)
    folder = RunFolder(path)
    folder.create(config)
    return folder, trainer_of(config)


def saved_run(folder: Path, *, text: str = TEXT, level: str = "characters", **record: object) -> Path:
    """The folder of a run on folder/text.txt, which is written; its saved weights are random.

    It counts as one that this user trained here. record holds other fields of its CorpusRecord.
    """
    place = folder / "text.txt"
    place.write_text(text)
    corpus = load_corpus(str(place), level=level)
    facts = {
        "name": corpus.name,
        "sha256": corpus.sha256,
        "characters": len(corpus.tokens),
        "split": "80/10/10",
    }
    config = config_of(text, corpus=CorpusRecord(**facts | record), level=level)
    run = RunFolder(folder / "run")
    run.create(config)
    run.save_model(model_of(config), step=5, validation_bits_per_character=3.25)
    record_own(run.path)
    return run.path


def imported_run(path: Path) -> Path:
    """The folder of a run that was imported: it has neither a training nor a text of its own."""
    config = config_of()
    run = RunFolder(path)
    run.create(RunConfig(config.model, None, config.vocabulary, None))
    run.save_model(model_of(config), validation_bits_per_character=None)
    return run.path
