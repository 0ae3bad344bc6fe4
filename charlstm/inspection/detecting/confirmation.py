"""The frozen pairs of cell and feature, scored once more on text that had no part in choosing them.

The largest score of any candidate in every shift corrects for their number as Holm's steps would, with 99
shifts instead of thousands (Westfall and Young 1993).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.inspection.detecting.context import Confounds
from charlstm.inspection.detecting.discovery import LEAST_SCORE, PARTIAL_SHARE, Calibration, Pairs, Scoring
from charlstm.inspection.detecting.null import ShiftedProducts, Standards, measure_standards, p_values
from charlstm.inspection.detecting.staircase import Profile
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums, Saturation
from charlstm.inspection.reading.shared_work import read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.inspection.reading.trace import CountedBlock
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# The gates that a finding tells of; the candidate is no gate in [0, 1].
_OPENING_GATES = tuple(gate for gate in GATES if gate != "candidate")
# A counter is held to its straightness: the fading trace of one character, which fits a distance well, was
# measured at .64 to .72 with f = .9; counters of trained networks at .8 to 1.
STRAIGHTNESS = 0.8
# At its reset a counter's c may vary by this share of its whole variance; a trace, which only adds, has .7.
RESET_SPREAD = 0.5
# A counter that leaks more than this share of itself over its longer segments is a fading trace.
LEAK = 2.5
# Of the correlation, this share must be left when the last three characters, the column and the
# characters since the last space are known.
CONTEXT_SHARE = 0.25
BLOCKS = 20
_RESAMPLES = 1_000


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The frozen pairs on the confirmation split: (pairs,) float64, but for null (shifts,) and the sums.

    correlation, partial and slopes keep their signs; context_partial is what is left of the correlation
    given the context. accuracy and balanced_accuracy are of c beyond its threshold, on the side the sign
    says, as a reading of feature > 0. held is the share of positions without a change of the feature at
    which the cell keeps its side. null is the largest |r| of any pair in each shift. profile has c by
    value of the feature; blocks (BLOCKS, pairs, 6) are the sums behind r, part by part of the text.
    """

    correlation: Tensor
    partial: Tensor
    context_partial: Tensor
    slopes: Tensor
    accuracy: Tensor
    balanced_accuracy: Tensor
    held: Tensor
    survival: Tensor
    null: Tensor
    profile: Profile
    blocks: Tensor
    gates: "GatesByCharacter"

    @property
    def p_values(self) -> Tensor:
        """(pairs,) float64, corrected over the pairs."""
        return p_values(self.correlation.abs(), self.null)

    def holds(self, pairs: Pairs, *, counters: Tensor, depths: Tensor, significance: float) -> Tensor:
        """(pairs,) bool: which pairs stand; counters and depths (pairs,) bool say which must count, too."""
        score, partial = self.correlation * pairs.signs, self.partial * pairs.signs
        close = (score >= LEAST_SCORE) & (partial >= PARTIAL_SHARE * score)
        close &= self.context_partial * pairs.signs >= CONTEXT_SHARE * score
        returning = self.profile.reset_spread() <= RESET_SPREAD
        straight = (self.profile.straightness() >= STRAIGHTNESS) & (self.profile.leak() <= LEAK)
        counting = (~counters | (straight & returning)) & (~depths | returning)
        return close & (self.p_values <= significance) & counting

    def resampled(self, pairs: Pairs, stands: Tensor, generator: torch.Generator) -> Tensor:
        """(resamples,) float64: how many of the standing pairs keep their score, blocks drawn anew.

        The block bootstrap of Künsch 1989: neighbouring positions stay together.
        """
        drawn = torch.randint(BLOCKS, (_RESAMPLES, BLOCKS), generator=generator)
        cc, ff, cf = _centred(self.blocks)[drawn].sum(1).unbind(-1)
        scores = cf / (cc * ff).clamp(min=1e-18).sqrt() * pairs.signs
        return ((scores >= LEAST_SCORE) & stands).sum(1).double()


