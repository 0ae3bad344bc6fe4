"""The whole inspection goes from a model and a text to the findings as plain data.

The findings call the gradient that reaches a cell its credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.findings import CorpusFacts, Findings, Json
from charlstm.inspection.circuits.circuits import Circuits, FoundCell, circuits_of
from charlstm.inspection.control_networks import ControlResults, inspect_controls, share_above
from charlstm.inspection.describing.excerpts import excerpt_of
from charlstm.inspection.describing.findings_data import findings_of, method_of, model_facts, provenance_of
from charlstm.inspection.gates.gradients import credit_report, usable_spans
from charlstm.inspection.gates.saturation import gate_report
from charlstm.inspection.over_time import Moment, read_over_time
from charlstm.inspection.progress import Progress, ignore_progress, within
from charlstm.inspection.reading.contexts import Ids
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.reading.trace import Cut
from charlstm.inspection.rules import RULES_VERSION
from charlstm.inspection.study import ConfirmedPair, Study, study
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# The control networks are inspected on at most this many characters.
_CONTROL_CHARACTERS = 100_000

# The saturation of the gates is measured on at most this many characters, in stretches of at least the second
# number of characters.
_GATE_CHARACTERS = 60_000
_GATE_STRETCH_CHARACTERS = 2_000

# The gradient is followed from at most this many closers, and to at most this many cells.
_GRADIENT_SPANS = 64
_GRADIENT_CELLS = 32


class Symbols(Protocol):
    """An inspection asks a vocabulary for the character of each id."""

    @property
    def symbols(self) -> Sequence[str]:
        """Return the characters in the order of their ids, one code point each."""


@dataclass(frozen=True, kw_only=True)
class InspectionRequest:
    """An InspectionRequest has a model and a text to inspect, and what the findings say about their origin.

    ids (characters,) unsigned integers spell the text in the symbols of `vocabulary`; at most the first
    `config.characters` of them are read. corpus_name and corpus_sha256 name the text, checkpoint is the run
    that the model comes from, bits_per_character is how well that run predicts held-out text, and command is
    the command line that was typed. trained_on is how many characters from the first of ids on the model was
    trained on, None where that is not known. moments are points of the model's training at which the found
    cells are read as well. device is the one on which the model and the networks beside it read the text,
    None for the one that the model is on; interventions and gradients are computed where the model is.
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
    trained_on: int | None = None
    moments: Sequence[Moment] = ()
    device: torch.device | None = None


def inspect_model(
    request: InspectionRequest, *, progress: Progress = ignore_progress, processes: ProcessGroup = ALONE
) -> Findings:
    """Find the switches and counters of the model of request in its text, and whether the model uses them.

    All processes of a group call this with the same request, and all get the findings. Raises CorpusError
    when the text is too short, and UsageError when no score could reach config.significance or a feature of
    the user's cannot be read.
    """
    model, config = request.model, request.config
    _require_enough_shifts(config)
    progress("features", 0.0)
    text = read_text(
        request.ids[: config.characters],
        request.vocabulary.symbols,
        config.streams,
        config.features,
        device=request.device,
        precision=config.precision,
    )
    short_config = replace(config, characters=min(config.characters, _CONTROL_CHARACTERS))
    control_text = _beginning(text, short_config)
    generator = torch.Generator().manual_seed(config.seed)
    # Before the study, whose states at sites fill much memory until the end.
    controls = inspect_controls(
        model, control_text, short_config, progress=within(progress, 0.05, 0.4), processes=processes
    )
    studied = study(model, text, config, progress=within(progress, 0.4, 0.8), processes=processes)
    progress("circuits", 0.8)
    circuits = _circuits(text, studied, model.config.cells, processes)
    over_time = read_over_time(request.moments, studied, within(progress, 0.9, 0.98))
    progress("gates and gradients", 0.98 if request.moments else 0.9)
    return replace(
        _findings(request, text, studied, controls, generator),
        behaviours=circuits.behaviours,
        unexpected=circuits.unexpected,
        edges=circuits.edges,
        over_time=over_time,
    )


def _circuits(text: InspectedText, studied: Study, cells: int, processes: ProcessGroup) -> Circuits:
    """Return the circuits of the behaviours of all found cells; cells is their number in a layer.

    The trigram beside them is counted on all of the text before the split "intervene".
    """
    found = [
        FoundCell(*divmod(pair.cell, cells), pair.feature.name, pair.proof.verdict == "verified")
        for pair in studied.confirmed_pairs
    ]
    earlier = text.ids[: text.splits["intervene"].start]
    return circuits_of(studied.proven, studied.roles, found, earlier=earlier, processes=processes)


