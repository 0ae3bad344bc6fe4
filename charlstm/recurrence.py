"""An LSTM layer in training, bfloat16 products on the CPU: compiled loops between one product for each step.

    sums_t  = projected_t + U h_(t-1)              one product for each step, bfloat16
    c, h    = gates, cell state, output            one compiled loop, float32
    dU      = sum over t of dsums_t h_(t-1)'       one product over all positions

The library's layer under autocast reaches half of the processor's rate: it computes the first layer's input
projection, which is a table with one row per character, and repacks its weights. Here nothing but the needed
products is computed. Gates and c stay float32, so that a gate near 1 keeps its small derivative.
"""

from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import float32, prange, types, uint32
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

from charlstm.compiled import Floats, compiled, compiled_parallel, sigmoids

Halves = NDArray[np.uint16]  # bfloat16 as its bits, which numpy has no type for
_ONE, _TWO = np.float32(1), np.float32(2)


@intrinsic  # type: ignore[untyped-decorator]
def _float_of(typing_context: Any, bits: Any) -> Any:
    """The float32 with these 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return float32(types.uint32), generate


@intrinsic  # type: ignore[untyped-decorator]
def _bits_of(typing_context: Any, number: Any) -> Any:
    """The 32 bits of a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return uint32(types.float32), generate


@compiled
def _widened(half: np.uint16) -> np.float32:
    return _float_of(np.uint32(np.uint32(half) << np.uint32(16)))


@compiled
def _halved(number: np.float32) -> np.uint16:
    """The nearest bfloat16, of two the even one."""
    bits = _bits_of(number)
    last = (bits >> np.uint32(16)) & np.uint32(1)
    return np.uint16(np.uint32(bits + np.uint32(0x7FFF) + last) >> np.uint32(16))


@compiled_parallel
def _forward_step(
    sums: Halves, base: Floats, rows: NDArray[np.int64], before: Floats, gates: Floats, c: Floats, h: Halves
) -> None:
    """One step of every stream: sums (streams, 4 cells) is U h, base[rows] the input projection.

    gates (streams, 4 cells) receive i, f, g, o; c and h (streams, cells) what is after the step.
    """
    cells = c.shape[1]
    for stream in prange(sums.shape[0]):
        room = np.empty((2, 4 * cells), np.float32)
        x, gate, projected, product = room[0], gates[stream], base[rows[stream]], sums[stream]
        for k in range(4 * cells):
            x[k] = _widened(product[k]) + projected[k]
        for k in range(2 * cells, 3 * cells):
            x[k] *= _TWO
        sigmoids(x, gate, room[1])
        now, last = c[stream], before[stream]
        for k in range(cells):
            gate[2 * cells + k] = _TWO * gate[2 * cells + k] - _ONE
            now[k] = gate[cells + k] * last[k] + gate[k] * gate[2 * cells + k]
            x[k] = _TWO * now[k]
        sigmoids(x[:cells], x[cells : 2 * cells], room[1, :cells])
        for k in range(cells):
            h[stream, k] = _halved(gate[3 * cells + k] * (_TWO * x[cells + k] - _ONE))


@compiled_parallel
def _backward_step(
    above: Halves, later: Halves, gates: Floats, before: Floats, c: Floats, dc: Floats, dsums: Halves
) -> None:
    """The gradient of one step: above and later (streams, cells) are what reaches h, from outside and by U.

    dc (streams, cells) is the gradient of c after the step and becomes that of c before it.
    """
    cells = c.shape[1]
    for stream in prange(gates.shape[0]):
        room = np.empty((3, cells), np.float32)
        doubled, squashed, gate = room[0], room[1], gates[stream]
        for k in range(cells):
            doubled[k] = _TWO * c[stream, k]
        sigmoids(doubled, squashed, room[2])
        for k in range(cells):
            i, f, g, o = gate[k], gate[cells + k], gate[2 * cells + k], gate[3 * cells + k]
            tanh_c = _TWO * squashed[k] - _ONE
            dh = _widened(above[stream, k]) + _widened(later[stream, k])
            d = dc[stream, k] + dh * o * (_ONE - tanh_c * tanh_c)
            dsums[stream, k] = _halved(d * g * i * (_ONE - i))
            dsums[stream, cells + k] = _halved(d * before[stream, k] * f * (_ONE - f))
            dsums[stream, 2 * cells + k] = _halved(d * i * (_ONE - g * g))
            dsums[stream, 3 * cells + k] = _halved(dh * tanh_c * o * (_ONE - o))
            dc[stream, k] = d * f


