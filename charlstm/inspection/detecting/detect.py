"""Detection finds which cells follow which features, in stages, each on its own split of the text."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting.calibration import Calibration, calibrate
from charlstm.inspection.detecting.confirmation import Confirmation, confirm
from charlstm.inspection.detecting.discovery import UNTRAINED_DEVIATIONS, Discovery, Pairs, choose, discover
from charlstm.inspection.detecting.movements import Movements, measure_movements
from charlstm.inspection.detecting.null import draw_shifts, measure_autocorrelations
from charlstm.inspection.detecting.proposals import propose_features
from charlstm.inspection.detecting.scoring import strongest_scores
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.twins import untrained_twin
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# The best scores of this many untrained networks are measured, each on about this many characters.
_UNTRAINED_NETWORKS = 8
_UNTRAINED_CHARACTERS = 50_000


@dataclass(frozen=True, eq=False)
class Detected:
    """Detected has the results of the stages of detection for one model and one text.

    text has the listed features and the features that the model's cells proposed. untrained (features,)
    float64 is the score that hardly any untrained network reaches with each feature. pairs are the
    candidates, and is_finding (pairs,) bool says which of them are findings. shortest_shift is the smallest
    circular shift of both nulls, in characters. pseudo_found is the number of cells that would have a pseudo
    feature, which is about letters without meaning, as their feature.
    """

    text: InspectedText
    calibration: Calibration
    movements: Movements
    discovery: Discovery
    untrained: Tensor
    pairs: Pairs
    confirmation: Confirmation
    is_finding: Tensor
    shortest_shift: int
    pseudo_found: int


def detect(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    generator: torch.Generator,
    progress: Progress = ignore_progress,
    processes: ProcessGroup = ALONE,
) -> Detected:
    """Find the cells of model that follow a feature, either one of text or one that the cells propose.

    generator draws the untrained networks and the circular shifts.
    """
    progress("calibration", 0.0)
    calibration = calibrate(model, text.splits["calibrate"], processes)
    progress("movements", 0.05)
    movements = measure_movements(model, text.splits["discover"], calibration, processes)
    extended = text.extended(propose_features(movements, text.splits["discover"].first))
    discovering, confirming = extended.splits["discover"], extended.splits["confirm"]
    progress("untrained scores", 0.15)
    untrained = _untrained_scores(model, discovering, generator, processes)
    progress("discovery", 0.3)
    shifts = _shifts((discovering, confirming), config.shifts, generator, processes)
    discovery = discover(model, discovering, calibration.means, shifts[0], processes)
    listed = len(text.table.features)
    pairs, pseudo_pairs = _candidates(discovery, discovering, listed, untrained, config.significance)
    progress("confirmation", 0.5)
    confirmation = confirm(model, confirming, pairs, calibration, shifts[1], processes)
    return Detected(
        text=extended,
        calibration=calibration,
        movements=movements,
        discovery=discovery,
        untrained=untrained,
        pairs=pairs,
        confirmation=confirmation,
        is_finding=confirmation.is_finding(pairs, config.significance),
        shortest_shift=int(torch.cat(shifts).min()),
        pseudo_found=len(pseudo_pairs),
    )


def _untrained_scores(
    model: CharLSTM, split: Split, generator: torch.Generator, processes: ProcessGroup
) -> Tensor:
    """Return the score with each feature that hardly any untrained network reaches, (features,) float64.

    The networks have the shape of model; the result is the mean of their best scores plus
    UNTRAINED_DEVIATIONS standard deviations.
    """
    chunk = split.first.beginning(_UNTRAINED_CHARACTERS)

    def score(_: int, job_generator: torch.Generator) -> Tensor:
        return strongest_scores(untrained_twin(model, job_generator), chunk)

    best = torch.stack(do_jobs(range(_UNTRAINED_NETWORKS), score, generator, processes))
    return best.mean(0) + UNTRAINED_DEVIATIONS * best.std(0)


def _shifts(
    splits: Sequence[Split], count: int, generator: torch.Generator, processes: ProcessGroup
) -> list[Tensor]:
    """Draw count circular shifts for each of splits, (count,) int64."""
    return [draw_shifts(measure_autocorrelations(split, processes), count, generator) for split in splits]


def _candidates(
    discovery: Discovery, split: Split, listed: int, untrained: Tensor, significance: float
) -> tuple[Pairs, Pairs]:
    """Return the pairs that pass on the discovery split, and the pairs that would pass with a pseudo feature.

    split has the features, of which all but the first `listed` are proposed by cells. untrained (features,)
    float64 is the score that hardly any untrained network reaches with each feature.
    """
    pseudo = torch.tensor([feature.pseudo for feature in split.table.features])
    real_pairs, pseudo_pairs = (
        choose(
            discovery,
            eligible=eligible,
            proposed=torch.arange(len(pseudo)) >= listed,
            untrained=untrained,
            significance=significance,
        )
        for eligible in (~pseudo, pseudo)
    )
    return real_pairs, pseudo_pairs
