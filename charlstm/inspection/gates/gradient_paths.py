"""What gradient reaches a group of cells, and how it came there -> plain data.

Three questions are asked of every cell, its answers are medians over sites, and a group's are medians
over its cells. Carry: does dL/dc fall as the product of the forget gates says? Decision: do the gates at
the opener get more of it than those after it, and in which weights does it end? Reach: what is left of
it, going back from the closer?
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.inspection.gates.saturation import number
from charlstm.model import equations

Cell = tuple[int, int]

# Medians of fewer sites are not reported.
_LEAST_SITES = 5
# A sum of log f whose deviation is below this is constant: float64 resolves no less.
_CONSTANT = 1e-12
# The fields of Paths whose last dimension is the group.
_BY_CELL = ("gradient", "decision", "driven", "recurrent")


@dataclass(frozen=True, eq=False)
class Paths:
    """Windows of text up to closers, and the gradient of their losses L at a group of (layer, cell).

    openers (sites,) int64 are places in the window, whose last predicts the closer. All else is float64:
    gradient (sites, window, group) is dL/dc_t; decision, driven and recurrent, each (sites, window, 4,
    group) with gates in PyTorch's order, are dL/da_t of the pre-activations a_t, and their two parts
    W x_t + b and U h_{t-1}. x and h hold per layer x_t and h_{t-1} at the openers, each (sites, inputs).
    """

    cells: Sequence[Cell]
    activation: str
    openers: Tensor
    gradient: Tensor
    decision: Tensor
    driven: Tensor
    recurrent: Tensor
    x: tuple[Tensor, ...]
    h: tuple[Tensor, ...]

    @classmethod
    def joined(cls, parts: Sequence["Paths"]) -> "Paths":
        """All sites of parts, which have the same cells."""

        def together(name: str) -> Any:
            return torch.cat([getattr(part, name) for part in parts])

        def layer_by_layer(name: str) -> tuple[Tensor, ...]:
            layers = zip(*(getattr(part, name) for part in parts), strict=True)
            return tuple(torch.cat(rows) for rows in layers)

        joined = {name: together(name) for name in ("openers", *_BY_CELL)}
        return replace(parts[0], **joined, x=layer_by_layer("x"), h=layer_by_layer("h"))

    def part(self, start: int, stop: int) -> "Paths":
        """The same of the cells from start to stop."""
        values = {name: getattr(self, name)[..., start:stop] for name in _BY_CELL}
        return replace(self, cells=self.cells[start:stop], **values)

    def since_opener(self) -> Tensor:
        """(sites, window) bool: the opener and all after it."""
        return torch.arange(self.gradient.shape[1]) >= self.openers[:, None]

    def after_opener(self) -> Tensor:
        """(sites, window) bool: all after the opener."""
        return torch.arange(self.gradient.shape[1]) > self.openers[:, None]

    def at_opener(self, values: Tensor) -> Tensor:
        """(sites, ...) from values (sites, window, ...)."""
        return values[torch.arange(len(values)), self.openers]


def group(paths: Paths) -> Json:
    """All answers of a group of cells, as finite numbers, None where there is no answer.

    `carry` and `decision` (by gate) hold what carry and decision return, `reach` and `reach_since_opener`
    what reach returns, each by characters before the one that predicts the closer, from 0.
    gradient_to_input is |x|^2 / (|x|^2 + |h|^2) at the opener: of one site's gradient to a cell's two weight
    rows, da x and da h, the share that falls to the input row. It is the same for every gate and cell
    of a layer. `each` has the carry of every cell.
    """
    carried, decided = carry(paths), decision(paths)
    single = torch.stack([_input_share(paths, layer) for layer, _ in paths.cells])
    return {
        "cells": len(paths.cells),
        "carry": {name: number(_median(values, 0)) for name, values in carried.items()},
        "decision": {
            gate: {name: number(_median(values[place], 0)) for name, values in decided.items()}
            for place, gate in enumerate(GATES)
        },
        "gradient_to_input": number(_median(single.flatten(), 0)),
        "reach": [number(value) for value in reach(paths, torch.ones_like(paths.since_opener()))],
        "reach_since_opener": [number(value) for value in reach(paths, paths.since_opener())],
        "each": [
            {"layer": layer, "cell": index}
            | {name: number(values[place]) for name, values in carried.items()}
            for place, (layer, index) in enumerate(paths.cells)
        ],
    }


def carry(paths: Paths) -> dict[str, Tensor]:
    """Per cell, (group,) float64, NaN where undefined: how gradient goes from the closer to the opener.

    slope and r_squared are of the line through log |dL/dc_t| over the sum of log f from t + 1 on, of every
    site from its opener on: 1 and 1 on the direct path. Where f stays so near 1 that the sum hardly moves,
    they say little; deviation, the median distance of log |dL/dc_t| from the direct path's, in nats, says
    it there, too. kept is the product of f from opener to closer.
    At the opener, direct_over_total is |direct| / |dL/dc|, direct_share the same over |direct| + |the rest|,
    which stays in [0, 1], and same_sign the share of sites where both point one way. finite is the share
    of positions with a logarithm, the others being 0.
    """
    log_forget = functional.logsigmoid((paths.driven + paths.recurrent)[:, :, GATES.index("forget")])
    forgotten = log_forget.flip(1).cumsum(1).flip(1) - log_forget
    direct = paths.gradient[:, -1:] * forgotten.exp()
    size = paths.gradient.abs().log()
    since = paths.since_opener()[:, :, None]
    finite = since & size.isfinite()
    slope, r_squared = _lines(forgotten, size, finite)
    apart = (size - forgotten - size[:, -1:]).abs().masked_fill(~finite, torch.nan)
    total, straight = paths.at_opener(paths.gradient), paths.at_opener(direct)
    both = straight.abs() + (total - straight).abs()
    answers = {
        "slope": slope,
        "r_squared": r_squared,
        "deviation": _median(apart, 1),
        "direct_share": straight.abs() / both,
        "direct_over_total": straight.abs() / total.abs(),
        "kept": paths.at_opener(forgotten).exp(),
    }
    medians = {name: _median(values, 0) for name, values in answers.items()}
    medians["same_sign"] = (total * straight > 0).double().masked_fill(total == 0, torch.nan).nanmean(0)
    medians["finite"] = finite.sum((0, 1)) / since.sum().double()
    return medians


def _lines(x: Tensor, y: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and R^2 of y over x along dimension 1, (sites, group) each, of the points where says.

    NaN where x does not move; R^2 is NaN where y does not, either.
    """
    count = where.sum(1, keepdim=True)
    x, y = x.masked_fill(~where, 0), y.masked_fill(~where, 0)
    x = (x - x.sum(1, keepdim=True) / count).masked_fill(~where, 0)
    y = (y - y.sum(1, keepdim=True) / count).masked_fill(~where, 0)
    product, squares = (x * y).sum(1), x.square().sum(1)
    still = squares <= count.squeeze(1) * _CONSTANT**2
    slope = product / squares.masked_fill(still, torch.nan)
    return slope, slope * product / y.square().sum(1)


