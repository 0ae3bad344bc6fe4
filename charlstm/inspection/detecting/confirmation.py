"""Confirmation scores the candidates once more on text that had no part in choosing them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from charlstm.inspection.detecting.calibration import Calibration
from charlstm.inspection.detecting.discovery import LEAST_PARTIAL_RATIO, Pairs
from charlstm.inspection.detecting.pair_sums import (
    FrozenPairs,
    GatesByCharacter,
    PairSums,
    chunk_signals,
)
from charlstm.inspection.detecting.scores.equal_share import EqualShareMoments
from charlstm.inspection.detecting.scores.null import largest_of_groups, p_values
from charlstm.inspection.detecting.scores.separation import (
    RESAMPLES,
    block_draws,
    intervals,
)
from charlstm.inspection.detecting.scores.staircase import Staircases
from charlstm.inspection.features.feature import FeatureKind
from charlstm.inspection.reading.accumulators import CellFeatureMoments
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# A held-out score and |r| are at least this. Both limits are lower than those of discovery, because a pair
# that was chosen for its score has on average a lower one on other text: with one limit on both, half of the
# pairs at the limit would be lost by chance.
LEAST_HELD_OUT_SCORE, LEAST_HELD_OUT_CORRELATION = 0.4, 0.2

# The staircase of a counter or a depth has at least this straightness. Measured: .64 to .72 for a trace of
# one character that fades with f = .9, .8 to 1 for counters of trained networks; see
# tests/benchmarks/EXPERIMENTS.md.
LEAST_STRAIGHTNESS = 0.8

# It goes one way at this share of its steps at least.
LEAST_RISING_SHARE = 0.9

# Where a counter or a depth is 0, the variance of c is at most this share of its whole variance: a reset
# leaves half of a standard deviation at most, however noisy the count is. A forget gate that stays half open
# leaves about half of the variance; that of a trained counter's reset was measured at .01 to .04.
LARGEST_RESET_SPREAD = 0.25

# A drifting cell may follow a depth without returning to one value. It must step at once, by the first share
# of its staircase's slope at least, and its smaller step must be the second share of the larger one at least.
LEAST_STEP_OF_SLOPE = 0.5
LEAST_STEP_RATIO = 0.5

# A cell whose leak is larger is no counter: it is the fading trace of a character.
LARGEST_LEAK = 2.0

# Of r, at least this share is left when the last characters, the column and the word are known.
LEAST_CONTEXT_RATIO = 0.25


@dataclass(frozen=True, eq=False)
class Confirmation:
    """A Confirmation says how the frozen pairs score on the confirmation split.

    Each field is (pairs,) float64 unless it says otherwise.

    kinds are the kinds of the pairs' features, and groups (pairs,) int64 numbers these features. correlation,
    equal_share, partial and slopes are as in Scores, and context_partial is r given the context, all with
    their signs. accuracy and balanced_accuracy, in [0, 1], say how well the cell tells that the feature is
    above 0: the cell is on where c is beyond its threshold, on the side that the sign of r says. auc says how
    well c itself tells it, and auc_interval (pairs, 2) is its 95% interval. held is the share of positions
    without a change of the feature at which the cell stays on its side; dwell int64 is the median number of
    characters for which it does. survival (pairs, SURVIVAL_CHARACTERS) is the share of positions at which the
    cell is still on, by characters since the feature went on. steps (2, pairs) is the mean move of c where
    the feature rises by 1 and where it falls by 1. pair_null (shifts, pairs) is the score of each pair in
    each shift. staircases has the mean of c by value of the feature. blocks (BOOTSTRAP_BLOCKS, pairs, 9) has
    the sums of `PairSums.blocks`. gates has the pairs' gates by current character.
    """

    kinds: list[FeatureKind]
    groups: Tensor
    correlation: Tensor
    equal_share: Tensor
    partial: Tensor
    context_partial: Tensor
    slopes: Tensor
    accuracy: Tensor
    balanced_accuracy: Tensor
    auc: Tensor
    auc_interval: Tensor
    held: Tensor
    dwell: Tensor
    survival: Tensor
    steps: Tensor
    pair_null: Tensor
    staircases: Staircases
    blocks: Tensor
    gates: GatesByCharacter

    @property
    def null(self) -> Tensor:
        """Return the largest score of any pair in each shift, (shifts,) float64; 0 without pairs."""
        return self.pair_null.amax(1) if len(self.kinds) else torch.zeros(len(self.pair_null))

    @property
    def feature_null(self) -> Tensor:
        """Return the largest score of any pair with the feature of each pair in any shift, (pairs,)."""
        if not self.kinds:
            return torch.zeros(0)
        return largest_of_groups(self.pair_null, self.groups).amax(0)[self.groups]

    @property
    def p_values(self) -> Tensor:
        """Return the p-value of each pair, (pairs,) float64, corrected for the number of pairs."""
        return p_values(self.equal_share.abs().to(self.pair_null.dtype), self.pair_null, self.groups)

    @property
    def switch_scores(self) -> Tensor:
        """Return the correlation at equal shares of the pairs whose feature is a switch, 0 for others."""
        return torch.where(self._are("switch"), self.equal_share, 0.0)

    def is_finding(self, pairs: Pairs, significance: float) -> Tensor:
        """Return which of pairs are findings, (pairs,) bool: each cell's first one that passes every rule.

        significance is the largest p-value that passes, in (0, 1].
        """
        passes = self._follows(pairs.signs) & (self._are("switch") | self._counts())
        return _first_of_each(pairs.cells, passes & (self.p_values <= significance))

    def _follows(self, signs: Tensor) -> Tensor:
        """Return which cells follow their feature, not its context, with the frozen signs, (pairs,) bool."""
        plain = self.correlation * signs
        return (
            (self.equal_share * signs >= LEAST_HELD_OUT_SCORE)
            & (plain >= LEAST_HELD_OUT_CORRELATION)
            & (self.partial * signs >= LEAST_PARTIAL_RATIO * plain)
            & (self.context_partial * signs >= LEAST_CONTEXT_RATIO * plain)
        )

    def _counts(self) -> Tensor:
        """Return which cells count in a line and return to one value at 0, (pairs,) bool.

        A depth may step alike in both directions instead of returning, and a counter must not fade.
        """
        stairs = self.staircases
        returns = stairs.reset_spread() <= LARGEST_RESET_SPREAD
        return (
            (returns | (self._are("depth") & self.steps_alike()))
            & (stairs.rising() >= LEAST_RISING_SHARE)
            & (stairs.straightness() >= LEAST_STRAIGHTNESS)
            & (~self._are("counter") | (stairs.leak() <= LARGEST_LEAK))
        )

    def steps_alike(self) -> Tensor:
        """Return which cells step at once, and about as far down as up, (pairs,) bool."""
        up, down = self.steps * self.slopes.sign()
        smaller, larger = torch.minimum(up, -down), torch.maximum(up, -down)
        at_once = smaller >= LEAST_STEP_OF_SLOPE * self.slopes.abs()
        return at_once & (smaller >= LEAST_STEP_RATIO * larger) & (smaller > 0)

    def _are(self, kind: FeatureKind) -> Tensor:
        """Return which pairs have a feature of this kind, (pairs,) bool."""
        return torch.tensor([of_pair == kind for of_pair in self.kinds], dtype=torch.bool)

    def resampled_scores(self) -> Tensor:
        """Return the score of each pair, with its sign, in texts drawn from the split's blocks.

        The result is (RESAMPLES, pairs) float64; the draws are the same in every inspection. Means of blocks
        are taken out in the place of those of stretches.
        """
        if not self.kinds:
            return torch.zeros(RESAMPLES, 0, dtype=torch.float64)
        moments = _block_moments(self.blocks)
        drawn = EqualShareMoments(*(_drawn(getattr(moments, each.name)) for each in fields(moments)))
        squares = (drawn.cell_squares[..., 0, 0] * drawn.feature_squares[..., 0]).clamp(min=1e-18)
        plain = drawn.products[..., 0, 0] / squares.sqrt()
        return torch.where(self._are("counter"), plain, drawn.correlation()[..., 0, 0])

    def score_intervals(self) -> Tensor:
        """Return the 95% interval of the size of each pair's held-out score, (pairs, 2) float64."""
        return intervals(self.resampled_scores() * self.equal_share.sign())

    def resampled_counts(self, pairs: Pairs, is_finding: Tensor) -> Tensor:
        """Return how many pairs keep their score in each resampled text, (RESAMPLES,) float64.

        Only the pairs at which is_finding (pairs,) bool is True are counted.
        """
        scores = self.resampled_scores() * pairs.signs
        return ((scores >= LEAST_HELD_OUT_SCORE) & is_finding).sum(1).double()


