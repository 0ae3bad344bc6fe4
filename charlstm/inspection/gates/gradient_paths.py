"""Say as plain data how the gradient of the loss at closers reaches a set of cells.

`gradients` computes the gradients; here three questions are asked of them for every cell. A span is an opener
and its closer. The answer of a cell is the median over spans, except where a docstring says otherwise; the
answer of a cell set is the median over its cells.

    carry     Does dL/dc fall, going back in the text, as the product of the forget gates says?
    decision  Do the gates at the opener get more gradient than the gates after it, and does that gradient go
              to the input or the recurrent weights?
    reach     How much of dL/dc at the closer is left at each distance before it?
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from charlstm.config import GATES, Functions
from charlstm.findings import Json
from charlstm.inspection.gates.saturation import finite_number
from charlstm.model import equations

Cell = tuple[int, int]

# Medians over fewer spans are not reported.
_LEAST_SPANS = 5
# A sum of log f with a smaller standard deviation is constant: float64 resolves no less.
_LEAST_DEVIATION = 1e-12
# In these fields of WindowGradients the last dimension is the cells.
_FIELDS_BY_CELL = ("gradient", "decision", "from_input", "recurrent")


@dataclass(frozen=True, eq=False)
class WindowGradients:
    """WindowGradients has windows of text up to closers, and the gradient of the loss L at each closer with
    respect to some cells.

    cells are the (layer, cell) of these cells; functions are the model's. A window ends with the character
    that predicts the closer. openers (spans,) int64 are the indices of the openers in their windows. All
    other tensors are float64. gradient (spans, window, cells) is dL/dc_t. decision, from_input and recurrent
    are each (spans, window, 4, cells) with the gates in the order of config.GATES: decision is dL/da_t of the
    pre-activations a_t = W x_t + b + U h_{t-1}, from_input is W x_t + b, and recurrent is U h_{t-1}. x and h
    hold per layer x_t and h_{t-1} at the openers, each (spans, inputs).
    """

    cells: Sequence[Cell]
    functions: Functions
    openers: Tensor
    gradient: Tensor
    decision: Tensor
    from_input: Tensor
    recurrent: Tensor
    x: tuple[Tensor, ...]
    h: tuple[Tensor, ...]

    @classmethod
    def joined(cls, parts: Sequence["WindowGradients"]) -> "WindowGradients":
        """Return all spans of parts, which have the same cells."""

        def all_spans(name: str) -> Any:
            return torch.cat([getattr(part, name) for part in parts])

        def all_spans_by_layer(name: str) -> tuple[Tensor, ...]:
            layers = zip(*(getattr(part, name) for part in parts), strict=True)
            return tuple(torch.cat(rows) for rows in layers)

        fields = {name: all_spans(name) for name in ("openers", *_FIELDS_BY_CELL)}
        return replace(parts[0], **fields, x=all_spans_by_layer("x"), h=all_spans_by_layer("h"))

    def of_cells(self, start: int, stop: int) -> "WindowGradients":
        """Return the windows with the gradients of cells[start:stop] alone."""
        values = {name: getattr(self, name)[..., start:stop] for name in _FIELDS_BY_CELL}
        return replace(self, cells=self.cells[start:stop], **values)

    def since_opener(self) -> Tensor:
        """Return (spans, window) bool: the positions from the opener on."""
        return torch.arange(self.gradient.shape[1]) >= self.openers[:, None]

    def after_opener(self) -> Tensor:
        """Return (spans, window) bool: the positions after the opener."""
        return torch.arange(self.gradient.shape[1]) > self.openers[:, None]

    def at_opener(self, values: Tensor) -> Tensor:
        """Return values (spans, window, ...) at the opener of each span, (spans, ...)."""
        return values[torch.arange(len(values)), self.openers]


def cell_set_report(windows: WindowGradients) -> Json:
    """Return all answers for the cells of windows, as finite numbers, or None where there is no answer.

    `carry` and `decision` (by gate) hold the medians over cells of what `carry` and `decision` return.
    `reach` and `reach_since_opener` hold what `reach` returns at all positions and from the opener on: one
    number per distance in characters, from 0, before the character that predicts the closer.
    `gradient_to_input` is the median over spans of |x|^2 / (|x|^2 + |h|^2) at the opener. It is the share of
    the input row in the squared norm of the gradient of the weights at one span: da is dL/da; the gradient of
    the input row is da x, of the recurrent row da h. So it is the same for every gate and cell of a layer.
    The `gradient_to_input` inside `decision` is of the gradient summed over spans. `each` has the carry of
    every cell.
    """
    carried, decided = carry(windows), decision(windows)
    input_shares = torch.stack([_input_share(windows, layer) for layer, _ in windows.cells])
    return {
        "cells": len(windows.cells),
        "carry": {name: finite_number(_median(values, 0)) for name, values in carried.items()},
        "decision": {
            gate: {name: finite_number(_median(values[index], 0)) for name, values in decided.items()}
            for index, gate in enumerate(GATES)
        },
        "gradient_to_input": finite_number(_median(input_shares.flatten(), 0)),
        "reach": [finite_number(share) for share in reach(windows, torch.ones_like(windows.since_opener()))],
        "reach_since_opener": [finite_number(share) for share in reach(windows, windows.since_opener())],
        "each": [
            {"layer": layer, "cell": cell}
            | {name: finite_number(values[index]) for name, values in carried.items()}
            for index, (layer, cell) in enumerate(windows.cells)
        ],
    }


def carry(windows: WindowGradients) -> dict[str, Tensor]:
    """Return per cell how its gradient goes from the closer back to the opener, each number (cells,) float64.

    slope and r_squared describe, from the opener of a span on, the line through log |dL/dc_t| over the sum of
    log f from t + 1 on: both are 1 on the direct path. They say little where f stays so near 1 that the sum
    hardly moves; deviation, the median distance of log |dL/dc_t| from its value on the direct path in nats,
    is meaningful there, too. kept is the product of f from opener to closer. direct is dL/dc at the closer
    times the product of f. At the opener, direct_over_total is |direct| / |dL/dc|, direct_share is |direct| /
    (|direct| + |the rest|), in [0, 1], and same_sign is the share of spans where direct and dL/dc have the
    same sign. finite is the share of positions where dL/dc_t is not 0 and has a logarithm. An undefined
    number is NaN. A hard sigmoid can be 0 and then keeps nothing: slope, r_squared and deviation are of the
    positions from which the product of f is not 0.
    """
    forgotten = _log_kept(windows)
    direct = windows.gradient[:, -1:] * forgotten.exp()
    log_size = windows.gradient.abs().log()
    since = windows.since_opener()[:, :, None]
    finite = since & log_size.isfinite()
    slope, r_squared = _lines(forgotten, log_size, finite & forgotten.isfinite())
    deviation = (log_size - forgotten - log_size[:, -1:]).abs().masked_fill(~finite, torch.nan)
    total, direct = windows.at_opener(windows.gradient), windows.at_opener(direct)
    both = direct.abs() + (total - direct).abs()
    answers = {
        "slope": slope,
        "r_squared": r_squared,
        "deviation": _median(deviation, 1),
        "direct_share": direct.abs() / both,
        "direct_over_total": direct.abs() / total.abs(),
        "kept": windows.at_opener(forgotten).exp(),
    }
    medians = {name: _median(values, 0) for name, values in answers.items()}
    medians["same_sign"] = (total * direct > 0).double().masked_fill(total == 0, torch.nan).nanmean(0)
    medians["finite"] = finite.sum((0, 1)) / since.sum().double()
    return medians


def _log_kept(windows: WindowGradients) -> Tensor:
    """Return the sum of log f over the later positions of the window, (spans, window, cells) float64.

    It is 0 at the last position, and minus infinity in front of a forget gate that is 0.
    """
    a = (windows.from_input + windows.recurrent)[:, :, GATES.index("forget")]
    if windows.functions.gate_activation == "sigmoid":
        log_forget = functional.logsigmoid(a)  # exact where f is too near 1 for its own digits
    else:
        log_forget = equations.gate_function(windows.functions.gate_activation)(a).log()
    later = torch.cat((log_forget[:, 1:], torch.zeros_like(log_forget[:, :1])), dim=1)
    return later.flip(1).cumsum(1).flip(1)


def _lines(x: Tensor, y: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Return slope and R^2 of the lines of y over x, (spans, cells) each.

    x and y are (spans, window, cells); a line goes through the positions where `where`, bool of that shape,
    is True. Both results are NaN where x is constant, and R^2 is NaN where y is.
    """
    count = where.sum(1, keepdim=True)
    x, y = x.masked_fill(~where, 0), y.masked_fill(~where, 0)
    x = (x - x.sum(1, keepdim=True) / count).masked_fill(~where, 0)
    y = (y - y.sum(1, keepdim=True) / count).masked_fill(~where, 0)
    product, squares = (x * y).sum(1), x.square().sum(1)
    constant = squares <= count.squeeze(1) * _LEAST_DEVIATION**2
    slope = product / squares.masked_fill(constant, torch.nan)
    return slope, slope * product / y.square().sum(1)