def _centred(blocks: Tensor) -> Tensor:
    """(..., 3) centred sums of c^2, f^2 and c f, from sums (..., 6) of 1, c, f, c^2, f^2 and c f."""
    n, c, f, cc, ff, cf = blocks.unbind(-1)
    n = n.clamp(min=1)
    return torch.stack((cc - c * c / n, ff - f * f / n, cf - c * f / n), dim=-1)


class GatesByCharacter:
    """Sums of the pairs' gates by current character, and how often |tanh c| is above .9."""

    def __init__(self, pairs: int, vocabulary: int) -> None:
        self.sums = {name: GroupSums(vocabulary, pairs) for name in _OPENING_GATES}
        self.output_saturation = Saturation(pairs)

    def update(self, characters: Tensor, block: CountedBlock, cells: Tensor) -> None:
        """Add the cells (pairs,) of a block whose current characters are characters (positions,) int64."""
        for name, gate in zip(_OPENING_GATES, (block.i, block.f, block.o), strict=True):
            self.sums[name].update(characters, gate[:, cells])
        self.output_saturation.update(block.c[:, cells].tanh().abs())

    def merge(self, other: "GatesByCharacter") -> None:
        """Add what another one of the same pairs has seen."""
        for name, sums in self.sums.items():
            sums.merge(other.sums[name])
        self.output_saturation.merge(other.output_saturation)

    def mean(self, gate: str, pair: int, where: Tensor) -> float:
        """The mean of a pair's gate at the characters where (vocabulary,) bool."""
        sums = self.sums[gate]
        return float(sums.sums[where, pair].sum() / sums.counts[where].sum().clamp(min=1))


def confirm(
    model: CharLSTM,
    split: Split,
    pairs: Pairs,
    calibration: Calibration,
    shifts: Tensor,
    *,
    nuisances: list[int],
    processes: ProcessGroup = ALONE,
) -> Confirmation:
    """Score the frozen pairs on a new split, against their features shifted by shifts (shifts,).

    nuisances are the features whose linear part no finding may rest on.
    """
    frozen = _Frozen(split, pairs, calibration, torch.tensor(nuisances, dtype=torch.int64))
    standards = measure_standards(split, frozen.used, processes)

    def read(part: Chunk) -> tuple[_Sums]:
        sums = _Sums(frozen, standards, shifts, model.config.vocabulary_size)
        if len(pairs):
            reading = _reading(part, frozen)
            for block in part.blocks(model):
                sums.update(reading, block, frozen)
        return (sums,)

    (sums,) = read_chunks(split, read, processes)
    return sums.result(frozen.feature)


class _Frozen:
    """What is read: the pairs, whose features are used (features,), each once, at feature (pairs,) of them;
    their calibrated means and thresholds (pairs,) float32.
    """

    def __init__(self, split: Split, pairs: Pairs, calibration: Calibration, nuisances: Tensor) -> None:
        self.split = split
        self.pairs = pairs
        self.used, self.feature = torch.unique(pairs.features, return_inverse=True)
        self.nuisances = nuisances
        self.means = calibration.means[pairs.cells].float()
        self.thresholds = calibration.thresholds[pairs.cells].float()


class _Reading(NamedTuple):
    """What a part's sums need: at each of its rows, of the pairs' features each once and in order, the
    features (rows, used) uint8 and the characters since each last went on or off (rows, used) int64; the
    nuisances (rows, n) uint8 and the number of the context (rows,) int64.
    """

    part: Chunk
    features: Tensor
    since: Tensor
    nuisances: Tensor
    contexts: Tensor


def _reading(part: Chunk, frozen: _Frozen) -> _Reading:
    return _Reading(
        part,
        part.columns(frozen.used),
        part.since_change(frozen.used),
        part.columns(frozen.nuisances),
        frozen.split.contexts.of(part.ids, part.cut),
    )


