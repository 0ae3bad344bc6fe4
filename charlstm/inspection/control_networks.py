"""Control networks are twins of the model that should have no findings; they are inspected as the model is.

The untrained network has the shape of the model and fresh weights. The gate-shuffled network has the weights
of the model, but the rows of each gate belong to other cells. What is detected in them is what the method
finds by chance.
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

# The bounds of a 95% interval, as quantiles.
_INTERVAL_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class ControlResult:
    """A ControlResult says what was detected in one control network.

    candidates and findings are numbers of cells, best_score is the largest |r| of any cell with any feature,
    and resampled (resamples,) float64 is the number of findings in each resampled text.
    """

    candidates: int
    findings: int
    best_score: float
    resampled: torch.Tensor


@dataclass(frozen=True, eq=False)
class ControlResults:
    """ControlResults has what was detected in each control network.

    untrained is the untrained control network; by_name has the result of each control network by its name.
    """

    untrained: CharLSTM
    by_name: dict[str, ControlResult]


def inspect_controls(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    generator: torch.Generator,
    processes: ProcessGroup = ALONE,
) -> ControlResults:
    """Detect switches and counters in the control networks of model, "untrained" and "gate_shuffled".

    Detection reads text and follows config; processes share the work. generator draws the weights, the orders
    of the rows and all that detection draws.
    """
    networks = {
        "untrained": untrained_twin(model, generator),
        "gate_shuffled": shuffled_twin(model, generator),
    }

    def inspect_control(network: CharLSTM, job_generator: torch.Generator) -> ControlResult:
        detected = detect(network, text, config, generator=job_generator)
        return ControlResult(
            len(detected.pairs),
            int(detected.is_finding.sum()),
            float(detected.discovery.scores.correlation.abs().max()),
            _resampled_counts(detected, job_generator),
        )

    results = do_jobs(list(networks.values()), inspect_control, generator, processes)
    return ControlResults(networks["untrained"], dict(zip(networks, results, strict=True)))


def share_above(
    detected: Detected, controls: ControlResults, cells: int, generator: torch.Generator
) -> tuple[Json, dict[str, Json]]:
    """Return the share of a model's cells that are findings, and what was found in the control networks.

    Both are plain data for findings.json. detected is what was found in the model, and cells the number of
    its cells in all layers. The first part has the share, the share less each control network's share, and
    their 95% intervals by a block bootstrap, whose draws come from generator.
    """
    count = float(detected.is_finding.sum())
    resampled = _resampled_counts(detected, generator) / cells
    share: Json = {"cells": count / cells, "interval": _interval(resampled)}
    by_name: dict[str, Json] = {}
    for name, control in controls.by_name.items():
        share[f"above_{name}"] = (count - control.findings) / cells
        share[f"above_{name}_interval"] = _interval(resampled - control.resampled / cells)
        by_name[name] = {
            "candidates": control.candidates,
            "findings": control.findings,
            "best_score": control.best_score,
        }
    return share, by_name


def _resampled_counts(detected: Detected, generator: torch.Generator) -> torch.Tensor:
    """Return the number of findings in each resampled text, (resamples,) float64."""
    return detected.confirmation.resampled_counts(detected.pairs, detected.is_finding, generator)


def _interval(values: torch.Tensor) -> list[float]:
    """Return the two bounds of the 95% interval of values (resamples,) float64."""
    return [float(torch.quantile(values, quantile)) for quantile in _INTERVAL_QUANTILES]


def pseudo_discoveries(detected: Detected) -> Json:
    """Return how many cells would have a pseudo feature, and the false discovery rate from that number.

    The rate is an expected number over the number of candidates: the number of candidates that the real
    features would have by chance if each of them had the mean number of the pseudo features. The rate is at
    most 1, and None without candidates. detected is what was found in the model.
    """
    pseudo = sum(feature.pseudo for feature in detected.text.table.features)
    real = len(detected.text.table.features) - pseudo
    expected = detected.pseudo_found * real / pseudo if pseudo else 0.0
    rate = min(1.0, expected / len(detected.pairs)) if len(detected.pairs) else None
    return {"features": pseudo, "candidates": detected.pseudo_found, "false_discovery_rate": rate}
