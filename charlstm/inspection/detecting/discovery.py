"""Discovery finds the candidates: for each cell its best features, if their scores are beyond chance.

One pass over the discovery split scores every cell with every feature, the proposed features included, and
with the features shifted along the text (`scores.shifted_scores`). `scores.null` makes p-values from these,
corrected for the number of pairs. The pairs that pass are frozen, and `confirmation` scores them again on
other text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.inspection.detecting.runner_up import RunnerUp, Sample, name_by_contrast
from charlstm.inspection.detecting.scores.null import p_values
from charlstm.inspection.detecting.scores.scoring import Scores, ScoreSums, balanced_features
from charlstm.inspection.detecting.scores.shifted_scores import ShiftedScores
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
from charlstm.inspection.reading.kept_states import KeptStates
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# A pair passes only if the partial correlation, given the current character, is at least this share of r:
# a cell that detects the quote character is no switch.
LEAST_PARTIAL_RATIO = 0.5

# Memory is the share of the variance that the last three characters do not explain. The memory of a cell must
# be at least this share of the memory of its feature. A cell whose state fades within a few characters has
# less; a perfect counter has no more memory than its feature.
LEAST_MEMORY_RATIO = 0.5

# A feature with less memory than this is too forgetful to be any cell's feature. A proposed feature is made
# to fit its cell, so it needs more.
LEAST_FEATURE_MEMORY, LEAST_PROPOSED_MEMORY = 0.15, 0.4

# A feature whose score with a cell is below this is not the cell's feature: a switch whose two states differ
# by less than 1.15 standard deviations of c, a counter that explains less than a quarter of the variance.
LEAST_SCORE = 0.5

# A feature with a smaller |r| explains less than 1/16 of the variance of c: something else moves the cell.
# The intervention does not take such a cell for a carrier of the feature either.
LEAST_CORRELATION = 0.25

# A cell keeps this many features at most, the best first: where the best one fails on the confirmation split,
# as a counter does whose cell does not count evenly, the next one may still be the cell's feature.
MOST_FEATURES_OF_A_CELL = 3

# Features whose fit is this close to that of a cell's best feature are tied. The first of them is the one
# that the others challenge, so a listed feature comes before a proposed one.
_TIED_SCORE_DIFFERENCE = 0.02


@dataclass(frozen=True, eq=False)
class Discovery:
    """A Discovery has the scores and the memory of all cells and all features on the discovery split.

    scores has the scores of every cell with every feature. memory (cells,) and feature_memory (features,) are
    the shares of variance that the last three characters do not explain, float64 in [0, 1]. sample has c and
    the features at some positions, and shifted what the scores by chance need.
    """

    scores: Scores
    memory: Tensor
    feature_memory: Tensor
    sample: Sample
    shifted: ShiftedScores

    @cached_property
    def by_chance(self) -> "ByChance":
        """The scores by chance. They are computed where somebody asks for them: most control networks have no
        pair for which they decide.
        """
        shifted, groups = (
            self.shifted.scores(),
            torch.arange(len(self.feature_memory)).repeat(len(self.memory)),
        )
        p = p_values(self.scores.equal_share.abs().flatten().float(), shifted.flatten(1), groups)
        return ByChance(
            null=shifted.amax((1, 2)).double(),
            feature_null=shifted.amax((0, 1)).double(),
            p_values=p.view(len(self.memory), len(self.feature_memory)),
        )


class ByChance(NamedTuple):
    """ByChance has what scores are by chance, and what follows for the scores of a discovery; all float64.

    null (shifts,) is the largest score of any pair in each shift, and feature_null (features,) the largest
    score of any cell with each feature in any shift. p_values (cells, features) are corrected for the number
    of pairs.
    """

    null: Tensor
    feature_null: Tensor
    p_values: Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs are the candidates for findings, each a cell and a feature, frozen on the discovery split.

    cells and features are their numbers, and signs are the signs of r, -1 or 1; each (pairs,) int64. A cell
    may have several pairs, the best first. runners_up has for each pair the next best feature of its
    cell, of those that can be compared where there are some, or None without one within reach.
    """

    cells: Tensor
    features: Tensor
    signs: Tensor
    runners_up: tuple[RunnerUp | None, ...] = ()

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def cell_count(self) -> int:
        """Return the number of cells that have a pair."""
        return len(set(self.cells.tolist()))


def discover(
    model: CharLSTM,
    split: Split,
    means: Tensor,
    shifts: Tensor,
    states: KeptStates | None = None,
    processes: ProcessGroup = ALONE,
) -> Discovery:
    """Score every cell of model with every feature of split, and with features shifted along the text.

    means (cells,) float64 are the calibrated means of c, and shifts (shifts,) int64 the circular shifts.
    states has the cell states that were kept when the split was read before.
    """
    cells, features = len(means), len(split.table.features)
    balanced, everything = balanced_features(split.table.features), torch.arange(features)

    def read(chunk: Chunk) -> tuple[ScoreSums, ShiftedScores, GroupSums]:
        scores = ScoreSums(split, cells=cells, balanced=balanced, vocabulary=model.config.vocabulary_size)
        shifted = ShiftedScores(shifts, balanced, rows=split.rows)
        by_context = GroupSums(len(split.contexts), cells + features)
        contexts = split.contexts.of(chunk.ids, chunk.cut)
        for block in states.take(model, chunk) if states else chunk.blocks(model):
            centred, values = block.c - means.float(), chunk.features(block.rows)
            scores.update(chunk, block.rows, centred, values)
            shifted.update(block.rows, centred)
            by_context.update(contexts[block.rows], torch.cat((centred, values), dim=1))
        shifted.finish(chunk.columns(everything), chunk.row_stretches)
        return scores, shifted, by_context

    return _discovery(*read_chunks(split, read, processes))


