"""What the passes gave -> the plain data of findings.json."""

from datetime import datetime, timezone
from importlib.metadata import version

import torch
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.inspection import confirmation, detectors
from charlstm.inspection.confirmation import GATES, GateStatistics
from charlstm.inspection.features import Feature
from charlstm.inspection.findings import (
    Detection,
    Excerpt,
    Finding,
    Json,
    Kind,
    Mechanism,
    Method,
    ModelFacts,
)
from charlstm.inspection.passes import Detected, InspectedText
from charlstm.inspection.trace import WARMUP, trace
from charlstm.model import CharLSTM

_EXCERPT = 2_000


def findings_of(found: Detected, text: InspectedText, model: CharLSTM) -> list[Finding]:
    """The pairs that stand as findings, the best held-out score first."""
    places = found.stands.nonzero().flatten().tolist()
    findings = [_finding(found, place, text, model) for place in places]
    return sorted(findings, key=lambda finding: -finding.detection.held_out_score)


def _finding(found: Detected, place: int, text: InspectedText, model: CharLSTM) -> Finding:
    cell = int(found.pairs.cells[place])
    feature = text.table.features[int(found.pairs.features[place])]
    return Finding(
        layer=cell // model.config.cells,
        cell=cell % model.config.cells,
        kind=_kind(feature),
        feature=feature.name,
        drivers=feature.drivers,
        polarity=int(found.pairs.signs[place]),
        detection=_detection(found, place, feature),
        mechanism=_mechanism(found.confirmation.gates, cell, _drivers(feature, text)),
    )


def _kind(feature: Feature) -> Kind:
    """What a cell that follows the feature is."""
    if feature.kind == "depth":
        return "depth_counter"
    if feature.kind == "counter":
        return "counter"
    return "toggle" if feature.drivers["set"] == feature.drivers["reset"] else "latch"


def _detection(found: Detected, place: int, feature: Feature) -> Detection:
    cell, column = int(found.pairs.cells[place]), int(found.pairs.features[place])
    score = found.discovery.scores.correlation[cell, column].abs()
    confirmed, switch = found.confirmation, feature.kind == "switch"
    return Detection(
        score=float(score),
        discovery_p_value=float(detectors.p_values(score[None], found.discovery.null)),
        null_max=float(found.discovery.null.max()),
        held_out_score=float(confirmed.correlation[place].abs()),
        held_out_partial=float(confirmed.partial[place].abs()),
        held_out_null_max=float(confirmed.null.max()),
        p_value=float(confirmed.p_values[place]),
        untrained_score=float(found.untrained[column]),
        memory=float(found.discovery.memory[cell]),
        level_share=float(found.calibration.level_shares[cell]),
        threshold=float(found.calibration.thresholds[cell]),
        slope=float(confirmed.slopes[place]),
        accuracy=float(confirmed.accuracy[place]) if switch else None,
        balanced_accuracy=float(confirmed.balanced_accuracy[place]) if switch else None,
        straightness=None if switch else float(confirmed.straightness[place]),
    )


def _drivers(feature: Feature, text: InspectedText) -> Tensor:
    """(vocabulary,) bool: the characters that end one of the feature's drivers, "*" not among them."""
    last = {driver[-1] for drivers in feature.drivers.values() for driver in drivers if driver != "*"}
    return torch.tensor([symbol in last for symbol in text.symbols])


def _mechanism(gates: GateStatistics, cell: int, drivers: Tensor) -> Mechanism:
    """The gates of a cell at the driving characters, drivers (vocabulary,) bool, and at all others."""

    def mean(gate: str, where: Tensor) -> float:
        sums = gates.by_character[gate]
        return float(sums.sums[where, cell].sum() / sums.counts[where].sum().clamp(min=1))

    return Mechanism(
        input_gate=mean("input", ~drivers),
        input_gate_at_drivers=mean("input", drivers),
        forget_gate=mean("forget", ~drivers),
        forget_gate_at_drivers=mean("forget", drivers),
        output_gate=mean("output", torch.ones_like(drivers)),
        output_saturation=float(gates.output_saturation.shares()[1][cell]),
    )


