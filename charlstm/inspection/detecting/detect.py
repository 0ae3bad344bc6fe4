"""Detection finds which cells follow which features, in stages, each on its own split of the text."""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting.calibration import Calibration, calibrate
from charlstm.inspection.detecting.confirmation import Confirmation, confirm
from charlstm.inspection.detecting.discovery import Discovery, Eligible, Pairs, choose, discover
from charlstm.inspection.detecting.margins import References, margins, read_references
from charlstm.inspection.detecting.movements import Movements, measure_movements
from charlstm.inspection.detecting.proposals import propose_features
from charlstm.inspection.detecting.scores.shifts import Shifts, measure_autocorrelations, spread_shifts
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.inspection.reading.kept_states import KeptStates
from charlstm.inspection.reading.splits import Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class Detected:
    """Detected has the results of the stages of detection for one model and one text.

    text has the listed features and the features that the model's cells proposed. untrained (features,)
    float64 is the score that hardly any reference network reaches with each feature: an untrained one or, for
    an imported model, one whose gates are shuffled. pairs are the candidates, of which a cell may have
    several, and is_finding (pairs,) bool says which of them are findings, one of a cell at most. shifts are
    the circular shifts of both nulls, that of discovery and that of confirmation. pseudo_found and
    pseudo_confirmed count the cells that would have a pseudo feature, which is about letters without meaning,
    after discovery and after confirmation.
    """

    text: InspectedText
    calibration: Calibration
    movements: Movements
    discovery: Discovery
    untrained: Tensor
    pairs: Pairs
    confirmation: Confirmation
    is_finding: Tensor
    shifts: tuple[Shifts, Shifts]
    pseudo_found: int
    pseudo_confirmed: int

    @property
    def shortest_shift(self) -> int:
        """Return the smallest circular shift of both nulls, in characters."""
        return min(int(of_split.values.min()) for of_split in self.shifts)

    @property
    def independent_shifts(self) -> int:
        """Return how many shifts are independent on the split that has fewer of them."""
        return min(of_split.independent for of_split in self.shifts)

    @property
    def two_levels(self) -> Tensor:
        """Return which cells of pairs have two levels as a switch must, (pairs,) bool."""
        confirmed = self.confirmation
        return self.calibration.levels.two(self.pairs.cells, confirmed.dwell, confirmed.switch_scores)


def detect(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    references: References | None = None,
    progress: Progress = ignore_progress,
    processes: ProcessGroup = ALONE,
) -> Detected:
    """Find the cells of model that follow a feature, either one of text or one that the cells propose.

    All random draws have seeds of the rules, so the same model, text and config give the same result.
    references are the reference networks' states on the discovery split of text; None reads them.
    """
    progress("calibration", 0.0)
    calibration = calibrate(model, text.splits["calibrate"], processes)
    progress("movements", 0.05)
    states = KeptStates()
    movements, extended = _with_proposals(model, text, calibration, states, processes)
    discovering, confirming = extended.splits["discover"], extended.splits["confirm"]
    progress("untrained scores", 0.15)
    first = text.splits["discover"].first
    read = references or read_references(model, first, imported=config.imported, processes=processes)
    untrained = margins(read.best_scores(discovering.first))
    progress("discovery", 0.3)
    shifts = (_shifts(discovering, config.shifts, processes), _shifts(confirming, config.shifts, processes))
    discovery = discover(model, discovering, calibration.means, shifts[0].values, states, processes)
    listed = len(text.table.features)
    pairs, pseudo_pairs = _candidates(discovery, discovering, listed, untrained, config.significance)
    progress("confirmation", 0.5)
    confirmation, of_pseudo = confirm(
        model, confirming, (pairs, pseudo_pairs), calibration, shifts[1].values, processes
    )
    return Detected(
        text=extended,
        calibration=calibration,
        movements=movements,
        discovery=discovery,
        untrained=untrained,
        pairs=pairs,
        confirmation=confirmation,
        is_finding=confirmation.is_finding(pairs, config.significance),
        shifts=shifts,
        pseudo_found=pseudo_pairs.cell_count,
        pseudo_confirmed=int(of_pseudo.is_finding(pseudo_pairs, config.significance).sum()),
    )


def _with_proposals(
    model: CharLSTM,
    text: InspectedText,
    calibration: Calibration,
    states: KeptStates,
    processes: ProcessGroup,
) -> tuple[Movements, InspectedText]:
    """Return how the cells of model move over the discovery split, and text with the features that they
    propose by that. states keeps the cell states there.
    """
    split = text.splits["discover"]
    movements = measure_movements(model, split, calibration, states, processes)
    return movements, text.extended(propose_features(movements, split.first, layers=model.config.layers))


def _shifts(split: Split, count: int, processes: ProcessGroup) -> Shifts:
    """Return `count` circular shifts for split."""
    return spread_shifts(measure_autocorrelations(split, processes), count)


def _candidates(
    discovery: Discovery, split: Split, listed: int, untrained: Tensor, significance: float
) -> tuple[Pairs, Pairs]:
    """Return the pairs that pass on the discovery split, and the pairs that would pass with a pseudo feature.

    split has the features, of which all but the first `listed` are proposed by cells. untrained (features,)
    float64 is the score that hardly any reference network reaches with each feature.
    """
    pseudo = torch.tensor([feature.pseudo for feature in split.table.features])
    real_pairs, pseudo_pairs = (
        choose(
            discovery, Eligible(split.table.features, eligible, listed, untrained), significance=significance
        )
        for eligible in (~pseudo, pseudo)
    )
    return real_pairs, pseudo_pairs
