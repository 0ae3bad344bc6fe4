"""Which cells follow which features, beyond what circular shifts of the features reach by chance.

A pass over the calibration split fixes each cell's threshold. A pass over the discovery split scores every
cell with every feature, those that the cells proposed themselves among them, and with shifted features, all
cells shifted alike; the largest score of any pair in each shift is the family-wise null. What passes is
frozen, one feature per cell, for `confirmation` to score again. A score is |r| of the cell state c with the
feature, within the stretches that the text is read in: a cell that begins each of them from nothing may be
off by a constant all along, as a depth that began inside two brackets is.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.accumulators import CellFeatureMoments, CellHistogram, CrossProducts, GroupSums
from charlstm.inspection.features import FeatureTable
from charlstm.inspection.trace import Cut, counted_blocks
from charlstm.model import CharLSTM

# A circular shift goes at least this far, and at least this many autocorrelation times.
LEAST_SHIFT = 1_000
_TIMES = 10
# And not to where a feature's correlation with itself is above this again.
_ALIKE = 0.5
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
_CONTEXT = 3
_OCCURRENCES = 5
# A feature that explains less than a quarter of a cell's variance does not name it; nor does one that
# some untrained cell follows about as well.
LEAST_SCORE = 0.5
UNTRAINED_MARGIN = 0.03
# Features this close to a cell's best are a tie: the first of them names it, as listed ones come first.
_TIE = 0.02
# Positions that are summed at a time where no model is read.
_ROWS = 4096
# What is left of a variance below this share is rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Split:
    """A part of the text ready to be read: ids (characters,), and at the counted positions of its cut
    characters (rows,) int64 ids and features (rows, features) uint8.
    """

    ids: NDArray[np.unsignedinteger]
    cut: Cut
    characters: Tensor
    features: Tensor

    @classmethod
    def of(cls, ids: NDArray[np.unsignedinteger], start: int, cut: Cut, table: FeatureTable) -> "Split":
        """The split that begins at position start of the text ids and features belong to."""
        part = ids[start : start + cut.streams * cut.length]
        features = torch.from_numpy(table.matrix(start + cut.counted))
        return cls(part, cut, torch.from_numpy(part[cut.counted].astype(np.int64)), features)

    def extended(self, start: int, table: FeatureTable) -> "Split":
        """The same split with the columns of a table that goes on from its own; start as in `of`."""
        known = self.features.shape[1]
        more = torch.from_numpy(table.matrix(start + self.cut.counted, first=known))
        return replace(self, features=torch.cat((self.features, more), dim=1))

    def first(self, characters: int) -> "Split":
        """The first stretches of the split, of about so many characters together, one at least."""
        streams = min(self.cut.streams, max(1, characters // self.cut.length))
        cut = Cut(streams * self.cut.length, streams)
        rows = len(cut.counted)
        return Split(self.ids[: cut.characters], cut, self.characters[:rows], self.features[:rows])

    def stretches(self, rows: Tensor) -> Tensor:
        """(positions,) int64: the stretch of each of some rows (positions,) int64."""
        return rows * self.cut.streams // len(self.features)

    def contexts(self) -> Tensor:
        """(rows,) int64: which run of characters ends at each counted position, numbered from 0.

        Runs of _CONTEXT characters, or shorter ones where these occur too rarely for a mean.
        """
        counted = self.cut.counted
        for length in range(_CONTEXT, 0, -1):
            runs = np.stack([self.ids[counted - back] for back in range(length)])
            distinct, numbers = np.unique(runs, axis=1, return_inverse=True)
            if distinct.shape[1] * _OCCURRENCES <= len(counted):
                break
        return torch.from_numpy(numbers.reshape(-1))


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


def p_values(scores: Tensor, null: Tensor) -> Tensor:
    """(1 + shifts that reach the score) / (1 + shifts) for scores (n,) against null (shifts,)."""
    return (1 + (null[None, :] >= scores[:, None]).sum(1)).double() / (1 + len(null))


def draw_shifts(features: Tensor, shifts: int, generator: torch.Generator) -> Tensor:
    """(shifts,) int64 circular shifts for features (rows, features), too far for a feature to follow itself.

    At least ten of the longest autocorrelation time, but never more than a quarter of the rows; and where
    there are enough others, none at which some feature is like itself again, as the column is in a text
    whose lines are all of one length.
    """
    rows = len(features)
    longest, alike = 0, torch.zeros(rows)
    for column in features.unbind(1):
        correlation = autocorrelation(column.float())
        longest = max(longest, _time(correlation))
        alike = torch.maximum(alike, correlation.abs())
    least = min(max(LEAST_SHIFT, _TIMES * longest), rows // 4)
    reach = torch.arange(least, rows - least + 1)
    unlike = reach[alike[reach] <= _ALIKE]
    among = unlike if len(unlike) >= shifts else reach
    return among[torch.randint(len(among), (shifts,), generator=generator)]


def autocorrelation(values: Tensor) -> Tensor:
    """(rows,) float32 circular autocorrelation of values (rows,) at every shift; 0 when they are constant."""
    centred = values.double() - values.double().mean()
    power = torch.fft.rfft(centred).abs().square()
    correlation = torch.fft.irfft(power, n=len(values))
    return (correlation / correlation[0]).float() if correlation[0] > 0 else torch.zeros(len(values))


def autocorrelation_time(values: Tensor) -> int:
    """Positions until the circular autocorrelation of values (rows,) falls to 1/e; all if it never does."""
    return _time(autocorrelation(values))


def _time(correlation: Tensor) -> int:
    below = (correlation <= 1 / torch.e).nonzero()
    return int(below[0]) if len(below) else len(correlation)


def calibrate(model: CharLSTM, split: Split) -> Calibration:
    """Read the calibration split."""
    cells = model.config.layers * model.config.cells
    moments, histogram = CellFeatureMoments(cells, 0), CellHistogram(cells)
    for block in counted_blocks(model, split.ids, split.cut):
        moments.update(block.c, block.c[:, :0])
        histogram.update(block.c)
    return Calibration(moments.cell_means, *histogram.otsu())


def discover(model: CharLSTM, split: Split, means: Tensor, shifts: Tensor, *, tested: Tensor) -> Discovery:
    """Score every cell, of calibrated means (cells,), with every feature, and with shifted ones.

    tested (n,) int64 are the features whose shifts make the null.
    """
    scoring = Scoring(split, split.features, cells=len(means), vocabulary=model.config.vocabulary_size)
    null = ShiftedProducts(split.features[:, tested], shifts, cells=len(means))
    context = split.contexts()
    by_context = GroupSums(int(context.max()) + 1, len(means))
    for block in counted_blocks(model, split.ids, split.cut):
        centred = block.c - means.float()
        scoring.update(block.rows, centred)
        null.update(block.rows, centred)
        by_context.update(context[block.rows], centred)
    moments = scoring.moments
    return Discovery(
        scoring.result(),
        memory(by_context, moments.cell_means, moments.cell_squares),
        _feature_memory(split, context, moments),
        null.scores(scoring.within()).amax((0, 2)),
    )


def _feature_memory(split: Split, context: Tensor, moments: CellFeatureMoments) -> Tensor:
    by_context = GroupSums(int(context.max()) + 1, split.features.shape[1])
    for rows in torch.split(torch.arange(len(context)), _ROWS):
        by_context.update(context[rows], split.features[rows].float())
    return memory(by_context, moments.feature_means, moments.feature_squares)


class Scoring:
    """Correlations of cells with features of a split, and the sums behind the partial ones."""

    def __init__(self, split: Split, features: Tensor, *, cells: int, vocabulary: int) -> None:
        """features (rows, features) are those of the split's that count."""
        self.split = split
        self.features = features
        self.moments = CellFeatureMoments(cells, features.shape[1])
        self.by_character = GroupSums(vocabulary, cells + features.shape[1])
        self.by_stretch = GroupSums(split.cut.streams, cells + features.shape[1])

    def update(self, rows: Tensor, c: Tensor) -> None:
        """Add c (positions, cells) float32, roughly centred, at rows (positions,)."""
        features = self.features[rows].float()
        both = torch.cat((c, features), dim=1)
        self.moments.update(c, features)
        self.by_character.update(self.split.characters[rows], both)
        self.by_stretch.update(self.split.stretches(rows), both)

    def within(self) -> CellFeatureMoments:
        """The moments within stretches."""
        return self.moments.within(self.by_stretch)

    def result(self) -> Scores:
        """The scores of all that was added."""
        moments = self.within()
        partial = partial_correlation(self.moments, self.by_character)
        return Scores(moments.correlation(), partial, moments.slopes())


