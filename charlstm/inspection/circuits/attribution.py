"""Estimate by a gradient what every cell of every layer does to a behaviour.

The attribution of a cell is the derivative of the target's log odds with respect to the cell's c at the site,
times the difference that resampling would make to c: the donor's c less the cell's own. It is the change of
the log odds by resampling that cell alone, if the network were linear. The derivative goes through h at the
same character and through all layers at all later ones.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.circuits.unrolled import unroll
from charlstm.inspection.estimates import Numbers
from charlstm.inspection.intervening.experiment import ClosersUnderTest

_LISTED_CELLS = 10


def log_odds_of(closers: ClosersUnderTest, logits: Tensor) -> Tensor:
    """Return (..., sites): the log odds of the target in logits (..., sites, vocabulary).

    The rival is the one that the behaviour names, or else the likeliest other character of the undisturbed
    prediction, whatever becomes likelier by a change: so the odds are those of one choice, and what several
    cells do to them adds up.
    """
    rival = logits.gather(-1, _rivals(closers).expand(logits.shape[:-1])[..., None])[..., 0]
    return logits[..., closers.targets].logsumexp(-1) - rival


def _rivals(closers: ClosersUnderTest) -> Tensor:
    """Return (sites,) int64: the rival of the target at each site."""
    named, symbols = closers.behaviour.rival, closers.context.passage.symbols
    if named is None:
        return closers.natural_logits.masked_fill(closers.targets, -torch.inf).argmax(1)
    return torch.full((len(closers.ids),), list(symbols).index(named))


def change_of(closers: ClosersUnderTest, logits: Tensor) -> Numbers:
    """Return (..., sites) float64: the change of the log odds to logits (..., sites, vocabulary)."""
    change = log_odds_of(closers, logits) - log_odds_of(closers, closers.natural_logits)
    return np.asarray(change.double().numpy())


@torch.enable_grad()
def attributions(closers: ClosersUnderTest) -> Tensor:
    """Return (layers, sites, cells) float64: the attribution of every cell at every site."""
    model = closers.context.model
    added = [torch.zeros_like(c, requires_grad=True) for c in closers.natural_c]
    steps = list(unroll(model, closers.ids, closers.state, added))
    odds = log_odds_of(closers, model.head(steps[-1][-1].h))
    gradients = torch.autograd.grad(odds.sum(), added)
    return (torch.stack(gradients) * (closers.donor_c - closers.natural_c)).detach().double()


class Agreement(NamedTuple):
    """An Agreement compares attributions with the real changes of the log odds.

    attributed (layers, cells) float64 are the mean attributions. checked are the (layer, cell) with the
    largest of them in size, and real their mean real changes, (checked,) float64.
    """

    attributed: Tensor
    checked: list[tuple[int, int]]
    real: Tensor

    @property
    def correlation(self) -> float | None:
        """Return the correlation of attribution and real change among checked cells, None if undefined."""
        attributed = np.array([float(self.attributed[cell]) for cell in self.checked])
        real = self.real.numpy()
        if len(real) < 3 or attributed.std() == 0 or real.std() == 0:
            return None
        return float(np.corrcoef(attributed, real)[0, 1])

    @property
    def data(self) -> Json:
        """Return the cells with the largest attributions and the correlation, as findings.json has them."""
        listed = list(zip(self.checked, self.real.tolist(), strict=True))[:_LISTED_CELLS]
        return {
            "top": [
                {"cell": f"{layer}:{cell}", "attribution": float(self.attributed[layer, cell]), "real": real}
                for (layer, cell), real in listed
            ],
            "checked": len(self.checked),
            "correlation": self.correlation,
        }


def largest(attributed: Tensor, count: int) -> list[tuple[int, int]]:
    """Return the (layer, cell) of the `count` attributions (layers, cells) that are largest in size, the
    largest first.
    """
    cells = attributed.shape[1]
    order = attributed.abs().flatten().argsort(descending=True, stable=True)[:count].tolist()
    return [divmod(index, cells) for index in order]