def decision(paths: Paths) -> dict[str, Tensor]:
    """Per gate and cell, (4, group) float64, NaN where undefined: what the gates at the opener get.

    over_between is |dL/da| at the opener over its median after it. derivative_at_opener and
    derivative_between are the gate's own, p (1 - p) for a sigmoid: a saturated gate carries gradient and
    gets none. drive_from_input is the share |W x| / (|W x| + |U h|) of what moved the gate at the opener,
    each part less its mean after it. gradient_to_input is the input row's share of the squared norm of the
    gradient summed over sites: what differs from site to site averages out, as it does in training.
    """
    after = paths.after_opener()[:, :, None, None]
    size, slopes = paths.decision.abs(), _derivatives(paths)
    between = _median(size.masked_fill(~after, torch.nan), 1)
    moved = [
        (paths.at_opener(part) - _mean_where(part, after)).abs() for part in (paths.driven, paths.recurrent)
    ]
    answers = {
        "over_between": paths.at_opener(size) / between,
        "derivative_at_opener": paths.at_opener(slopes),
        "derivative_between": _mean_where(slopes, after),
        "drive_from_input": moved[0] / (moved[0] + moved[1]),
    }
    medians = {name: _median(values, 0) for name, values in answers.items()}
    return medians | {"gradient_to_input": _summed_input_share(paths)}


@torch.enable_grad()
def _derivatives(paths: Paths) -> Tensor:
    """The derivative of every gate at its pre-activation, (sites, window, 4, group)."""
    a = (paths.driven + paths.recurrent).requires_grad_()
    gates = equations.gates_from(a.flatten(2), paths.activation)
    (slopes,) = torch.autograd.grad([gate.sum() for gate in gates], a)
    return slopes


def _summed_input_share(paths: Paths) -> Tensor:
    """(4, group): |sum of da x|^2 over itself + |sum of da h|^2, sums over the sites' openers."""
    opened = paths.at_opener(paths.decision)
    norms = [
        [
            (opened[:, :, place].t() @ rows[layer]).square().sum(1)
            for place, (layer, _) in enumerate(paths.cells)
        ]
        for rows in (paths.x, paths.h)
    ]
    x, h = (torch.stack(of_cells, dim=1) for of_cells in norms)
    return x / (x + h)


def _input_share(paths: Paths, layer: int) -> Tensor:
    """(sites,): |x|^2 / (|x|^2 + |h|^2) at the openers."""
    x, h = (rows[layer].square().sum(1) for rows in (paths.x, paths.h))
    return x / (x + h)


def reach(paths: Paths, where: Tensor) -> Tensor:
    """(window,) float64: |dL/dc_t| over its value at the last t, by the distance before it, from 0.

    Medians over the sites where says, (sites, window) bool, then over cells; NaN where these are few.
    """
    size = paths.gradient.abs() / paths.gradient[:, -1:].abs()
    medians = _median(size.masked_fill(~where[:, :, None], torch.nan), 0)
    few = where.sum(0) < _LEAST_SITES
    return _median(medians.masked_fill(few[:, None], torch.nan), 1).flip(0)


def _median(values: Tensor, dimension: int) -> Tensor:
    """The median along a dimension of what is finite, NaN where nothing is."""
    finite = values.masked_fill(~values.isfinite(), torch.nan)
    return finite.nanquantile(0.5, dim=dimension)


def _mean_where(values: Tensor, where: Tensor) -> Tensor:
    """The mean of values (sites, window, ...) over the window, of the places where says."""
    return values.masked_fill(~where, 0).sum(1) / where.sum(1)
