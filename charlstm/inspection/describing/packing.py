"""Packing turns rows of small whole numbers along a text into a short string of JSON."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def whole_127ths(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return values in [-1, 1] as whole 127ths from -127 to 127, in the bits of an int8."""
    return (values * 127).round().astype(np.int8).view(np.uint8)


def packed(rows: NDArray[np.uint8]) -> str:
    """Return rows (rows, characters) of bytes as text.

    Each byte has the one before it in its row subtracted, modulo 256; the bytes, one row after the other, are
    compressed by zlib and encoded in base64.
    """
    differences = np.diff(rows, axis=1, prepend=np.uint8(0))
    return base64.b64encode(zlib.compress(differences.tobytes(), 9)).decode("ascii")
