"""Control networks are twins of the model that should have no findings; they are inspected as the model is.

An untrained network has the shape of the model and fresh weights. A gate-shuffled network has the weights of
the model, but the rows of each gate belong to other cells. What is detected in them is what the method finds
by chance. There are several of each kind, the same ones in every inspection of a model.
"""

from dataclasses import dataclass

import torch

from charlstm.config import InspectionConfig
from charlstm.findings import Json
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.detecting.margins import read_references
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# This many control networks of each kind are inspected.
NETWORKS_OF_A_KIND = 3

# The seed of the control networks belongs to the rules: no inspection has another one. The reference networks
# of detection have another seed, so that no control network is held against itself.
_RULE_SEED = 1

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
    """ControlResults has what was detected in the control networks.

    untrained is the first untrained control network; by_name has the results of each kind by its name.
    own has what was detected in the model itself on the text that the control networks read.
    """

    untrained: CharLSTM
    own: ControlResult
    by_name: dict[str, list[ControlResult]]


def inspect_controls(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    progress: Progress = ignore_progress,
    processes: ProcessGroup = ALONE,
) -> ControlResults:
    """Detect switches and counters in model and in its control networks, "untrained" and "gate_shuffled".

    Detection reads text and follows config; processes share the work, and progress is called before each
    stage of each network that this process reads.
    """
    generator = torch.Generator().manual_seed(_RULE_SEED)
    kinds = {"untrained": untrained_twin, "gate_shuffled": shuffled_twin}
    networks = {
        name: [twin(model, generator) for _ in range(NETWORKS_OF_A_KIND)] for name, twin in kinds.items()
    }
    first = text.splits["discover"].first
    references = read_references(model, first, imported=config.imported, processes=processes)

    jobs = [model, *(network for of_kind in networks.values() for network in of_kind)]

    def inspect_control(network: CharLSTM, _: torch.Generator) -> ControlResult:
        number = jobs.index(network)

        def report(_: str, done: float) -> None:
            progress("control networks", (number + done) / len(jobs))

        detected = detect(network, text, config, references=references, progress=report)
        return ControlResult(
            detected.pairs.cell_count,
            int(detected.is_finding.sum()),
            float(detected.discovery.scores.correlation.abs().max()),
            detected.confirmation.resampled_counts(detected.pairs, detected.is_finding),
        )

    results = iter(do_jobs(jobs, inspect_control, generator, processes))
    own = next(results)
    by_name = {name: [next(results) for _ in of_kind] for name, of_kind in networks.items()}
    return ControlResults(networks["untrained"][0], own, by_name)


def share_above(detected: Detected, controls: ControlResults, cells: int) -> tuple[Json, dict[str, Json]]:
    """Return the share of a model's cells that are findings, and what was found in the control networks.

    Both are plain data for findings.json. detected is what was found in the model, and cells the number of
    its cells in all layers. The first part has the share, the share less the mean share of each kind of
    control network, and their 95% intervals by a block bootstrap. A bootstrap keeps the cells that this
    text chose: an interval says how surely they stay above the limit of the score, and can have no width, but
    not how many cells another text would give.
    """
    count = float(detected.is_finding.sum())
    resampled = detected.confirmation.resampled_counts(detected.pairs, detected.is_finding) / cells
    share: Json = {"cells": count / cells, "interval": _interval(resampled)}
    by_name: dict[str, Json] = {}
    for name, results in controls.by_name.items():
        findings = [result.findings for result in results]
        by_chance = torch.stack([result.resampled for result in results]).mean(0) / cells
        share[f"above_{name}"] = (count - sum(findings) / len(findings)) / cells
        share[f"above_{name}_interval"] = _interval(resampled - by_chance)
        by_name[name] = {
            "candidates": results[0].candidates,
            "findings": results[0].findings,
            "best_score": results[0].best_score,
            "networks": len(results),
            "findings_of_each": findings,
            "candidates_of_each": [result.candidates for result in results],
        }
    own = controls.own
    by_name["same_text"] = {
        "candidates": own.candidates,
        "findings": own.findings,
        "best_score": own.best_score,
    }
    return share, by_name


def _interval(values: torch.Tensor) -> list[float]:
    """Return the two bounds of the 95% interval of values (resamples,) float64."""
    return [float(torch.quantile(values, quantile)) for quantile in _INTERVAL_QUANTILES]


def pseudo_discoveries(detected: Detected) -> Json:
    """Return how many cells would have a pseudo feature, and the false discovery rates from these numbers.

    A rate is an expected number over a real one: the number of cells that the real features would have by
    chance if each of them had the mean number of the pseudo features. The first rate is that of the
    candidates, the second that of the findings. A rate is at most 1, and None without candidates or findings.
    detected is what was found in the model.
    """
    pseudo = sum(feature.pseudo for feature in detected.text.table.features)
    real = len(detected.text.table.features) - pseudo

    def rate(by_chance: int, found: int) -> float | None:
        return min(1.0, (by_chance * real / pseudo if pseudo else 0.0) / found) if found else None

    return {
        "features": pseudo,
        "candidates": detected.pseudo_found,
        "false_discovery_rate": rate(detected.pseudo_found, detected.pairs.cell_count),
        "findings": detected.pseudo_confirmed,
        "false_finding_rate": rate(detected.pseudo_confirmed, int(detected.is_finding.sum())),
    }