def gates_of(gates: GateStatistics, model: CharLSTM) -> Json:
    """Per layer and gate the shares of positions below .1 and above .9, of all cells and of each."""
    cells = model.config.cells
    layers = []
    for layer in range(model.config.layers):
        part = slice(layer * cells, (layer + 1) * cells)
        layers.append({"layer": layer, **{name: _hardness(gates, name, part) for name in GATES}})
    return {"layers": layers}


def _hardness(gates: GateStatistics, name: str, part: slice) -> Json:
    low, high = (shares[part] for shares in gates.hardness[name].shares())
    return {
        "below_0.1": float(low.mean()),
        "above_0.9": float(high.mean()),
        "cells": {"below_0.1": _rounded(low, 4), "above_0.9": _rounded(high, 4)},
    }


def model_facts(model: CharLSTM, bits_per_character: float | None, checkpoint: str | None) -> ModelFacts:
    """The model as findings.json names it."""
    return ModelFacts(
        layers=model.config.layers,
        cells=model.config.cells,
        activation=model.config.activation,
        vocabulary_size=model.config.vocabulary_size,
        parameters=model.parameter_count(),
        bits_per_character=bits_per_character,
        checkpoint=checkpoint,
    )


def method_of(found: Detected, control: Detected, text: InspectedText, config: InspectionConfig) -> Method:
    """What was tested, against which nulls, by which rules."""
    table = text.table
    return Method(
        features=table.names,
        dropped_features=list(table.dropped),
        aliases=table.aliases,
        null={
            "kind": "circular shift of the features, the same for all cells, largest score of any pair",
            "shifts": config.shifts,
            "shortest_shift": found.shortest_shift,
            "significance": config.significance,
            "discovery": _rounded(found.discovery.null.sort().values, 4),
            "held_out": _rounded(found.confirmation.null.sort().values, 4),
        },
        rules={
            "least_score": detectors.LEAST_SCORE,
            "untrained_margin": detectors.UNTRAINED_MARGIN,
            "partial_share": detectors.PARTIAL_SHARE,
            "memory": detectors.MEMORY,
            "straightness": confirmation.STRAIGHTNESS,
        },
        controls={
            "untrained": {
                "candidates": len(control.pairs),
                "findings": int(control.stands.sum()),
                "best_score": float(control.discovery.scores.correlation.abs().max()),
                "gates": _totals(control.confirmation.gates),
            }
        },
        seed=config.seed,
    )


def _totals(gates: GateStatistics) -> Json:
    """The shares of a network's gates below .1 and above .9, all layers together."""
    shares = {name: gates.hardness[name].shares() for name in GATES}
    return {
        name: {"below_0.1": float(low.mean()), "above_0.9": float(high.mean())}
        for name, (low, high) in shares.items()
    }


def excerpt_of(model: CharLSTM, text: InspectedText, findings: list[Finding]) -> Excerpt:
    """The beginning of the confirmation split, behind a warm-up, with tanh c of the findings' cells."""
    start = text.bounds["confirm"][0] + WARMUP
    stop = min(start + _EXCERPT, text.bounds["confirm"][1])
    ids = text.ids[start - WARMUP : stop]
    (block,) = trace(model, ids, streams=1, window=len(ids))
    shown = {
        f"{finding.layer}:{finding.cell}": {
            "tanh_c": _rounded(block.layers[finding.layer].c[0, WARMUP:, finding.cell].tanh(), 3)
        }
        for finding in findings
    }
    wanted = {finding.feature for finding in findings}
    values = {
        f.name: f.values[start:stop].astype(int).tolist() for f in text.table.features if f.name in wanted
    }
    return Excerpt(split="confirm", start=start, text=text.text[start:stop], cells=shown, features=values)


def provenance_of(command: str | None) -> Json:
    """What wrote the findings, and when."""
    return {
        "charlstm": version("charlstm"),
        "torch": torch.__version__,
        "command": command,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _rounded(values: Tensor, decimals: int) -> list[float]:
    return [round(value, decimals) for value in values.tolist()]
