"""Do what `charlstm import` does, without a terminal: write a model from elsewhere as a run's folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import RunConfig, SourceRecord
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import GateOrder, ModelConfig
from charlstm.foreign import load_foreign


@dataclass(frozen=True)
class Imported:
    """An Imported says where the folder of an imported model is, and how its file of weights was read.

    input says in words what the first layer takes; parameters is the number of parameters in the file.
    """

    path: Path
    model: ModelConfig
    source: SourceRecord
    input: str
    parameters: int

    def document(self) -> dict[str, Any]:
        """Return the JSON object that `charlstm import --json` prints, without a score."""
        return {
            "path": str(self.path),
            "layers": self.model.layers,
            "cells": self.model.cells,
            "input": self.input,
            "vocabulary_size": self.model.vocabulary_size,
            "parameters": self.parameters,
            "source": dict(vars(self.source)),
        }


def import_model(
    weights: Path,
    out: Path,
    *,
    vocabulary: Path | None = None,
    gate_order: GateOrder | None = None,
    forget_bias: float | None = None,
    overwrite: bool = False,
) -> Imported:
    """Read the file weights with `foreign.load_foreign` and write its model as a run's folder at out.

    vocabulary, gate_order and forget_bias go to `foreign.load_foreign`; overwrite replaces a run at out.
    Raises CheckpointError when the weights or the vocabulary cannot be used, and when there is a run at out
    and overwrite is False; UsageError when weights or vocabulary lie in out. Nothing is written then.
    """
    folder = RunFolder(out)
    for file in filter(None, (weights, vocabulary)):
        folder.refuse_to_replace(file)
    folder.refuse_if_taken(overwrite=overwrite)
    foreign = load_foreign(weights, vocabulary=vocabulary, gate_order=gate_order, forget_bias=forget_bias)
    source = SourceRecord(
        weights.name, foreign.sha256, foreign.layout, foreign.gate_order, foreign.forget_bias
    )
    config = RunConfig(foreign.model.config, None, foreign.vocabulary, None, source)
    with folder.held():
        folder.create(config, overwrite=overwrite)
        folder.save_model(foreign.model, validation_bits_per_character=None)
    return Imported(out, config.model, source, foreign.input, foreign.parameters)
