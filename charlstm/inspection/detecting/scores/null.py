"""p-values of scores follow from the scores that cells reach with shifted features.

They compare scores that are studentised feature by feature, so that a slow feature, whose scores vary much by
chance, sets no bar for the others; and they are corrected for the number of pairs in steps (Westfall and
Young 1993).
"""

import torch
from torch import Tensor

# The largest scores of a feature in the shifts are taken to deviate at least this much: of a feature for
# which they hardly do, a small excess in one shift would otherwise count for more than a large one of others.
_LEAST_DEVIATION = 0.02


def p_values(scores: Tensor, null: Tensor, groups: Tensor) -> Tensor:
    """Return the p-values (n,) float64 of scores (n,) against null (shifts, n), corrected for their number.

    groups (n,) int64 is the number of each score's feature. A score is studentised by the mean and the
    deviation, over the shifts, of the largest null score of its feature; a null score by those over the other
    shifts, which it has no part in either. Then, from the largest score on, each is compared in every shift
    with the largest null score among those that are not larger than it (the step-down procedure of Westfall
    and Young 1993). p is (1 + k) / (1 + shifts), where k shifts reach the score.
    """
    shifts, count = null.shape
    if count == 0:
        return torch.zeros(0, dtype=torch.float64)
    largest = largest_of_groups(null, groups)
    observed = _studentised(scores[None], largest.mean(0, keepdim=True), _variance(largest), groups)[0]
    order = observed.argsort(descending=True, stable=True)
    others, left = (largest.sum(0) - largest) / max(1, shifts - 1), largest - largest.mean(0)
    of_others = left.square().sum(0) - left.square() * shifts / max(1, shifts - 1)
    by_chance = _studentised(null, others, of_others / max(1, shifts - 2), groups)[:, order]
    remaining = by_chance.flip(1).cummax(1).values.flip(1)
    reached = (1 + (remaining >= observed[order]).sum(0)).double() / (1 + shifts)
    result = torch.empty(count, dtype=torch.float64)
    result[order] = reached.cummax(0).values
    return result


def _variance(values: Tensor) -> Tensor:
    """Return the variance of each column of values (n, columns), (1, columns); 0 for a single row."""
    return (values - values.mean(0)).square().sum(0, keepdim=True) / max(1, len(values) - 1)


def _studentised(scores: Tensor, mean: Tensor, variance: Tensor, groups: Tensor) -> Tensor:
    """Return scores (shifts, n) less the mean of their groups, over the deviation.

    mean and variance are (shifts, groups), and groups (n,) int64 is the number of each column's group.
    """
    deviation = variance.clamp(min=_LEAST_DEVIATION**2).sqrt()
    return (scores - mean[:, groups]) / deviation[:, groups]


def largest_of_groups(null: Tensor, groups: Tensor) -> Tensor:
    """Return the largest null score of each feature in each shift, (shifts, features).

    null is (shifts, n), and groups (n,) int64 the number of each column's feature.
    """
    largest = torch.zeros(len(null), int(groups.max()) + 1, dtype=null.dtype)
    return largest.scatter_reduce_(1, groups.expand(len(null), -1), null, "amax")