def _first_of_each(groups: Tensor, flags: Tensor) -> Tensor:
    """Return flags (n,) bool with only the first True of each group left; groups (n,) int64 numbers them."""
    first_of: dict[int, int] = {}
    for index in flags.nonzero().flatten().tolist():
        first_of.setdefault(int(groups[index]), index)
    left = torch.zeros_like(flags)
    left[list(first_of.values())] = True
    return left


def _block_moments(blocks: Tensor) -> EqualShareMoments:
    """Return the moments of each block (BOOTSTRAP_BLOCKS, pairs) from its sums, as of one cell and feature.

    The mean of each block is taken out.
    """
    n, c, f, cc, ff, cf, on, c_on, cc_on = blocks.unbind(-1)
    count = n.clamp(min=1)
    mean, level = c / count, f / count
    left_on = c_on - mean * on
    of_features = (on, f - level * on, ff - 2 * level * f + level.square() * on, ff - f * level)
    of_pairs = (
        left_on,
        cc_on - 2 * mean * c_on + mean.square() * on,
        cf - mean * f - level * left_on,
        cc - c * mean,
        cf - c * level,
    )
    ons, features_on, feature_squares_on, feature_squares = (each[..., None] for each in of_features)
    cells_on, squares_on, products_on, squares, products = (each[..., None, None] for each in of_pairs)
    return EqualShareMoments(
        n[..., None],
        ons,
        cells_on,
        squares_on,
        products_on,
        features_on,
        feature_squares_on,
        squares,
        feature_squares,
        products,
    )


