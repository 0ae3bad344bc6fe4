"""The sums behind confirmation are taken in one pass over the frozen pairs of a cell and a feature."""

from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.inspection.detecting.calibration import Calibration
from charlstm.inspection.detecting.discovery import Pairs
from charlstm.inspection.detecting.scores.context import ContextSums
from charlstm.inspection.detecting.scores.scoring import ScoreSums, balanced_features
from charlstm.inspection.detecting.scores.separation import BOOTSTRAP_BLOCKS, Dwells, SeparationSums
from charlstm.inspection.detecting.scores.shifted_scores import ShiftedScores
from charlstm.inspection.detecting.scores.staircase import Staircases
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums, Saturation
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.inspection.reading.trace import CountedBlock

# The gates whose values are in [0, 1]; the candidate g is not one of them.
_OPENING_GATES = tuple(gate for gate in GATES if gate != "candidate")

# Features that alone must not explain a finding: their linear part is taken out of r given the context.
_NUISANCES = ("column", "characters_since_space")


class FrozenPairs:
    """FrozenPairs has pairs whose cells, features and signs are fixed, and what sums over them need.

    used (features,) int64 are the numbers of the pairs' features, each once and rising; feature (pairs,)
    int64 says which of them each pair has; nuisances (n,) int64 are the numbers of the nuisance features;
    kinds are the kinds of the pairs' features. means and thresholds (pairs,) float32 are the means and
    thresholds of the pairs' cells.
    """

    def __init__(self, split: Split, pairs: Pairs, calibration: Calibration) -> None:
        self.split = split
        self.pairs = pairs
        self.used, self.feature = torch.unique(pairs.features, return_inverse=True)
        nuisances = [number for number, name in enumerate(split.table.names) if name in _NUISANCES]
        self.nuisances = torch.tensor(nuisances, dtype=torch.int64)
        self.kinds = [split.table.features[number].kind for number in pairs.features.tolist()]
        self.balanced = balanced_features([split.table.features[n] for n in self.used.tolist()])
        self.means = calibration.means[pairs.cells].float()
        self.deviations = calibration.deviations[pairs.cells].float()
        self.thresholds = calibration.thresholds[pairs.cells].float()


class ChunkSignals(NamedTuple):
    """ChunkSignals has the signals of a chunk at all of its counted positions.

    features (rows, used) uint8 are the pairs' features, each once; rises (rows, used) int16 is how far each
    rises at a row, 0 at the first row of a stretch; since (rows, used) int64 is the number of
    characters since each last went on or off; nuisances (rows, n) uint8 are the nuisance features; contexts
    (rows,) int64 are the numbers of the contexts.
    """

    chunk: Chunk
    features: Tensor
    rises: Tensor
    since: Tensor
    nuisances: Tensor
    contexts: Tensor


def chunk_signals(chunk: Chunk, frozen: FrozenPairs) -> ChunkSignals:
    """Return the signals of chunk that the sums over the frozen pairs need."""
    columns = chunk.columns(frozen.used)
    rises = torch.diff(columns.short(), dim=0, prepend=columns[:1].short())
    rises[torch.diff(chunk.row_stretches, prepend=chunk.row_stretches[:1]) != 0] = 0
    return ChunkSignals(
        chunk,
        columns,
        rises,
        chunk.since_change(frozen.used),
        chunk.columns(frozen.nuisances),
        frozen.split.contexts.of(chunk.ids, chunk.cut),
    )


