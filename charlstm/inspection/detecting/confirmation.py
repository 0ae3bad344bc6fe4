"""The candidates, scored once more on text that had no part in choosing them.

The null is again the largest score of any candidate in each shift, which corrects for the number of
candidates as Holm's steps would, with 99 shifts instead of thousands (Westfall and Young 1993).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.inspection.detecting.calibration import Calibration
from charlstm.inspection.detecting.context import ContextSums
from charlstm.inspection.detecting.discovery import LEAST_PARTIAL_RATIO, LEAST_SCORE, Pairs
from charlstm.inspection.detecting.null import (
    ShiftedProducts,
    Standardization,
    measure_standardization,
    p_values,
)
from charlstm.inspection.detecting.scoring import ScoreSums
from charlstm.inspection.detecting.staircase import Staircases
from charlstm.inspection.features.feature import FeatureKind
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums, Saturation
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.inspection.reading.trace import CountedBlock
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# The gates in [0, 1]; the candidate is none.
_OPENING_GATES = tuple(gate for gate in GATES if gate != "candidate")

# The staircase of a counter has at least this straightness. Measured: .64 to .72 for a trace of one character
# that fades with f = .9, .8 to 1 for counters of trained networks; see tests/benchmarks/EXPERIMENTS.md.
LEAST_STRAIGHTNESS = 0.8

# Where a counter or a depth is 0, the variance of c is at most this share of its whole variance.
LARGEST_RESET_SPREAD = 0.5

# A cell whose leak is larger does not count: it is the fading trace of a character.
LARGEST_LEAK = 2.5

# Of r, at least this share is left when the last characters, the column and the word are known.
LEAST_CONTEXT_RATIO = 0.25

# Features that may not be behind a finding: their linear part is taken out of r given the context.
_NUISANCES = ("column", "characters_since_space")

# Contiguous blocks of the split that the bootstrap draws from, and how often it draws.
_BOOTSTRAP_BLOCKS = 20
_RESAMPLES = 1_000


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The frozen pairs on the confirmation split; each field is (pairs,) float64 unless it says otherwise.

    kinds are the kinds of the pairs' features. correlation, partial and slopes are as in Scores, and
    context_partial is r given the context, all with their signs. accuracy and balanced_accuracy, in [0, 1],
    say how well the cell tells that the feature is above 0: the cell is on where c is beyond its threshold,
    on the side that the sign of r says. held is the share of positions without a change of the feature at
    which the cell stays on its side. survival (pairs, SURVIVAL_CHARACTERS) is the share of cells still on,
    by characters since the feature went on. null (shifts,) is the largest score of any pair in each shift.
    staircases has c by value of the feature. blocks (_BOOTSTRAP_BLOCKS, pairs, 6) has the sums of 1, c, f,
    c^2, f^2 and c f over each block of the split, where f is the feature. gates has the pairs' gates by
    current character.
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
    gates: "GatesByCharacter"

    @property
    def p_values(self) -> Tensor:
        """The p-value of each pair, (pairs,) float64, corrected for the number of pairs."""
        return p_values(self.correlation.abs(), self.null)

    def stands(self, pairs: Pairs, significance: float) -> Tensor:
        """Return which of pairs pass every rule and are findings, (pairs,) bool.

        The cell of a counter must count, and that of a depth must return to one value where the depth is 0.
        significance is the largest p-value that passes, in (0, 1].
        """
        counters, depths = (
            torch.tensor([own == kind for own in self.kinds], dtype=torch.bool)
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

    def resampled_counts(self, pairs: Pairs, stands: Tensor, generator: torch.Generator) -> Tensor:
        """Draw texts from the split's blocks and count the pairs that keep their score, (resamples,) float64.

        Only the pairs of stands (pairs,) bool are counted. This is the block bootstrap of Künsch 1989:
        neighbouring positions, which depend on each other, stay together.
        """
        drawn = torch.randint(_BOOTSTRAP_BLOCKS, (_RESAMPLES, _BOOTSTRAP_BLOCKS), generator=generator)
        cc, ff, cf = _centred(self.blocks)[drawn].sum(1).unbind(-1)
        scores = cf / (cc * ff).clamp(min=1e-18).sqrt() * pairs.signs
        return ((scores >= LEAST_SCORE) & stands).sum(1).double()


def _centred(blocks: Tensor) -> Tensor:
    """Return the centred sums of c^2, f^2 and c f (..., 3), given blocks (..., 6): the sums behind r."""
    n, c, f, cc, ff, cf = blocks.unbind(-1)
    n = n.clamp(min=1)
    return torch.stack((cc - c * c / n, ff - f * f / n, cf - c * f / n), dim=-1)


class GatesByCharacter:
    """One-pass sums of the pairs' gates by current character, and how often |tanh c| is above 0.9."""

    def __init__(self, pairs: int, vocabulary: int) -> None:
        """Start with empty sums for a number of pairs and of different characters."""
        self.sums = {name: GroupSums(vocabulary, pairs) for name in _OPENING_GATES}
        self.output_saturation = Saturation(pairs)

    def update(self, characters: Tensor, block: CountedBlock, cells: Tensor) -> None:
        """Add block at cells (pairs,) int64; characters (positions,) int64 are the ids at its positions."""
        for name, gate in zip(_OPENING_GATES, (block.i, block.f, block.o), strict=True):
            self.sums[name].update(characters, gate[:, cells])
        self.output_saturation.update(block.c[:, cells].tanh().abs())

    def merge(self, other: "GatesByCharacter") -> None:
        """Add the sums of other, of the same pairs over another chunk."""
        for name, sums in self.sums.items():
            sums.merge(other.sums[name])
        self.output_saturation.merge(other.output_saturation)

    def mean(self, gate: str, pair: int, where: Tensor) -> float:
        """Return the mean of a pair's gate ("input", "forget" or "output") in [0, 1] at some characters.

        where (vocabulary,) bool says at which; the mean is 0 if none of them occurs.
        """
        sums = self.sums[gate]
        return float(sums.sums[where, pair].sum() / sums.counts[where].sum().clamp(min=1))


