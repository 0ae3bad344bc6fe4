"""Discovery finds the candidates: for each cell its best feature, if the score is beyond chance.

One pass over the discovery split scores every cell with every feature, the proposed features included, and
with the features shifted along the text. The largest score of any pair in each shift makes the null, which
corrects for the number of pairs (Westfall and Young 1993). The pairs that pass are frozen, and `confirmation`
scores them again on other text.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.detecting.null import ShiftedProducts, measure_standardization, p_values
from charlstm.inspection.detecting.scoring import Scores, ScoreSums
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
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
LEAST_FEATURE_MEMORY, LEAST_PROPOSED_MEMORY = 0.15, 0.3

# A feature whose |r| with a cell is below this, which explains less than a quarter of the cell's variance, is
# not the cell's feature.
LEAST_SCORE = 0.5

# A score must exceed the mean of the best scores of untrained networks by this many standard deviations.
UNTRAINED_DEVIATIONS = 4.0

# Features whose scores are this close to a cell's best score are tied. The first of them is the cell's
# feature, so a listed feature comes before a proposed one.
_TIED_SCORE_DIFFERENCE = 0.02


@dataclass(frozen=True, eq=False)
class Discovery:
    """A Discovery has the scores and the memory of all cells and all features on the discovery split.

    scores has the scores of every cell with every feature. memory (cells,) and feature_memory (features,) are
    the shares of variance that the last three characters do not explain, in [0, 1]. null (shifts,) is the
    largest score of any pair in each shift. All are float64.
    """

    scores: Scores
    memory: Tensor
    feature_memory: Tensor
    null: Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs are the candidates for findings, each a cell and a feature, frozen on the discovery split.

    cells and features are their numbers, and signs are the signs of r, -1 or 1; each (pairs,) int64.
    """

    cells: Tensor
    features: Tensor
    signs: Tensor

    def __len__(self) -> int:
        return len(self.cells)


def discover(
    model: CharLSTM, split: Split, means: Tensor, shifts: Tensor, processes: ProcessGroup = ALONE
) -> Discovery:
    """Score every cell of model with every feature of split, and with features shifted along the text.

    means (cells,) float64 are the calibrated means of c, and shifts (shifts,) int64 the circular shifts.
    Pseudo features have scores, but are no part of the null.
    """
    cells, features = len(means), len(split.table.features)
    pseudo = torch.tensor([feature.pseudo for feature in split.table.features])
    tested = (~pseudo).nonzero().flatten()
    standardization = measure_standardization(split, tested, processes)

    def read(chunk: Chunk) -> tuple[ScoreSums, ShiftedProducts, GroupSums]:
        scores = ScoreSums(split, cells=cells, features=features, vocabulary=model.config.vocabulary_size)
        null = ShiftedProducts(standardization, shifts, cells=cells, rows=split.rows)
        by_context = GroupSums(len(split.contexts), cells + features)
        columns, contexts = chunk.columns(tested), split.contexts.of(chunk.ids, chunk.cut)
        for block in chunk.blocks(model):
            centred, values = block.c - means.float(), chunk.features(block.rows)
            scores.update(chunk, block.rows, centred, values)
            null.update(columns, block.rows, centred)
            by_context.update(contexts[block.rows], torch.cat((centred, values), dim=1))
        return scores, null, by_context

    scores, null, by_context = read_chunks(split, read, processes)
    memory = memory_shares(by_context, scores.moments)
    largest = null.scores(scores.within()).amax((0, 2))
    return Discovery(scores.result(), memory[:cells], memory[cells:], largest)


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


def choose(
    discovery: Discovery, *, eligible: Tensor, proposed: Tensor, untrained: Tensor, significance: float
) -> Pairs:
    """Return each cell that passes every rule with its best feature and the sign of r.

    eligible (features,) bool says which features may be a cell's feature, and proposed (features,) bool says
    which features the cells proposed. untrained (features,) float64 is the score that hardly any untrained
    network reaches with each feature. significance is the largest p-value that passes, in (0, 1].
    """
    scores = discovery.scores
    needed = torch.where(proposed, LEAST_PROPOSED_MEMORY, LEAST_FEATURE_MEMORY)
    eligible = eligible & (discovery.feature_memory >= needed)
    score = scores.correlation.abs().masked_fill(~_beyond_character(scores) | ~eligible, 0)
    least = untrained.clamp(min=LEAST_SCORE)
    forgetful = discovery.memory[:, None] < LEAST_MEMORY_RATIO * discovery.feature_memory
    score = score.masked_fill((score < least) | forgetful, 0)
    best = score.amax(1)
    features = ((score >= best[:, None] - _TIED_SCORE_DIFFERENCE) & (score > 0)).long().argmax(1)
    cells = torch.arange(len(score))
    passed = (best > 0) & (p_values(score[cells, features], discovery.null) <= significance)
    signs = scores.correlation[cells, features].sign().long()
    return Pairs(cells[passed], features[passed], signs[passed])


def _beyond_character(scores: Scores) -> Tensor:
    """Return where enough of r is left given the current character, (cells, features) bool."""
    return scores.partial * scores.correlation.sign() >= LEAST_PARTIAL_RATIO * scores.correlation.abs()