class PairSums:
    """PairSums has one-pass sums over the cells of the frozen pairs, and over each of their features once.

    on_off_moments has the moments of whether each cell and each feature is on, 0 or 1. blocks
    (BOOTSTRAP_BLOCKS, pairs, 9) float64 has the sums of 1, c, f, c^2, f^2 and c f over each block of the
    split, where f is the feature, and of 1, c and c^2 where f is above 0. holding (2, pairs) float64 counts
    the positions at which the cell stays on its side without a change of the feature, and all positions
    without a change of the feature. steps (2, 2, pairs) float64 counts the positions at which the feature
    rises by 1, and sums how far c moves there; then the same where it falls by 1.
    """

    def __init__(self, frozen: FrozenPairs, shifts: Tensor, vocabulary: int) -> None:
        """Start with empty sums for shifts (shifts,) int64; vocabulary is the number of characters."""
        split, count, used = frozen.split, len(frozen.pairs), len(frozen.used)
        self.scores = ScoreSums(split, cells=count, balanced=frozen.balanced, vocabulary=vocabulary)
        self.null = ShiftedScores(shifts, frozen.balanced, rows=split.rows)
        self.separation = SeparationSums(frozen.means, frozen.deviations, frozen.pairs.signs)
        self.dwells = Dwells(count, split.cut.rows)
        self.on_off_moments = CellFeatureMoments(count, used)
        self.staircases = Staircases(count, split.cut.streams)
        self.context = ContextSums(
            contexts=len(split.contexts), cells=count, features=used, nuisances=len(frozen.nuisances)
        )
        self.blocks = torch.zeros(BOOTSTRAP_BLOCKS, count, 9, dtype=torch.float64)
        self.holding = torch.zeros(2, count, dtype=torch.float64)
        self.steps = torch.zeros(2, 2, count, dtype=torch.float64)
        self.gates = GatesByCharacter(count, vocabulary)

    def update(self, signals: ChunkSignals, block: CountedBlock, frozen: FrozenPairs) -> None:
        """Add block, which has all cells and is a part of the chunk of `signals`."""
        rows, cells, chunk = block.rows, frozen.pairs.cells, signals.chunk
        c, features = block.c[:, cells] - frozen.means, signals.features[rows].float()
        self.scores.update(chunk, rows, c, features)
        self.null.update(rows, c)
        self.context.update(signals.contexts[rows], c, features, signals.nuisances[rows].float())
        self.gates.update(chunk.characters[rows], block, cells)
        by_pair = features[:, frozen.feature]
        self.staircases.update(by_pair, c, chunk.stretches(rows) - chunk.stretches_before)
        number = (chunk.rows_before + rows) * BOOTSTRAP_BLOCKS // frozen.split.rows
        self._update_blocks(number, c, by_pair)
        self.separation.update(number, block.c[:, cells], (by_pair > 0).long())
        moves = block.c[:, cells] - block.c_before[:, cells]
        self._update_steps(signals.rises[rows][:, frozen.feature], moves)
        self._update_on_off(block, features, signals.since[rows][:, frozen.feature], frozen)

    def _update_blocks(self, number: Tensor, c: Tensor, features: Tensor) -> None:
        """Add c and features (positions, pairs) to the bootstrap blocks whose numbers are number (positions,)
        int64.
        """
        on = (features > 0).float()
        products = [torch.ones_like(c), c, features, c * c, features * features, c * features]
        products += [on, c * on, c * c * on]
        self.blocks.index_add_(0, number, torch.stack(products, dim=2).double())

    def _update_steps(self, rises: Tensor, moves: Tensor) -> None:
        """Add how far each pair's feature rises, and c moves, both (positions, pairs)."""
        for direction, rise in enumerate((1, -1)):
            there = (rises == rise).float()
            self.steps[direction] += torch.stack((there.sum(0), (there * moves).sum(0)))

    def _update_on_off(
        self, block: CountedBlock, features: Tensor, since: Tensor, frozen: FrozenPairs
    ) -> None:
        """Add whether each cell is on, whether it stays on its side, and whether it is still on.

        features (positions, used) float32 are the features, each once, and since (positions, pairs) int64 is
        the number of characters since each pair's feature went on or off.
        """
        cells, signs = frozen.pairs.cells, frozen.pairs.signs
        cell_on = (block.c[:, cells] - frozen.thresholds) * signs > 0
        before = (block.c_before[:, cells] - frozen.thresholds) * signs > 0
        feature_on = features > 0
        self.on_off_moments.update(cell_on.float(), feature_on.float())
        self.dwells.update(block.rows, cell_on)
        steady = since > 0
        self.holding += torch.stack(((steady & (cell_on == before)).sum(0), steady.sum(0)))
        self.staircases.update_survival(since, feature_on[:, frozen.feature], cell_on)

    def finish(self, signals: ChunkSignals) -> None:
        """Make the sums that need the whole chunk of `signals`, all of whose blocks were added."""
        self.null.finish(signals.features, signals.chunk.row_stretches)
        self.dwells.finish(signals.chunk.row_stretches)

    def merge(self, other: "PairSums") -> None:
        """Add the sums of other, of the same pairs over another chunk; both are finished."""
        self.separation.merge(other.separation)
        self.dwells.merge(other.dwells)
        self.scores.merge(other.scores)
        self.null.merge(other.null)
        self.on_off_moments.merge(other.on_off_moments)
        self.staircases.merge(other.staircases)
        self.context.merge(other.context)
        self.blocks += other.blocks
        self.holding += other.holding
        self.steps += other.steps
        self.gates.merge(other.gates)


class GatesByCharacter:
    """GatesByCharacter sums the pairs' gates by current character, and says how often |tanh c| is above 0.9.

    output_saturation has the latter. It is of |tanh c| whatever the activation of the model, while
    `gates.saturation` measures |activation(c)| under this name; they agree where the activation is tanh.
    """

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

        where (vocabulary,) bool says at which characters; the mean is 0 if none of them occurs.
        """
        sums = self.sums[gate]
        return float(sums.sums[where, pair].sum() / sums.counts[where].sum().clamp(min=1))