def _drawn(of_blocks: Tensor) -> Tensor:
    """Return sums (RESAMPLES, ...) over the blocks of each resampled text, of (BOOTSTRAP_BLOCKS, ...)."""
    drawn: Tensor = torch.tensordot(block_draws(), of_blocks, dims=1)
    return drawn


def confirm(
    model: CharLSTM,
    split: Split,
    several: Sequence[Pairs],
    calibration: Calibration,
    shifts: Tensor,
    processes: ProcessGroup = ALONE,
) -> list[Confirmation]:
    """Score several sets of pairs on split with everything frozen: their features, signs and cells' levels.

    The split is read once for all of them. calibration has the levels of the cells, and shifts (shifts,)
    int64 are the circular shifts behind the null.
    """
    frozen = [FrozenPairs(split, pairs, calibration) for pairs in several]

    def read(chunk: Chunk) -> tuple[PairSums, ...]:
        sums = tuple(PairSums(each, shifts, model.config.vocabulary_size) for each in frozen)
        read_for = [
            (of_pairs, chunk_signals(chunk, each), each)
            for of_pairs, each in zip(sums, frozen, strict=True)
            if len(each.pairs)
        ]
        for block in chunk.blocks(model) if read_for else ():
            for of_pairs, signals, each in read_for:
                of_pairs.update(signals, block, each)
        for of_pairs, signals, _ in read_for:
            of_pairs.finish(signals)
        return sums

    return list(map(_confirmation, frozen, read_chunks(split, read, processes)))


def _confirmation(frozen: FrozenPairs, sums: PairSums) -> Confirmation:
    """Return the confirmation of the frozen pairs from sums over all chunks of a split."""
    feature, pairs = frozen.feature, torch.arange(len(frozen.pairs))
    scores = sums.scores.result()
    accuracy, balanced = _accuracies(sums.on_off_moments)
    null = sums.null.scores()
    return Confirmation(
        kinds=frozen.kinds,
        groups=feature,
        correlation=scores.correlation[pairs, feature],
        equal_share=scores.equal_share[pairs, feature],
        partial=scores.partial[pairs, feature],
        context_partial=sums.context.partial(feature),
        slopes=scores.slopes[pairs, feature],
        accuracy=accuracy[pairs, feature],
        balanced_accuracy=balanced[pairs, feature],
        auc=sums.separation.auc(),
        auc_interval=sums.separation.interval(),
        held=sums.holding[0] / sums.holding[1].clamp(min=1),
        dwell=sums.dwells.medians(),
        survival=sums.staircases.survival(),
        steps=sums.steps[:, 1] / sums.steps[:, 0].clamp(min=1),
        pair_null=null[:, pairs, feature].double() if len(pairs) else torch.zeros(len(null), 0),
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
