"""A model and a text -> findings: the passes of the detectors in order, and what they say as plain data."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch

from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.inspection.findings import CorpusFacts, Findings
from charlstm.inspection.passes import Ids, detect, fresh, read_text, untrained_scores
from charlstm.inspection.summary import (
    excerpt_of,
    findings_of,
    gates_of,
    method_of,
    model_facts,
    provenance_of,
)
from charlstm.model import CharLSTM

Progress = Callable[[str, float], None]


class Symbols(Protocol):
    """What an inspection asks of a vocabulary: the character of each id, one code point each."""

    @property
    def symbols(self) -> Sequence[str]: ...


def inspect(
    model: CharLSTM,
    ids: Ids,
    vocabulary: Symbols,
    *,
    config: InspectionConfig,
    corpus_name: str,
    corpus_sha256: str,
    checkpoint: str | None = None,
    bits_per_character: float | None = None,
    command: str | None = None,
    progress: Progress = lambda stage, fraction: None,
) -> Findings:
    """Find the switches and counters of a model in a text, ids (characters,).

    At most the first config.characters are read. progress is told each stage and the share of the work
    before it, in [0, 1].
    Raises CorpusError when the text is too short, UsageError when no score could reach config.significance.
    """
    if 1 / (1 + config.shifts) > config.significance:
        raise UsageError(
            f"{config.shifts} shifts can show no significance of {config.significance:g}",
            f"use {int(np.ceil(1 / config.significance)) - 1} shifts at least",
        )
    progress("features", 0.0)
    text = read_text(ids[: config.characters], vocabulary.symbols, config.streams)
    generator = torch.Generator().manual_seed(config.seed)
    progress("untrained scores", 0.05)
    untrained = untrained_scores(model, text, generator)
    progress("trained network", 0.25)
    found = detect(model, text, config, untrained=untrained, generator=generator)
    progress("untrained network", 0.6)
    control = detect(fresh(model, generator), text, config, untrained=untrained, generator=generator)
    progress("findings", 0.95)
    findings = findings_of(found, text, model)
    return Findings(
        model=model_facts(model, bits_per_character, checkpoint),
        corpus=CorpusFacts(
            name=corpus_name,
            sha256=corpus_sha256,
            characters=len(text.ids),
            splits={name: list(bounds) for name, bounds in text.bounds.items()},
        ),
        method=method_of(found, control, text, config),
        findings=findings,
        gates=gates_of(found.confirmation.gates, model),
        excerpts=[excerpt_of(model, text, findings[: config.top])],
        provenance=provenance_of(command),
    )
