"""A layer of tanh cells over a window, for training in bfloat16 on the CPU: the same as `nn.LSTM`, sooner.

Products are `compiled`'s own, whatever else a step needs is done while its numbers are near, the first layer
takes its input's part from a table with a row per symbol, forward and backward, and the gradient of all
weights is one product over all positions. The cell state stays float32.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlstm.machine.torch_threads import in_threads
from charlstm.model.kernels.jit import Floats, Halves
from charlstm.model.kernels.llvm_vectors import MULTIPLIES_PAIRS, MULTIPLIES_TILES, PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import pack_crossed_pairs, pack_pairs, rows_apart, spans, sum_crossed
from charlstm.model.kernels.training_window import Kept, backward_window, forward_window, kept_for

# Elsewhere the library's layer is the fast one: without an instruction for pairs of bfloat16, or with some
# for whole tiles of them, which it knows.
IS_FAST = MULTIPLIES_PAIRS and not MULTIPLIES_TILES


class Before(NamedTuple):
    """h and c before a window, each (streams, cells); no gradient goes there."""

    h: Tensor
    c: Tensor


def run_table(table: Tensor, ids: Tensor, before: Before, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """A layer over ids (streams, window) int64, of which table (symbols, 4 cells) has W x + b.

    recurrent is U, (4 cells, cells). Returns outputs (streams, window, cells) bfloat16, and c after the
    window, (streams, cells) float32, which takes no gradient. Raises IndexError for ids that table lacks,
    ValueError for a state of other streams or cells.
    """
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < len(table):
        raise IndexError(f"ids from {ids.min()} to {ids.max()} for a table of {len(table)}")
    return _run(table, ids, None, before, None, recurrent)


def run_inputs(
    inputs: Tensor, before: Before, weights: Tensor, recurrent: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """A layer over inputs (streams, window, width); weights are W, (4 cells, width). See `run_table`."""
    rows = torch.zeros(inputs.shape[:2], dtype=torch.long)
    return _run(bias[None], rows, inputs, before, weights, recurrent)


def warm_up() -> None:
    """Compile what training needs, if it is not on disk: else a first step would take some seconds."""
    weights, symbols = torch.zeros(4 * PANEL, PANEL, requires_grad=True), torch.zeros(1, 2, dtype=torch.long)
    before = Before(torch.zeros(1, PANEL), torch.zeros(1, PANEL))
    outputs, _ = run_table(weights.t(), symbols, before, weights)
    outputs, _ = run_inputs(outputs, before, weights, weights, weights[:, 0])
    torch.autograd.backward(outputs.sum())


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
    if not h.shape == c.shape == (len(rows), cells):
        raise ValueError(f"a state of {tuple(h.shape)} for {len(rows)} streams and {cells} cells")
    missing = -cells % PANEL
    if missing:
        recurrent = _more_cells(functional.pad(recurrent, (0, missing)), missing)
        added = _more_cells(added.t(), missing).t()
        weights = None if weights is None else _more_cells(weights, missing)
        h, c = functional.pad(h, (0, missing)), functional.pad(c, (0, missing))
    if inputs is not None and weights is not None and inputs.shape[2] % PANEL:
        wider = (0, -inputs.shape[2] % PANEL)
        inputs, weights = functional.pad(inputs, wider), functional.pad(weights, wider)
    outputs, c = _Window.apply(  # type: ignore[no-untyped-call]
        added, rows, inputs, h, c, weights, recurrent
    )
    return outputs[..., :cells], c[:, :cells]


def _more_cells(rows: Tensor, missing: int) -> Tensor:
    """(4 cells, any) with so many more rows of zeros for each gate."""
    return functional.pad(rows.view(4, -1, rows.shape[1]), (0, 0, 0, missing)).flatten(0, 1)


class _Part(NamedTuple):
    """The streams of one thread: which rows of what is added are theirs (positions, streams), c before."""

    span: slice
    rows: NDArray[np.int64]
    c: Floats
    kept: Kept


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
        panels, ctx.panels = _packed([_floats(each) for each in (weights, recurrent) if each is not None])
        outputs = torch.empty(streams, positions, cells, dtype=torch.bfloat16)
        given = torch.empty(streams, positions, 0) if inputs is None else inputs
        summed = _floats(added)
        read, first, written = _bits(given), _bits(h), _bits(outputs)
        states, numbers = _floats(c), rows.numpy()
        parts = [
            _Part(
                span,
                np.ascontiguousarray(numbers[span].T),
                states[span],
                kept_for(span.stop - span.start, positions, below, cells),
            )
            for span in spans(streams, torch.get_num_threads())
        ]

        def work(part: _Part) -> None:
            span, own = part.span, part.c
            x = rows_apart(len(own) + len(own) % 2, below + cells)
            x[: len(own), below : below + cells] = first[span]
            forward_window(panels, summed, part.rows, read[span], x, own, part.kept, written[span])

        in_threads(work, parts)
        ctx.parts, ctx.added, ctx.below = parts, (len(added), added.dtype), below
        last = torch.from_numpy(np.concatenate([part.kept.states[-1] for part in parts]))
        ctx.mark_non_differentiable(last)
        return outputs, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        streams, positions, cells = d_outputs.shape
        parts, panels, below, (summed, kind) = ctx.parts, ctx.panels, ctx.below, ctx.added
        del ctx.parts  # what is kept is written over
        d_inputs = torch.empty(streams, positions, below, dtype=torch.bfloat16)
        given, written = _bits(d_outputs), _bits(d_inputs)
        d_added = np.empty((len(parts), summed, 4 * cells), np.float32)
        d_weights = np.empty((len(parts), below + cells, 4 * cells), np.float32)

        def work(number: int) -> None:
            span, rows, c, kept = parts[number]
            d_own, d_summed = d_weights[number], d_added[number]
            backward_window(panels, rows, c, kept, given[span], written[span], d_summed, d_own)

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
            (pack_crossed_pairs, back, outputs // 2, at // PANEL),
        ):
            half = count // 2
            todo += [(pack, matrix, 0, half, place, panels), (pack, matrix, half, count, place, panels)]
        at += width
    in_threads(lambda each: each[0](*each[1:]), todo)
    return forward, back


def _floats(tensor: Tensor) -> Floats:
    """The numbers of a tensor, its own memory or a copy."""
    numbers: Floats = tensor.detach().float().contiguous().numpy()
    return numbers


def _bits(tensor: Tensor) -> Halves:
    """The same in bfloat16."""
    bits = tensor.detach().bfloat16().contiguous().view(torch.int16)
    halves: Halves = bits.numpy().view(np.uint16)
    return halves