def decision(windows: WindowGradients) -> dict[str, Tensor]:
    """Return per gate and cell how much gradient the gates get at the opener, each number (4, cells) float64.

    over_between is |dL/da| at the opener over its median after it. derivative_at_opener and
    derivative_between (mean after the opener) are the derivative of the gate itself at its pre-activation,
    p (1 - p) for a sigmoid p, 0.2 for a hard one or 0 where it is cut: a saturated gate lets gradient pass
    along c but gets none. drive_from_input is the share |W x| / (|W x| + |U h|) of what moves the gate at the
    opener, each part less its mean after the opener. gradient_to_input is the input row's share of the
    squared norm of the gradient summed over spans, no median: what differs from span to span averages out, as
    it does in training. An undefined number is NaN.
    """
    after = windows.after_opener()[:, :, None, None]
    size, slopes = windows.decision.abs(), _derivatives(windows)
    between = _median(size.masked_fill(~after, torch.nan), 1)
    moved = [
        (windows.at_opener(part) - _mean_where(part, after)).abs()
        for part in (windows.from_input, windows.recurrent)
    ]
    answers = {
        "over_between": windows.at_opener(size) / between,
        "derivative_at_opener": windows.at_opener(slopes),
        "derivative_between": _mean_where(slopes, after),
        "drive_from_input": moved[0] / (moved[0] + moved[1]),
    }
    medians = {name: _median(values, 0) for name, values in answers.items()}
    return medians | {"gradient_to_input": _summed_input_share(windows)}


