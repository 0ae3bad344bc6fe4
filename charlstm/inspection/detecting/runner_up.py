"""Features that overlap, such as a string literal and single quotes, are contrasted where they differ.

Scores of nested features are close, and may be closest for the wrong reason. At the characters where only one
of two features is on, the cell itself says which of them it follows. For two counters these are the
characters where their values differ, and the better of the two correlations there decides.
"""

from dataclasses import dataclass

from torch import Tensor

from charlstm.inspection.features.feature import Feature

# A feature is within reach of another one if its score is at most this much lower.
REACH = 0.15
# At most this many features within reach are contrasted with a cell's feature, the best ones.
MOST_RIVALS = 6
# Positions of a sample are judged only where there are this many.
_LEAST_POSITIONS = 20
# A feature that cells proposed is made to fit a cell: it takes a name from a listed one only where the
# contrast is below this, another one where it is below one half.
_PROPOSED_CONTRAST, _EVEN_CONTRAST = 0.25, 0.5


@dataclass(frozen=True)
class RunnerUp:
    """A RunnerUp is the next best feature of a cell.

    feature is its number and score its score. contrast, in [0, 1], says where the cell stands at the
    positions where its feature and the runner-up differ: 1 where it does wholly what its feature says, 0
    where it does what the runner-up says, None where they hardly differ or cannot be compared.
    """

    feature: int
    score: float
    contrast: float | None


def contrast(c: Tensor, first: Tensor, second: Tensor) -> float | None:
    """Return where c stands between two switches or depths, in [0, 1], or None where they hardly differ.

    c (positions,) is the cell's, first and second (positions,) bool say where the two are on. c is placed
    between its means where both are off and where both are on. See RunnerUp.contrast.
    """
    both, neither = first & second, ~(first | second)
    if min(int(both.sum()), int(neither.sum())) < _LEAST_POSITIONS:
        return None
    off, on = float(c[neither].mean()), float(c[both].mean())
    told: list[float] = []
    for alone, wanted in ((first & ~second, 1.0), (second & ~first, 0.0)):
        if int(alone.sum()) >= _LEAST_POSITIONS and on != off:
            place = (float(c[alone].mean()) - off) / (on - off)
            told.append(1 - abs(min(1.0, max(0.0, place)) - wanted))
    return sum(told) / len(told) if told else None


def counter_contrast(c: Tensor, first: Tensor, second: Tensor) -> float | None:
    """Return which of two counters c follows where they differ, in [0, 1], or None where they hardly differ.

    All are (positions,). It is the first one's share in the sum of both squared correlations there; one of
    another sign than the first one has at all positions counts as 0.
    """
    apart = first != second
    if int(apart.sum()) < _LEAST_POSITIONS:
        return None
    sign = _correlation(c, first).sign()
    squares = [(sign * _correlation(c[apart], f[apart])).clamp(min=0) ** 2 for f in (first, second)]
    total = float(squares[0] + squares[1])
    return float(squares[0]) / total if total > 0 else None


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return r of first and second (positions,), 0 where one is constant."""
    left, right = (values.double() - values.double().mean() for values in (first, second))
    return (left @ right) / (left.square().sum() * right.square().sum()).sqrt().clamp(min=1e-9)


@dataclass(frozen=True, eq=False)
class Sample:
    """A Sample has c (positions, cells) within stretches, and the features (positions, features) uint8."""

    c: Tensor
    features: Tensor

    def contrast(self, cell: int, first: int, second: int, features: tuple[Feature, ...]) -> float | None:
        """Return the contrast of a cell between two features given by their numbers; None between kinds."""
        counters = [features[number].kind == "counter" for number in (first, second)]
        c, columns = self.c[:, cell], (self.features[:, first], self.features[:, second])
        if all(counters):
            return counter_contrast(c, *columns)
        return None if any(counters) else contrast(c, columns[0] > 0, columns[1] > 0)


def name_by_contrast(
    sample: Sample, cell: int, scores: Tensor, features: tuple[Feature, ...], *, first: int, listed: int
) -> tuple[int, RunnerUp | None]:
    """Return the feature that names a cell, and the runner-up.

    scores (features,) say how well each feature fits the cell, 0 for features that cannot name it; `first` is
    the number of its best feature, which each feature within reach challenges in the order of the scores.
    Features from the number `listed` on are proposed by cells.
    """
    order = scores.argsort(descending=True, stable=True).tolist()
    reachable = [n for n in order if scores[n] > 0 and scores[n] >= scores[first] - REACH and n != first]
    winner = first
    for rival in reachable[:MOST_RIVALS]:
        told = sample.contrast(cell, winner, rival, features)
        limit = _PROPOSED_CONTRAST if rival >= listed > winner else _EVEN_CONTRAST
        if told is not None and told < limit:
            winner = rival
    others = [number for number in [first, *reachable[:MOST_RIVALS]] if number != winner]
    told_of = [RunnerUp(n, float(scores[n]), sample.contrast(cell, winner, n, features)) for n in others]
    contrasted = [each for each in told_of if each.contrast is not None]
    return winner, next(iter([*contrasted, *told_of]), None)
