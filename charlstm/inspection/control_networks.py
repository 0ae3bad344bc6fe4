"""Networks that know nothing, inspected like the model: what the method alone would find.

Untrained: the same shape with fresh weights. Shuffled: the model's own weights, but each gate's rows dealt
out to other cells, so that no cell's gates belong together any more.
"""

from dataclasses import dataclass

import torch

from charlstm.config import InspectionConfig
from charlstm.findings import Json
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class ControlResult:
    """What was detected in a control network: candidates, findings, the best |r| of any cell, and how many
    cells stand in texts put together anew, (resamples,) float64.
    """

    candidates: int
    findings: int
    best_score: float
    resampled: torch.Tensor


@dataclass(frozen=True, eq=False)
class ControlResults:
    """The control networks, and what was detected in each by name."""

    untrained: CharLSTM
    found: dict[str, ControlResult]


def inspect_controls(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    generator: torch.Generator,
    processes: ProcessGroup = ALONE,
) -> ControlResults:
    """Detect switches and counters in networks that have none."""
    networks = {
        "untrained": untrained_twin(model, generator),
        "gate_shuffled": shuffled_twin(model, generator),
    }

    def control(network: CharLSTM, own: torch.Generator) -> ControlResult:
        found = detect(network, text, config, generator=own)
        return ControlResult(
            len(found.pairs),
            int(found.stands.sum()),
            float(found.discovery.scores.correlation.abs().max()),
            _interval(found, own),
        )

    controls = do_jobs(list(networks.values()), control, generator, processes)
    return ControlResults(networks["untrained"], dict(zip(networks, controls, strict=True)))


def share_above(
    found: Detected, controls: ControlResults, cells: int, generator: torch.Generator
) -> tuple[Json, dict[str, Json]]:
    """The share of cells that stand, above each control, with 95% intervals of a block bootstrap; and what
    was found in the controls.
    """
    kept = _interval(found, generator) / cells
    share: Json = {"cells": float(found.stands.sum()) / cells, "interval": _bounds(kept)}
    told: dict[str, Json] = {}
    for name, control in controls.found.items():
        share[f"above_{name}"] = (float(found.stands.sum()) - control.findings) / cells
        share[f"above_{name}_interval"] = _bounds(kept - control.resampled / cells)
        told[name] = {
            "candidates": control.candidates,
            "findings": control.findings,
            "best_score": control.best_score,
        }
    return share, told


def _interval(found: Detected, generator: torch.Generator) -> torch.Tensor:
    """(resamples,) how many cells stand in texts put together anew."""
    return found.confirmation.resampled(found.pairs, found.stands, generator)


def _bounds(values: torch.Tensor) -> list[float]:
    return [float(torch.quantile(values, share)) for share in (0.025, 0.975)]


def pseudo_discoveries(found: Detected) -> Json:
    """How many cells features about mere letters would have named, and the false discovery rate from that."""
    pseudo = sum(feature.pseudo for feature in found.text.table.features)
    real = len(found.text.table.features) - pseudo
    expected = found.pseudo_found * real / pseudo if pseudo else 0.0
    rate = min(1.0, expected / len(found.pairs)) if len(found.pairs) else None
    return {"features": pseudo, "candidates": found.pseudo_found, "false_discovery_rate": rate}
