"""Sigmoids, and numbers of 16 bits: what loops do with one number after the other, in vectors."""

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
    """2^exponent, within 2e-7 of it; it ends at 2^126 and 2^-126.

    2^v is 2^floor(v), written as a float's exponent, times a polynomial in the rest (its coefficients are the
    powers of ln 2 over factorials, fitted to [0, 1)). Plain arithmetic, so that it runs in vectors.
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
    """y = 1 / (1 + e^-x), off by less than 2e-7. With y in the memory of x it takes ten times as long."""
    for k in range(x.size):
        y[k] = ONE / (ONE + power_of_two(-LOG2_E * x[k]))


@compiled
def tanhs(x: Floats, y: Floats) -> None:
    """y = tanh(x) = 2 / (1 + e^-2x) - 1, likewise."""
    for k in range(x.size):
        y[k] = TWO / (ONE + power_of_two(np.float32(-2) * LOG2_E * x[k])) - ONE


@compiled
def remembered(i: Floats, f: Floats, g: Floats, c: Floats, now: Floats) -> None:
    """now = f c + i g, which may be the memory of c."""
    for k in range(now.size):
        now[k] = f[k] * c[k] + i[k] * g[k]


@compiled
def shown(o: Floats, squashed: Floats, h: Floats) -> None:
    """h = o times the squashed cell state."""
    for k in range(h.size):
        h[k] = o[k] * squashed[k]


def wide(number: Any) -> Any:
    """A float32 as it is, or what the bits of a bfloat16 stand for."""


@overload(wide, inline="always", strict=False)
def _wide_by_type(number: Any) -> Callable[[Any], Any]:
    if number == types.uint16:
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: number


@compiled
def rounded(number: np.float32) -> np.uint32:
    """The bits of the nearest bfloat16, the even one in a tie."""
    bits = np.float32(number).view(np.uint32)
    return (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
