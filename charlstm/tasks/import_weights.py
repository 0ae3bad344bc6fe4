"""What `charlstm import` does: a model from elsewhere becomes a run's folder. Nothing here prints."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import RunConfig, SourceRecord
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import GateOrder, ModelConfig
from charlstm.foreign import load_foreign


@dataclass(frozen=True)
class Imported:
    """A model that was imported: where it is now, and what was found."""

    path: Path
    model: ModelConfig
    source: SourceRecord
    input: str
    parameters: int

    def document(self) -> dict[str, Any]:
        """What `charlstm import --json` prints, without a score."""
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
    """Read a file of weights with foreign.load_foreign and write the model as a run's folder at out.

    Raises CheckpointError when the weights cannot be used or a run is at out; nothing is written then.
    """
    folder = RunFolder(out)
    folder.refuse_if_taken(overwrite=overwrite)
    found = load_foreign(weights, vocabulary=vocabulary, gate_order=gate_order, forget_bias=forget_bias)
    source = SourceRecord(weights.name, found.sha256, found.layout, found.gate_order, found.forget_bias)
    config = RunConfig(found.model.config, None, found.vocabulary, None, source)
    with folder.held():
        folder.create(config, overwrite=overwrite)
        folder.save_model(found.model, validation_bits_per_character=None)
    return Imported(out, config.model, source, found.input, found.parameters)
