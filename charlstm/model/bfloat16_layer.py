"""A layer of tanh cells over a window, for training in bfloat16 on the CPU, as a torch autograd function.

It computes what `nn.LSTM` computes, faster on many processors with an instruction for pairs of bfloat16
(`training_backend` finds out on which). Products
are in bfloat16 with float32 sums, and all else of a step happens while its numbers are still in the caches;
the cell state stays float32. The first layer takes W x + b from a table with a row per symbol. One product
over all positions gives the gradient of all weights. The loops are in `kernels.training_window`.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlstm.machine.torch_threads import in_threads
from charlstm.model.equations import LayerState, LayerWeights
from charlstm.model.kernels.jit import Bits16, Floats
from charlstm.model.kernels.llvm_vectors import PANEL, Pairs
from charlstm.model.kernels.matrix_tiles import (
    pack_pairs,
    pack_transposed_pairs,
    spaced_rows,
    sum_transposed,
    thread_spans,
)
from charlstm.model.kernels.training_window import (
    WindowRecord,
    backward_window,
    forward_window,
    window_record,
)


def run_table(table: Tensor, ids: Tensor, before: LayerState, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """Run a layer over a window of ids, with W x + b from a table; return its outputs and the c after it.

    table (symbols, 4 cells) is W x + b of every symbol; ids are (streams, window) int64; before is the state
    before the window, which takes no gradient; recurrent is U, (4 cells, cells). The outputs are h at every
    position, (streams, window, cells) bfloat16; c is (streams, cells) float32 and has no gradient.

    Raises IndexError for an id that is no row of table, and ValueError for a state of another shape.
    """
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < len(table):
        raise IndexError(f"ids from {ids.min()} to {ids.max()} for a table of {len(table)}")
    return _run(table, ids, None, before, None, recurrent)


def run_inputs(inputs: Tensor, before: LayerState, weights: LayerWeights) -> tuple[Tensor, Tensor]:
    """Run a layer over a window of inputs; return its outputs and the c after it.

    inputs are (streams, window, width); before is the state before the window, which takes no gradient;
    weights are the layer's, float32. The outputs are h at every position, (streams, window, cells) bfloat16;
    c is (streams, cells) float32 and has no gradient.

    Raises ValueError for a state of another shape.
    """
    rows = torch.zeros(inputs.shape[:2], dtype=torch.long)
    return _run(weights.bias[None], rows, inputs, before, weights.input, weights.recurrent)


def warm_up() -> None:
    """Compile the loops that training runs, where they are not kept on disk yet: it takes some seconds."""
    weights, symbols = torch.zeros(4 * PANEL, PANEL, requires_grad=True), torch.zeros(1, 2, dtype=torch.long)
    before = LayerState(torch.zeros(1, PANEL), torch.zeros(1, PANEL))
    outputs, _ = run_table(weights.t(), symbols, before, weights)
    outputs, _ = run_inputs(outputs, before, LayerWeights(weights, weights, weights[:, 0]))
    torch.autograd.backward(outputs.sum())


def _run(
    added: Tensor,
    rows: Tensor,
    inputs: Tensor | None,
    before: LayerState,
    weights: Tensor | None,
    recurrent: Tensor,
) -> tuple[Tensor, Tensor]:
    """Run a layer over a window: pad cells and inputs to multiples of 32, run, and cut the padding off.

    The pre-activations at a position are a row of added (any, 4 cells), the one that rows (streams, window)
    int64 names, plus U h and, where there are inputs (streams, window, width), plus W x. The cells that are
    padded have weights and states of 0: they stay at 0, and no other cell depends on them.
    """
    cells, h, c = recurrent.shape[1], before.h.detach(), before.c.detach()
    if not h.shape == c.shape == (len(rows), cells):
        raise ValueError(f"a state of {tuple(h.shape)} for {len(rows)} streams and {cells} cells")
    missing = -cells % PANEL
    if missing:
        recurrent = _with_more_cells(functional.pad(recurrent, (0, missing)), missing)
        added = _with_more_cells(added.t(), missing).t()
        weights = None if weights is None else _with_more_cells(weights, missing)
        h, c = functional.pad(h, (0, missing)), functional.pad(c, (0, missing))
    if inputs is not None and weights is not None and inputs.shape[2] % PANEL:
        wider = (0, -inputs.shape[2] % PANEL)
        inputs, weights = functional.pad(inputs, wider), functional.pad(weights, wider)
    outputs, c = _Window.apply(  # type: ignore[no-untyped-call]
        added, inputs, weights, recurrent, _WindowStart(rows, h, c)
    )
    return outputs[..., :cells], c[:, :cells]


def _with_more_cells(rows: Tensor, missing: int) -> Tensor:
    """Return rows (4 cells, any) with that number of rows of zeros added behind each gate's rows."""
    return functional.pad(rows.view(4, -1, rows.shape[1]), (0, 0, 0, missing)).flatten(0, 1)


class _WindowStart(NamedTuple):
    """What a window reads that takes no gradient.

    rows (streams, window) int64 name the row of added at every position; h and c (streams, cells) are the
    state before the window.
    """

    rows: Tensor
    h: Tensor
    c: Tensor


class _StreamPart(NamedTuple):
    """The streams of a window that one thread computes.

    span says which of all streams they are; rows (positions, streams) name the row of added at every
    position; c (streams, cells) is the cell state before the window; record is written by the forward pass.
    """

    span: slice
    rows: NDArray[np.int64]
    c: Floats
    record: WindowRecord


