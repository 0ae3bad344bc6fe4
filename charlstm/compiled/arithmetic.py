"""Sigmoids, and numbers of 16 bits: what loops do with one number after the other, in vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from charlstm.compiled.compiling import Floats, compiled

LOG2_E = np.float32(np.log2(np.e))
ONE, TWO = np.float32(1), np.float32(2)


@compiled
def powers(x: Floats, factor: np.float32, y: Floats, bits: NDArray[np.int32]) -> None:
    """y times the floats of these bits is 2^(factor x), within 2e-7 of it; it ends at 2^126 and 2^-126.

    2^v is 2^floor(v), written as a float's exponent, times a polynomial in the rest (its coefficients are the
    powers of ln 2 over factorials, fitted to [0, 1)). Plain arithmetic, so that it runs in vectors.
    """
    for k in range(x.size):
        v = min(max(factor * x[k], np.float32(-126)), np.float32(126))
        whole = np.floor(v)
        rest = v - whole
        p = np.float32(1.535336188319500e-4)
        p = p * rest + np.float32(1.339887440266574e-3)
        p = p * rest + np.float32(9.618437357674640e-3)
        p = p * rest + np.float32(5.550332471162809e-2)
        p = p * rest + np.float32(2.402264791363012e-1)
        p = p * rest + np.float32(6.931472028550421e-1)
        y[k] = p * rest + ONE
        bits[k] = (np.int32(whole) + np.int32(127)) << np.int32(23)


@compiled
def sigmoids(x: Floats, y: Floats, bits: NDArray[np.int32], floats: Floats) -> None:
    """y = 1 / (1 + e^-x); bits and floats are room for as many numbers, one memory. Off by less than 2e-7."""
    powers(x, -LOG2_E, y, bits)
    for k in range(x.size):
        y[k] = ONE / (ONE + y[k] * floats[k])


def wide(number: Any) -> Any:
    """A float32 as it is, or what the bits of a bfloat16 stand for."""


@overload(wide, inline="always", strict=False)
def _wide_by_type(number: Any) -> Callable[[Any], Any]:
    if number == types.uint16:
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: number