def _discovery(sums: ScoreSums, shifted: ShiftedScores, by_context: GroupSums) -> Discovery:
    """Return the discovery from the sums over all chunks."""
    scores, memory = sums.result(), memory_shares(by_context, sums.moments)
    cells = len(scores.correlation)
    return Discovery(
        scores=scores,
        memory=memory[:cells],
        feature_memory=memory[cells:],
        sample=Sample(*shifted.sample()),
        shifted=shifted,
    )


def memory_shares(by_context: GroupSums, moments: CellFeatureMoments) -> Tensor:
    """Return the share of variance that the context does not explain, (cells + features,) float64 in [0, 1].

    by_context sums the cells, then the features, by the last few characters, over the positions of moments.
    The share is corrected for the number of contexts as an adjusted R^2 is: a context that occurs once
    explains its position perfectly.
    """
    means = torch.cat((moments.cell_means, moments.feature_means))
    squares = torch.cat((moments.cell_squares, moments.feature_squares))
    between = torch.zeros_like(squares)
    for deviations in by_context.deviations(means):
        between += deviations.square().sum(0)
    count = float(by_context.counts.sum())
    degrees_of_freedom = max(1.0, count - int((by_context.counts > 0).sum()))
    share = (squares - between) / squares.masked_fill(squares <= 0, torch.inf)
    return (share * (count / degrees_of_freedom)).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class Eligible:
    """Eligible says which of features (features) may be a cell's feature: eligible (features,) bool.

    Features from the number `listed` on are proposed by cells. untrained (features,) float64 is the score
    that hardly any reference network reaches with each feature.
    """

    features: tuple[Feature, ...]
    eligible: Tensor
    listed: int
    untrained: Tensor


def choose(discovery: Discovery, among: Eligible, *, significance: float) -> Pairs:
    """Return each cell that passes every rule, with its best features and the signs of r.

    Of the features with which a cell passes, that one fits best whose score times |r| is largest: the score
    says how well c tells the feature, r how much of c the feature explains. A rare feature can have a high
    score and explain little of c. A cell has MOST_FEATURES_OF_A_CELL features at most. significance is the
    largest p-value that passes, in (0, 1].
    """
    scores = _passing_scores(discovery, among, significance)
    fits = (scores * discovery.scores.correlation.abs()).sqrt()
    named = [
        (cell, feature, runner_up and replace(runner_up, score=float(scores[cell, runner_up.feature])))
        for cell in (fits.amax(1) > 0).nonzero().flatten().tolist()
        for feature, runner_up in _features_of(discovery.sample, cell, fits[cell], among)
    ]
    cells = torch.tensor([cell for cell, _, _ in named], dtype=torch.int64)
    features = torch.tensor([feature for _, feature, _ in named], dtype=torch.int64)
    signs = discovery.scores.correlation[cells, features].sign().long()
    return Pairs(cells, features, signs, tuple(runner_up for _, _, runner_up in named))


def _features_of(
    sample: Sample, cell: int, fits: Tensor, among: Eligible
) -> Iterator[tuple[int, RunnerUp | None]]:
    """Yield the best features of a cell, each with its runner-up among those that are left.

    fits (features,) says how well each feature fits, 0 where the cell does not pass with it.
    """
    left = fits.clone()
    for _ in range(MOST_FEATURES_OF_A_CELL):
        best = left.max()
        if best <= 0:
            return
        first = int(((left >= best - _TIED_SCORE_DIFFERENCE) & (left > 0)).long().argmax())
        feature, runner_up = name_by_contrast(
            sample, cell, left, among.features, first=first, listed=among.listed
        )
        yield feature, runner_up
        left[feature] = 0


def _passing_scores(discovery: Discovery, among: Eligible, significance: float) -> Tensor:
    """Return the scores (cells, features) float64 of the pairs that pass every rule, 0 for the others.

    What untrained networks reach is no limit for a counter: `confirmation` tests how it counts.
    """
    numbers = torch.arange(len(among.features))
    needed = torch.where(numbers >= among.listed, LEAST_PROPOSED_MEMORY, LEAST_FEATURE_MEMORY)
    eligible = among.eligible & (discovery.feature_memory >= needed)
    least = torch.where(balanced_features(among.features), among.untrained, 0.0).clamp(min=LEAST_SCORE)
    score, r = discovery.scores.equal_share.abs(), discovery.scores.correlation.abs()
    forgetful = discovery.memory[:, None] < LEAST_MEMORY_RATIO * discovery.feature_memory
    failing = (score < least) | (r < LEAST_CORRELATION) | forgetful | ~eligible
    failing |= ~_beyond_character(discovery.scores)
    if not failing.all():
        failing |= discovery.by_chance.p_values > significance
    return score.masked_fill(failing, 0)


def _beyond_character(scores: Scores) -> Tensor:
    """Return where enough of r is left given the current character, (cells, features) bool."""
    return scores.partial * scores.correlation.sign() >= LEAST_PARTIAL_RATIO * scores.correlation.abs()
