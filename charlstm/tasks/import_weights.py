"""Do what `charlstm import` does, without a terminal: write a model from elsewhere as a run's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import RunConfig, SourceRecord
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import GATE_ACTIVATIONS, GateActivation, GateOrder, ModelConfig, Unknown
from charlstm.foreign import load_foreign
from charlstm.foreign.recognition import GateSource
from charlstm.tasks.score import Score, ScoreRequest, score_run


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What `charlstm import` was asked for.

    weights is the file of weights, out the run's folder to write. vocabulary, gate_order, forget_bias and
    gate_activation go to `foreign.load_foreign`. overwrite replaces a run at out.
    """

    weights: Path
    out: Path
    vocabulary: Path | None = None
    gate_order: GateOrder | None = None
    forget_bias: float | None = None
    gate_activation: GateActivation | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Imported:
    """An Imported says where the folder of an imported model is, and how its file of weights was read.

    input says in words what the first layer takes; parameters is the number of parameters in the file.
    gates_known_from says what told the function of the gates, which is model.gate_activation: an option, the
    file, or the layout of its tensors.
    """

    path: Path
    model: ModelConfig
    source: SourceRecord
    input: str
    parameters: int
    gates_known_from: GateSource

    @property
    def in_doubt(self) -> bool:
        """Whether the gates may apply the other function: Keras had both, and anybody may err."""
        return self.source.layout.startswith("Keras") or self.gates_known_from == "option"

    def document(self) -> dict[str, Any]:
        """Return the JSON object that `charlstm import --json` prints, without a score."""
        return {
            "path": str(self.path),
            "layers": self.model.layers,
            "cells": self.model.cells,
            "input": self.input,
            "vocabulary_size": self.model.vocabulary_size,
            "parameters": self.parameters,
            "gate_activation": self.model.gate_activation,
            "gates_known_from": self.gates_known_from,
            "source": dict(vars(self.source)),
        }


def import_model(request: ImportRequest) -> Imported:
    """Read a file of weights with `foreign.load_foreign` and write its model as a run's folder.

    Raises CheckpointError when the weights or the vocabulary cannot be used, and when there is a run at
    request.out that is not to be replaced; UsageError when a file to read lies there. Nothing is written
    then.
    """
    folder = RunFolder(request.out)
    for file in filter(None, (request.weights, request.vocabulary)):
        folder.refuse_to_replace(file)
    folder.refuse_if_taken(overwrite=request.overwrite)
    foreign = load_foreign(
        request.weights,
        vocabulary=request.vocabulary,
        gate_order=request.gate_order,
        forget_bias=request.forget_bias,
        gate_activation=request.gate_activation,
    )
    source = SourceRecord(
        request.weights.name, foreign.sha256, foreign.layout, foreign.gate_order, foreign.forget_bias
    )
    config = RunConfig(foreign.model.config, None, foreign.vocabulary, None, source)
    with folder.held():
        folder.create(config, overwrite=request.overwrite)
        folder.save_model(foreign.model, validation_bits_per_character=None)
    return Imported(
        request.out, config.model, source, foreign.input, foreign.parameters, foreign.gates_known_from
    )


def scores_by_gates(
    imported: Imported, corpus: str, unknown: Unknown, *, newlines: bool = False
) -> dict[GateActivation, Score]:
    """Return how well an imported model predicts a text, by the function of its gates, its own first.

    Another function than its own is tried where imported.in_doubt: its score is the lower one if the model
    was trained with that. unknown and newlines are those of ScoreRequest. Raises what `score.score_run`
    raises.
    """
    own = imported.model.gate_activation
    others = [gates for gates in GATE_ACTIVATIONS if gates != own] if imported.in_doubt else []
    request = ScoreRequest(run=imported.path, corpus=corpus, unknown=unknown, newlines=newlines)
    return {gates: score_run(replace(request, gate_activation=gates)) for gates in (own, *others)}


def score_document(scores: Mapping[GateActivation, Score]) -> dict[str, Any]:
    """Return the part of what `charlstm import --json` prints that is about scores: {} without any.

    "score" is that of the run, the first one; "scores_by_gates" has the bits per character of each.
    """
    if not scores:
        return {}
    own = next(iter(scores.values()))
    bits = {gates: scored.bits_per_character for gates, scored in scores.items()}
    return {"score": own.document(per_character=False), "scores_by_gates": bits}