def confirm(
    model: CharLSTM,
    split: Split,
    pairs: Pairs,
    calibration: Calibration,
    shifts: Tensor,
    processes: ProcessGroup = ALONE,
) -> Confirmation:
    """Score the frozen pairs on split, and against their features shifted by shifts (shifts,) int64."""
    frozen = _FrozenPairs(split, pairs, calibration)
    standardization = measure_standardization(split, frozen.used, processes)

    def read(chunk: Chunk) -> tuple[_PairSums]:
        sums = _PairSums(frozen, standardization, shifts, model.config.vocabulary_size)
        if len(pairs):
            signals = _signals(chunk, frozen)
            for block in chunk.blocks(model):
                sums.update(signals, block, frozen)
        return (sums,)

    (sums,) = read_chunks(split, read, processes)
    return sums.result(frozen)


class _FrozenPairs:
    """The pairs, and what their sums need to know of them.

    used (features,) int64 are the numbers of the pairs' features, each once and rising; feature (pairs,)
    int64 says which of them each pair has; nuisances (n,) int64 are the numbers of the nuisance features;
    kinds are the kinds of the pairs' features. means and thresholds (pairs,) float32 are those of the pairs'
    cells.
    """

    def __init__(self, split: Split, pairs: Pairs, calibration: Calibration) -> None:
        self.split = split
        self.pairs = pairs
        self.used, self.feature = torch.unique(pairs.features, return_inverse=True)
        nuisances = [place for place, name in enumerate(split.table.names) if name in _NUISANCES]
        self.nuisances = torch.tensor(nuisances, dtype=torch.int64)
        self.kinds = [split.table.features[place].kind for place in pairs.features.tolist()]
        self.means = calibration.means[pairs.cells].float()
        self.thresholds = calibration.thresholds[pairs.cells].float()


class _ChunkSignals(NamedTuple):
    """The signals of a chunk at all of its counted positions.

    features (rows, used) uint8 are the pairs' features, each once; since (rows, used) int64 is the number of
    characters since each last went on or off; nuisances (rows, n) uint8 are the nuisance features; contexts
    (rows,) int64 are the numbers of the contexts.
    """

    chunk: Chunk
    features: Tensor
    since: Tensor
    nuisances: Tensor
    contexts: Tensor


def _signals(chunk: Chunk, frozen: _FrozenPairs) -> _ChunkSignals:
    return _ChunkSignals(
        chunk,
        chunk.columns(frozen.used),
        chunk.since(frozen.used),
        chunk.columns(frozen.nuisances),
        frozen.split.contexts.of(chunk.ids, chunk.cut),
    )


