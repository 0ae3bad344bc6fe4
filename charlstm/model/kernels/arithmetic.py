"""Element-wise arithmetic of an LSTM step in float32, and conversions between float32 and bfloat16.

The loops are plain arithmetic without calls into a mathematics library, so that the compiler turns them into
vector instructions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from charlstm.model.kernels.jit import Floats, compiled

LOG2_E = np.float32(np.log2(np.e))
ONE, TWO = np.float32(1), np.float32(2)


@compiled
def power_of_two(exponent: np.float32) -> np.float32:
    """Return 2^exponent with a relative error below 6e-6; exponents beyond -126 and 126 count as these.

    With w = floor(exponent), 2^exponent = 2^w * 2^(exponent - w). The first factor is written as the exponent
    bits of a float32. The second is a polynomial in exponent - w with the coefficients of exp2f in the Cephes
    library (S. Moshier). They are fitted to [-1/2, 1/2]: the error is largest where exponent - w is near 1.
    """
    v = min(max(exponent, np.float32(-126)), np.float32(126))
    whole = np.floor(v)
    rest = v - whole
    p = np.float32(1.535336188319500e-4)
    p = p * rest + np.float32(1.339887440266574e-3)
    p = p * rest + np.float32(9.618437357674640e-3)
    p = p * rest + np.float32(5.550332471162809e-2)
    p = p * rest + np.float32(2.402264791363012e-1)
    p = p * rest + np.float32(6.931472028550421e-1)
    scale = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32((p * rest + ONE) * scale)


@compiled
def sigmoids(x: Floats, y: Floats) -> None:
    """Write y = 1 / (1 + e^-x), with an error below 2e-6; x and y are (n,).

    y must not share memory with x: the compiler then cannot use vectors.
    """
    for k in range(x.size):
        y[k] = ONE / (ONE + power_of_two(-LOG2_E * x[k]))


@compiled
def tanhs(x: Floats, y: Floats) -> None:
    """Write y = tanh(x) = 2 / (1 + e^-2x) - 1, with an error below 3e-6; x and y are (n,).

    y must not share memory with x: the compiler then cannot use vectors.
    """
    for k in range(x.size):
        y[k] = TWO / (ONE + power_of_two(np.float32(-2) * LOG2_E * x[k])) - ONE


@compiled
def update_cell_states(i: Floats, f: Floats, g: Floats, c: Floats, c_after: Floats) -> None:
    """Write c' = f * c + i * g into c_after; all are (cells,), and c_after may be c itself."""
    for k in range(c_after.size):
        c_after[k] = f[k] * c[k] + i[k] * g[k]


@compiled
def write_hidden_states(o: Floats, squashed: Floats, h: Floats) -> None:
    """Write h = o * squashed, where squashed is tanh(c); all are (cells,)."""
    for k in range(h.size):
        h[k] = o[k] * squashed[k]


def as_float32(number: Any) -> Any:
    """Return a float32 number unchanged, and the value of a bfloat16 number from its bits (uint16).

    It exists in compiled code only: `_as_float32_by_type` picks the code from the number's type.
    """


@overload(as_float32, inline="always", strict=False)
def _as_float32_by_type(number: Any) -> Callable[[Any], Any]:
    if number == types.uint16:
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: number


@compiled
def bfloat16_bits(number: np.float32) -> np.uint32:
    """Return the 16 bits of the bfloat16 number nearest to a float32 number, the even one in a tie.

    A NaN as processors make it, whose lower 16 bits are zero, stays NaN.
    """
    bits = np.float32(number).view(np.uint32)
    return (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
