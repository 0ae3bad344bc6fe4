"""The frozen pairs of cell and feature, scored once more on text that had no part in choosing them.

Correcting the candidates by Holm's steps would need thousands of shifts; the largest score of any
candidate in every shift corrects as much with 99 (Westfall and Young 1993).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.accumulators import CellFeatureMoments, GroupSums, Saturation
from charlstm.inspection.detectors import (
    LEAST_SCORE,
    PARTIAL_SHARE,
    Calibration,
    Pairs,
    Scoring,
    ShiftedProducts,
    Split,
    p_values,
)
from charlstm.inspection.features import CAP
from charlstm.inspection.trace import CountedBlock, counted_blocks
from charlstm.model import CharLSTM

GATES = ("input", "forget", "output")
# A counter is held to its straightness up to this share of its values: the longest stretches are few.
_COMMON = 0.9
# And to this R^2: the fading trace of one character, which fits a distance well, was measured at .64 to
# .72 with f = .9; counters of trained networks at .8 to 1.
STRAIGHTNESS = 0.8


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The frozen pairs on the confirmation split: (pairs,) float64, but for null (shifts,) and the gates.

    correlation, partial and slopes keep their signs. accuracy and balanced_accuracy are of c beyond its
    threshold, on the side the sign says, as a reading of feature > 0. straightness is R^2 of a line
    through the mean of c by feature value. null is the largest |r| of any pair in each shift.
    """

    correlation: Tensor
    partial: Tensor
    slopes: Tensor
    accuracy: Tensor
    balanced_accuracy: Tensor
    straightness: Tensor
    null: Tensor
    gates: "GateStatistics"

    @property
    def p_values(self) -> Tensor:
        """(pairs,) float64, corrected over the pairs."""
        return p_values(self.correlation.abs(), self.null)

    def holds(self, pairs: Pairs, *, counts: Tensor, significance: float) -> Tensor:
        """(pairs,) bool: which pairs stand; counts (pairs,) bool says which must be straight, too."""
        score, partial = self.correlation * pairs.signs, self.partial * pairs.signs
        close = (score >= LEAST_SCORE) & (partial >= PARTIAL_SHARE * score)
        return close & (self.p_values <= significance) & (~counts | (self.straightness >= STRAIGHTNESS))


class GateStatistics:
    """Sums over a split of all cells' gates: how hard they are, and their means by current character."""

    def __init__(self, cells: int, vocabulary: int) -> None:
        self.hardness = {name: Saturation(cells) for name in GATES}
        self.by_character = {name: GroupSums(vocabulary, cells) for name in GATES}
        self.output_saturation = Saturation(cells)

    def update(self, characters: Tensor, block: CountedBlock) -> None:
        """Add a block whose current characters are characters (positions,) int64."""
        for name, gate in zip(GATES, (block.i, block.f, block.o), strict=True):
            self.hardness[name].update(gate)
            self.by_character[name].update(characters, gate)
        self.output_saturation.update(block.c.tanh().abs())


def confirm(
    model: CharLSTM, split: Split, pairs: Pairs, calibration: Calibration, shifts: Tensor
) -> Confirmation:
    """Score the frozen pairs on a new split, against their features shifted by shifts (shifts,)."""
    cells = model.config.layers * model.config.cells
    gates = GateStatistics(cells, model.config.vocabulary_size)
    frozen = _Frozen(split, pairs, calibration, shifts, model.config.vocabulary_size)
    for block in counted_blocks(model, split.ids, split.cut):
        gates.update(split.characters[block.rows], block)
        if len(pairs):
            frozen.update(block.rows, block.c[:, pairs.cells])
    return frozen.result(gates)


class _Frozen:
    """The sums behind a Confirmation: only the pairs' cells, and each of their features once."""

    def __init__(
        self, split: Split, pairs: Pairs, calibration: Calibration, shifts: Tensor, vocabulary: int
    ) -> None:
        used, self.feature = torch.unique(pairs.features, return_inverse=True)
        self.features = split.features[:, used]
        self.signs = pairs.signs
        self.means = calibration.means[pairs.cells].float()
        self.thresholds = calibration.thresholds[pairs.cells].float()
        self.scoring = Scoring(self.features, split.characters, cells=len(pairs), vocabulary=vocabulary)
        self.null = ShiftedProducts(self.features, shifts, cells=len(pairs))
        self.levels = CellFeatureMoments(len(pairs), len(used))
        self.by_value = GroupSums(len(pairs) * (CAP + 1), 1)

    def update(self, rows: Tensor, c: Tensor) -> None:
        """Add c (positions, pairs) at rows (positions,)."""
        features = self.features[rows]
        self.scoring.update(rows, c - self.means)
        self.null.update(rows, c - self.means)
        on = (c - self.thresholds) * self.signs > 0
        self.levels.update(on.float(), (features > 0).float())
        groups = features[:, self.feature].long() + torch.arange(len(self.feature)) * (CAP + 1)
        self.by_value.update(groups.flatten(), (c - self.means).flatten()[:, None])

    def result(self, gates: GateStatistics) -> Confirmation:
        """The scores of all that was added."""
        pairs = torch.arange(len(self.feature))
        scores = self.scoring.result()
        accuracy, balanced = _accuracies(self.levels)
        null = self.null.scores(self.scoring.moments)[pairs, :, self.feature]
        return Confirmation(
            correlation=scores.correlation[pairs, self.feature],
            partial=scores.partial[pairs, self.feature],
            slopes=scores.slopes[pairs, self.feature],
            accuracy=accuracy[pairs, self.feature],
            balanced_accuracy=balanced[pairs, self.feature],
            straightness=straightness(self.by_value, len(pairs)),
            null=null.amax(0) if len(pairs) else torch.zeros(null.shape[1], dtype=torch.float64),
            gates=gates,
        )


def _accuracies(levels: CellFeatureMoments) -> tuple[Tensor, Tensor]:
    """Accuracy and balanced accuracy of flags read as flags, each (cells, features) float64 in [0, 1]."""
    said, true = levels.cell_means[:, None], levels.feature_means[None, :]
    both = levels.products / max(1, levels.count) + said * true
    hits, rejections = both, 1 - said - true + both
    sensitivity, specificity = hits / true.clamp(min=1e-12), rejections / (1 - true).clamp(min=1e-12)
    return hits + rejections, (sensitivity + specificity) / 2


def straightness(by_value: GroupSums, pairs: int) -> Tensor:
    """(pairs,) float64 R^2 of the mean of c by feature value as a line, up to the values' 90th percentile.

    by_value has CAP + 1 groups per pair, one per value from 0; each value weighs as often as it occurs,
    but for CAP itself, which stands for all above it.
    """
    counts = by_value.counts.view(pairs, CAP + 1).clone()
    counts[:, CAP] = 0
    means = by_value.means().view(pairs, CAP + 1)
    before = counts.cumsum(1) - counts
    weights = counts * (before < _COMMON * counts.sum(1, keepdim=True))
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1)
    values = torch.arange(CAP + 1, dtype=torch.float64).expand(pairs, -1)
    values = values - (weights * values).sum(1, keepdim=True)
    means = means - (weights * means).sum(1, keepdim=True)
    product = (weights * values * means).sum(1)
    squares = (weights * values.square()).sum(1) * (weights * means.square()).sum(1)
    return product.square() / squares.clamp(min=1e-18)
