"""Confirmation scores the candidates once more on text that had no part in choosing them.

The null, the scores that shifted features reach, is the largest score of any candidate in each shift. That
corrects for the number of candidates as Holm's steps would, with 99 shifts instead of thousands (Westfall and
Young 1993).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.detecting.calibration import Calibration
from charlstm.inspection.detecting.discovery import LEAST_PARTIAL_RATIO, LEAST_SCORE, Pairs
from charlstm.inspection.detecting.null import measure_standardization, p_values
from charlstm.inspection.detecting.pair_sums import (
    BOOTSTRAP_BLOCKS,
    FrozenPairs,
    GatesByCharacter,
    PairSums,
    chunk_signals,
)
from charlstm.inspection.detecting.staircase import Staircases
from charlstm.inspection.features.feature import FeatureKind
from charlstm.inspection.reading.accumulators import CellFeatureMoments
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# The staircase of a counter has at least this straightness. Measured: .64 to .72 for a trace of one character
# that fades with f = .9, .8 to 1 for counters of trained networks; see tests/benchmarks/EXPERIMENTS.md.
LEAST_STRAIGHTNESS = 0.8

# Where a counter or a depth is 0, the variance of c is at most this share of its whole variance.
LARGEST_RESET_SPREAD = 0.5

# A cell whose leak is larger is no counter: it is the fading trace of a character.
LARGEST_LEAK = 2.5

# Of r, at least this share is left when the last characters, the column and the word are known.
LEAST_CONTEXT_RATIO = 0.25

# The bootstrap puts this many texts together from blocks of the split.
_RESAMPLES = 1_000


@dataclass(frozen=True, eq=False)
class Confirmation:
    """A Confirmation says how the frozen pairs score on the confirmation split.

    Each field is (pairs,) float64 unless it says otherwise.

    kinds are the kinds of the pairs' features. correlation, partial and slopes are as in Scores, and
    context_partial is r given the context, all with their signs. accuracy and balanced_accuracy, in [0, 1],
    say how well the cell tells that the feature is above 0: the cell is on where c is beyond its threshold,
    on the side that the sign of r says. held is the share of positions without a change of the feature at
    which the cell stays on its side. survival (pairs, SURVIVAL_CHARACTERS) is the share of positions at
    which the cell is still on, by characters since the feature went on. null (shifts,) is the largest score
    of any pair in each shift. staircases has the mean of c by value of the feature. blocks (BOOTSTRAP_BLOCKS,
    pairs, 6) has the sums of 1, c, f, c^2, f^2 and c f over each block of the split, where f is the feature.
    gates has the pairs' gates by current character.
    """

    kinds: list[FeatureKind]
    correlation: Tensor
    partial: Tensor
    context_partial: Tensor
    slopes: Tensor
    accuracy: Tensor
    balanced_accuracy: Tensor
    held: Tensor
    survival: Tensor
    null: Tensor
    staircases: Staircases
    blocks: Tensor
    gates: GatesByCharacter

    @property
    def p_values(self) -> Tensor:
        """Return the p-value of each pair, (pairs,) float64, corrected for the number of pairs."""
        return p_values(self.correlation.abs(), self.null)

    def is_finding(self, pairs: Pairs, significance: float) -> Tensor:
        """Return which of pairs pass every rule and are findings, (pairs,) bool.

        The cell of a counter must count, and the cell of a depth must return to one value where the depth is
        0. significance is the largest p-value that passes, in (0, 1].
        """
        counters, depths = (
            torch.tensor([of_pair == kind for of_pair in self.kinds], dtype=torch.bool)
            for kind in ("counter", "depth")
        )
        score, partial = self.correlation * pairs.signs, self.partial * pairs.signs
        close = (score >= LEAST_SCORE) & (partial >= LEAST_PARTIAL_RATIO * score)
        close &= self.context_partial * pairs.signs >= LEAST_CONTEXT_RATIO * score
        returning = self.staircases.reset_spread() <= LARGEST_RESET_SPREAD
        straight = self.staircases.straightness() >= LEAST_STRAIGHTNESS
        straight &= self.staircases.leak() <= LARGEST_LEAK
        counting = (~counters | (straight & returning)) & (~depths | returning)
        return close & (self.p_values <= significance) & counting

    def resampled_counts(self, pairs: Pairs, is_finding: Tensor, generator: torch.Generator) -> Tensor:
        """Draw texts from the split's blocks and count the pairs that keep their score, (resamples,) float64.

        Only the pairs at which is_finding (pairs,) bool is True are counted. This is the block bootstrap of
        Künsch 1989: neighbouring positions, which depend on each other, stay together.
        """
        drawn = torch.randint(BOOTSTRAP_BLOCKS, (_RESAMPLES, BOOTSTRAP_BLOCKS), generator=generator)
        cc, ff, cf = _centred(self.blocks)[drawn].sum(1).unbind(-1)
        scores = cf / (cc * ff).clamp(min=1e-18).sqrt() * pairs.signs
        return ((scores >= LEAST_SCORE) & is_finding).sum(1).double()


def _centred(blocks: Tensor) -> Tensor:
    """Return the centred sums of c^2, f^2 and c f (..., 3), given blocks (..., 6): the sums behind r."""
    n, c, f, cc, ff, cf = blocks.unbind(-1)
    n = n.clamp(min=1)
    return torch.stack((cc - c * c / n, ff - f * f / n, cf - c * f / n), dim=-1)


def confirm(
    model: CharLSTM,
    split: Split,
    pairs: Pairs,
    calibration: Calibration,
    shifts: Tensor,
    processes: ProcessGroup = ALONE,
) -> Confirmation:
    """Score pairs on split with everything frozen: their features, their signs and the levels of cells.

    calibration has the levels of the cells, and shifts (shifts,) int64 are the circular shifts behind the
    null.
    """
    frozen = FrozenPairs(split, pairs, calibration)
    standardization = measure_standardization(split, frozen.used, processes)

    def read(chunk: Chunk) -> tuple[PairSums]:
        sums = PairSums(frozen, standardization, shifts, model.config.vocabulary_size)
        if len(pairs):
            signals = chunk_signals(chunk, frozen)
            for block in chunk.blocks(model):
                sums.update(signals, block, frozen)
        return (sums,)

    (sums,) = read_chunks(split, read, processes)
    return _confirmation(frozen, sums)


def _confirmation(frozen: FrozenPairs, sums: PairSums) -> Confirmation:
    """Return the confirmation of the frozen pairs from sums over all chunks of a split."""
    feature, pairs = frozen.feature, torch.arange(len(frozen.pairs))
    scores = sums.scores.result()
    accuracy, balanced = _accuracies(sums.on_off_moments)
    null = sums.null.scores(sums.scores.within())[pairs, :, feature]
    return Confirmation(
        kinds=frozen.kinds,
        correlation=scores.correlation[pairs, feature],
        partial=scores.partial[pairs, feature],
        context_partial=sums.context.partial(feature),
        slopes=scores.slopes[pairs, feature],
        accuracy=accuracy[pairs, feature],
        balanced_accuracy=balanced[pairs, feature],
        held=sums.holding[0] / sums.holding[1].clamp(min=1),
        survival=sums.staircases.survival(),
        null=null.amax(0) if len(pairs) else torch.zeros(null.shape[1], dtype=torch.float64),
        staircases=sums.staircases,
        blocks=sums.blocks,
        gates=sums.gates,
    )


def _accuracies(on_off_moments: CellFeatureMoments) -> tuple[Tensor, Tensor]:
    """Return the accuracy and the balanced accuracy of cells, each (cells, features) float64 in [0, 1].

    on_off_moments has the moments of flags of 0 and 1: whether each cell is on, which predicts that a feature
    is on, and whether each feature is on.
    """
    predicted, true = on_off_moments.cell_means[:, None], on_off_moments.feature_means[None, :]
    both = on_off_moments.products / max(1, on_off_moments.count) + predicted * true
    hits, rejections = both, 1 - predicted - true + both
    sensitivity, specificity = hits / true.clamp(min=1e-12), rejections / (1 - true).clamp(min=1e-12)
    return hits + rejections, (sensitivity + specificity) / 2