@torch.enable_grad()
def _derivatives(windows: WindowGradients) -> Tensor:
    """Return the derivative of every gate at its pre-activation, (spans, window, 4, cells)."""
    a = (windows.from_input + windows.recurrent).requires_grad_()
    gates = equations.gates_from(a.flatten(2), windows.functions)
    (slopes,) = torch.autograd.grad([gate.sum() for gate in gates], a)
    return slopes


def _summed_input_share(windows: WindowGradients) -> Tensor:
    """Return the input row's share of the squared norm of the summed gradient, (4, cells) in [0, 1].

    It is |sum of da x|^2 / (|sum of da x|^2 + |sum of da h|^2), with sums over the openers of all spans. da
    is dL/da; the gradient of the input row is da x, of the recurrent row da h.
    """
    opened = windows.at_opener(windows.decision)
    norms = [
        [
            (opened[:, :, index].t() @ rows[layer]).square().sum(1)
            for index, (layer, _) in enumerate(windows.cells)
        ]
        for rows in (windows.x, windows.h)
    ]
    x, h = (torch.stack(of_cells, dim=1) for of_cells in norms)
    return x / (x + h)


def _input_share(windows: WindowGradients, layer: int) -> Tensor:
    """Return |x|^2 / (|x|^2 + |h|^2) of a layer at the opener of each span, (spans,)."""
    x, h = (rows[layer].square().sum(1) for rows in (windows.x, windows.h))
    return x / (x + h)


def reach(windows: WindowGradients, where: Tensor) -> Tensor:
    """Return how much of dL/dc_t is left at each distance from the end of the window, (window,) float64.

    It is |dL/dc_t| over its value at the last position, by the distance before that, from 0: the median
    over the spans where `where`, (spans, window) bool, is True, and then over cells. It is NaN where there
    are fewer than _LEAST_SPANS such spans.
    """
    size = windows.gradient.abs() / windows.gradient[:, -1:].abs()
    medians = _median(size.masked_fill(~where[:, :, None], torch.nan), 0)
    few = where.sum(0) < _LEAST_SPANS
    return _median(medians.masked_fill(few[:, None], torch.nan), 1).flip(0)


def _median(values: Tensor, dimension: int) -> Tensor:
    """Return the median of the finite values along a dimension, NaN where there are none."""
    finite = values.masked_fill(~values.isfinite(), torch.nan)
    return finite.nanquantile(0.5, dim=dimension)


def _mean_where(values: Tensor, where: Tensor) -> Tensor:
    """Return the mean of values (spans, window, ...) over the window positions where `where` is True."""
    return values.masked_fill(~where, 0).sum(1) / where.sum(1)