class _Sums:
    """The sums behind a Confirmation: only the pairs' cells, and each of their features once."""

    def __init__(self, frozen: _Frozen, standards: Standards, shifts: Tensor, vocabulary: int) -> None:
        split, count, used = frozen.split, len(frozen.pairs), len(frozen.used)
        self.scoring = Scoring(split, cells=count, features=used, vocabulary=vocabulary)
        self.null = ShiftedProducts(standards, shifts, cells=count, rows=split.rows)
        self.levels = CellFeatureMoments(count, used)
        self.profile = Profile(count, split.cut.streams)
        self.confounds = Confounds(
            contexts=len(split.contexts), cells=count, features=used, nuisances=len(frozen.nuisances)
        )
        self.blocks = torch.zeros(BLOCKS, count, 6, dtype=torch.float64)
        self.holding = torch.zeros(2, count, dtype=torch.float64)
        self.gates = GatesByCharacter(count, vocabulary)

    def update(self, reading: _Reading, block: CountedBlock, frozen: _Frozen) -> None:
        """Add a block of all cells."""
        rows, cells, part = block.rows, frozen.pairs.cells, reading.part
        c, features = block.c[:, cells] - frozen.means, reading.features[rows].float()
        self.scoring.update(part, rows, c, features)
        self.null.update(reading.features, rows, c)
        self.confounds.update(reading.contexts[rows], c, features, reading.nuisances[rows].float())
        self.gates.update(part.characters[rows], block, cells)
        own = features[:, frozen.feature]
        self.profile.update(own, c, part.stretches(rows) - part.stretches_before)
        self._sum_blocks((part.rows_before + rows) * BLOCKS // frozen.split.rows, c, own)
        self._sum_levels(block, features, own, reading.since[rows][:, frozen.feature], frozen)

    def _sum_blocks(self, number: Tensor, c: Tensor, own: Tensor) -> None:
        values = torch.stack((torch.ones_like(c), c, own, c * c, own * own, c * own), dim=2).double()
        self.blocks.index_add_(0, number, values)

    def _sum_levels(
        self, block: CountedBlock, features: Tensor, own: Tensor, since: Tensor, frozen: _Frozen
    ) -> None:
        """What the switches among the pairs do: on or off, kept or not, and still on after so long."""
        cells, signs = frozen.pairs.cells, frozen.pairs.signs
        on = (block.c[:, cells] - frozen.thresholds) * signs > 0
        before = (block.c_before[:, cells] - frozen.thresholds) * signs > 0
        self.levels.update(on.float(), (features > 0).float())
        steady = since > 0
        self.holding += torch.stack(((steady & (on == before)).sum(0), steady.sum(0)))
        self.profile.update_survival(since, own > 0, on)

    def merge(self, other: "_Sums") -> None:
        """Add what was summed over another part."""
        self.scoring.merge(other.scoring)
        self.null.merge(other.null)
        self.levels.merge(other.levels)
        self.profile.merge(other.profile)
        self.confounds.merge(other.confounds)
        self.blocks += other.blocks
        self.holding += other.holding
        self.gates.merge(other.gates)

    def result(self, feature: Tensor) -> Confirmation:
        """The scores of all that was added; feature (pairs,) is each pair's among those used."""
        pairs = torch.arange(len(feature))
        scores = self.scoring.result()
        accuracy, balanced = _accuracies(self.levels)
        null = self.null.scores(self.scoring.within())[pairs, :, feature]
        return Confirmation(
            correlation=scores.correlation[pairs, feature],
            partial=scores.partial[pairs, feature],
            context_partial=self.confounds.partial(feature),
            slopes=scores.slopes[pairs, feature],
            accuracy=accuracy[pairs, feature],
            balanced_accuracy=balanced[pairs, feature],
            held=self.holding[0] / self.holding[1].clamp(min=1),
            survival=self.profile.survival(),
            null=null.amax(0) if len(pairs) else torch.zeros(null.shape[1], dtype=torch.float64),
            profile=self.profile,
            blocks=self.blocks,
            gates=self.gates,
        )


def _accuracies(levels: CellFeatureMoments) -> tuple[Tensor, Tensor]:
    """Accuracy and balanced accuracy of flags read as flags, each (cells, features) float64 in [0, 1]."""
    said, true = levels.cell_means[:, None], levels.feature_means[None, :]
    both = levels.products / max(1, levels.count) + said * true
    hits, rejections = both, 1 - said - true + both
    sensitivity, specificity = hits / true.clamp(min=1e-12), rejections / (1 - true).clamp(min=1e-12)
    return hits + rejections, (sensitivity + specificity) / 2
