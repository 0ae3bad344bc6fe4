"""The margin of a feature is the score that hardly any reference network reaches with it.

Reference networks should follow nothing: they are untrained networks of the model's shape or, where it is not
known how the model's weights began, copies of the model with the rows of each gate permuted across cells.
They are the same in every inspection of a model, whatever its seed. Each reads a text once; a sample of its
cell states is kept, from which its scores with any feature of that text follow.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.inspection.detecting.scores.scoring import balanced_features
from charlstm.inspection.detecting.scores.shifted_scores import ShiftedScores, in_sample
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# This many reference networks are measured, each on about this many characters.
REFERENCE_NETWORKS = 4
_REFERENCE_CHARACTERS = 100_000

# The seed of the reference networks belongs to the rules: no inspection has another one.
_RULE_SEED = 0

# A margin lies this many standard deviations above the mean of the best scores, both of Fisher's z. With four
# networks, and deviations drawn together as below, about one network in a hundred goes beyond it.
MARGIN_DEVIATIONS = 3.0

# The variance of four scores is uncertain, so it is averaged with the median variance of all features: the
# four count as three degrees of freedom, the median as this many (Smyth 2004, "Linear models and empirical
# Bayes methods").
_PRIOR_DEGREES_OF_FREEDOM = 6
_DEGREES_OF_FREEDOM = REFERENCE_NETWORKS - 1

# Fisher's z of a larger score than this is taken as that of this score.
_LARGEST_SCORE = 0.999


@dataclass(frozen=True, eq=False)
class References:
    """References has the cell states of reference networks at a sample of the rows of a chunk.

    states has for each network the rows (positions,) int64 and c (positions, cells) float32 there.
    """

    states: list[tuple[Tensor, Tensor]]

    def best_scores(self, chunk: Chunk) -> Tensor:
        """Return the largest score of any cell of each network with each feature, (networks, features).

        chunk begins with the text that the networks have read; its table has the features.
        """
        chunk = chunk.beginning(_REFERENCE_CHARACTERS)
        numbers = torch.arange(len(chunk.table.features))
        columns, stretches = chunk.columns(numbers), chunk.row_stretches
        best = []
        for rows, c in self.states:
            sums = ShiftedScores(
                torch.tensor([0]), balanced_features(chunk.table.features), rows=chunk.cut.rows
            )
            sums.update(rows, c)
            sums.finish(columns, stretches)
            best.append(sums.scores()[0].amax(0).double())
        return torch.stack(best)


def read_references(
    model: CharLSTM, chunk: Chunk, *, imported: bool, processes: ProcessGroup = ALONE
) -> References:
    """Return what the reference networks of model do on the beginning of chunk.

    imported says that it is not known how the weights of model began.
    """
    chunk = chunk.beginning(_REFERENCE_CHARACTERS)
    twin = shuffled_twin if imported else untrained_twin

    def read(_: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows, c = [], []
        for block in chunk.blocks(twin(model, generator)):
            sampled = in_sample(block.rows, chunk.cut.rows)
            rows.append(block.rows[sampled])
            c.append(block.c[sampled])
        return torch.cat(rows), torch.cat(c)

    generator = torch.Generator().manual_seed(_RULE_SEED)
    return References(do_jobs(range(REFERENCE_NETWORKS), read, generator, processes))


def margins(best_scores: Tensor) -> Tensor:
    """Return the margin of each feature, (features,) float64 in [0, 1], from the networks' best scores.

    best_scores are (networks, features). A mean and deviations are taken of Fisher's z, so that a margin
    stays below 1 whatever the networks do.
    """
    z = best_scores.clamp(max=_LARGEST_SCORE).atanh()
    variance = z.var(0)
    typical = variance.median() if len(variance) else variance
    weighted = _PRIOR_DEGREES_OF_FREEDOM * typical + _DEGREES_OF_FREEDOM * variance
    deviation = (weighted / (_PRIOR_DEGREES_OF_FREEDOM + _DEGREES_OF_FREEDOM)).sqrt()
    return (z.mean(0) + MARGIN_DEVIATIONS * deviation).tanh()