class _PairSums:
    """One-pass sums behind a Confirmation, over the pairs' cells and each of their features once."""

    def __init__(
        self, frozen: _FrozenPairs, standardization: Standardization, shifts: Tensor, vocabulary: int
    ) -> None:
        split, count, used = frozen.split, len(frozen.pairs), len(frozen.used)
        self.scores = ScoreSums(split, cells=count, features=used, vocabulary=vocabulary)
        self.null = ShiftedProducts(standardization, shifts, cells=count, rows=split.rows)
        self.levels = CellFeatureMoments(count, used)
        self.staircases = Staircases(count, split.cut.streams)
        self.context = ContextSums(
            contexts=len(split.contexts), cells=count, features=used, nuisances=len(frozen.nuisances)
        )
        self.blocks = torch.zeros(_BOOTSTRAP_BLOCKS, count, 6, dtype=torch.float64)
        self.holding = torch.zeros(2, count, dtype=torch.float64)
        self.gates = GatesByCharacter(count, vocabulary)

    def update(self, signals: _ChunkSignals, block: CountedBlock, frozen: _FrozenPairs) -> None:
        """Add block, which has all cells, of the chunk that signals are of."""
        rows, cells, chunk = block.rows, frozen.pairs.cells, signals.chunk
        c, features = block.c[:, cells] - frozen.means, signals.features[rows].float()
        self.scores.update(chunk, rows, c, features)
        self.null.update(signals.features, rows, c)
        self.context.update(signals.contexts[rows], c, features, signals.nuisances[rows].float())
        self.gates.update(chunk.characters[rows], block, cells)
        by_pair = features[:, frozen.feature]
        self.staircases.update(by_pair, c, chunk.stretches(rows) - chunk.stretches_before)
        number = (chunk.rows_before + rows) * _BOOTSTRAP_BLOCKS // frozen.split.rows
        self._update_blocks(number, c, by_pair)
        self._update_levels(block, features, signals.since[rows][:, frozen.feature], frozen)

    def _update_blocks(self, number: Tensor, c: Tensor, features: Tensor) -> None:
        """Add c and features (positions, pairs) to the bootstrap blocks of number (positions,) int64."""
        products = (torch.ones_like(c), c, features, c * c, features * features, c * features)
        self.blocks.index_add_(0, number, torch.stack(products, dim=2).double())

    def _update_levels(
        self, block: CountedBlock, features: Tensor, since: Tensor, frozen: _FrozenPairs
    ) -> None:
        """Add which level each cell is on, whether it stays there, and whether it is still on.

        features (positions, used) float32 are the features, each once, and since (positions, pairs) int64 is
        the number of characters since each pair's feature went on or off.
        """
        cells, signs = frozen.pairs.cells, frozen.pairs.signs
        cell_on = (block.c[:, cells] - frozen.thresholds) * signs > 0
        before = (block.c_before[:, cells] - frozen.thresholds) * signs > 0
        feature_on = features > 0
        self.levels.update(cell_on.float(), feature_on.float())
        steady = since > 0
        self.holding += torch.stack(((steady & (cell_on == before)).sum(0), steady.sum(0)))
        self.staircases.update_survival(since, feature_on[:, frozen.feature], cell_on)

    def merge(self, other: "_PairSums") -> None:
        """Add the sums of other, of the same pairs over another chunk."""
        self.scores.merge(other.scores)
        self.null.merge(other.null)
        self.levels.merge(other.levels)
        self.staircases.merge(other.staircases)
        self.context.merge(other.context)
        self.blocks += other.blocks
        self.holding += other.holding
        self.gates.merge(other.gates)

    def result(self, frozen: _FrozenPairs) -> Confirmation:
        """Return the confirmation of the frozen pairs over all blocks that were added."""
        feature, pairs = frozen.feature, torch.arange(len(frozen.pairs))
        scores = self.scores.result()
        accuracy, balanced = _accuracies(self.levels)
        null = self.null.scores(self.scores.within())[pairs, :, feature]
        return Confirmation(
            kinds=frozen.kinds,
            correlation=scores.correlation[pairs, feature],
            partial=scores.partial[pairs, feature],
            context_partial=self.context.partial(feature),
            slopes=scores.slopes[pairs, feature],
            accuracy=accuracy[pairs, feature],
            balanced_accuracy=balanced[pairs, feature],
            held=self.holding[0] / self.holding[1].clamp(min=1),
            survival=self.staircases.survival(),
            null=null.amax(0) if len(pairs) else torch.zeros(null.shape[1], dtype=torch.float64),
            staircases=self.staircases,
            blocks=self.blocks,
            gates=self.gates,
        )


def _accuracies(levels: CellFeatureMoments) -> tuple[Tensor, Tensor]:
    """Return the accuracy and the balanced accuracy of cells, each (cells, features) float64 in [0, 1].

    levels has the moments of flags of 0 and 1: whether each cell is on, which predicts that a feature is on,
    and whether each feature is on.
    """
    predicted, true = levels.cell_means[:, None], levels.feature_means[None, :]
    both = levels.products / max(1, levels.count) + predicted * true
    hits, rejections = both, 1 - predicted - true + both
    sensitivity, specificity = hits / true.clamp(min=1e-12), rejections / (1 - true).clamp(min=1e-12)
    return hits + rejections, (sensitivity + specificity) / 2
