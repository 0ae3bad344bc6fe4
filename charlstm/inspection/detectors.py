"""Which cells follow which features, beyond what circular shifts of the features reach by chance.

A pass over the calibration split fixes each cell's threshold. A pass over the discovery split scores every
cell with every feature, those that the cells proposed themselves among them, and with shifted features, all
cells shifted alike; the largest score of any pair in each shift is the family-wise null. What passes is
frozen, one feature per cell, for `confirmation` to score again. A score is |r| of the cell state c with the
feature, within the stretches that the text is read in: a cell that begins each of them from nothing may be
off by a constant all along, as a depth that began inside two brackets is.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.inspection.accumulators import CellFeatureMoments, CellHistogram, CrossProducts, GroupSums
from charlstm.inspection.features import CAP
from charlstm.inspection.splits import Part, Split
from charlstm.inspection.work import read_parts
from charlstm.model import CharLSTM
from charlstm.parallel import ALONE, Group

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
# A feature that explains less than a quarter of a cell's variance does not name it; nor does one that the
# best cell of an untrained network might follow as well: it is so many deviations above the mean of these.
LEAST_SCORE = 0.5
UNTRAINED_DEVIATIONS = 4.0
# Features this close to a cell's best are a tie: the first of them names it, as listed ones come first.
_TIE = 0.02
# Positions, drawn by lot, at which shifted features are multiplied with c. Neighbours are much alike: the
# largest |r| of 99 shifts was .3267 from 136,800 of stdlib (128 cells), .3258 from 20,000 of them.
_SHIFTED_POSITIONS = 20_000
# Features whose autocorrelation is made at a time: a few together take a quarter of the time of one by one.
_TRANSFORMED = 8
# What is left of a variance below this share is rounding.
_ROUNDING = 1e-6


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


class SelfLikeness:
    """How features follow themselves: the longest autocorrelation time of any, and of their correlations with
    themselves the largest |r| of any at every circular shift, (rows,) float32.
    """

    def __init__(self, rows: int) -> None:
        self.longest = 0
        self.alike = torch.zeros(rows)

    def update(self, features: Tensor) -> None:
        """Add a part, (rows, features) of any numbers."""
        for columns in torch.split(features, _TRANSFORMED, dim=1):
            correlations = autocorrelation(columns.t().float())
            self.longest = max(self.longest, *map(_time, correlations.unbind()))
            self.alike = torch.maximum(self.alike, correlations.abs().amax(0))

    def merge(self, other: "SelfLikeness") -> None:
        """Add what another one of as many rows has seen."""
        self.longest = max(self.longest, other.longest)
        self.alike = torch.maximum(self.alike, other.alike)


def self_likeness(split: Split, group: Group = ALONE) -> SelfLikeness:
    """How the features of a split follow themselves within its parts."""

    def read(part: Part) -> tuple[SelfLikeness]:
        seen = SelfLikeness(part.cut.rows)
        seen.update(part.columns(torch.arange(len(part.table.features))))
        return (seen,)

    return read_parts(split, read, group)[0]


def draw_shifts(seen: SelfLikeness, shifts: int, generator: torch.Generator) -> Tensor:
    """(shifts,) int64 circular shifts within parts of a text, too far for a feature to follow itself.

    At least ten of the longest autocorrelation time, but never more than a quarter of the rows; and where
    there are enough others, none at which some feature is like itself again, as the column is in a text
    whose lines are all of one length.
    """
    rows = len(seen.alike)
    least = min(max(LEAST_SHIFT, _TIMES * seen.longest), rows // 4)
    reach = torch.arange(least, rows - least + 1)
    unlike = reach[seen.alike[reach] <= _ALIKE]
    among = unlike if len(unlike) >= shifts else reach
    return among[torch.randint(len(among), (shifts,), generator=generator)]


def autocorrelation(values: Tensor) -> Tensor:
    """(..., rows) float32 circular autocorrelation of values (..., rows) float32 at every shift; 0 for
    constant ones.
    """
    centred = values - values.mean(-1, keepdim=True, dtype=torch.float64).float()
    spectrum = torch.fft.rfft(centred)
    power = spectrum.real.square() + spectrum.imag.square()
    correlation: Tensor = torch.fft.irfft(power, n=values.shape[-1])
    still = centred.square().sum(-1, keepdim=True) == 0
    return correlation / correlation[..., :1].masked_fill(still, torch.inf)


def autocorrelation_time(values: Tensor) -> int:
    """Positions until the circular autocorrelation of values (rows,) falls to 1/e; all if it never does."""
    return _time(autocorrelation(values))


def _time(correlation: Tensor) -> int:
    below = (correlation <= 1 / torch.e).nonzero()
    return int(below[0]) if len(below) else len(correlation)


def calibrate(model: CharLSTM, split: Split, group: Group = ALONE) -> Calibration:
    """Read the calibration split."""
    cells = model.config.layers * model.config.cells

    def read(part: Part) -> tuple[CellFeatureMoments, CellHistogram]:
        moments, histogram = CellFeatureMoments(cells, 0), CellHistogram(cells)
        for block in part.blocks(model):
            moments.update(block.c, block.c[:, :0])
            histogram.update(block.c)
        return moments, histogram

    moments, histogram = read_parts(split, read, group)
    return Calibration(moments.cell_means, *histogram.otsu())


def discover(
    model: CharLSTM, split: Split, means: Tensor, shifts: Tensor, *, tested: Tensor, group: Group = ALONE
) -> Discovery:
    """Score every cell, of calibrated means (cells,), with every feature, and with shifted ones.

    tested (n,) int64 are the features whose shifts make the null.
    """
    count = len(split.table.features)
    standards = measure_standards(split, tested, group)

    def read(part: Part) -> tuple[Scoring, ShiftedProducts, GroupSums]:
        scoring = Scoring(split, cells=len(means), features=count, vocabulary=model.config.vocabulary_size)
        null = ShiftedProducts(standards, shifts, cells=len(means), rows=split.rows)
        by_context = GroupSums(len(split.contexts), len(means) + count)
        columns, contexts = part.columns(tested), split.contexts.of(part)
        for block in part.blocks(model):
            centred, features = block.c - means.float(), part.features(block.rows)
            scoring.update(part, block.rows, centred, features)
            null.update(columns, block.rows, centred)
            by_context.update(contexts[block.rows], torch.cat((centred, features), dim=1))
        return scoring, null, by_context

    scoring, null, by_context = read_parts(split, read, group)
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

    def update(self, part: Part, rows: Tensor, c: Tensor, features: Tensor) -> None:
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


class Standards(NamedTuple):
    """Mean of some features of a split, and one over their deviation, 0 for a constant one; (n,) float64."""

    mean: Tensor
    scale: Tensor


class ShiftedProducts:
    """Products of c with features, scaled to mean 0 and variance 1, under every shift (shifts,) of a part.

    They are summed at some of a split's positions, in number rows in all.
    """

    def __init__(self, standards: Standards, shifts: Tensor, *, cells: int, rows: int) -> None:
        self.standards = standards
        self.shifts = shifts
        self.products = CrossProducts(cells, len(shifts) * len(standards.mean))
        self.sums = torch.zeros(cells, dtype=torch.float64)
        self.count = 0
        self._rows = rows

    def update(self, features: Tensor, rows: Tensor, c: Tensor) -> None:
        """Add c (positions, cells) float32, roughly centred, at rows (positions,) of a part whose features
        that count are (rows of the part, n) uint8.
        """
        kept = _by_lot(rows, min(1.0, _SHIFTED_POSITIONS / self._rows))
        rows, c = rows[kept], c[kept]
        shifted = (rows[:, None] - self.shifts) % len(features)
        columns = features.index_select(0, shifted.flatten())
        self.products.update(c, columns.float().view(len(rows), -1))
        self.sums += c.sum(0, dtype=torch.float64)
        self.count += len(rows)

    def merge(self, other: "ShiftedProducts") -> None:
        """Add what another one of the same standards and shifts has seen."""
        self.products.merge(other.products)
        self.sums += other.sums
        self.count += other.count

    def scores(self, moments: CellFeatureMoments) -> Tensor:
        """(cells, shifts, features) float64 |r| once every row is added; moments of the same c."""
        squares = moments.cell_squares / max(1, moments.count) * max(1, self.count) ** 2
        still = moments.cell_squares <= moments.count * _ROUNDING**2
        norms = squares.sqrt().masked_fill(still, torch.inf)
        mean, scale = self.standards
        products = self.products.sums.view(len(norms), len(self.shifts), len(mean))
        return (products - torch.outer(self.sums, mean)[:, None]).mul_(scale).abs_() / norms[:, None, None]


def _by_lot(rows: Tensor, share: float) -> Tensor:
    """(positions,) bool: about that share of rows (positions,) int64, always the same ones.

    Multiples of the golden ratio are spread evenly over any period.
    """
    return (rows * 2_654_435_769) % 2**32 < share * 2**32


def measure_standards(split: Split, features: Tensor, group: Group = ALONE) -> Standards:
    """Those of some features (n,) int64 of a split."""

    def read(part: Part) -> tuple[GroupSums]:
        sums = GroupSums(len(features) * (CAP + 1), 0)
        for place, column in enumerate(part.columns(features).unbind(1)):
            sums.update(column.long() + place * (CAP + 1), torch.empty(len(column), 0))
        return (sums,)

    (sums,) = read_parts(split, read, group)
    counts = sums.counts.view(len(features), CAP + 1)
    values = torch.arange(CAP + 1, dtype=torch.float64)
    mean = counts @ values / split.rows
    deviation = (counts * (values - mean[:, None]).square()).sum(1).div(split.rows).sqrt()
    return Standards(mean, 1 / deviation.masked_fill(deviation <= _ROUNDING, torch.inf))


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
    between = torch.zeros_like(squares)
    for deviations in by_context.deviations(means):
        between += deviations.square().sum(0)
    count = float(by_context.counts.sum())
    free = max(1.0, count - int((by_context.counts > 0).sum()))
    left = (squares - between) / squares.masked_fill(squares <= 0, torch.inf)
    return (left * (count / free)).clamp(0, 1)


def strongest(model: CharLSTM, part: Part) -> Tensor:
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