@compiled
def _add_rows(dsums: Halves, rows: NDArray[np.int64], total: Floats) -> None:
    """total[rows[n]] += dsums[n] for all n."""
    for n in range(rows.size):
        into, row = total[rows[n]], dsums[n]
        for k in range(row.size):
            into[k] += _widened(row[k])


def _bits(tensor: Tensor) -> Halves:
    return tensor.view(torch.uint16).numpy()


class _Scan(torch.autograd.Function):
    """(outputs, h, c) of a layer from base, rows, recurrent, h and c: see `scan`."""

    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, base: Tensor, rows: Tensor, recurrent: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        window, streams = rows.shape
        cells = recurrent.shape[1]
        half = recurrent.to(torch.bfloat16)
        outputs = torch.empty(window + 1, streams, cells, dtype=torch.bfloat16)
        states = torch.empty(window + 1, streams, cells)
        gates = torch.empty(window, streams, 4 * cells)
        outputs[0], states[0] = h, c
        sums = torch.empty(streams, 4 * cells, dtype=torch.bfloat16)
        arrays = base.numpy(), rows.numpy(), states.numpy(), gates.numpy(), _bits(outputs), _bits(sums)
        bases, row, state, gate, output, sum_bits = arrays
        for t in range(window):
            torch.mm(outputs[t], half.t(), out=sums)
            _forward_step(sum_bits, bases, row[t], state[t], gate[t], state[t + 1], output[t + 1])
        context.save_for_backward(rows, half, outputs, states, gates)
        context.base_rows = len(base)
        return outputs[1:], outputs[-1].float(), states[-1].clone()

    @staticmethod
    def backward(context: Any, above: Tensor, *_: Tensor) -> tuple[Tensor, None, Tensor, None, None]:  # type: ignore[override]
        rows, half, outputs, states, gates = context.saved_tensors
        window, streams, width = gates.shape
        dsums = torch.empty(window, streams, width, dtype=torch.bfloat16)
        later = torch.zeros(streams, width // 4, dtype=torch.bfloat16)
        dc = np.zeros((streams, width // 4), np.float32)
        arrays = _bits(above.contiguous()), gates.numpy(), states.numpy(), _bits(dsums), _bits(later)
        above_bits, gate, state, dsum, later_bits = arrays
        for t in reversed(range(window)):
            _backward_step(above_bits[t], later_bits, gate[t], state[t], state[t + 1], dc, dsum[t])
            torch.mm(dsums[t], half, out=later)
        flat = dsums.view(window * streams, width)
        drecurrent = flat.t() @ outputs[:-1].view(window * streams, -1)
        dbase = torch.zeros(context.base_rows, width)
        _add_rows(_bits(flat), rows.numpy().ravel(), dbase.numpy())
        return dbase, None, drecurrent.float(), None, None


def scan(base: Tensor, rows: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A layer over a window: outputs (window, streams, cells) bfloat16, then h and c (streams, cells) float32.

    base[rows] is the input projection with the bias: base (any, 4 cells) float32, rows (window, streams)
    int64; recurrent (4 cells, cells). Gradients go to base and recurrent; h and c are where the window begins.
    """
    return _Scan.apply(base, rows, recurrent, h, c)  # type: ignore[no-any-return,no-untyped-call]
