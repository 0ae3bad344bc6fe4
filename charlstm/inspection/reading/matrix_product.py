"""This module multiplies two float32 matrices by the faster of two libraries that torch carries.

On x86 processors `left @ right` calls MKL, which does not use all of an AMD processor; oneDNN is faster there
(see tests/benchmarks/EXPERIMENTS.md). Inspection spends much of its time in such products: the sums in
`accumulators` multiply every cell with every feature.
"""

import platform
from typing import Any

import torch
from torch import Tensor

_X86 = platform.machine().lower() in ("x86_64", "amd64")


def product(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right for matrices left (rows, inner) and right (inner, columns) of one dtype.

    float32 matrices on an x86 processor are multiplied by oneDNN, all others by torch; the two agree to
    float32 rounding. The result has no gradient.
    """
    operator = _operator(left) if left.dtype == torch.float32 and left.numel() and right.numel() else None
    if operator is None:
        return left @ right
    result: Tensor = operator(left.contiguous(), right.t(), None, "none", [], "")
    return result


def _operator(matrix: Tensor) -> Any:
    """Return oneDNN's linear operator, or None where it cannot take matrix on this processor or torch."""
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if matrix.device.type != "cpu" or not (_X86 and available and known):
        return None
    return torch.ops.mkldnn._linear_pointwise.default
