"""A model and a text -> findings: the stages of an inspection in order, and what they say as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.findings import CorpusFacts, Findings, Json
from charlstm.inspection.control_networks import ControlResults, inspect_controls, share_above
from charlstm.inspection.describing.excerpts import excerpt_of
from charlstm.inspection.describing.findings_data import findings_of, method_of, model_facts, provenance_of
from charlstm.inspection.gates.gradients import credit_report, usable_sites
from charlstm.inspection.gates.saturation import gate_report
from charlstm.inspection.progress import Progress, untold, within
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.reading.trace import Cut
from charlstm.inspection.study import Standing, Study, study
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# Control networks, and the gates of all, are read on no more text than this: what they show is soon clear.
_CONTROL_CHARACTERS = 150_000
_GATE_CHARACTERS = 60_000
_CREDIT_SITES = 64
_CREDIT_CELLS = 32


class Symbols(Protocol):
    """What an inspection asks of a vocabulary: the character of each id, one code point each."""

    @property
    def symbols(self) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True)
class InspectionRequest:
    """A model and a text to inspect, and what the findings say of where they come from.

    ids (characters,) spell the text in the symbols of vocabulary; at most the first config.characters are
    read. corpus_name and corpus_sha256 name the text, checkpoint the run that the model comes from,
    bits_per_character how well that run predicts held-out text, command the command line that was typed.
    """

    model: CharLSTM
    ids: Ids
    vocabulary: Symbols
    config: InspectionConfig
    corpus_name: str
    corpus_sha256: str
    checkpoint: str | None = None
    bits_per_character: float | None = None
    command: str | None = None


def inspect_model(
    request: InspectionRequest, *, progress: Progress = untold, processes: ProcessGroup = ALONE
) -> Findings:
    """Find the switches and counters of a model in a text, and whether the model uses them.

    All processes of a group call this with the same request, and all get the findings.
    Raises CorpusError when the text is too short, UsageError when no score could reach config.significance
    and for a feature of the user's that cannot be read.
    """
    model, config = request.model, request.config
    if 1 / (1 + config.shifts) > config.significance:
        raise UsageError(
            f"{config.shifts} shifts can show no significance of {config.significance:g}",
            f"use {int(np.ceil(1 / config.significance)) - 1} shifts at least",
        )
    progress("features", 0.0)
    text = read_text(
        request.ids[: config.characters], request.vocabulary.symbols, config.streams, config.features
    )
    generator = torch.Generator().manual_seed(config.seed)
    studied = study(
        model, text, config, generator=generator, progress=within(progress, 0.05, 0.65), processes=processes
    )
    progress("control networks", 0.65)
    few = replace(config, characters=min(config.characters, _CONTROL_CHARACTERS))
    short = text if few.characters >= len(text.ids) else _shorter(text, few)
    controls = inspect_controls(model, short, few, generator, processes)
    progress("gates and gradients", 0.9)
    findings = findings_of(studied, model)
    share, told = share_above(studied.found, controls, model.config.layers * model.config.cells, generator)
    return Findings(
        model=model_facts(model, request.bits_per_character, request.checkpoint),
        corpus=CorpusFacts(
            name=request.corpus_name,
            sha256=request.corpus_sha256,
            characters=len(text.ids),
            splits={name: list(bounds) for name, bounds in text.bounds.items()},
        ),
        method=method_of(studied.found, share, told, config),
        findings=findings,
        gates=_gates(model, text, controls),
        credit=_credit(model, studied, controls, generator),
        excerpts=[excerpt_of(model, studied.found, findings[: config.top])],
        provenance=provenance_of(model, request.command),
    )


def _shorter(text: InspectedText, config: InspectionConfig) -> InspectedText:
    """The same text, less of it."""
    return read_text(text.ids[: config.characters], text.symbols, config.streams, config.features)


def _gates(model: CharLSTM, text: InspectedText, controls: ControlResults) -> Json:
    """How hard the gates are on the confirmation split, beside the untrained network's."""
    confirming = text.splits["confirm"]
    ids = confirming.ids[:_GATE_CHARACTERS]
    cut = Cut(len(ids), min(confirming.cut.streams, max(1, len(ids) // 2_000)))
    return gate_report(model, ids[: cut.streams * cut.length], cut, untrained=controls.untrained)


def _credit(model: CharLSTM, studied: Study, controls: ControlResults, generator: torch.Generator) -> Json:
    """How gradient from true closers reaches the cells of the best feature that is on in spans."""
    carrier = _best_carrier(studied)
    if carrier is None:
        return {}
    part = studied.found.text.splits["intervene"].first
    sites = usable_sites(_spans(part.signal(carrier.feature.name).values > 0))
    drawn = torch.randperm(len(sites), generator=generator)[:_CREDIT_SITES].sort().values.numpy()
    same = [other for other in studied.standing if other.feature.name == carrier.feature.name]
    proven = [other for other in same if other.proof.verdict == "verified"] or same
    layer = carrier.cell // model.config.cells
    cells = [divmod(other.cell, model.config.cells) for other in proven[:_CREDIT_CELLS]]
    alike = list(dict.fromkeys((layer, cell) for cell in carrier.proof.controls))[:_CREDIT_CELLS]
    found = credit_report(
        model,
        part.ids,
        sites=sites[drawn],
        cells=cells,
        controls=alike,
        untrained=controls.untrained,
    )
    return {"feature": carrier.feature.name, **found} if found else {}


def _best_carrier(studied: Study) -> Standing | None:
    """The finding whose spans carry a memory from an opener to a closer: verified before others."""
    spanning = [found for found in studied.standing if found.feature.kind != "counter"]
    proven = [found for found in spanning if found.proof.verdict == "verified"]
    return next(iter([*proven, *spanning]), None)


def _spans(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n, 2) positions where a flag goes on, and where it next goes off."""
    edges = np.diff(on.astype(np.int8))
    rises, falls = np.flatnonzero(edges > 0) + 1, np.flatnonzero(edges < 0) + 1
    falls = falls[falls > rises[0]] if len(rises) else falls[:0]
    return np.stack((rises[: len(falls)], falls), axis=1)
