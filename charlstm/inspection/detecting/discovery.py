"""Which cells follow which features, beyond what circular shifts of the features reach by chance.

A pass over the calibration split fixes each cell's threshold. A pass over the discovery split scores every
cell with every feature, those that the cells proposed themselves among them, and with shifted features, all
cells shifted alike; the largest score of any pair in each shift is the family-wise null. What passes is
frozen, one feature per cell, for `confirmation` to score again. A score is |r| of the cell state c with the
feature, within the stretches that the text is read in: a cell that begins each of them from nothing may be
off by a constant all along, as a depth that began inside two brackets is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.detecting.null import ROUNDING, ShiftedProducts, measure_standards, p_values
from charlstm.inspection.reading.accumulators import (
    CellFeatureMoments,
    CellHistogram,
    GroupSums,
)
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# A pair counts only if this share of its correlation is left once each character's own mean is taken
# out: a detector of the quote character is no switch.
PARTIAL_SHARE = 0.5

# Of its feature's share of variance that the last three characters do not explain, a cell must have so much.
# A fading trace of one character with f = .7 has .05 where its distance has .9; but a perfect counter of the
# column in Python source has no more than .49, and one of the indentation so far .2, for so has the feature.
MEMORY = 0.5

# A listed feature of which the last three characters tell more than the rest of this is no memory at all;
# one that a cell proposed is made to fit the cell, and must be a memory beyond doubt.
FEATURE_MEMORY, PROPOSED_MEMORY = 0.15, 0.3

# A feature that explains less than a quarter of a cell's variance does not name it; nor does one that the
# best cell of an untrained network might follow as well: it is so many deviations above the mean of these.
LEAST_SCORE = 0.5

UNTRAINED_DEVIATIONS = 4.0

# Features this close to a cell's best are a tie: the first of them names it, as listed ones come first.
_TIE = 0.02


@dataclass(frozen=True, eq=False)
class Calibration:
    """Per cell the mean of c, the threshold between its two levels and the share of variance between them.

    Each (cells,) float64.
    """

    means: Tensor
    thresholds: Tensor
    level_shares: Tensor


@dataclass(frozen=True, eq=False)
class Scores:
    """Cells against features: correlation r, partial r given the current character and slopes of c, each
    (cells, features) float64.
    """

    correlation: Tensor
    partial: Tensor
    slopes: Tensor


@dataclass(frozen=True, eq=False)
class Discovery:
    """What the discovery split says: scores; memory (cells,) and feature_memory (features,), the share of
    variance that the last few characters do not explain; and null (shifts,), the largest |r| of any pair in
    each shift. All float64.
    """

    scores: Scores
    memory: Tensor
    feature_memory: Tensor
    null: Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """Frozen candidates: cells (pairs,) and features (pairs,) int64 indices, signs (pairs,) of r."""

    cells: Tensor
    features: Tensor
    signs: Tensor

    def __len__(self) -> int:
        return len(self.cells)


def calibrate(model: CharLSTM, split: Split, processes: ProcessGroup = ALONE) -> Calibration:
    """Read the calibration split."""
    cells = model.config.layers * model.config.cells

    def read(part: Chunk) -> tuple[CellFeatureMoments, CellHistogram]:
        moments, histogram = CellFeatureMoments(cells, 0), CellHistogram(cells)
        for block in part.blocks(model):
            moments.update(block.c, block.c[:, :0])
            histogram.update(block.c)
        return moments, histogram

    moments, histogram = read_chunks(split, read, processes)
    return Calibration(moments.cell_means, *histogram.otsu())


def discover(
    model: CharLSTM,
    split: Split,
    means: Tensor,
    shifts: Tensor,
    *,
    tested: Tensor,
    processes: ProcessGroup = ALONE,
) -> Discovery:
    """Score every cell, of calibrated means (cells,), with every feature, and with shifted ones.

    tested (n,) int64 are the features whose shifts make the null.
    """
    count = len(split.table.features)
    standards = measure_standards(split, tested, processes)

    def read(part: Chunk) -> tuple[Scoring, ShiftedProducts, GroupSums]:
        scoring = Scoring(split, cells=len(means), features=count, vocabulary=model.config.vocabulary_size)
        null = ShiftedProducts(standards, shifts, cells=len(means), rows=split.rows)
        by_context = GroupSums(len(split.contexts), len(means) + count)
        columns, contexts = part.columns(tested), split.contexts.of(part.ids, part.cut)
        for block in part.blocks(model):
            centred, features = block.c - means.float(), part.features(block.rows)
            scoring.update(part, block.rows, centred, features)
            null.update(columns, block.rows, centred)
            by_context.update(contexts[block.rows], torch.cat((centred, features), dim=1))
        return scoring, null, by_context

    scoring, null, by_context = read_chunks(split, read, processes)
    moments = scoring.moments
    remembered = memory(
        by_context,
        torch.cat((moments.cell_means, moments.feature_means)),
        torch.cat((moments.cell_squares, moments.feature_squares)),
    )
    return Discovery(
        scoring.result(),
        remembered[: len(means)],
        remembered[len(means) :],
        null.scores(scoring.within()).amax((0, 2)),
    )


class Scoring:
    """Correlations of cells with features of a split, and the sums behind the partial ones."""

    def __init__(self, split: Split, *, cells: int, features: int, vocabulary: int) -> None:
        self.moments = CellFeatureMoments(cells, features)
        self.by_character = GroupSums(vocabulary, cells + features)
        self.by_stretch = GroupSums(split.stretches, cells + features)

    def update(self, part: Chunk, rows: Tensor, c: Tensor, features: Tensor) -> None:
        """Add c (positions, cells), roughly centred, and features (positions, features), both float32, at
        rows (positions,) of a part.
        """
        both = torch.cat((c, features), dim=1)
        self.moments.update(c, features)
        self.by_character.update(part.characters[rows], both)
        self.by_stretch.update(part.stretches(rows), both)

    def merge(self, other: "Scoring") -> None:
        """Add what another one of the same split has seen."""
        self.moments.merge(other.moments)
        self.by_character.merge(other.by_character)
        self.by_stretch.merge(other.by_stretch)

    def within(self) -> CellFeatureMoments:
        """The moments within stretches."""
        return self.moments.within(self.by_stretch)

    def result(self) -> Scores:
        """The scores of all that was added."""
        moments = self.within()
        partial = partial_correlation(self.moments, self.by_character)
        return Scores(moments.correlation(), partial, moments.slopes())


def partial_correlation(moments: CellFeatureMoments, by_character: GroupSums) -> Tensor:
    """(cells, features) r once every character's mean is taken out; 0 where nothing is left.

    by_character sums the cells, then the features, over the same positions as moments.
    """
    left = moments.within(by_character)
    cells = _root(left.cell_squares, moments.cell_squares)
    features = _root(left.feature_squares, moments.feature_squares)
    return (left.products / torch.outer(cells, features)).clamp(-1, 1)


def _root(left: Tensor, squares: Tensor) -> Tensor:
    """Root of what is left of squares, infinite where that is only rounding."""
    return left.masked_fill(left <= ROUNDING * squares, torch.inf).sqrt()


def memory(by_context: GroupSums, means: Tensor, squares: Tensor) -> Tensor:
    """(columns,) float64 in [0, 1]: share of variance within contexts, corrected for their number.

    means and squares (columns,) are those of all positions. The correction is that of an adjusted R^2: a
    context seen once explains its position perfectly.
    """
    between = torch.zeros_like(squares)
    for deviations in by_context.deviations(means):
        between += deviations.square().sum(0)
    count = float(by_context.counts.sum())
    free = max(1.0, count - int((by_context.counts > 0).sum()))
    left = (squares - between) / squares.masked_fill(squares <= 0, torch.inf)
    return (left * (count / free)).clamp(0, 1)


def strongest(model: CharLSTM, part: Chunk) -> Tensor:
    """(features,) float64: the largest |r| of any cell of the model with each feature."""
    columns = model.config.layers * model.config.cells, len(part.table.features)
    moments, by_stretch = CellFeatureMoments(*columns), GroupSums(part.cut.streams, sum(columns))
    for block in part.blocks(model):
        features = part.features(block.rows)
        moments.update(block.c, features)
        by_stretch.update(part.stretches(block.rows), torch.cat((block.c, features), dim=1))
    return moments.within(by_stretch).correlation().abs().amax(0)


def choose(
    discovery: Discovery, *, eligible: Tensor, proposed: Tensor, untrained: Tensor, significance: float
) -> Pairs:
    """The best feature of every cell that remembers and passes the null, each frozen with the sign of r.

    eligible (features,) bool says which features may name a cell, proposed (features,) bool which of them
    cells have proposed; untrained (features,) float64 what untrained networks of the same shape may reach.
    """
    scores = discovery.scores
    needed = torch.where(proposed, PROPOSED_MEMORY, FEATURE_MEMORY)
    eligible = eligible & (discovery.feature_memory >= needed)
    score = scores.correlation.abs().masked_fill(~_beyond_character(scores) | ~eligible, 0)
    least = untrained.clamp(min=LEAST_SCORE)
    forgetful = discovery.memory[:, None] < MEMORY * discovery.feature_memory
    score = score.masked_fill((score < least) | forgetful, 0)
    best = score.amax(1)
    features = ((score >= best[:, None] - _TIE) & (score > 0)).long().argmax(1)
    cells = torch.arange(len(score))
    passed = (best > 0) & (p_values(score[cells, features], discovery.null) <= significance)
    signs = scores.correlation[cells, features].sign().long()
    return Pairs(cells[passed], features[passed], signs[passed])


def _beyond_character(scores: Scores) -> Tensor:
    """Where enough of the correlation is left, with its sign, beyond the current character."""
    return scores.partial * scores.correlation.sign() >= PARTIAL_SHARE * scores.correlation.abs()
