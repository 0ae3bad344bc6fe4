"""A layer of tanh cells over a window, for training in bfloat16 on the CPU: the same as `nn.LSTM`, sooner.

Products are `compiled`'s own, whatever else a step needs is done while its numbers are near, the first layer
takes its input's part from a table with a row per symbol, forward and backward, and the gradient of all
weights is one product over all positions. The cell state stays float32.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlstm.compiled.compiling import Floats, Halves
from charlstm.compiled.tiles import (
    GROUP,
    MULTIPLIES_PAIRS,
    PANEL,
    Pairs,
    pack_crossed_pairs,
    pack_pairs,
    sum_crossed,
)
from charlstm.compiled.windows import backward_window, forward_window, rows_apart
from charlstm.threads import in_threads

# Where the processor has no instruction for pairs of bfloat16, the library's layer is the fast one.
IS_FAST = MULTIPLIES_PAIRS


class Before(NamedTuple):
    """h and c before a window, each (streams, cells); no gradient goes there."""

    h: Tensor
    c: Tensor


def run_table(table: Tensor, ids: Tensor, before: Before, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """A layer over ids (streams, window) int64, of which table (symbols, 4 cells) has W x + b.

    recurrent is U, (4 cells, cells). Returns outputs (streams, window, cells) bfloat16, and c after the window,
    (streams, cells) float32, which takes no gradient.
    """
    return _run(table, ids, None, before, None, recurrent)


def run_inputs(
    inputs: Tensor, before: Before, weights: Tensor, recurrent: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """A layer over inputs (streams, window, width); weights are W, (4 cells, width). Returns as `run_table`."""
    rows = torch.zeros(inputs.shape[:2], dtype=torch.long)
    return _run(bias[None], rows, inputs, before, weights, recurrent)


def _run(
    added: Tensor,
    rows: Tensor,
    inputs: Tensor | None,
    before: Before,
    weights: Tensor | None,
    recurrent: Tensor,
) -> tuple[Tensor, Tensor]:
    """Cells and inputs of zeros make them multiples of 32: they stay at 0 and give nothing."""
    cells, h, c = recurrent.shape[1], before.h.detach(), before.c.detach()
    missing = -cells % PANEL
    if missing:
        recurrent = _more_cells(functional.pad(recurrent, (0, missing)), missing)
        added = _more_cells(added.t(), missing).t()
        weights = None if weights is None else _more_cells(weights, missing)
        h, c = functional.pad(h, (0, missing)), functional.pad(c, (0, missing))
    if inputs is not None and weights is not None and inputs.shape[2] % PANEL:
        wider = (0, -inputs.shape[2] % PANEL)
        inputs, weights = functional.pad(inputs, wider), functional.pad(weights, wider)
    outputs, c = _Window.apply(added, rows, inputs, h, c, weights, recurrent)
    return outputs[..., :cells], c[:, :cells]


def _more_cells(rows: Tensor, missing: int) -> Tensor:
    """(4 cells, any) with so many more rows of zeros for each gate."""
    return functional.pad(rows.unflatten(0, (4, -1)), (0, 0, 0, missing)).flatten(0, 1)


class _Part(NamedTuple):
    """The streams of one thread, and what is kept of them for the way back; see `windows`."""

    span: slice
    rows: NDArray[np.int64]
    c: Floats
    taken: Pairs
    gates: Pairs
    states: Floats


class _Window(torch.autograd.Function):
    """`_run` for whole panels."""

    @staticmethod
    def forward(
        ctx: Any,
        added: Tensor,
        rows: Tensor,
        inputs: Tensor | None,
        h: Tensor,
        c: Tensor,
        weights: Tensor | None,
        recurrent: Tensor,
    ) -> tuple[Tensor, Tensor]:
        streams, positions = rows.shape
        cells, below = h.shape[1], 0 if inputs is None else inputs.shape[2]
        panels, ctx.panels = _packed(
            [_floats(matrix) for matrix in (weights, recurrent) if matrix is not None]
        )
        summed = _numbers(added)
        given = torch.empty(streams, positions, 0) if inputs is None else inputs
        read, first = _numbers(given.bfloat16()), _numbers(h.bfloat16())
        outputs = torch.empty(streams, positions, cells, dtype=torch.bfloat16)
        written = _numbers(outputs)
        parts = [_part(_floats(rows), _floats(c.float()), below, span) for span in _spans(streams)]
        x = [rows_apart(2 * -(-len(part.c) // 2), below + cells) for part in parts]

        def work(number: int) -> None:
            span, ids, state, *kept = parts[number]
            x[number][: len(state), below : below + cells] = first[span]
            forward_window(panels, summed, ids, read[span], x[number], state, *kept, written[span])

        in_threads(work, list(range(len(parts))))
        ctx.parts, ctx.added, ctx.below = parts, (len(added), added.dtype), below
        last = torch.from_numpy(np.concatenate([part.states[-1] for part in parts]))
        ctx.mark_non_differentiable(last)
        return outputs, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        streams, positions, cells = d_outputs.shape
        parts, panels, below, (summed, kind) = ctx.parts, ctx.panels, ctx.below, ctx.added
        del ctx.parts, ctx.panels  # the gates are written over
        given = _numbers(d_outputs.bfloat16())
        d_inputs = torch.empty(streams, positions, below, dtype=torch.bfloat16)
        written = _numbers(d_inputs)
        d_added = np.empty((len(parts), summed, 4 * cells), np.float32)
        d_weights = np.empty((len(parts), below + cells, 4 * cells), np.float32)

        def work(number: int) -> None:
            span, *kept = parts[number]
            backward_window(panels, *kept, given[span], written[span], d_added[number], d_weights[number])

        in_threads(work, list(range(len(parts))))
        d_input, d_recurrent = (np.empty((4 * cells, width), np.float32) for width in (below, cells))
        halves = [(0, 2 * cells), (2 * cells, 4 * cells)]
        todo = [(*half, at, to) for at, to in ((0, d_input), (below, d_recurrent)) for half in halves]
        in_threads(lambda each: sum_crossed(d_weights, *each), todo)
        return (
            torch.from_numpy(d_added.sum(0)).to(kind),
            None,
            d_inputs if below else None,
            None,
            None,
            torch.from_numpy(d_input) if below else None,
            torch.from_numpy(d_recurrent),
        )


def _spans(streams: int) -> list[slice]:
    """The streams of each thread, as evenly as tiles can be dealt out."""
    tiles, threads = -(-streams // GROUP), torch.get_num_threads()
    bounds = [min(streams, GROUP * (tiles * k // threads)) for k in range(threads + 1)]
    return [slice(first, stop) for first, stop in itertools.pairwise(bounds) if stop > first]


def _part(rows: NDArray[Any], c: Floats, below: int, span: slice) -> _Part:
    own = np.ascontiguousarray(rows[span].T)
    positions, streams = own.shape
    cells, pairs = c.shape[1], -(-streams // 2)
    taken = np.empty((positions, (below + cells) // GROUP + 1, pairs, GROUP), np.uint32)
    gates = np.empty((positions, 4 * cells // PANEL + 1, pairs, PANEL), np.uint32)
    return _Part(span, own, c[span], taken, gates, np.empty((positions, streams, cells), np.float32))


def _packed(matrices: list[Floats]) -> tuple[Pairs, Pairs]:
    """The panels of matrices (outputs, inputs) side by side, and those of their transpose."""
    outputs, inputs = len(matrices[0]), sum(matrix.shape[1] for matrix in matrices)
    forward = np.empty((outputs // PANEL, inputs // 2, PANEL), np.uint32)
    back = np.empty((inputs // PANEL, outputs // 2, PANEL), np.uint32)
    todo: list[tuple[Any, ...]] = []
    at = 0
    for matrix in matrices:
        width = matrix.shape[1]
        for pack, panels, count, place in (
            (pack_pairs, forward, len(forward), at // 2),
            (pack_crossed_pairs, back, width // PANEL, at // PANEL),
        ):
            half = count // 2
            todo += [(pack, matrix, 0, half, place, panels), (pack, matrix, half, count, place, panels)]
        at += width
    in_threads(lambda each: each[0](*each[1:]), todo)
    return forward, back


def _floats(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().contiguous().numpy()


def _numbers(tensor: Tensor) -> Floats | Halves:
    """A tensor's memory, or that of a contiguous copy; of bfloat16 the bits."""
    own = tensor.detach().contiguous()
    if own.dtype == torch.bfloat16:
        bits: Halves = own.view(torch.int16).numpy().view(np.uint16)
        return bits
    return own.float().numpy()