class _Window(torch.autograd.Function):
    """The window of one layer as an autograd function, for cells and inputs in multiples of 32.

    added, inputs, weights, recurrent take gradients, and are those of `_run`. Each thread computes some of
    the streams; the gradients of weights are the sums of those of all threads.
    """

    @staticmethod
    def forward(
        ctx: Any,
        added: Tensor,
        inputs: Tensor | None,
        weights: Tensor | None,
        recurrent: Tensor,
        start: _WindowStart,
    ) -> tuple[Tensor, Tensor]:
        streams, positions = start.rows.shape
        cells, width = start.h.shape[1], 0 if inputs is None else inputs.shape[2]
        matrices = [_floats(matrix) for matrix in (weights, recurrent) if matrix is not None]
        panels, ctx.transposed_panels = _packed(matrices)
        outputs = torch.empty(streams, positions, cells, dtype=torch.bfloat16)
        given = torch.empty(streams, positions, 0) if inputs is None else inputs
        added_rows = _floats(added)
        input_bits, h_bits, output_bits = _bits(given), _bits(start.h), _bits(outputs)
        parts = _parts_of(start, positions, width)

        def work(part: _StreamPart) -> None:
            span, count = part.span, len(part.c)
            x = spaced_rows(count + count % 2, width + cells)
            x[:count, width : width + cells] = h_bits[span]
            into = output_bits[span]
            forward_window(panels, added_rows, part.rows, input_bits[span], x, part.c, part.record, into)

        in_threads(work, parts)
        ctx.parts, ctx.added, ctx.width = parts, (len(added), added.dtype), width
        last_c = torch.from_numpy(np.concatenate([part.record.states[-1] for part in parts]))
        ctx.mark_non_differentiable(last_c)
        return outputs, last_c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        streams, positions, cells = d_outputs.shape
        parts, panels, width, (added_rows, dtype) = ctx.parts, ctx.transposed_panels, ctx.width, ctx.added
        del ctx.parts  # the loop below overwrites the records: a second way back must fail
        d_inputs = torch.empty(streams, positions, width, dtype=torch.bfloat16)
        d_output_bits, d_input_bits = _bits(d_outputs), _bits(d_inputs)
        d_added = np.empty((len(parts), added_rows, 4 * cells), np.float32)
        d_weights = np.empty((len(parts), width + cells, 4 * cells), np.float32)

        def work(number: int) -> None:
            span, rows, c, record = parts[number]
            given, into = d_output_bits[span], d_input_bits[span]
            backward_window(panels, rows, c, record, given, into, d_added[number], d_weights[number])

        in_threads(work, list(range(len(parts))))
        d_input, d_recurrent = _weight_gradients(d_weights, width)
        return (
            torch.from_numpy(d_added.sum(0)).to(dtype),
            d_inputs if width else None,
            torch.from_numpy(d_input) if width else None,
            torch.from_numpy(d_recurrent),
            None,
        )


def _parts_of(start: _WindowStart, positions: int, width: int) -> list[_StreamPart]:
    """Deal the streams of a window to torch's threads; width is the number of inputs."""
    c, rows, cells = _floats(start.c), start.rows.numpy(), start.c.shape[1]
    return [
        _StreamPart(
            span,
            np.ascontiguousarray(rows[span].T),
            c[span],
            window_record(span.stop - span.start, positions, width, cells),
        )
        for span in thread_spans(len(rows), torch.get_num_threads())
    ]


def _weight_gradients(d_weights: Floats, width: int) -> tuple[Floats, Floats]:
    """Sum the gradients of all threads; return those of W (4 cells, width) and of U (4 cells, cells).

    d_weights (threads, width + cells, 4 cells) are the transposed gradients of [W U].
    """
    rows = d_weights.shape[2]
    d_input, d_recurrent = (np.empty((rows, inputs), np.float32) for inputs in (width, rows // 4))
    halves = [(0, rows // 2), (rows // 2, rows)]
    tasks = [(*half, at, into) for at, into in ((0, d_input), (width, d_recurrent)) for half in halves]
    in_threads(lambda task: sum_transposed(d_weights, *task), tasks)
    return d_input, d_recurrent


def _packed(matrices: list[Floats]) -> tuple[Pairs, Pairs]:
    """Pack matrices side by side into panels of pairs; return the panels, and those of the transpose.

    Each matrix is (outputs, inputs) float32. The panels are (outputs / 32, all inputs / 2, 32), and those of
    the transpose (all inputs / 32, outputs / 2, 32).
    """
    outputs, inputs = len(matrices[0]), sum(matrix.shape[1] for matrix in matrices)
    forward = np.empty((outputs // PANEL, inputs // 2, PANEL), np.uint32)
    transposed = np.empty((inputs // PANEL, outputs // 2, PANEL), np.uint32)
    tasks: list[tuple[Any, ...]] = []
    at = 0
    for matrix in matrices:
        for pack, panels, count, place in (
            (pack_pairs, forward, len(forward), at // 2),
            (pack_transposed_pairs, transposed, outputs // 2, at // PANEL),
        ):
            half = count // 2
            tasks += [(pack, matrix, 0, half, place, panels), (pack, matrix, half, count, place, panels)]
        at += matrix.shape[1]
    in_threads(lambda task: task[0](*task[1:]), tasks)
    return forward, transposed


def _floats(tensor: Tensor) -> Floats:
    """Return a tensor's numbers as float32, in its own memory where that is possible."""
    numbers: Floats = tensor.detach().float().contiguous().numpy()
    return numbers


def _bits(tensor: Tensor) -> Bits16:
    """Return the bits of a tensor's numbers as bfloat16, in its own memory where that is possible."""
    bits = tensor.detach().bfloat16().contiguous().view(torch.int16)
    halves: Bits16 = bits.numpy().view(np.uint16)
    return halves
