"""This module multiplies two float32 matrices by the faster of two libraries that torch carries.

`left @ right` calls a library that does not use all of every processor, and oneDNN is faster on many (see
tests/benchmarks/EXPERIMENTS.md). Inspection spends much of its time in such products: the sums in
`accumulators` multiply every cell with every feature.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from charlstm.machine.speed.backend_choice import Choice, preferred

ONEDNN, TORCH = "oneDNN", "torch"
# The matrices of a trial: (rows, inner) and (inner, columns).
_ROWS, _INNER, _COLUMNS = 512, 2048, 512
Product = Callable[[Tensor, Tensor], Tensor]


def product(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right for matrices left (rows, inner) and right (inner, columns) of one dtype.

    float32 matrices on the CPU are multiplied by the library that is faster there, all others by torch; the
    two agree to float32 rounding. The result has no gradient.
    """
    in_question = left.dtype == torch.float32 and left.device.type == "cpu"
    if in_question and left.numel() and right.numel() and matrix_backend().backend == ONEDNN:
        return _by_onednn(left, right)
    return left @ right


def matrix_backend() -> Choice:
    """Return which library multiplies float32 matrices on the CPU: ONEDNN or TORCH."""
    ways = {ONEDNN: partial(_trial, _by_onednn)} if _has_onednn() else {}
    return preferred("products of an inspection", ways | {TORCH: partial(_trial, torch.matmul)})


def _trial(multiply: Product) -> None:
    """Multiply the matrices of a trial."""
    multiply(*_trial_matrices())


@cache
def _trial_matrices() -> tuple[Tensor, Tensor]:
    """Return the matrices of a trial, which are made once, and only where there is one."""
    return torch.ones(_ROWS, _INNER), torch.ones(_INNER, _COLUMNS)


def _has_onednn() -> bool:
    """Return whether this build of torch has oneDNN's linear operator."""
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available and hasattr(torch.ops.mkldnn, "_linear_pointwise"))


def _by_onednn(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right, by oneDNN's linear operator."""
    operator: Any = torch.ops.mkldnn._linear_pointwise.default
    result: Tensor = operator(left.contiguous(), right.t(), None, "none", [], "")
    return result