class ShiftedProducts:
    """Products of c with every feature, scaled to mean 0 and variance 1, under every shift (shifts,)."""

    def __init__(self, features: Tensor, shifts: Tensor, *, cells: int) -> None:
        self.features = features
        self.mean, self.scale = _standards(features)
        self.shifts = shifts
        self.products = CrossProducts(cells, len(shifts) * features.shape[1])

    def update(self, rows: Tensor, c: Tensor) -> None:
        """Add c (positions, cells) float32, roughly centred, at rows (positions,)."""
        shifted = (rows[:, None] - self.shifts) % len(self.features)
        columns = self.features.index_select(0, shifted.flatten())
        standard = (columns.float() - self.mean) * self.scale
        self.products.update(c, standard.view(len(rows), -1))

    def scores(self, moments: CellFeatureMoments) -> Tensor:
        """(cells, shifts, features) float64 |r| once every row is added; moments of the same c."""
        squares = moments.cell_squares * moments.count
        still = moments.cell_squares <= moments.count * _ROUNDING**2
        norms = squares.sqrt().masked_fill(still, torch.inf)
        sums = self.products.sums.view(len(norms), len(self.shifts), self.features.shape[1])
        return sums.abs() / norms[:, None, None]


def _standards(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of features (rows, features) uint8, and one over their deviation, 0 for a constant one."""
    columns = features.unbind(1)
    mean = torch.tensor([float(column.float().mean()) for column in columns])
    deviation = torch.tensor([float(column.float().std(correction=0)) for column in columns])
    return mean, 1 / deviation.masked_fill(deviation <= _ROUNDING, torch.inf)


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
    return left.masked_fill(left <= _ROUNDING * squares, torch.inf).sqrt()


def memory(by_context: GroupSums, means: Tensor, squares: Tensor) -> Tensor:
    """(columns,) float64 in [0, 1]: share of variance within contexts, corrected for their number.

    means and squares (columns,) are those of all positions. The correction is that of an adjusted R^2: a
    context seen once explains its position perfectly.
    """
    between = (by_context.counts[:, None] * (by_context.means() - means).square()).sum(0)
    count = float(by_context.counts.sum())
    free = max(1.0, count - int((by_context.counts > 0).sum()))
    left = (squares - between) / squares.masked_fill(squares <= 0, torch.inf)
    return (left * (count / free)).clamp(0, 1)


def strongest(model: CharLSTM, split: Split) -> Tensor:
    """(features,) float64: the largest |r| of any cell of the model with each feature."""
    columns = model.config.layers * model.config.cells, split.features.shape[1]
    moments, by_stretch = CellFeatureMoments(*columns), GroupSums(split.cut.streams, sum(columns))
    for block in counted_blocks(model, split.ids, split.cut):
        features = split.features[block.rows].float()
        moments.update(block.c, features)
        by_stretch.update(split.stretches(block.rows), torch.cat((block.c, features), dim=1))
    return moments.within(by_stretch).correlation().abs().amax(0)


def choose(
    discovery: Discovery, *, eligible: Tensor, proposed: Tensor, untrained: Tensor, significance: float
) -> Pairs:
    """The best feature of every cell that remembers and passes the null, each frozen with the sign of r.

    eligible (features,) bool says which features may name a cell, proposed (features,) bool which of them
    cells have proposed; untrained (features,) float64 are the `strongest` scores of untrained networks of the
    same shape.
    """
    scores = discovery.scores
    needed = torch.where(proposed, PROPOSED_MEMORY, FEATURE_MEMORY)
    eligible = eligible & (discovery.feature_memory >= needed)
    score = scores.correlation.abs().masked_fill(~_beyond_character(scores) | ~eligible, 0)
    least = (untrained + UNTRAINED_MARGIN).clamp(min=LEAST_SCORE)
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