def _require_enough_shifts(config: InspectionConfig) -> None:
    """Raise UsageError when config.shifts are too few for a p-value of config.significance."""
    if 1 / (1 + config.shifts) > config.significance:
        raise UsageError(
            f"{config.shifts} shifts can show no significance of {config.significance:g}",
            f"use {int(np.ceil(1 / config.significance)) - 1} shifts at least",
        )


def _beginning(text: InspectedText, config: InspectionConfig) -> InspectedText:
    """Return text if it has no more than config.characters, else a text of its first config.characters.

    A feature of the user's that is on in the text need not be on in its beginning.
    """
    if config.characters >= len(text.ids):
        return text
    ids, device = text.ids[: config.characters], text.splits["discover"].device
    return read_text(
        ids,
        text.symbols,
        config.streams,
        config.features,
        device=device,
        precision=config.precision,
        require_user_features=False,
    )


def _findings(
    request: InspectionRequest,
    text: InspectedText,
    studied: Study,
    controls: ControlResults,
    generator: torch.Generator,
) -> Findings:
    """Return all that was found as plain data; generator draws the gradients' spans."""
    model, config = request.model, request.config
    findings = findings_of(studied, model, generator=np.random.default_rng(config.seed))
    cells = model.config.layers * model.config.cells
    share, by_control = share_above(studied.found, controls, cells)
    return Findings(
        model=model_facts(model, request.bits_per_character, request.checkpoint),
        corpus=CorpusFacts(
            name=request.corpus_name,
            sha256=request.corpus_sha256,
            characters=len(text.ids),
            splits={name: list(bounds) for name, bounds in text.bounds.items()},
            trained_on_characters=None
            if request.trained_on is None
            else min(request.trained_on, len(text.ids)),
        ),
        method=method_of(studied.found, share, by_control, config),
        findings=findings,
        gates=_gates(model, text, controls),
        credit=_credit(model, studied, controls, generator),
        excerpts=[excerpt_of(model, studied.found, findings[: config.top])],
        provenance=provenance_of(model, request.command),
        rules={"version": RULES_VERSION},
    )


def _gates(model: CharLSTM, text: InspectedText, controls: ControlResults) -> Json:
    """Return how saturated the gates are on the confirmation split, beside the untrained network's."""
    confirming = text.splits["confirm"]
    ids = confirming.ids[:_GATE_CHARACTERS]
    streams = min(confirming.cut.streams, max(1, len(ids) // _GATE_STRETCH_CHARACTERS))
    cut = Cut(len(ids), streams)
    return gate_report(model, ids[: cut.streams * cut.length], cut, untrained=controls.untrained)


def _credit(model: CharLSTM, studied: Study, controls: ControlResults, generator: torch.Generator) -> Json:
    """Return the credit of the cells that follow one feature: how gradient from true closers reaches them.

    It is the feature of the best finding that follows a switch or a depth, which is on from an opener to a
    closer. The result is empty when no finding has such a feature, or no span from opener to closer
    fits. generator draws the spans.
    """
    best = _best_follower(studied)
    if best is None:
        return {}
    chunk = studied.found.text.splits["intervene"].first
    spans = usable_spans(_spans(chunk.signal(best.feature.name).values > 0, best.feature.lag))
    drawn = torch.randperm(len(spans), generator=generator)[:_GRADIENT_SPANS].sort().values.numpy()
    followers = [pair for pair in studied.confirmed_pairs if pair.feature.name == best.feature.name]
    followers = [pair for pair in followers if pair.proof.verdict == "verified"] or followers
    layer = best.cell // model.config.cells
    cells = [divmod(pair.cell, model.config.cells) for pair in followers[:_GRADIENT_CELLS]]
    similar = list(dict.fromkeys((layer, cell) for cell in best.proof.controls))[:_GRADIENT_CELLS]
    report = credit_report(
        model,
        chunk.ids,
        spans=spans[drawn],
        cells=cells,
        controls=similar,
        untrained=controls.untrained,
    )
    return {"feature": best.feature.name, **report} if report else {}


def _best_follower(studied: Study) -> ConfirmedPair | None:
    """Return the best finding that follows a switch or a depth, a verified one first, or None without any."""
    spanning = [pair for pair in studied.confirmed_pairs if pair.feature.kind != "counter"]
    verified = [pair for pair in spanning if pair.proof.verdict == "verified"]
    return next(iter([*verified, *spanning]), None)


def _spans(on: NDArray[np.bool_], lag: int = 0) -> NDArray[np.int64]:
    """Return the positions (n, 2) of the characters that turn a switch on, and of the next that turn it off.

    The switch, on (characters,), follows these characters `lag` positions late.
    """
    edges = np.diff(on.astype(np.int8))
    rises, falls = np.flatnonzero(edges > 0) + 1, np.flatnonzero(edges < 0) + 1
    falls = falls[falls > rises[0]] if len(rises) else falls[:0]
    return np.stack((rises[: len(falls)], falls), axis=1) - lag
